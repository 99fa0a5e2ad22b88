"""Notes on a contact."""

from __future__ import annotations

from sandbox.refusal import missing
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import pick, times

CREATE = shape("body! userId title color pinned:bool")
UPDATE = shape("body userId title color pinned:bool")


def view(note: Record) -> Record:
    """A note as the vendor shows it: when it was added, not when it was changed."""
    return {**pick(note, "id body userId contactId title color pinned"), **times(note, "dateAdded")}


def _own(call: Call) -> Record:
    contact = call.record("contacts", "contactId")
    note = call.record("notes", "id")
    if note["contactId"] != contact["id"]:
        raise missing("Note", note["id"])
    return note


def _list(call: Call) -> Record:
    contact = call.record("contacts", "contactId")
    found = call.state.by_value("notes", contact["locationId"], "contactId", contact["id"])
    return {"notes": [view(note) for note in reversed(found)]}


def _create(call: Call) -> Record:
    contact = call.record("contacts", "contactId")
    fields = {name: value for name, value in call.body.items() if value is not None}
    note = call.state.create("notes", contact["locationId"], {**fields, "contactId": contact["id"]})
    return {"note": view(note)}


def _read(call: Call) -> Record:
    return {"note": view(_own(call))}


def _update(call: Call) -> Record:
    return {"note": view(call.state.update("notes", _own(call), call.body))}


def _delete(call: Call) -> Record:
    call.state.remove("notes", _own(call)["id"])
    return {"succeded": True}


ONE = "/contacts/{contactId}/notes/{id}"
ROUTES: tuple[Route, ...] = (
    get("/contacts/{contactId}/notes", _list, scope="contacts.readonly"),
    post("/contacts/{contactId}/notes", _create, body=CREATE, ok=201, scope="contacts.write"),
    get(ONE, _read, scope="contacts.readonly"),
    put(ONE, _update, body=UPDATE, scope="contacts.write"),
    delete(ONE, _delete, scope="contacts.write"),
)
