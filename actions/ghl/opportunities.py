"""Opportunities and who follows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe
from connections.fields import Number, OpportunityFields
from connections.names import PipelineId, StageId, UserId, UserIds
from connections.operation import LocationId, delete, get, post, put

CATEGORY = "Opportunities"

WRITE = ("opportunities.write",)

Status = Literal["open", "won", "lost", "abandoned"]


class Details(TypedDict, total=False):
    """What every opportunity may have."""

    pipelineStageId: Annotated[StageId, Field(description="The stage of the pipeline; the first by default.")]
    monetaryValue: Annotated[Number, Field(description="What it is worth.")]
    assignedTo: Annotated[UserId, Field(description="The user who looks after it.")]


class NewOpportunity(Details, total=False):
    """An opportunity that does not exist yet."""

    pipelineId: Required[PipelineId]
    locationId: Required[LocationId]
    name: Required[str]
    status: Required[Status]
    contactId: Required[str]
    customFields: OpportunityFields


class Opportunity(Details, total=False):
    """An opportunity's fields that change."""

    pipelineId: PipelineId
    name: str
    status: Status
    customFields: OpportunityFields


class UpsertedOpportunity(Details, total=False):
    """An opportunity that may exist."""

    id: Annotated[str, Field(description="The opportunity, where its id is known.")]
    contactId: Annotated[str, Field(description="The contact whose open opportunity it is.")]
    pipelineId: Required[PipelineId]
    locationId: Required[LocationId]
    name: str
    status: Status
    lostReasonId: str
    followers: UserIds
    isRemoveAllFollowers: bool
    followersActionType: Annotated[Literal["add", "remove"], Field(description="What happens with `followers`.")]


class StatusChange(TypedDict, total=False):
    """What becomes of an opportunity."""

    status: Required[Status]
    lostReasonId: Annotated[str, Field(description="Why it was lost.")]


class Followers(TypedDict, total=False):
    """Who follows it."""

    followers: Required[UserIds]


class Removal(TypedDict, total=False):
    """How many stop following it."""

    isRemoveAllFollowers: Annotated[bool, Field(description="True removes all of them.")]


class OfContact(TypedDict, total=False):
    """A look at a contact's opportunities in a pipeline."""

    location_id: Required[LocationId]
    pipeline_id: str
    contact_id: str


ROWS = (
    Action(
        id="ghl.opportunities.create",
        summary="Create an opportunity",
        send=post("/opportunities/", NewOpportunity),
        repeat=Guarded(
            probe=Probe(
                find=get("/opportunities/search", OfContact),
                records="opportunities",
                asks={"contact_id": "contactId", "pipeline_id": "pipelineId"},
                fixed={"status": "all", "order": "added_desc", "limit": 100},
                same={"name": "name"},
                since="createdAt",
                settles=timedelta(seconds=30),
            ),
            refusals={"OPPORTUNITY_NO_DUPLICATE": "meta.existingId"},
        ),
        returns="opportunity.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.opportunities.update",
        summary="Change an opportunity",
        send=put("/opportunities/{id}", Opportunity),
        returns="opportunity.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.opportunities.delete",
        summary="Delete an opportunity",
        send=delete("/opportunities/{id}"),
        missing_is_done=True,
        scopes=WRITE,
    ),
    Action(
        id="ghl.opportunities.set_status",
        summary="Mark an opportunity as open, won, lost or abandoned",
        send=put("/opportunities/{id}/status", StatusChange),
        scopes=WRITE,
    ),
    Action(
        id="ghl.opportunities.upsert",
        summary="Update the opportunity of this id or contact, or create it",
        send=post("/opportunities/upsert", UpsertedOpportunity),
        returns="opportunity.id",
        one_of=("id", "contactId"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.opportunities.followers.add",
        summary="Let users follow an opportunity",
        send=post("/opportunities/{id}/followers", Followers),
        returns="followers",
        scopes=WRITE,
    ),
    Action(
        id="ghl.opportunities.followers.remove",
        summary="Stop users from following an opportunity",
        send=delete("/opportunities/{id}/followers", Followers, query=Removal),
        returns="followers",
        scopes=WRITE,
    ),
)
