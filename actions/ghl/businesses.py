"""Businesses that contacts belong to."""

from __future__ import annotations

from typing import Required

from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe
from connections.fields import Email, Phone
from connections.operation import InLocation, LocationId, delete, get, post, put
from connections.paging import Offset

CATEGORY = "Businesses"

WRITE = ("businesses.write",)


class Details(TypedDict, total=False):
    """What every business may have."""

    phone: Phone
    email: Email
    website: str
    address: str
    city: str
    state: str
    postalCode: str
    country: str
    description: str


class NewBusiness(Details, total=False):
    """A business that does not exist yet."""

    name: Required[str]
    locationId: Required[LocationId]


class Business(Details, total=False):
    """A business's fields that change."""

    name: str


ROWS = (
    Action(
        id="ghl.businesses.create",
        summary="Create a business",
        send=post("/businesses/", NewBusiness),
        repeat=Guarded(
            probe=Probe(
                find=get("/businesses/", InLocation),
                records="businesses",
                paging=Offset(),
                same={"name": "name"},
                since="createdAt",
            )
        ),
        # the first is how the vendor spells it
        returns=("buiseness.id", "business.id", "id"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.businesses.update",
        summary="Change a business",
        send=put("/businesses/{businessId}", Business),
        returns=("buiseness.id", "business.id"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.businesses.delete",
        summary="Delete a business",
        send=delete("/businesses/{businessId}"),
        missing_is_done=True,
        scopes=WRITE,
    ),
)
