"""Calendars and what belongs to them: groups, free slots, notifications, rooms and equipment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.errors import Garbage
from connections.names import CalendarId, UserId, UserIds
from connections.operation import InLocation, LocationId, get
from connections.paging import Offset, at_path, object_in
from triggers.trigger import Availability, Object, Snapshot, Trigger, Window, minutes

CATEGORY = "Calendars & Appointments"

VERSION = "2021-04-15"
CALENDAR = {"calendarId": CalendarId}
READ = ("calendars.readonly",)
READ_EVENTS = ("calendars/events.readonly",)
READ_RESOURCES = ("calendars/resources.readonly",)
DELETED = {"deleted": True}
OF_APPOINTMENTS = ("AppointmentCreate", "AppointmentUpdate", "AppointmentDelete")
KINDS = {"resourceType": ("equipments", "rooms")}
ENDING = "The vendor's next API version drops rooms and equipment"


class Calendars(TypedDict, total=False):
    """Which calendars: all of the location unless narrowed."""

    locationId: Required[LocationId]
    groupId: str
    showDrafted: Annotated[bool, Field(description="Drafts as well; they are, unless this is false.")]


class FreeSlots(TypedDict, total=False):
    """Whose free slots, and in which time zone."""

    timezone: Annotated[str, Field(description="The time zone the slots are told in, as in America/Chihuahua.")]
    userId: Annotated[UserId, Field(description="Only this user's slots.")]
    userIds: Annotated[UserIds, Field(description="Only these users' slots.")]


class Notifications(TypedDict, total=False):
    """Which notifications: all of the calendar unless narrowed."""

    isActive: bool
    deleted: bool


def slots(answer: Any, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The slots of all days; the answer maps days to `{slots: [time]}`, with a `traceId` among them."""
    told = object_in(answer)
    days = {day: times for day, value in told.items() if isinstance(times := at_path(value, "slots"), list)}
    if not days and told.keys() - {"traceId"}:
        raise Garbage("expected days with their slots")
    return [
        {"calendarId": inputs["calendarId"], "start": _milliseconds(slot), "slot": slot, "day": day}
        for day, times in days.items()
        for slot in times
    ]


def _milliseconds(moment: str) -> int:
    try:
        return round(datetime.fromisoformat(moment).timestamp() * 1000)
    except (TypeError, ValueError) as error:
        raise Garbage(f"a free slot should be a time, not {moment!r:.50}") from error


ROWS = (
    Trigger(
        id="ghl.calendars.groups.list",
        summary="A group of calendars is new, has changed, or is gone",
        fetch=get("/calendars/groups", InLocation, version=VERSION),
        records="groups",
        strategy=Snapshot(),
        scopes=("calendars/groups.readonly",),
        every=minutes(15),
    ),
    Trigger(
        id="ghl.calendars.list",
        summary="A calendar is new, has changed, or is gone",
        fetch=get("/calendars/", Calendars, version=VERSION),
        records="calendars",
        strategy=Snapshot(),
        scopes=READ,
        every=minutes(15),
    ),
    Trigger(
        id="ghl.calendars.get",
        summary="One calendar has changed, or is gone",
        fetch=get("/calendars/{calendarId}", named=CALENDAR, version=VERSION),
        records="calendar",
        strategy=Object(),
        default_event="changed",
        scopes=READ,
        every=minutes(15),
    ),
    Trigger(
        id="ghl.calendars.free_slots",
        summary="A slot of a calendar becomes free, or is taken",
        fetch=get("/calendars/{calendarId}/free-slots", FreeSlots, named=CALENDAR, version=VERSION),
        key=("calendarId", "start"),
        strategy=Availability(
            entries=slots, window=Window(start="startDate", end="endDate", days=(0, 14), at="start"), missing=2
        ),
        scopes=READ,
        wakes=OF_APPOINTMENTS,
    ),
    Trigger(
        id="ghl.calendars.notifications.list",
        summary="A notification of a calendar is new, has changed, or is gone",
        fetch=get("/calendars/{calendarId}/notifications", Notifications, named=CALENDAR, version=VERSION),
        records=("notifications", "data", ""),
        key=("_id",),
        strategy=Snapshot(),
        paging=Offset(),
        gone=DELETED,
        scopes=READ_EVENTS,
        every=minutes(15),
    ),
    Trigger(
        id="ghl.calendars.notifications.get",
        summary="One notification of a calendar has changed, or is gone",
        fetch=get("/calendars/{calendarId}/notifications/{notificationId}", version=VERSION),
        key=("_id",),
        strategy=Object(),
        gone=DELETED,
        default_event="changed",
        scopes=READ_EVENTS,
        every=minutes(15),
    ),
    Trigger(
        id="ghl.calendars.resources.list",
        summary="A room or equipment is new, has changed, or is gone",
        fetch=get("/calendars/resources/{resourceType}", InLocation, enums=KINDS, version=VERSION),
        records=("resources", "data", ""),
        key=("_id|id|name",),
        strategy=Snapshot(),
        paging=Offset(),
        volatile=("traceId", "updatedAt", "createdAt"),
        scopes=READ_RESOURCES,
        every=minutes(15),
        warning=ENDING,
    ),
    Trigger(
        id="ghl.calendars.resources.get",
        summary="One room or equipment has changed, or is gone",
        fetch=get("/calendars/resources/{resourceType}/{id}", enums=KINDS, version=VERSION),
        key=("_id|id|name",),
        strategy=Object(),
        default_event="changed",
        volatile=("traceId", "updatedAt", "createdAt"),
        scopes=READ_RESOURCES,
        every=minutes(15),
        warning=ENDING,
    ),
)
