"""Workflows, campaigns and snapshots: what an account automates with."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.operation import InCompany, InLocation, LocationId, get
from triggers.trigger import Snapshot, Trigger, minutes

CATEGORY = "Workflows & Campaigns"


class Campaigns(TypedDict, total=False):
    """Which campaigns: all of the location unless narrowed."""

    locationId: Required[LocationId]
    status: Annotated[str, Field(description="Only this status, as in draft or published.")]


ROWS = (
    Trigger(
        id="ghl.workflows.list",
        summary="A workflow is new, has changed, or is gone",
        fetch=get("/workflows/", InLocation),
        records="workflows",
        strategy=Snapshot(added="createdAt"),
        # the digest then moves with `version` and `status`
        volatile=("traceId", "updatedAt"),
        scopes=("workflows.readonly",),
        every=minutes(15),
    ),
    Trigger(
        id="ghl.snapshots.list",
        summary="A snapshot of the agency is new, has changed, or is gone",
        fetch=get("/snapshots/", InCompany),
        records="snapshots",
        strategy=Snapshot(),
        scopes=("snapshots.readonly",),
        token="agency",
        every=minutes(15),
    ),
    Trigger(
        id="ghl.campaigns.list",
        summary="A campaign is new, has changed, or is gone",
        fetch=get("/campaigns/", Campaigns),
        records="campaigns",
        strategy=Snapshot(),
        scopes=("campaigns.readonly",),
        every=minutes(15),
        wakes=("CampaignStatusUpdate",),
    ),
)
