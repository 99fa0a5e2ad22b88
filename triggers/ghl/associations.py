"""Associations between kinds of record, and the relations that they allow."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.operation import InLocation, LocationId, get
from connections.paging import Offset
from triggers.trigger import Object, Snapshot, Trigger, minutes

CATEGORY = "Other Operations"

READ = ("associations.readonly",)
OF_ASSOCIATIONS = ("AssociationCreate", "AssociationUpdate", "AssociationDelete")
# documents show a single association where answers hold a list of them
LISTED = ("associations", "data", "")


class ByKey(TypedDict, total=False):
    """Where to look."""

    locationId: LocationId


class Relations(TypedDict, total=False):
    """Which relations: all of the record unless narrowed."""

    locationId: Required[LocationId]
    associationIds: Annotated[list[str], Field(description="Only relations of these associations.")]


ROWS = (
    Trigger(
        id="ghl.associations.list",
        summary="An association is new, has changed, or is gone",
        fetch=get("/associations/", InLocation),
        records=LISTED,
        strategy=Snapshot(),
        paging=Offset(),
        scopes=READ,
        every=minutes(15),
        wakes=OF_ASSOCIATIONS,
    ),
    Trigger(
        id="ghl.associations.get",
        summary="One association has changed, or is gone",
        fetch=get("/associations/{associationId}"),
        strategy=Object(),
        default_event="changed",
        scopes=READ,
        every=minutes(15),
        wakes=OF_ASSOCIATIONS,
    ),
    Trigger(
        id="ghl.associations.get_by_key",
        summary="The association with this key is there, has changed, or is gone",
        fetch=get("/associations/key/{key_name}", InLocation),
        records=("association", ""),
        strategy=Object(events=("new", "changed", "removed")),
        default_event="changed",
        scopes=READ,
        every=minutes(15),
        wakes=OF_ASSOCIATIONS,
    ),
    Trigger(
        id="ghl.associations.by_object_key",
        summary="An association of a kind of record is new, has changed, or is gone",
        fetch=get("/associations/objectKey/{objectKey}", ByKey),
        records=LISTED,
        strategy=Snapshot(),
        scopes=READ,
        every=minutes(15),
        wakes=OF_ASSOCIATIONS,
    ),
    Trigger(
        id="ghl.associations.relations.by_record",
        summary="A relation of a record is new, or is gone",
        fetch=get("/associations/relations/{recordId}", Relations),
        records=("relations", "data", ""),
        strategy=Snapshot(events=("new", "removed")),
        paging=Offset(),
        scopes=("associations/relation.readonly",),
        every=minutes(10),
        wakes=("RelationCreate", "RelationDelete"),
    ),
)
