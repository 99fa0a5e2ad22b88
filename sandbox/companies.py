"""The agency itself, and its snapshots."""

from __future__ import annotations

from sandbox.route import Call, Route, get
from sandbox.seeds import found
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import pick


def _read(call: Call) -> Record:
    company = found(call.state, call.path["companyId"])
    count = len(list(call.state.rows("locations", company["id"])))
    shown = {name: value for name, value in company.items() if name not in {"companyId", "locationId"}}
    return {"company": {**shown, "locationCount": count}}


def _snapshots(call: Call) -> Record:
    found(call.state, call.query["companyId"])
    return {"snapshots": [pick(each, "id name type") for each in call.state.rows("snapshots", call.query["companyId"])]}


ROUTES: tuple[Route, ...] = (
    get("/companies/{companyId}", _read, scope="companies.readonly", access="agency"),
    get(
        "/snapshots/",
        _snapshots,
        query=shape("companyId!"),
        scope="snapshots.readonly",
        access="agency",
        lists="snapshots",
    ),
)
