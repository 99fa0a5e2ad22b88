"""Calendars, their groups and their free slots."""

from __future__ import annotations

from typing import Any

from sandbox.refusal import bad_request
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import Shape, joined, shape, typed
from sandbox.slots import free_slots
from sandbox.state import Record
from sandbox.zones import local, moment, zone, zone_of

KINDS = "custom|zoom_conference|google_conference|inbound_call|outbound_call|physical|booker|ms_teams_conference"
PLACE = shape(f"kind!:{KINDS} location")
HOURS = shape("openHour!:number<=23 openMinute!:number<=60 closeHour!:number<=23 closeMinute!:number<=60")
NOTICE = shape(
    "type:email| shouldSendToContact!:bool shouldSendToGuest!:bool shouldSendToUser!:bool "
    "shouldSendToSelectedUsers!:bool selectedUsers!"
)
MEMBER = shape(
    "userId! priority:0|0.5|1 meetingLocationType:custom|zoom|gmeet|phone|address|teams|booker meetingLocation "
    "isPrimary:bool locationConfigurations:[PLACE]",
    PLACE=PLACE,
)
RECURRING = shape(
    "freq:DAILY|WEEKLY|MONTHLY count:number<=24 bookingOption:skip|continue|book_next "
    "bookingOverlapDefaultStatus:confirmed|new"
)
TEXTS = (
    "description slug widgetSlug eventTitle eventColor meetingLocation formId alertEmail notes pixelId groupId "
    "formSubmitRedirectURL formSubmitThanksMessage consentLabel calendarCoverImage"
)
FLAGS = (
    "isActive enableRecurring stickyContact isLivePaymentMode autoConfirm shouldSendAlertEmailsToAssignedMember "
    "googleInvitationEmails allowReschedule allowCancellation shouldAssignContactToTeamMember "
    "shouldSkipAssigningContactForExisting"
)
NUMBERS = (
    "slotDuration slotInterval slotBuffer preBuffer appoinmentPerSlot appoinmentPerDay allowBookingAfter "
    "allowBookingFor"
)


def _availability(more: str) -> Shape:
    return shape(f"date! hours!:[HOURS] deleted:bool {more}", HOURS=HOURS)


COMMON = shape(
    f"{TEXTS} {typed(FLAGS, 'bool')} {typed(NUMBERS, 'number')} notifications:[NOTICE] teamMembers:[MEMBER] "
    "eventType:RoundRobin_OptimizeForAvailability|RoundRobin_OptimizeForEqualDistribution widgetType:default|classic "
    "locationConfigurations:[PLACE] slotDurationUnit:mins|hours preBufferUnit:mins|hours slotIntervalUnit:mins|hours "
    "allowBookingAfterUnit:hours|days|weeks|months allowBookingForUnit:days|weeks|months openHours:[OPEN] "
    "recurring:RECURRING formSubmitType:RedirectURL|ThankYouMessage availabilityType:0|1 "
    "guestType:count_only|collect_detail lookBusyConfig:BUSY",
    NOTICE=NOTICE,
    MEMBER=MEMBER,
    PLACE=PLACE,
    RECURRING=RECURRING,
    OPEN=shape("daysOfTheWeek!:[number]<=7 hours!:[HOURS]", HOURS=HOURS),
    BUSY=shape("enabled!:bool LookBusyPercentage!:number"),
)
UPDATE = joined(COMMON, shape("name availabilities:[DAY]", DAY=_availability("id")))
CREATE = joined(
    COMMON,
    shape(
        "name! locationId! slotBufferUnit:mins|hours availabilities:[DAY] "
        "calendarType:round_robin|event|class_booking|collective|service_booking|personal",
        DAY=_availability(""),
    ),
)
LONGEST = 31 * 86_400_000


def _list(call: Call) -> Record:
    found = call.state.rows("calendars", call.location)
    group, drafts = call.query.get("groupId"), call.query.get("showDrafted", True)
    return {"calendars": [c for c in found if group in {None, c.get("groupId")} and (drafts or c["isActive"])]}


def _create(call: Call) -> Record:
    fields = {name: value for name, value in call.body.items() if name != "locationId"}
    _check(call, fields)
    return {"calendar": call.state.create("calendars", call.location, fields)}


def _check(call: Call, fields: Record, own: str | None = None) -> None:
    if fields.get("groupId"):
        call.state.get("groups", fields["groupId"])
    for name in ("slug", "widgetSlug"):
        taken = (each for each in call.state.rows("calendars", call.location) if each["id"] != own)
        if fields.get(name) and any(each.get(name) == fields[name] for each in taken):
            raise bad_request(f"A calendar with the {name} {fields[name]} already exists")


