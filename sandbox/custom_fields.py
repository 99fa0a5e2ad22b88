"""Custom fields of a location."""

from __future__ import annotations

from sandbox.route import Call, Route, get
from sandbox.shape import shape
from sandbox.state import Record


def _list(call: Call) -> Record:
    model = call.query.get("model", "contact")
    found = call.state.rows("customFields", call.path["locationId"])
    return {"customFields": [field for field in found if model in {"all", field["model"]}]}


ROUTES: tuple[Route, ...] = (
    get(
        "/locations/{locationId}/customFields",
        _list,
        query=shape("model:contact|opportunity|all"),
        scope="locations/customFields.readonly",
        lists="customFields",
    ),
)
