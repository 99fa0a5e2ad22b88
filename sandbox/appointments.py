"""Appointments and blocked slots: booking takes the slot, cancelling or deleting gives it back."""

from __future__ import annotations

from typing import Any

from sandbox.refusal import bad_request, missing
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import joined, shape
from sandbox.slots import duration, free_slots
from sandbox.state import Record, State
from sandbox.views import full_name, pick
from sandbox.zones import local, plain, stamp, zone_of

EDIT = shape(
    "title meetingLocationType:custom|zoom|gmeet|phone|address|ms_teams|google meetingLocationId "
    "overrideLocationConfig:bool appointmentStatus:new|confirmed|cancelled|showed|noshow|invalid assignedUserId "
    "description address ignoreDateRange:bool toNotify:bool ignoreFreeSlotValidation:bool rrule calendarId "
    "startTime:time endTime:time"
)
CREATE = joined(EDIT, shape("calendarId! locationId! contactId! startTime!:time"))
BLOCK = shape("title calendarId assignedUserId locationId! startTime:time endTime:time")
WINDOW = shape("locationId! userId calendarId groupId startTime!:digits endTime!:digits")
PASSING = {"ignoreDateRange", "toNotify", "ignoreFreeSlotValidation", "overrideLocationConfig", "locationId"}
SLOT_TAKEN = "The slot you have selected is no longer available."
KEPT = (
    "id address title calendarId locationId contactId groupId appointmentStatus assignedUserId users notes description "
    "isRecurring rrule masterEventId"
)


def _times(state: State, record: Record, names: tuple[str, ...]) -> Record:
    where = zone_of(state, record["locationId"])
    return {name: local(record[name], where) for name in names}


def event_view(state: State, record: Record) -> Record:
    """An appointment or blocked slot as calendar listings show it."""
    times = _times(state, record, ("startTime", "endTime", "dateAdded", "dateUpdated"))
    blank = {"contactId": "", "groupId": "", "calendarId": "", "assignedUserId": "", "users": []}
    source = {"createdBy": {"userId": "", "source": "third_party"}, "assignedResources": []}
    return {**blank, "appointmentStatus": "confirmed", **pick(record, KEPT), **times, **source}


def _booked_view(state: State, record: Record) -> Record:
    shown = pick(record, "id calendarId locationId contactId title appointmentStatus assignedUserId address rrule")
    more = {"meetingLocationType": record.get("meetingLocationType", "default"), "isRecurring": "rrule" in record}
    return {**shown, **more, **_times(state, record, ("startTime", "endTime"))}


def contact_view(state: State, record: Record) -> Record:
    """An appointment as its contact's list shows it: times without an offset, in the zone of the location."""
    where = zone_of(state, record["locationId"])
    status = record["appointmentStatus"]
    names = ("startTime", "endTime", "dateAdded", "dateUpdated")
    return {
        **pick(record, "id calendarId title assignedUserId notes address locationId contactId groupId users"),
        "status": "booked" if status in {"new", "confirmed"} else status,
        "appointmentStatus": status,
        "assignedResources": [],
        **{name: plain(record[name], where) for name in names},
    }


def _read_times(call: Call, location: str) -> Record:
    where = zone_of(call.state, location)
    return {name: stamp(call.body[name], where) for name in ("startTime", "endTime") if name in call.body}


def _check_slot(call: Call, calendar: Record, start: int, moving: str | None = None) -> None:
    if call.body.get("ignoreFreeSlotValidation"):
        return
    if start not in free_slots(call.state, calendar, start, start + 1, moving=moving):
        raise bad_request(SLOT_TAKEN)


def _create(call: Call) -> Record:
    body = call.body
    calendar, contact = call.state.get("calendars", body["calendarId"]), call.state.get("contacts", body["contactId"])
    if {calendar["locationId"], contact["locationId"]} != {body["locationId"]}:
        raise bad_request("The calendar or the contact does not belong to this location")
    times = _read_times(call, body["locationId"])
    times.setdefault("endTime", times["startTime"] + duration(calendar))
    if times["endTime"] <= times["startTime"]:
        raise bad_request("endTime must be after startTime")
    _check_slot(call, calendar, times["startTime"])
    team = [member["userId"] for member in calendar["teamMembers"]]
    user = body.get("assignedUserId") or next(iter(team), "")
    name = full_name(contact)
    plain = {
        "title": name,
        "appointmentStatus": "confirmed" if calendar["autoConfirm"] else "new",
        "groupId": calendar.get("groupId", ""),
        "assignedUserId": user,
        "users": [user] if user else [],
    }
    given = {name: value for name, value in body.items() if name not in PASSING}
    return _booked_view(call.state, call.state.create("appointments", call.location, {**plain, **given, **times}))


