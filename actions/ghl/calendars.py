"""Calendars and their groups."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe
from connections.fields import Among, Email, Number, Url
from connections.operation import InLocation, LocationId, delete, get, post, put

CATEGORY = "Calendars & Appointments"

VERSION = "2021-04-15"
WRITE = ("calendars.write",)
WRITE_GROUPS = ("calendars/groups.write",)

Minutes = Literal["mins", "hours"]
Notice = Literal["hours", "days", "weeks", "months"]
Span = Literal["days", "weeks", "months"]


class Slug(TypedDict, total=False):
    """The last part of a web address."""

    locationId: Required[LocationId]
    slug: Required[str]


class Group(TypedDict, total=False):
    """A group of calendars."""

    name: Required[str]
    description: Required[str]
    slug: Required[Annotated[str, Field(description="The last part of its web address; unique in the location.")]]


class NewGroup(Group, total=False):
    """A group that does not exist yet."""

    locationId: Required[LocationId]
    isActive: bool


class GroupStatus(TypedDict, total=False):
    """Whether a group can be used."""

    isActive: Required[bool]


class OldNotification(TypedDict, total=False):
    """A notification as calendars used to hold them."""

    type: Literal["email"]
    shouldSendToContact: Required[bool]
    shouldSendToGuest: Required[bool]
    shouldSendToUser: Required[bool]
    shouldSendToSelectedUsers: Required[bool]
    selectedUsers: Required[Annotated[str, Field(description="E-mail addresses, joined by commas.")]]


class MeetingPlace(TypedDict, total=False):
    """Where a meeting takes place."""

    kind: Required[
        Literal[
            "custom",
            "zoom_conference",
            "google_conference",
            "inbound_call",
            "outbound_call",
            "physical",
            "booker",
            "ms_teams_conference",
        ]
    ]
    location: Annotated[str, Field(description="The address, where the kind is not an online conference.")]


class TeamMember(TypedDict, total=False):
    """A user whose time is booked."""

    userId: Required[str]
    priority: Annotated[Number, Among((0, 0.5, 1)), Field(description="0 is low, 0.5 medium, 1 high.")]
    isPrimary: Annotated[bool, Field(description="One user is primary, where a booking needs several.")]
    locationConfigurations: list[MeetingPlace]


class Hours(TypedDict, total=False):
    """A span of time in a day."""

    openHour: Required[Annotated[int, Field(ge=0, le=23)]]
    openMinute: Required[Annotated[int, Field(ge=0, le=60)]]
    closeHour: Required[Annotated[int, Field(ge=0, le=23)]]
    closeMinute: Required[Annotated[int, Field(ge=0, le=60)]]


class OpenHours(TypedDict, total=False):
    """Spans of time on days of the week."""

    daysOfTheWeek: Required[list[Annotated[int, Field(ge=0, le=6, description="0 is Sunday.")]]]
    hours: Required[list[Hours]]


class OpenDay(TypedDict, total=False):
    """Spans of time on one day."""

    date: Required[Annotated[str, Field(description="The day in local time, written 2026-03-01T00:00:00.000Z.")]]
    hours: Required[list[Hours]]
    deleted: bool


class ChangedOpenDay(OpenDay, total=False):
    """Spans of time on one day, which may exist."""

    id: Annotated[str, Field(description="The id of the entry that is changed or deleted.")]


class Recurring(TypedDict, total=False):
    """How a booking repeats."""

    freq: Literal["DAILY", "WEEKLY", "MONTHLY"]
    count: Annotated[int, Field(le=24)]
    bookingOption: Annotated[
        Literal["skip", "continue", "book_next"], Field(description="What to do when a repetition is not free.")
    ]
    bookingOverlapDefaultStatus: Literal["confirmed", "new"]


class LookBusy(TypedDict, total=False):
    """How many free slots are hidden."""

    enabled: Required[bool]
    LookBusyPercentage: Required[Number]


class Settings(TypedDict, total=False):
    """What a calendar holds."""

    notifications: Annotated[
        list[OldNotification],
        Field(description="Outdated: see ghl.calendars.notifications.create.", deprecated=True),
    ]
    groupId: str
    teamMembers: list[TeamMember]
    eventType: Literal["RoundRobin_OptimizeForAvailability", "RoundRobin_OptimizeForEqualDistribution"]
    description: str
    slug: Annotated[str, Field(description="The last part of its web address.")]
    widgetSlug: str
    widgetType: Annotated[Literal["default", "classic"], Field(description="`default` is the newer layout.")]
    eventTitle: str
    eventColor: Annotated[str, Field(description="A colour, as in #039be5.")]
    locationConfigurations: list[MeetingPlace]
    slotDuration: Annotated[Number, Field(description="How long a meeting is.")]
    slotDurationUnit: Minutes
    slotInterval: Annotated[Number, Field(description="The time from the start of a slot to that of the next.")]
    slotIntervalUnit: Minutes
    slotBuffer: Annotated[Number, Field(description="Time kept free after a meeting.")]
    preBuffer: Annotated[Number, Field(description="Time kept free before a meeting.")]
    preBufferUnit: Minutes
    appoinmentPerSlot: Annotated[Number, Field(description="Bookings a slot takes; seats in a class.")]
    appoinmentPerDay: Annotated[Number, Field(description="Bookings a day takes.")]
    allowBookingAfter: Annotated[Number, Field(description="How long before a meeting it must be booked.")]
    allowBookingAfterUnit: Notice
    allowBookingFor: Annotated[Number, Field(description="How far ahead a meeting can be booked.")]
    allowBookingForUnit: Span
    openHours: list[OpenHours]
    enableRecurring: bool
    recurring: Recurring
    formId: str
    stickyContact: bool
    isLivePaymentMode: bool
    autoConfirm: bool
    shouldSendAlertEmailsToAssignedMember: bool
    alertEmail: Email
    googleInvitationEmails: bool
    allowReschedule: bool
    allowCancellation: bool
    shouldAssignContactToTeamMember: bool
    shouldSkipAssigningContactForExisting: bool
    notes: str
    pixelId: str
    formSubmitType: Literal["RedirectURL", "ThankYouMessage"]
    formSubmitRedirectURL: Url
    formSubmitThanksMessage: str
    availabilityType: Annotated[
        Literal[0, 1] | None, Field(description="0: `openHours` count, 1: `availabilities` count, null: both.")
    ]
    guestType: Literal["count_only", "collect_detail"]
    consentLabel: str
    calendarCoverImage: Url
    lookBusyConfig: LookBusy
    isActive: Annotated[bool, Field(description="False makes it a draft.")]


class NewCalendar(Settings, total=False):
    """A calendar that does not exist yet."""

    locationId: Required[LocationId]
    name: Required[str]
    calendarType: Literal["round_robin", "event", "class_booking", "collective", "service_booking", "personal"]
    slotBufferUnit: Minutes
    availabilities: list[OpenDay]


class ChangedCalendar(Settings, total=False):
    """A calendar's fields that change."""

    name: str
    availabilities: list[ChangedOpenDay]


