"""The deeds around calendars: groups, appointments, notes, notifications, rooms."""

from __future__ import annotations

from typing import Any

from tests.operations.deeds import NOBODY, Deed, changes, makes, removes, same, unknown
from tests.operations.scenes import in_days
from tests.operations.vendor import Account


def group(a: Account) -> str:
    return str(a.post("/calendars/groups", name="North", description="-", slug="north")["group"]["id"])


def second_calendar(a: Account) -> str:
    return str(a.post("/calendars/", name="Second visit")["calendar"]["id"])


def booking(a: Account) -> str:
    return a.appointment(a.contact(), in_days(3))


def block(a: Account) -> str:
    times = {"startTime": in_days(3, 15), "endTime": in_days(3, 16)}
    return str(a.post("/calendars/events/block-slots", calendarId=a.first("calendars"), title="Fair", **times)["id"])


def booking_note(a: Account) -> dict[str, Any]:
    appointment = booking(a)
    note = a.post(f"/calendars/appointments/{appointment}/notes", {"body": "Ring"})["note"]["id"]
    return {"appointmentId": appointment, "noteId": note}


def notification(a: Account) -> dict[str, Any]:
    calendar = a.first("calendars")
    kind = {"receiverType": "contact", "channel": "email", "notificationType": "reminder"}
    made = a.post(f"/calendars/{calendar}/notifications", [kind])[0]["_id"]
    return {"calendarId": calendar, "notificationId": made}


ROOM = {"name": "Hall", "description": "-", "quantity": 1, "outOfService": 0, "capacity": 20, "calendarIds": []}


def room(a: Account) -> dict[str, Any]:
    return {"resourceType": "rooms", "id": a.post("/calendars/resources/rooms", **ROOM)["_id"]}


def slot_of(a: Account, inputs: dict[str, Any]) -> dict[str, Any]:
    """Somebody else takes the slot."""
    a.appointment(a.contact(), inputs["startTime"])
    return inputs


CALENDARS = (
    makes(
        "ghl.calendars.groups.create",
        "groups",
        {"slug": "slug"},
        lambda _: {"name": "South", "description": "-", "slug": "south"},
        refused=lambda a, inputs: {**inputs, "slug": a.one("groups", group(a))["slug"]},
        words="A group with the slug north already exists",
    ),
    changes(
        "ghl.calendars.groups.update",
        "groups",
        "groupId",
        lambda a: {"groupId": group(a), "name": "Far north", "description": "-", "slug": "north"},
        field="name",
        before="North",
        after="Far north",
        result=same("groupId"),
    ),
    changes(
        "ghl.calendars.groups.set_status",
        "groups",
        "groupId",
        lambda a: {"groupId": group(a), "isActive": False},
        field="isActive",
        before=True,
        after=False,
    ),
    removes("ghl.calendars.groups.delete", "groups", "groupId", lambda a: {"groupId": group(a)}),
    Deed(
        action="ghl.calendars.groups.validate_slug",
        given=lambda _: {"slug": "free"},
        seen=lambda a, _: len(a.held("groups")),
        before=1,
        after=1,
        result=lambda _a, _i: "True",
    ),
    makes(
        "ghl.calendars.create",
        "calendars",
        {"name": "name"},
        lambda _: {"name": "Roof visit"},
        refused=lambda _, inputs: {**inputs, "groupId": NOBODY},
    ),
    changes(
        "ghl.calendars.update",
        "calendars",
        "calendarId",
        lambda a: {"calendarId": second_calendar(a), "slotDuration": 45},
        field="slotDuration",
        before=30,
        after=45,
        result=same("calendarId"),
    ),
    removes("ghl.calendars.delete", "calendars", "calendarId", lambda a: {"calendarId": second_calendar(a)}),
    makes(
        "ghl.calendars.appointments.create",
        "appointments",
        {"contactId": "contactId"},
        lambda a: {"contactId": a.contact(), "calendarId": a.first("calendars"), "startTime": a.free_slot()},
        refused=slot_of,
        words="The slot you have selected is no longer available.",
    ),
    changes(
        "ghl.calendars.appointments.update",
        "appointments",
        "eventId",
        lambda a: {"eventId": booking(a), "appointmentStatus": "showed"},
        field="appointmentStatus",
        before="confirmed",
        after="showed",
        result=same("eventId"),
    ),
    removes("ghl.calendars.events.delete", "appointments", "eventId", lambda a: {"eventId": booking(a)}),
    makes(
        "ghl.calendars.block_slots.create",
        "blockedSlots",
        {"title": "title"},
        lambda a: {
            "calendarId": a.first("calendars"),
            "title": "Holiday",
            "startTime": in_days(4, 9),
            "endTime": in_days(4, 17),
        },
        refused=unknown("calendarId"),
    ),
    changes(
        "ghl.calendars.block_slots.update",
        "blockedSlots",
        "eventId",
        lambda a: {"eventId": block(a), "calendarId": a.first("calendars"), "title": "Long fair"},
        field="title",
        before="Fair",
        after="Long fair",
        result=same("eventId"),
    ),
    makes(
        "ghl.calendars.appointments.notes.create",
        "appointmentNotes",
        {"body": "body"},
        lambda a: {"appointmentId": booking(a), "body": "Ring twice"},
        refused=unknown("appointmentId"),
    ),
    changes(
        "ghl.calendars.appointments.notes.update",
        "appointmentNotes",
        "noteId",
        lambda a: {**booking_note(a), "body": "Knock"},
        field="body",
        before="Ring",
        after="Knock",
        result=same("noteId"),
    ),
    removes("ghl.calendars.appointments.notes.delete", "appointmentNotes", "noteId", booking_note),
    makes(
        "ghl.calendars.notifications.create",
        "notifications",
        {"subject": "subject"},
        lambda a: {
            "calendarId": a.first("calendars"),
            "receiverType": "contact",
            "channel": "sms",
            "notificationType": "booked",
            "subject": "See you",
        },
        refused=unknown("calendarId"),
    ),
    changes(
        "ghl.calendars.notifications.update",
        "notifications",
        "notificationId",
        lambda a: {**notification(a), "isActive": False},
        field="isActive",
        before=True,
        after=False,
    ),
    changes(
        "ghl.calendars.notifications.delete",
        "notifications",
        "notificationId",
        notification,
        field="deleted",
        before=False,
        after=True,
        refused=None,
    ),
    makes(
        "ghl.calendars.resources.create",
        "resources",
        {"name": "name"},
        lambda _: {"resourceType": "rooms", **ROOM},
    ),
    changes(
        "ghl.calendars.resources.update",
        "resources",
        "id",
        lambda a: {**room(a), "capacity": 30},
        field="capacity",
        before=20,
        after=30,
        result=same("id"),
    ),
    removes("ghl.calendars.resources.delete", "resources", "id", room),
)