def _update(call: Call) -> Record:
    found = call.record("appointments", "eventId")
    times = _read_times(call, found["locationId"])
    calendar = call.state.get("calendars", call.body.get("calendarId", found["calendarId"]))
    if "startTime" in times:
        times.setdefault("endTime", times["startTime"] + found["endTime"] - found["startTime"])
        if times["startTime"] != found["startTime"] or calendar["id"] != found["calendarId"]:
            _check_slot(call, calendar, times["startTime"], moving=found["id"])
    given = {name: value for name, value in call.body.items() if name not in PASSING}
    if "assignedUserId" in given:
        given["users"] = [given["assignedUserId"]]
    return _booked_view(call.state, call.state.update("appointments", found, {**given, **times}))


def _read(call: Call) -> Record:
    return {"event": event_view(call.state, call.record("appointments", "eventId"))}


def _delete(call: Call) -> Record:
    key = call.path["eventId"]
    table = next((name for name in ("appointments", "blockedSlots") if call.state.find(name, key)), None)
    if table is None:
        raise missing("Event", key)
    for note in call.state.by_value("appointmentNotes", call.location, "appointmentId", key):
        call.state.remove("appointmentNotes", note["id"])
    call.state.remove(table, key)
    return {"succeeded": True}


def _in_window(call: Call, table: str) -> Record:
    """Those that begin in the window, of one calendar, user or group."""
    query = call.query
    if not any(query.get(name) for name in ("calendarId", "userId", "groupId")):
        raise bad_request("Either of calendarId, userId or groupId is required")
    start, end = int(query["startTime"]), int(query["endTime"])
    found = [
        record
        for record in call.state.rows(table, call.location)
        if start <= record["startTime"] <= end
        and query.get("calendarId") in {None, "", record.get("calendarId")}
        and query.get("userId") in {None, "", record.get("assignedUserId")}
        and query.get("groupId") in {None, "", record.get("groupId")}
    ]
    return {"events": [event_view(call.state, each) for each in sorted(found, key=lambda each: each["startTime"])]}


def _events(call: Call) -> Record:
    return _in_window(call, "appointments")


def _blocks(call: Call) -> Record:
    return _in_window(call, "blockedSlots")


# Blocked slots.


def _block_view(state: State, record: Record) -> Record:
    return {
        **pick(record, "id locationId title calendarId assignedUserId"),
        **_times(state, record, ("startTime", "endTime")),
    }


def _one_owner(body: Record) -> None:
    if bool(body.get("calendarId")) == bool(body.get("assignedUserId")):
        raise bad_request("Exactly one of calendarId or assignedUserId must be given")


def _create_block(call: Call) -> Record:
    _one_owner(call.body)
    times = _read_times(call, call.location)
    if len(times) < 2 or times["endTime"] <= times["startTime"]:
        raise bad_request("startTime and a later endTime are required")
    given = {name: value for name, value in call.body.items() if name not in PASSING}
    if "calendarId" in given:
        given["groupId"] = call.state.get("calendars", given["calendarId"]).get("groupId", "")
    made = call.state.create("blockedSlots", call.location, {"title": "Blocked", **given, **times})
    return _block_view(call.state, made)


def _update_block(call: Call) -> Record:
    _one_owner(call.body)
    found = call.record("blockedSlots", "eventId")
    given = {name: value for name, value in call.body.items() if name not in PASSING}
    if "calendarId" in given:
        call.state.get("calendars", given["calendarId"])
    owner = {"calendarId": given.get("calendarId"), "assignedUserId": given.get("assignedUserId")}
    changes = {**given, **owner, **_read_times(call, found["locationId"])}
    return _block_view(call.state, call.state.update("blockedSlots", found, changes))


V: dict[str, Any] = {"version": "2021-04-15"}
GET: dict[str, Any] = {**V, "scope": "calendars/events.readonly"}
SET: dict[str, Any] = {**V, "scope": "calendars/events.write"}
ROUTES: tuple[Route, ...] = (
    get("/calendars/events", _events, query=WINDOW, lists="appointments", **GET),
    get("/calendars/blocked-slots", _blocks, query=WINDOW, lists="blockedSlots", **GET),
    post("/calendars/events/appointments", _create, body=CREATE, **SET),
    get("/calendars/events/appointments/{eventId}", _read, **GET),
    put("/calendars/events/appointments/{eventId}", _update, body=EDIT, **SET),
    delete("/calendars/events/{eventId}", _delete, body=shape(""), ok=201, **SET),
    post("/calendars/events/block-slots", _create_block, body=BLOCK, ok=201, **SET),
    put("/calendars/events/block-slots/{eventId}", _update_block, body=BLOCK, ok=201, **SET),
)
