"""The scenes around calendars: slots, appointments, notes, notifications, rooms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.operations.scenes import Params, Scene, delete, in_days, it, keep, put
from tests.operations.vendor import Account


def calendar(a: Account) -> dict[str, Any]:
    return {"calendarId": a.first("calendars")}


def a_booking(a: Account, _p: Params) -> str:
    return keep(a, a.appointment(a.contact(), in_days(3)))


def a_block(a: Account, p: Params) -> str:
    times = {"startTime": in_days(3, 15), "endTime": in_days(3, 16)}
    return keep(a, a.post("/calendars/events/block-slots", calendarId=p["calendarId"], **times)["id"])


def a_group(a: Account, _p: Params) -> str:
    return keep(a, a.post("/calendars/groups", name="Visits", description="-", slug="far-visits")["group"]["id"])


def a_calendar(a: Account, _p: Params) -> str:
    return keep(a, a.post("/calendars/", name="Second visit")["calendar"]["id"])


def an_appointment_note(a: Account, p: Params) -> str:
    path = f"/calendars/appointments/{p['appointmentId']}/notes"
    return keep(a, a.post(path, {"body": "Ring twice"})["note"]["id"])


def a_notification(a: Account, p: Params) -> str:
    kind = {"receiverType": "contact", "channel": "email", "notificationType": "reminder"}
    return keep(a, a.post(f"/calendars/{p['calendarId']}/notifications", [kind])[0]["_id"])


def with_notification(a: Account) -> dict[str, Any]:
    params = calendar(a)
    return {**params, "notificationId": a_notification(a, params)}


def a_room(a: Account, _p: Params) -> str:
    fields = {"name": "Hall", "description": "-", "quantity": 1, "outOfService": 0, "capacity": 20, "calendarIds": []}
    return keep(a, a.post("/calendars/resources/rooms", **fields)["_id"])


def slot_key(a: Account, slot: str) -> str:
    return f"{a.first('calendars')}/{round(datetime.fromisoformat(slot).timestamp() * 1000)}"


def one_slot_taken(a: Account) -> dict[str, Any]:
    a.ids["slot"] = a.free_slot()
    keep(a, a.appointment(a.contact(), a.ids["slot"]))
    return calendar(a)


def slot_given_back(a: Account, _p: Params) -> str:
    a.put(f"/calendars/events/appointments/{it(a)}", appointmentStatus="cancelled")
    return slot_key(a, a.ids["slot"])


def slot_booked(a: Account, _p: Params) -> str:
    a.appointment(a.contact(), a.ids["slot"])
    return slot_key(a, a.ids["slot"])


CALENDARS = (
    Scene(
        trigger="ghl.calendars.groups.list",
        new=a_group,
        change=put("/calendars/groups/{it}/status", isActive=False),
        gone=delete("/calendars/groups/{it}"),
    ),
    Scene(
        trigger="ghl.calendars.list",
        new=a_calendar,
        change=put("/calendars/{it}", slotDuration=45),
        gone=delete("/calendars/{it}"),
    ),
    Scene(
        trigger="ghl.calendars.get",
        before=lambda a: {"calendarId": keep(a, a.first("calendars"))},
        change=put("/calendars/{it}", slotDuration=45),
        gone=delete("/calendars/{it}"),
    ),
    Scene(
        trigger="ghl.calendars.free_slots",
        before=one_slot_taken,
        new=slot_given_back,
        gone=slot_booked,
    ),
    Scene(
        trigger="ghl.calendars.events.list",
        before=calendar,
        new=a_booking,
        change=put("/calendars/events/appointments/{it}", appointmentStatus="showed"),
        gone=delete("/calendars/events/{it}", {}),
    ),
    Scene(
        trigger="ghl.calendars.blocked_slots.list",
        before=calendar,
        new=a_block,
        change=lambda a, p: put(
            "/calendars/events/block-slots/{it}", title="Fair", locationId=a.location, calendarId=p["calendarId"]
        )(a, p),
        gone=delete("/calendars/events/{it}", {}),
    ),
    Scene(
        trigger="ghl.calendars.appointments.get",
        before=lambda a: {"eventId": a_booking(a, {})},
        change=put("/calendars/events/appointments/{it}", appointmentStatus="showed"),
        gone=delete("/calendars/events/{it}", {}),
    ),
    Scene(
        trigger="ghl.calendars.appointments.notes.list",
        before=lambda a: {"appointmentId": a.appointment(a.contact(), in_days(3))},
        new=an_appointment_note,
        change=put("/calendars/appointments/{appointmentId}/notes/{it}", body="Ring once"),
        gone=delete("/calendars/appointments/{appointmentId}/notes/{it}"),
    ),
    Scene(
        trigger="ghl.calendars.notifications.list",
        before=calendar,
        new=a_notification,
        change=put("/calendars/{calendarId}/notifications/{it}", isActive=False),
        gone=delete("/calendars/{calendarId}/notifications/{it}"),
    ),
    Scene(
        trigger="ghl.calendars.notifications.get",
        before=with_notification,
        change=put("/calendars/{calendarId}/notifications/{it}", isActive=False),
        gone=delete("/calendars/{calendarId}/notifications/{it}"),
    ),
    Scene(
        trigger="ghl.calendars.resources.list",
        before=lambda a: {"resourceType": "rooms"},
        new=a_room,
        change=put("/calendars/resources/rooms/{it}", capacity=30),
        gone=delete("/calendars/resources/rooms/{it}"),
    ),
    Scene(
        trigger="ghl.calendars.resources.get",
        before=lambda a: {"resourceType": "rooms", "id": a_room(a, {})},
        change=put("/calendars/resources/rooms/{it}", capacity=30),
        gone=delete("/calendars/resources/rooms/{it}"),
    ),
)
