"""Appointments with their notes, and blocked slots."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe, Unsafe
from actions.comparison import wall_clock
from connections.fields import DateTime, MsText
from connections.names import CalendarId, UserId
from connections.operation import Empty, LocationId, delete, get, post, put
from connections.paging import Offset

CATEGORY = "Calendars & Appointments"

VERSION = "2021-04-15"
WRITE = ("calendars/events.write",)


class Details(TypedDict, total=False):
    """What every appointment may have."""

    title: str
    meetingLocationType: Annotated[
        Literal["custom", "zoom", "gmeet", "phone", "address", "ms_teams", "google"],
        Field(description="How they meet; `custom` where an address is given."),
    ]
    meetingLocationId: Annotated[str, Field(description="One of the calendar's own meeting places, by its id.")]
    overrideLocationConfig: Annotated[
        bool,
        Field(description="True when only `meetingLocationType` is given, false when only `meetingLocationId` is."),
    ]
    appointmentStatus: Literal["new", "confirmed", "cancelled", "showed", "noshow", "invalid"]
    assignedUserId: Annotated[UserId, Field(description="The user it is with; several types of calendar need one.")]
    description: str
    address: str
    ignoreDateRange: Annotated[bool, Field(description="Book in spite of the calendar's notice and date range.")]
    toNotify: Annotated[bool, Field(description="False keeps the vendor's own automations from running.")]
    ignoreFreeSlotValidation: Annotated[bool, Field(description="Book although the slot is taken.")]
    rrule: Annotated[str, Field(description="How it repeats, as in RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5 (RFC 5545).")]
    endTime: DateTime


class NewAppointment(Details, total=False):
    """An appointment that does not exist yet."""

    calendarId: Required[CalendarId]
    locationId: Required[LocationId]
    contactId: Required[str]
    startTime: Required[DateTime]


class Appointment(Details, total=False):
    """An appointment's fields that change."""

    calendarId: CalendarId
    startTime: DateTime


class BlockDetails(TypedDict, total=False):
    """What every blocked slot may have."""

    title: str
    calendarId: Annotated[CalendarId, Field(description="The calendar that is blocked; or give `assignedUserId`.")]
    assignedUserId: Annotated[UserId, Field(description="The user whose time is blocked; or give `calendarId`.")]
    locationId: Required[LocationId]


class NewBlock(BlockDetails, total=False):
    """A blocked slot that does not exist yet."""

    startTime: Required[DateTime]
    endTime: Required[DateTime]


class Block(BlockDetails, total=False):
    """A blocked slot's fields that change."""

    startTime: DateTime
    endTime: DateTime


class Blocks(TypedDict, total=False):
    """A look at the blocked slots between two times."""

    locationId: Required[LocationId]
    calendarId: str
    userId: str
    startTime: Required[MsText]
    endTime: Required[MsText]


class Note(TypedDict, total=False):
    """A note on an appointment."""

    userId: Annotated[UserId, Field(description="Whose note it is.")]
    body: Required[Annotated[str, Field(max_length=5000)]]


ROWS = (
    Action(
        id="ghl.calendars.appointments.create",
        summary="Book an appointment",
        send=post("/calendars/events/appointments", NewAppointment, version=VERSION),
        repeat=Guarded(
            probe=Probe(
                find=get("/contacts/{contactId}/appointments"),
                records="events",
                asks={"contactId": "contactId"},
                same={"calendarId": "calendarId", "startTime": "startTime"},
                unless={"appointmentStatus": "cancelled"},
                tidy=wall_clock,
            )
        ),
        returns=("id", "appointment.id"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.appointments.update",
        summary="Change an appointment",
        send=put("/calendars/events/appointments/{eventId}", Appointment, version=VERSION),
        returns="id",
        scopes=WRITE,
        warning="A repeat notifies people again, unless `toNotify` is false",
    ),
    Action(
        id="ghl.calendars.events.delete",
        summary="Delete an appointment or a blocked slot",
        send=delete("/calendars/events/{eventId}", Empty, version=VERSION),
        missing_is_done=True,
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.block_slots.create",
        summary="Block a slot of a calendar or of a user",
        send=post("/calendars/events/block-slots", NewBlock, version=VERSION),
        repeat=Guarded(
            probe=Probe(
                find=get("/calendars/blocked-slots", Blocks, version=VERSION),
                records="events",
                asks={
                    "calendarId": "calendarId",
                    "userId": "assignedUserId",
                    "startTime": "startTime",
                    "endTime": "endTime",
                },
                same={"title": "title", "startTime": "startTime", "endTime": "endTime"},
            )
        ),
        returns="id",
        only_one_of=("calendarId", "assignedUserId"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.block_slots.update",
        summary="Change a blocked slot",
        send=put("/calendars/events/block-slots/{eventId}", Block, version=VERSION),
        returns="id",
        only_one_of=("calendarId", "assignedUserId"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.appointments.notes.create",
        summary="Add a note to an appointment",
        send=post("/calendars/appointments/{appointmentId}/notes", Note, version=VERSION),
        repeat=Unsafe(
            probe=Probe(
                find=get("/calendars/appointments/{appointmentId}/notes", version=VERSION),
                records="notes",
                asks={"appointmentId": "appointmentId"},
                paging=Offset(skip="offset", size=20),
                same={"body": "body", "userId": "userId"},
                since="dateAdded",
            )
        ),
        returns="note.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.appointments.notes.update",
        summary="Change a note on an appointment",
        send=put("/calendars/appointments/{appointmentId}/notes/{noteId}", Note, version=VERSION),
        returns="note.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.appointments.notes.delete",
        summary="Delete a note on an appointment",
        send=delete("/calendars/appointments/{appointmentId}/notes/{noteId}", version=VERSION),
        missing_is_done=True,
        scopes=WRITE,
    ),
)
