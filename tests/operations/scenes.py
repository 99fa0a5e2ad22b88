"""What happens at the vendor in front of each trigger: what is there before, what comes, what changes, what goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.operations.vendor import Account

Params = Mapping[str, Any]
Happens = Callable[[Account, Params], str]
"""Lets something happen at the vendor; the key of the record that it happens to."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One trigger's story; `before` makes what its parameters name, and gives them."""

    trigger: str
    before: Callable[[Account], dict[str, Any]] = lambda _: {}
    new: Happens | None = None
    change: Happens | None = None
    gone: Happens | None = None


def keep(a: Account, id_: str) -> str:
    """Remember the record that a scene is about."""
    a.ids["it"] = id_
    return id_


def it(a: Account) -> str:
    """The record that the scene is about."""
    return a.ids["it"]


def already(make: Callable[[Account], Any]) -> Callable[[Account], dict[str, Any]]:
    """Another record is there before; it is no parameter."""

    def before(a: Account) -> dict[str, Any]:
        make(a)
        return {}

    return before


def made(table: str, **data: Any) -> Happens:
    """A record of that kind comes into being, past the API."""
    return lambda a, _: keep(a, a.record(table, "create", **data))


def changed(table: str, **data: Any) -> Happens:
    """It changes, past the API."""
    return lambda a, _: a.record(table, "patch", it(a), **data)


def deleted(table: str) -> Happens:
    """It goes, past the API."""
    return lambda a, _: a.record(table, "delete", it(a))


def put(path: str, **fields: Any) -> Happens:
    """It changes by a PUT; `{it}` in the path is its id, `{name}` a parameter."""

    def change(a: Account, p: Params) -> str:
        a.put(path.format(it=it(a), **p), **fields)
        return it(a)

    return change


def delete(path: str, body: Any = None, **query: Any) -> Happens:
    """It goes by a DELETE; the path is written as for `put`."""

    def go(a: Account, p: Params) -> str:
        a.delete(path.format(it=it(a), **p), body, **query)
        return it(a)

    return go


def in_days(days: float, hour: int = 15) -> str:
    """A full hour that many days from today, in UTC."""
    day = datetime.fromtimestamp(time.time(), UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=days)).isoformat()


# Contacts.


def a_contact(a: Account) -> dict[str, Any]:
    return {"contactId": keep(a, a.contact())}


def of_contact(path: str, name: str, **fields: Any) -> Callable[[Account], dict[str, Any]]:
    """A contact with one thing that hangs on it."""

    def before(a: Account) -> dict[str, Any]:
        contact = a.contact()
        thing = next(v for v in a.post(f"/contacts/{contact}/{path}", fields).values() if isinstance(v, dict))
        return {"contactId": contact, name: keep(a, thing["id"])}

    return before


def a_note_of(a: Account, p: Params) -> str:
    return keep(a, a.post(f"/contacts/{p['contactId']}/notes", {"body": "Call back"})["note"]["id"])


def a_task_of(a: Account, p: Params) -> str:
    body = {"title": "Call", "dueDate": "2026-12-01T10:00:00Z", "completed": False}
    return keep(a, a.post(f"/contacts/{p['contactId']}/tasks", body)["task"]["id"])


def a_member(a: Account, p: Params) -> str:
    contact = keep(a, a.contact())
    a.post("/contacts/bulk/business", ids=[contact], businessId=p["businessId"])
    return contact


def no_member(a: Account, p: Params) -> str:
    a.post("/contacts/bulk/business", ids=[it(a)], businessId=None)
    return it(a)


def another_contact(a: Account, _p: Params) -> str:
    return keep(a, a.contact())


def sought(do: Callable[[Account, str], Any]) -> Happens:
    """Something happens to a contact that is known by its e-mail address."""

    def happens(a: Account, p: Params) -> str:
        do(a, p["email"])
        return str(p["email"])

    return happens


CONTACTS = (
    Scene(
        trigger="ghl.contacts.get",
        before=a_contact,
        change=put("/contacts/{it}", city="Bern"),
        gone=delete("/contacts/{it}"),
    ),
    Scene(
        trigger="ghl.contacts.search",
        before=already(Account.contact),
        new=another_contact,
        change=put("/contacts/{it}", city="Bern"),
        gone=delete("/contacts/{it}"),
    ),
    Scene(
        trigger="ghl.contacts.list",
        before=already(Account.contact),
        new=another_contact,
        change=put("/contacts/{it}", city="Bern"),
        gone=delete("/contacts/{it}"),
    ),
    Scene(
        trigger="ghl.contacts.by_business",
        before=lambda a: {"businessId": a.post("/businesses/", name="Acme")["buiseness"]["id"]},
        new=a_member,
        change=put("/contacts/{it}", tags=["vip"]),
        gone=no_member,
    ),
    Scene(
        trigger="ghl.contacts.duplicate",
        before=lambda a: {"email": "grace@example.com"},
        new=sought(lambda a, email: keep(a, a.contact(email=email))),
        change=sought(lambda a, _: a.put(f"/contacts/{it(a)}", city="Bern")),
        gone=sought(lambda a, _: a.delete(f"/contacts/{it(a)}")),
    ),
    Scene(
        trigger="ghl.contacts.appointments.list",
        before=a_contact,
        new=lambda a, p: keep(a, a.appointment(p["contactId"], in_days(3))),
        change=put("/calendars/events/appointments/{it}", title="Roof"),
        gone=delete("/calendars/events/{it}", {}),
    ),
    Scene(
        trigger="ghl.contacts.tasks.list",
        before=a_contact,
        new=a_task_of,
        change=put("/contacts/{contactId}/tasks/{it}/completed", completed=True),
        gone=delete("/contacts/{contactId}/tasks/{it}"),
    ),
    Scene(
        trigger="ghl.contacts.tasks.get",
        before=of_contact("tasks", "taskId", title="Call", dueDate="2026-12-01T10:00:00Z", completed=False),
        change=put("/contacts/{contactId}/tasks/{it}", title="Call again"),
        gone=delete("/contacts/{contactId}/tasks/{it}"),
    ),
    Scene(
        trigger="ghl.contacts.notes.list",
        before=a_contact,
        new=a_note_of,
        change=put("/contacts/{contactId}/notes/{it}", body="Called"),
        gone=delete("/contacts/{contactId}/notes/{it}"),
    ),
    Scene(
        trigger="ghl.contacts.notes.get",
        before=of_contact("notes", "id", body="Call back"),
        change=put("/contacts/{contactId}/notes/{it}", body="Called"),
        gone=delete("/contacts/{contactId}/notes/{it}"),
    ),
)