ROWS = (
    Action(
        id="ghl.calendars.groups.create",
        summary="Create a group of calendars",
        send=post("/calendars/groups", NewGroup, version=VERSION),
        repeat=Guarded(
            probe=Probe(
                find=get("/calendars/groups", InLocation, version=VERSION),
                records="groups",
                same={"slug": "slug", "name": "name"},
            )
        ),
        returns="group.id",
        scopes=WRITE_GROUPS,
    ),
    Action(
        id="ghl.calendars.groups.update",
        summary="Change a group of calendars",
        send=put("/calendars/groups/{groupId}", Group, version=VERSION),
        returns="group.id",
        scopes=WRITE_GROUPS,
    ),
    Action(
        id="ghl.calendars.groups.set_status",
        summary="Switch a group of calendars on or off",
        send=put("/calendars/groups/{groupId}/status", GroupStatus, version=VERSION),
        scopes=WRITE_GROUPS,
    ),
    Action(
        id="ghl.calendars.groups.delete",
        summary="Delete a group of calendars",
        send=delete("/calendars/groups/{groupId}", version=VERSION),
        missing_is_done=True,
        scopes=WRITE_GROUPS,
    ),
    Action(
        id="ghl.calendars.groups.validate_slug",
        summary="Check whether a web address for a group of calendars is free",
        send=post("/calendars/groups/validate-slug", Slug, version=VERSION),
        returns="available",
        scopes=WRITE_GROUPS,
    ),
    Action(
        id="ghl.calendars.create",
        summary="Create a calendar",
        send=post("/calendars/", NewCalendar, version=VERSION),
        repeat=Guarded(
            probe=Probe(
                find=get("/calendars/", InLocation, version=VERSION),
                records="calendars",
                same={"slug": "slug", "widgetSlug": "widgetSlug", "name": "name"},
            )
        ),
        returns="calendar.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.update",
        summary="Change a calendar's settings",
        send=put("/calendars/{calendarId}", ChangedCalendar, version=VERSION),
        returns="calendar.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.delete",
        summary="Delete a calendar",
        send=delete("/calendars/{calendarId}", version=VERSION),
        missing_is_done=True,
        scopes=WRITE,
    ),
)
