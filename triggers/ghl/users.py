"""Users of a location or an agency."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.fields import Comma, Email, Joined
from connections.operation import CompanyId, InLocation, LocationId, get, post
from connections.paging import Offset
from triggers.trigger import Object, Snapshot, Trigger, minutes

CATEGORY = "Users"

READ = ("users.readonly",)
OF_USERS = ("UserCreate",)


class Search(TypedDict, total=False):
    """Which users: all of the location, or of the agency where the connection has no location, unless narrowed."""

    companyId: Required[CompanyId]
    locationId: LocationId
    query: Annotated[str, Field(description="Words to look for: in the name, e-mail address or phone number.")]
    type: Annotated[str, Field(description="Only this type of user, as in agency.")]
    role: Annotated[str, Field(description="Only this role, as in admin.")]
    ids: Annotated[Comma, Field(description="Only these users.")]
    enabled2waySync: bool


class ByEmail(TypedDict, total=False):
    """Which users, by e-mail address."""

    companyId: Required[CompanyId]
    emails: Required[Annotated[list[Email], Joined(), Field(min_length=1, description="The e-mail addresses.")]]
    deleted: Annotated[bool, Field(description="Deleted users instead.")]
    projection: Annotated[
        Comma, Field(description="The fields of a user to tell, or `all`; id and e-mail address by default.")
    ]


ROWS = (
    Trigger(
        id="ghl.users.search",
        summary="A user is new, has changed, or is gone",
        fetch=get("/users/search", Search),
        records="users",
        strategy=Snapshot(),
        paging=Offset(),
        scopes=READ,
        token="either",
        every=minutes(15),
        wakes=OF_USERS,
    ),
    Trigger(
        id="ghl.users.filter_by_email",
        summary="A user with one of these e-mail addresses is new, has changed, or is gone",
        fetch=post("/users/search/filter-by-email", ByEmail),
        records="users",
        strategy=Snapshot(),
        paging=Offset(as_text=True),
        scopes=READ,
        token="agency",
        every=minutes(15),
        wakes=OF_USERS,
    ),
    Trigger(
        id="ghl.users.get",
        summary="One user has changed, or is gone",
        fetch=get("/users/{userId}"),
        strategy=Object(),
        default_event="changed",
        scopes=READ,
        token="either",
        every=minutes(15),
    ),
    Trigger(
        id="ghl.users.by_location",
        summary="A user of the location is new, has changed, or is gone, by the vendor's older list",
        fetch=get("/users/", InLocation),
        records="users",
        strategy=Snapshot(),
        scopes=READ,
        every=minutes(15),
        wakes=OF_USERS,
        warning="The vendor has deprecated this list and will remove it: use ghl.users.search",
    ),
)
