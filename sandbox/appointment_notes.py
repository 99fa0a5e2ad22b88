"""Notes on an appointment."""

from __future__ import annotations

from typing import Any

from sandbox.refusal import missing
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import pick, times

NOTE = shape("userId body!:text<=5000")


def view(call: Call, note: Record) -> Record:
    """A note as the vendor shows it."""
    user = call.state.find("users", note.get("userId", "")) or {"id": "", "name": ""}
    author = {"createdBy": {"id": user["id"], "name": user["name"]}}
    return {**pick(note, "id body userId contactId"), **times(note, "dateAdded"), **author}


def _own(call: Call) -> Record:
    appointment = call.record("appointments", "appointmentId")
    note = call.record("appointmentNotes", "noteId")
    if note["appointmentId"] != appointment["id"]:
        raise missing("Note", note["id"])
    return note


def _list(call: Call) -> Record:
    appointment = call.record("appointments", "appointmentId")
    found = call.state.by_value("appointmentNotes", appointment["locationId"], "appointmentId", appointment["id"])
    start, limit = call.whole("offset", 0), call.whole("limit", 20)
    page = found[::-1][start : start + limit]
    return {"notes": [view(call, note) for note in page], "hasMore": start + limit < len(found)}


def _create(call: Call) -> Record:
    appointment = call.record("appointments", "appointmentId")
    links = {"appointmentId": appointment["id"], "contactId": appointment["contactId"]}
    note = call.state.create("appointmentNotes", appointment["locationId"], {**call.body, **links})
    return {"note": view(call, note)}


def _update(call: Call) -> Record:
    return {"note": view(call, call.state.update("appointmentNotes", _own(call), call.body))}


def _delete(call: Call) -> Record:
    call.state.remove("appointmentNotes", _own(call)["id"])
    return {"success": True}


ALL, ONE = "/calendars/appointments/{appointmentId}/notes", "/calendars/appointments/{appointmentId}/notes/{noteId}"
SET: dict[str, Any] = {"version": "2021-04-15", "scope": "calendars/events.write"}
ROUTES: tuple[Route, ...] = (
    get(
        ALL,
        _list,
        query=shape("limit!:count<=20 offset!:offset"),
        version="2021-04-15",
        scope="calendars/events.readonly",
        lists="appointmentNotes",
    ),
    post(ALL, _create, body=NOTE, ok=201, **SET),
    put(ONE, _update, body=NOTE, **SET),
    delete(ONE, _delete, **SET),
)
