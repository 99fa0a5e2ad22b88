"""Associations between kinds of record, and the relations that they allow."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe
from connections.operation import InLocation, LocationId, delete, get, post, put
from connections.paging import Offset

CATEGORY = "Other Operations"

WRITE = ("associations.write",)
WRITE_RELATIONS = ("associations/relation.write",)


class Labels(TypedDict, total=False):
    """What each side is called for the other."""

    firstObjectLabel: Required[Annotated[str, Field(description="As in student.")]]
    secondObjectLabel: Required[Annotated[str, Field(description="As in teacher.")]]


class NewAssociation(Labels, total=False):
    """An association that does not exist yet."""

    locationId: Required[LocationId]
    key: Required[Annotated[str, Field(description="Its own name, as in student_teacher; unique in the location.")]]
    firstObjectKey: Required[Annotated[str, Field(description="A kind of record, as in custom_objects.children.")]]
    secondObjectKey: Required[Annotated[str, Field(description="A kind of record, as in contact.")]]


class NewRelation(TypedDict, total=False):
    """A relation that does not exist yet."""

    locationId: Required[LocationId]
    associationId: Required[str]
    firstRecordId: Required[Annotated[str, Field(description="A record of the association's first kind.")]]
    secondRecordId: Required[Annotated[str, Field(description="A record of the association's second kind.")]]


class Relations(TypedDict, total=False):
    """A look at a record's relations of one association."""

    locationId: Required[LocationId]
    associationIds: str


ROWS = (
    Action(
        id="ghl.associations.create",
        summary="Create an association between two kinds of record",
        send=post("/associations/", NewAssociation),
        repeat=Guarded(
            probe=Probe(
                find=get("/associations/key/{key_name}", InLocation),
                records=("association", ""),
                asks={"key_name": "key"},
                same={"firstObjectKey": "firstObjectKey", "secondObjectKey": "secondObjectKey"},
            )
        ),
        returns="id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.associations.update",
        summary="Change the labels of an association",
        send=put("/associations/{associationId}", Labels),
        returns="id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.associations.delete",
        summary="Delete an association and all its relations",
        send=delete("/associations/{associationId}"),
        missing_is_done=True,
        scopes=WRITE,
        warning="The vendor's own associations cannot be deleted",
    ),
    Action(
        id="ghl.associations.relations.create",
        summary="Relate two records",
        send=post("/associations/relations", NewRelation),
        repeat=Guarded(
            probe=Probe(
                find=get("/associations/relations/{recordId}", Relations),
                records=("relations", "data", ""),
                asks={"recordId": "firstRecordId", "associationIds": "associationId"},
                paging=Offset(),
                same={
                    "associationId": "associationId",
                    "firstRecordId": "firstRecordId",
                    "secondRecordId": "secondRecordId",
                },
            )
        ),
        returns="id",
        scopes=WRITE_RELATIONS,
    ),
    Action(
        id="ghl.associations.relations.delete",
        summary="Delete a relation",
        send=delete("/associations/relations/{relationId}", query=InLocation),
        missing_is_done=True,
        scopes=WRITE_RELATIONS,
    ),
)