def _read(call: Call) -> Record:
    return {"calendar": call.record("calendars", "calendarId")}


def _update(call: Call) -> Record:
    calendar = call.record("calendars", "calendarId")
    _check(call, call.body, calendar["id"])
    return {"calendar": call.state.update("calendars", calendar, call.body)}


def _delete(call: Call) -> Record:
    calendar = call.record("calendars", "calendarId")
    for table in ("appointments", "blockedSlots", "notifications"):
        for record in call.state.by_value(table, calendar["locationId"], "calendarId", calendar["id"]):
            call.state.remove(table, record["id"])
    call.state.remove("calendars", calendar["id"])
    return {"success": True}


def _free_slots(call: Call) -> Record:
    calendar = call.record("calendars", "calendarId")
    start, end = call.query["startDate"], call.query["endDate"]
    if end <= start or end - start > LONGEST:
        raise bad_request("The range of startDate and endDate must be positive and at most 31 days")
    name = call.query.get("timezone")
    where = zone(name) if name else zone_of(call.state, calendar["locationId"])
    users = [*call.query.get("userIds", ()), *filter(None, [call.query.get("userId")])]
    days: dict[str, Any] = {}
    for slot in free_slots(call.state, calendar, start, end, users[0] if users else None):
        days.setdefault(f"{moment(slot, where):%Y-%m-%d}", {"slots": []})["slots"].append(local(slot, where))
    return days


# Groups.


def _groups(call: Call) -> Record:
    return {"groups": list(call.state.rows("groups", call.location))}


def _slug_is_free(call: Call, slug: str, own: str | None = None) -> bool:
    return all(each["id"] == own for each in call.state.by_value("groups", call.location, "slug", slug))


def _create_group(call: Call) -> Record:
    if not _slug_is_free(call, call.body["slug"]):
        raise bad_request(f"A group with the slug {call.body['slug']} already exists")
    fields = {"isActive": True, **{name: value for name, value in call.body.items() if name != "locationId"}}
    return {"group": call.state.create("groups", call.location, fields)}


def _validate_slug(call: Call) -> Record:
    return {"available": _slug_is_free(call, call.body["slug"])}


def _update_group(call: Call) -> Record:
    group = call.record("groups", "groupId")
    if not _slug_is_free(call, call.body["slug"], group["id"]):
        raise bad_request(f"A group with the slug {call.body['slug']} already exists")
    return {"group": call.state.update("groups", group, call.body)}


def _group_status(call: Call) -> Record:
    call.state.update("groups", call.record("groups", "groupId"), call.body)
    return {"success": True}


def _delete_group(call: Call) -> Record:
    group = call.record("groups", "groupId")
    for calendar in call.state.by_value("calendars", group["locationId"], "groupId", group["id"]):
        call.state.update("calendars", calendar, {"groupId": None})
    call.state.remove("groups", group["id"])
    return {"success": True}


GROUP = shape("name! description! slug!")
GET: dict[str, Any] = {"version": "2021-04-15", "scope": "calendars.readonly"}
SET: dict[str, Any] = {"version": "2021-04-15", "scope": "calendars.write"}
GROUPS: dict[str, Any] = {"version": "2021-04-15", "scope": "calendars/groups.write"}
ROUTES: tuple[Route, ...] = (
    get("/calendars/", _list, query=shape("locationId! groupId showDrafted:bool"), lists="calendars", **GET),
    post("/calendars/", _create, body=CREATE, **SET),
    get("/calendars/{calendarId}", _read, **GET),
    put("/calendars/{calendarId}", _update, body=UPDATE, **SET),
    delete("/calendars/{calendarId}", _delete, **SET),
    get(
        "/calendars/{calendarId}/free-slots",
        _free_slots,
        query=shape("startDate!:number endDate!:number timezone userId userIds:[text]"),
        **GET,
    ),
    get(
        "/calendars/groups",
        _groups,
        query=shape("locationId!"),
        lists="groups",
        version="2021-04-15",
        scope="calendars/groups.readonly",
    ),
    post("/calendars/groups", _create_group, body=joined(GROUP, shape("locationId! isActive:bool")), ok=201, **GROUPS),
    post("/calendars/groups/validate-slug", _validate_slug, body=shape("locationId! slug!"), reads=True, **GROUPS),
    put("/calendars/groups/{groupId}", _update_group, body=GROUP, **GROUPS),
    put("/calendars/groups/{groupId}/status", _group_status, body=shape("isActive!:bool"), **GROUPS),
    delete("/calendars/groups/{groupId}", _delete_group, **GROUPS),
)
