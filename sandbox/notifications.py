"""Notifications of a calendar, which are marked as deleted rather than taken away."""

from __future__ import annotations

from typing import Any

from sandbox.refusal import missing
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import joined, shape
from sandbox.state import Record
from sandbox.views import pick

OFFSET = shape("timeOffset:number unit")
UPDATE = shape(
    "receiverType:contact|guest|assignedUser|emails|phoneNumbers|business channel:email|inApp|sms|whatsapp "
    "notificationType:booked|confirmation|cancellation|reminder|followup|reschedule isActive:bool deleted:bool "
    "templateId body subject afterTime:[OFFSET] beforeTime:[OFFSET] additionalEmailIds:[text] "
    "additionalPhoneNumbers:[text] selectedUsers:[text] fromAddress fromName fromNumber",
    OFFSET=OFFSET,
)
_REQUIRED = shape(
    "receiverType!:contact|guest|assignedUser|emails|phoneNumbers|business channel!:email|inApp|sms|whatsapp "
    "notificationType!:booked|confirmation|cancellation|reminder|followup|reschedule"
)
CREATE = joined(UPDATE, _REQUIRED).without("deleted")
SHOWN = (
    "receiverType additionalEmailIds additionalPhoneNumbers channel notificationType isActive "
    "additionalWhatsappNumbers templateId body subject afterTime beforeTime selectedUsers deleted"
)


def view(notification: Record) -> Record:
    """A notification as the vendor shows it."""
    return {"_id": notification["id"], **pick(notification, SHOWN)}


def _own(call: Call) -> Record:
    calendar = call.record("calendars", "calendarId")
    found = call.record("notifications", "notificationId")
    if found["calendarId"] != calendar["id"]:
        raise missing("Notification", found["id"])
    return found


def _list(call: Call) -> list[Record]:
    calendar = call.record("calendars", "calendarId")
    found = call.state.by_value("notifications", calendar["locationId"], "calendarId", calendar["id"])
    deleted, active = call.query.get("deleted", False), call.query.get("isActive")
    chosen = [each for each in found if each["deleted"] == deleted and active in {None, each["isActive"]}]
    skip = call.whole("skip", 0)
    return [view(each) for each in chosen[skip : skip + call.whole("limit", 100)]]


def _create(call: Call) -> list[Record]:
    calendar = call.record("calendars", "calendarId")
    link = {"calendarId": calendar["id"]}
    made = [call.state.create("notifications", calendar["locationId"], {**each, **link}) for each in call.body]
    return [view(each) for each in made]


def _read(call: Call) -> Record:
    return view(_own(call))


def _update(call: Call) -> Record:
    call.state.update("notifications", _own(call), call.body)
    return {"message": "Notification updated successfully"}


def _delete(call: Call) -> Record:
    call.state.update("notifications", _own(call), {"deleted": True})
    return {"message": "Notification deleted successfully"}


ALL, ONE = "/calendars/{calendarId}/notifications", "/calendars/{calendarId}/notifications/{notificationId}"
GET: dict[str, Any] = {"version": "2021-04-15", "scope": "calendars/events.readonly"}
SET: dict[str, Any] = {"version": "2021-04-15", "scope": "calendars/events.write"}
ROUTES: tuple[Route, ...] = (
    get(
        ALL,
        _list,
        query=shape("isActive:bool deleted:bool limit:count skip:offset"),
        lists="notifications",
        **GET,
    ),
    post(ALL, _create, body=CREATE, array=True, **SET),
    get(ONE, _read, **GET),
    put(ONE, _update, body=UPDATE, **SET),
    delete(ONE, _delete, **SET),
)
