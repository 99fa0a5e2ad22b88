"""Locations, their custom fields, and the agency."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from connections.fields import Email
from connections.operation import AT_COMPANY, AT_LOCATION, CompanyId, get
from connections.paging import Offset
from triggers.trigger import Object, Snapshot, Trigger, minutes

CATEGORY = "Other Operations"


class Locations(TypedDict, total=False):
    """Which locations: all that the credential may see unless narrowed."""

    companyId: CompanyId
    email: Email


class CustomFields(TypedDict, total=False):
    """Which custom fields: those of contacts unless another model is named."""

    model: Literal["contact", "opportunity", "all"]


ROWS = (
    Trigger(
        id="ghl.locations.list",
        summary="A location is new, has changed, or is gone",
        fetch=get("/locations/search", Locations),
        records="locations",
        strategy=Snapshot(),
        paging=Offset(),
        fixed={"order": "asc"},
        scopes=("locations.readonly",),
        token="either",
        every=minutes(15),
        wakes=("LocationCreate", "LocationUpdate"),
    ),
    Trigger(
        id="ghl.locations.custom_fields.list",
        summary="A custom field is new, has changed, or is gone",
        fetch=get("/locations/{locationId}/customFields", CustomFields, path_from_connection=AT_LOCATION),
        records="customFields",
        strategy=Snapshot(),
        scopes=("locations/customFields.readonly",),
        every=minutes(15),
    ),
    Trigger(
        id="ghl.companies.get",
        summary="The agency has changed, or is gone",
        fetch=get("/companies/{companyId}", path_from_connection=AT_COMPANY),
        records="company",
        strategy=Object(),
        default_event="changed",
        volatile=("traceId", "twilioFreeCredits", "locationCount", "onboardingInfo"),
        scopes=("companies.readonly",),
        token="agency",
        every=minutes(15),
    ),
)
