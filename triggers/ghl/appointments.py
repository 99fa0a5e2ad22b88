"""Appointments with their notes, and blocked slots."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.names import CalendarId, UserId
from connections.operation import LocationId, get
from connections.paging import Offset
from triggers.trigger import Object, Snapshot, Trigger, Window, minutes

CATEGORY = "Calendars & Appointments"

VERSION = "2021-04-15"
READ = ("calendars/events.readonly",)
DELETED = {"deleted": True}
OF_APPOINTMENTS = ("AppointmentCreate", "AppointmentUpdate", "AppointmentDelete")


class Events(TypedDict, total=False):
    """Whose events; one of calendar, user and group is needed."""

    locationId: Required[LocationId]
    userId: Annotated[UserId, Field(description="The user who owns the appointments.")]
    calendarId: CalendarId
    groupId: Annotated[str, Field(description="A group of calendars.")]


def days(first: int, last: int) -> Window:
    """A window of days around today, by when an event takes place."""
    return Window(start="startTime", end="endTime", days=(first, last), at="startTime", unit="ms_text")


ROWS = (
    Trigger(
        id="ghl.calendars.events.list",
        summary="An appointment is booked, changed or gone",
        fetch=get("/calendars/events", Events, version=VERSION),
        records="events",
        strategy=Snapshot(version="dateUpdated", added="dateAdded", window=days(-1, 30)),
        gone=DELETED,
        one_of=("calendarId", "userId", "groupId"),
        scopes=READ,
        every=minutes(2),
        wakes=OF_APPOINTMENTS,
    ),
    Trigger(
        id="ghl.calendars.blocked_slots.list",
        summary="A slot is blocked, changed or unblocked",
        fetch=get("/calendars/blocked-slots", Events, version=VERSION),
        records="events",
        strategy=Snapshot(version="dateUpdated", added="dateAdded", window=days(0, 30)),
        gone=DELETED,
        one_of=("calendarId", "userId", "groupId"),
        scopes=READ,
    ),
    Trigger(
        id="ghl.calendars.appointments.get",
        summary="One appointment has changed, or is gone",
        fetch=get("/calendars/events/appointments/{eventId}", version=VERSION),
        records=("event", "appointment"),
        strategy=Object(),
        default_event="changed",
        scopes=READ,
        every=minutes(2),
        wakes=OF_APPOINTMENTS,
    ),
    Trigger(
        id="ghl.calendars.appointments.notes.list",
        summary="A note on an appointment is new, has changed, or is gone",
        fetch=get("/calendars/appointments/{appointmentId}/notes", version=VERSION),
        records="notes",
        strategy=Snapshot(added="dateAdded"),
        paging=Offset(skip="offset", size=20),
        scopes=READ,
    ),
)
