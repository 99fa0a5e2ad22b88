"""Contacts, their appointments, tasks and notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.errors import Garbage
from connections.fields import Email, Phone
from connections.operation import LocationId, get, post
from connections.paging import Keyset, Offset, object_in
from triggers.since import epoch_ms, iso, ranges
from triggers.trigger import Availability, Object, Snapshot, Trigger, Watermark, minutes

CATEGORY = "Contacts"

READ = ("contacts.readonly",)
MOVING = (
    *("traceId", "lastActivity", "lastSessionActivityAt", "dateUpdated", "searchAfter"),
    *("attributionSource", "lastAttributionSource", "attributions"),
)
OF_CONTACTS = ("ContactCreate", "ContactUpdate", "ContactDelete", "ContactDndUpdate", "ContactTagUpdate")
OF_APPOINTMENTS = ("AppointmentCreate", "AppointmentUpdate", "AppointmentDelete")
OF_TASKS = ("TaskCreate", "TaskComplete", "TaskDelete")
OF_NOTES = ("NoteCreate", "NoteUpdate", "NoteDelete")

Words = Annotated[str, Field(description="Words to look for: in the name, e-mail address, phone number or company.")]


class Search(TypedDict, total=False):
    """Which contacts: all of the location unless narrowed."""

    locationId: Required[LocationId]
    query: Words
    filters: Annotated[
        list[dict[str, Any]],
        Field(description="The vendor's filters, each `{field, operator, value}` or `{group: AND | OR, filters}`."),
    ]


class Listing(TypedDict, total=False):
    """Which contacts: all unless narrowed."""

    locationId: Required[LocationId]
    query: Words


class Duplicate(TypedDict, total=False):
    """Whom to look for."""

    locationId: Required[LocationId]
    email: Email
    number: Phone


def match(answer: Any, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The contact that was found, if any; known by what was sought, so that another one in its place is a change."""
    told = object_in(answer)
    contact = told.get("contact")
    if "contact" not in told and told.keys() - {"traceId"}:
        raise Garbage("expected a contact, or null where there is none")
    return [{"sought": inputs.get("email") or inputs.get("number"), **contact}] if contact else []


ROWS = (
    Trigger(
        id="ghl.contacts.get",
        summary="One contact has changed, or is gone",
        fetch=get("/contacts/{contactId}"),
        records="contact",
        strategy=Object(),
        volatile=MOVING,
        default_event="changed",
        scopes=READ,
        wakes=OF_CONTACTS,
    ),
    Trigger(
        id="ghl.contacts.search",
        summary="A contact is new, or has changed",
        fetch=post("/contacts/search", Search),
        records="contacts",
        strategy=Watermark(
            added="dateAdded",
            updated="dateUpdated",
            since=(
                ranges(added="dateAdded", updated="dateUpdated", write=iso),
                ranges(added="dateAdded", updated="dateUpdated", write=epoch_ms),
            ),
        ),
        paging=Keyset(values={"searchAfter": ("last.searchAfter",)}, limit="pageLimit", size=100),
        volatile=MOVING,
        scopes=READ,
        every=minutes(1),
        wakes=OF_CONTACTS,
    ),
    Trigger(
        id="ghl.contacts.by_business",
        summary="A contact of a business is new, has changed, or is gone",
        fetch=get("/contacts/business/{businessId}", Listing),
        records="contacts",
        strategy=Snapshot(version="dateUpdated", added="dateAdded", missing=2),
        paging=Offset(),
        volatile=MOVING,
        scopes=READ,
        every=minutes(15),
        wakes=OF_CONTACTS,
    ),
    Trigger(
        id="ghl.contacts.duplicate",
        summary="A contact with this e-mail address or phone number appears, changes, or disappears",
        fetch=get("/contacts/search/duplicate", Duplicate),
        records="contact",
        key=("sought",),
        strategy=Availability(entries=match, events=("new", "changed", "removed")),
        one_of=("email", "number"),
        volatile=MOVING,
        scopes=READ,
        wakes=OF_CONTACTS,
    ),
    Trigger(
        id="ghl.contacts.appointments.list",
        summary="An appointment of a contact is new, has changed, or is gone",
        fetch=get("/contacts/{contactId}/appointments"),
        records="events",
        strategy=Snapshot(version="dateUpdated", added="dateAdded"),
        scopes=READ,
        wakes=OF_APPOINTMENTS,
    ),
    Trigger(
        id="ghl.contacts.tasks.list",
        summary="A task of a contact is new, has changed, or is gone",
        fetch=get("/contacts/{contactId}/tasks"),
        records="tasks",
        strategy=Snapshot(),
        scopes=READ,
        wakes=OF_TASKS,
    ),
    Trigger(
        id="ghl.contacts.tasks.get",
        summary="One task of a contact has changed, or is gone",
        fetch=get("/contacts/{contactId}/tasks/{taskId}"),
        records="task",
        strategy=Object(),
        default_event="changed",
        scopes=READ,
        wakes=OF_TASKS,
    ),
    Trigger(
        id="ghl.contacts.notes.list",
        summary="A note on a contact is new, has changed, or is gone",
        fetch=get("/contacts/{contactId}/notes"),
        records="notes",
        strategy=Snapshot(added="dateAdded"),
        scopes=READ,
        wakes=OF_NOTES,
    ),
    Trigger(
        id="ghl.contacts.notes.get",
        summary="One note on a contact has changed, or is gone",
        fetch=get("/contacts/{contactId}/notes/{id}"),
        records="note",
        strategy=Object(),
        default_event="changed",
        scopes=READ,
        every=minutes(10),
        wakes=OF_NOTES,
    ),
    Trigger(
        id="ghl.contacts.list",
        summary="A contact is new, by the vendor's older list",
        fetch=get("/contacts/", Listing),
        records="contacts",
        strategy=Watermark(added="dateAdded", events=("new",)),
        paging=Keyset(values={"startAfter": ("meta.startAfter",), "startAfterId": ("meta.startAfterId",)}),
        volatile=MOVING,
        scopes=READ,
        wakes=OF_CONTACTS,
        warning="The vendor has deprecated this list and will remove it: use ghl.contacts.search",
    ),
)
