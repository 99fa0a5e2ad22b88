"""Businesses of a location."""

from __future__ import annotations

from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import joined, shape
from sandbox.state import Record
from sandbox.views import times

UPDATE = shape("name phone email postalCode website address state city country description")
CREATE = joined(UPDATE, shape("name! locationId!"))
SOURCE = {"id": "sandbox", "source": "INTEGRATION"}


def view(business: Record) -> Record:
    """A business as the vendor shows it."""
    return {**business, **times(business, "createdAt updatedAt"), "createdBy": SOURCE, "updatedBy": SOURCE}


def _list(call: Call) -> Record:
    skip = call.whole("skip", 0)
    found = list(call.state.rows("businesses", call.location))[skip : skip + call.whole("limit", 100)]
    return {"businesses": [view(business) for business in found]}


def _create(call: Call) -> Record:
    fields = {name: value for name, value in call.body.items() if name != "locationId"}
    return _told(call.state.create("businesses", call.location, fields))


def _read(call: Call) -> Record:
    return {"business": view(call.record("businesses", "businessId"))}


def _update(call: Call) -> Record:
    return _told(call.state.update("businesses", call.record("businesses", "businessId"), call.body))


def _told(business: Record) -> Record:
    return {"success": True, "buiseness": view(business)}  # the vendor's spelling


def _delete(call: Call) -> Record:
    business = call.record("businesses", "businessId")
    for contact in call.state.by_value("contacts", business["locationId"], "businessId", business["id"]):
        call.state.update("contacts", contact, {"businessId": None})
    call.state.remove("businesses", business["id"])
    return {"success": True}


ONE = "/businesses/{businessId}"
ROUTES: tuple[Route, ...] = (
    get(
        "/businesses/",
        _list,
        query=shape("locationId! limit skip"),
        scope="businesses.readonly",
        lists="businesses",
    ),
    post("/businesses/", _create, body=CREATE, ok=201, scope="businesses.write"),
    get(ONE, _read, scope="businesses.readonly"),
    put(ONE, _update, body=UPDATE, scope="businesses.write"),
    delete(ONE, _delete, scope="businesses.write"),
)
