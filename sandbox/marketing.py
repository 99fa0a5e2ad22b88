"""Campaigns and workflows of a location."""

from __future__ import annotations

from sandbox.route import Call, Route, get
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import pick, times


def _campaigns(call: Call) -> Record:
    status = call.query.get("status")
    found = [each for each in call.state.rows("campaigns", call.location) if status in {None, "", each["status"]}]
    return {"campaigns": [pick(each, "id name status locationId") for each in found]}


def _workflows(call: Call) -> Record:
    found = call.state.rows("workflows", call.location)
    shown = [
        {**pick(each, "id name status version locationId"), **times(each, "createdAt updatedAt")} for each in found
    ]
    return {"workflows": shown}


ROUTES: tuple[Route, ...] = (
    get(
        "/campaigns/",
        _campaigns,
        query=shape("locationId! status"),
        scope="campaigns.readonly",
        lists="campaigns",
    ),
    get("/workflows/", _workflows, query=shape("locationId!"), scope="workflows.readonly", lists="workflows"),
)
