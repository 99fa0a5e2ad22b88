"""Rooms and equipment that calendars book along."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe
from connections.fields import Number
from connections.names import Named
from connections.operation import InLocation, LocationId, delete, get, post, put
from connections.paging import Offset

CATEGORY = "Calendars & Appointments"

VERSION = "2021-04-15"
WRITE = ("calendars/resources.write",)
KINDS = {"resourceType": ("equipments", "rooms")}
ENDING = "The vendor's next API version drops rooms and equipment"

Quantity = Annotated[Number, Field(description="How many there are of the equipment.")]
OutOfService = Annotated[Number, Field(description="How many of the equipment cannot be used.")]
Capacity = Annotated[Number, Field(description="How many people the room takes.")]
CalendarIds = Annotated[
    list[str],
    Named("calendar"),
    Field(max_length=100, description="Service calendars; equipment takes one only."),
]


class NewResource(TypedDict, total=False):
    """A room or equipment that does not exist yet."""

    locationId: Required[LocationId]
    name: Required[str]
    description: Required[str]
    quantity: Required[Quantity]
    outOfService: Required[OutOfService]
    capacity: Required[Capacity]
    calendarIds: Required[CalendarIds]


class Resource(TypedDict, total=False):
    """The fields of a room or equipment that change."""

    locationId: LocationId
    name: str
    description: str
    quantity: Quantity
    outOfService: OutOfService
    capacity: Capacity
    calendarIds: CalendarIds
    isActive: bool


ROWS = (
    Action(
        id="ghl.calendars.resources.create",
        summary="Add a room or equipment",
        send=post("/calendars/resources/{resourceType}", NewResource, enums=KINDS, version=VERSION),
        repeat=Guarded(
            probe=Probe(
                find=get("/calendars/resources/{resourceType}", InLocation, enums=KINDS, version=VERSION),
                records=("resources", "data", ""),
                asks={"resourceType": "resourceType"},
                paging=Offset(),
                same={"name": "name"},
                id="_id|id",
            )
        ),
        returns=("_id", "id"),
        scopes=WRITE,
        warning=ENDING,
    ),
    Action(
        id="ghl.calendars.resources.update",
        summary="Change a room or equipment",
        send=put("/calendars/resources/{resourceType}/{id}", Resource, enums=KINDS, version=VERSION),
        returns=("_id", "id"),
        scopes=WRITE,
        warning=ENDING,
    ),
    Action(
        id="ghl.calendars.resources.delete",
        summary="Delete a room or equipment",
        send=delete("/calendars/resources/{resourceType}/{id}", enums=KINDS, version=VERSION),
        missing_is_done=True,
        scopes=WRITE,
        warning=ENDING,
    ),
)
