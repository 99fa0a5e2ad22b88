"""Contacts in workflows, with followers and in businesses."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Bulk, Unsafe
from connections.fields import DateTime
from connections.names import UserIds
from connections.operation import LocationId, delete, post

CATEGORY = "Workflows & Campaigns"

WRITE = ("contacts.write",)


class Entry(TypedDict, total=False):
    """When a contact enters a workflow."""

    eventStartTime: Annotated[DateTime, Field(description="The time that the workflow's own waits refer to.")]


class Followers(TypedDict, total=False):
    """Who follows a contact."""

    followers: Required[UserIds]


class Membership(TypedDict, total=False):
    """Which contacts belong to a business."""

    locationId: Required[LocationId]
    ids: Required[list[Annotated[str, Field(max_length=50, description="The id of a contact.")]]]
    businessId: Required[Annotated[str | None, Field(description="The business; null takes them out of theirs.")]]


ROWS = (
    Action(
        id="ghl.workflows.contacts.add",
        summary="Add a contact to a workflow",
        send=post("/contacts/{contactId}/workflow/{workflowId}", Entry),
        repeat=Unsafe(),
        scopes=WRITE,
    ),
    Action(
        id="ghl.workflows.contacts.remove",
        summary="Remove a contact from a workflow",
        send=delete("/contacts/{contactId}/workflow/{workflowId}", Entry),
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.followers.add",
        summary="Let users follow a contact",
        send=post("/contacts/{contactId}/followers", Followers),
        returns="followers",
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.followers.remove",
        summary="Stop users from following a contact",
        send=delete("/contacts/{contactId}/followers", Followers),
        returns="followers",
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.business.bulk_update",
        summary="Put contacts into a business, or take them out of theirs",
        send=post("/contacts/bulk/business", Membership),
        returns="ids",
        # "maximum 50", says the vendor's page of the operation; its OpenAPI document does not
        bulk=Bulk(field="ids", limit=50),
        scopes=WRITE,
    ),
)
