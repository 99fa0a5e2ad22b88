"""Opportunities and their pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.names import PipelineId, StageId, UserId
from connections.operation import InLocation, LocationId, get, post
from connections.paging import Keyset
from triggers.since import iso, ranges
from triggers.trigger import Object, Snapshot, Trigger, Watermark, minutes

CATEGORY = "Opportunities"

READ = ("opportunities.readonly",)
OF_OPPORTUNITIES = (
    *("OpportunityCreate", "OpportunityUpdate", "OpportunityDelete", "OpportunityStageUpdate"),
    *("OpportunityStatusUpdate", "OpportunityMonetaryValueUpdate", "OpportunityAssignedToUpdate"),
)
MOVING = ("traceId", "indexVersion", "lastActionDate", "sort", "searchAfter", "contact", "updatedAt")
COLUMNS = {
    "pipelineId": "pipeline_id",
    "pipelineStageId": "pipeline_stage_id",
    "assignedTo": "assigned_to",
    "contactId": "contact_id",
    "status": "status",
}


class Search(TypedDict, total=False):
    """Which opportunities: all of the location unless narrowed."""

    locationId: Required[LocationId]
    query: Annotated[str, Field(description="Words to look for.")]
    pipelineId: PipelineId
    pipelineStageId: StageId
    status: Literal["open", "won", "lost", "abandoned", "all"]
    assignedTo: Annotated[UserId, Field(description="The user who looks after it.")]
    contactId: str


def as_filters(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The search's body: what narrows it is a list of filters."""
    filters = [
        {"field": column, "operator": "eq", "value": fields[name]}
        for name, column in COLUMNS.items()
        if name in fields and fields[name] != "all"
    ]
    rest = {name: value for name, value in fields.items() if name not in COLUMNS}
    return {**rest, "filters": filters} if filters else rest


def as_columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The older list's query: the same things by other names; without a status it shows open ones only."""
    names = {**COLUMNS, "locationId": "location_id", "query": "q"}
    return {"status": "all", **{names[name]: value for name, value in fields.items()}}


ROWS = (
    Trigger(
        id="ghl.opportunities.search",
        summary="An opportunity is new, or has changed",
        fetch=post("/opportunities/search", Search, write=as_filters),
        records="opportunities",
        strategy=Watermark(
            added="createdAt",
            updated="updatedAt",
            since=(ranges(added="date_added", updated="date_updated", write=iso),),
        ),
        paging=Keyset(values={"searchAfter": ("last.sort", "last.searchAfter")}),
        volatile=MOVING,
        scopes=READ,
        every=minutes(1),
        wakes=OF_OPPORTUNITIES,
        fallback=Trigger(
            id="ghl.opportunities.search",
            summary="An opportunity is new, by the vendor's older list",
            fetch=get("/opportunities/search", Search, write=as_columns),
            records="opportunities",
            strategy=Watermark(added="createdAt", events=("new",)),
            paging=Keyset(values={"startAfter": ("meta.startAfter",), "startAfterId": ("meta.startAfterId",)}),
            fixed={"order": "added_desc"},
            volatile=MOVING,
            scopes=READ,
        ),
    ),
    Trigger(
        id="ghl.opportunities.get",
        summary="One opportunity has changed, or is gone",
        fetch=get("/opportunities/{id}"),
        records="opportunity",
        strategy=Object(),
        default_event="changed",
        volatile=("traceId", "indexVersion", "lastActionDate", "updatedAt", "contact"),
        scopes=READ,
        every=minutes(2),
        wakes=OF_OPPORTUNITIES,
    ),
    Trigger(
        id="ghl.opportunities.pipelines.list",
        summary="A pipeline is new, has changed, or is gone",
        fetch=get("/opportunities/pipelines", InLocation),
        records="pipelines",
        strategy=Snapshot(),
        scopes=READ,
        every=minutes(15),
    ),
)
