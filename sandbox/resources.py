"""Rooms and equipment that calendars share."""

from __future__ import annotations

from typing import Any

from sandbox.refusal import missing
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import pick

CREATE = shape(
    "locationId! name! description! quantity!:number outOfService!:number capacity!:number calendarIds!:[text]"
)
UPDATE = shape(
    "locationId name description quantity:number outOfService:number capacity:number calendarIds:[text] isActive:bool"
)
SHOWN = "locationId name resourceType isActive description quantity outOfService capacity calendarIds"


def view(resource: Record) -> Record:
    """A resource as the vendor shows it, with the id that its document forgets."""
    return {"_id": resource["id"], **pick(resource, SHOWN)}


def _own(call: Call) -> Record:
    found = call.record("resources", "id")
    if found["resourceType"] != call.path["resourceType"]:
        raise missing("Resource", found["id"])
    return found


def _list(call: Call) -> list[Record]:
    kind, skip = call.path["resourceType"], call.whole("skip", 0)
    found = [each for each in call.state.rows("resources", call.location) if each["resourceType"] == kind]
    return [view(each) for each in found[skip : skip + call.whole("limit", 100)]]


def _create(call: Call) -> Record:
    kind = {"resourceType": call.path["resourceType"]}
    return view(call.state.create("resources", call.location, {**call.body, **kind}))


def _read(call: Call) -> Record:
    return view(_own(call))


def _update(call: Call) -> Record:
    changes = {name: value for name, value in call.body.items() if name != "locationId"}
    shown = view(call.state.update("resources", _own(call), changes))
    return {name: value for name, value in shown.items() if name != "calendarIds"}


def _delete(call: Call) -> Record:
    call.state.remove("resources", _own(call)["id"])
    return {"success": True}


ALL, ONE = "/calendars/resources/{resourceType}", "/calendars/resources/{resourceType}/{id}"
BOTH: dict[str, Any] = {"version": "2021-04-15", "enums": {"resourceType": ("equipments", "rooms")}}
GET: dict[str, Any] = {**BOTH, "scope": "calendars/resources.readonly"}
SET: dict[str, Any] = {**BOTH, "scope": "calendars/resources.write"}
ROUTES: tuple[Route, ...] = (
    get(ALL, _list, query=shape("locationId! limit!:count skip!:offset"), lists="resources", **GET),
    post(ALL, _create, body=CREATE, ok=201, **SET),
    get(ONE, _read, **GET),
    put(ONE, _update, body=UPDATE, **SET),
    delete(ONE, _delete, **SET),
)
