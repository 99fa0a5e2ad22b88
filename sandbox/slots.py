"""The free slots of a calendar: its open hours, less what is booked or blocked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sandbox.state import Record, State
from sandbox.zones import moment, zone_of

MINUTE = 60_000
UNITS = {"mins": 1, "hours": 60, "days": 1440, "weeks": 10_080, "months": 43_200}
IDLE = {"cancelled", "noshow", "invalid"}


def span(calendar: Record, name: str, default: int) -> int:
    """A length of time of a calendar, in milliseconds, with its unit read."""
    unit = UNITS[calendar.get(f"{name}Unit", "mins")]
    return int(calendar[name] * unit * MINUTE) if name in calendar else default * MINUTE


def duration(calendar: Record) -> int:
    """How long an appointment takes, in milliseconds."""
    return span(calendar, "slotDuration", 30)


def free_slots(
    state: State, calendar: Record, start: int, end: int, user: str | None = None, moving: str | None = None
) -> list[int]:
    """The starts of the free slots that lie at or after `start` and before `end`, in milliseconds.

    A slot is free when it is in the future, as far as the calendar wants, and no appointment or block overlaps it. An
    appointment that is being moved does not stand in its own way.
    """
    now = int(state.clock.now() * 1000)
    first = max(start, now + span(calendar, "allowBookingAfter", 0))
    last = min(end, now + span(calendar, "allowBookingFor", 365 * 1440))
    where = zone_of(state, calendar["locationId"])
    seats = int(calendar.get("appoinmentPerSlot") or 1)
    booked, blocked = list(_booked(state, calendar, moving)), list(_blocked(state, calendar, user))
    length = duration(calendar)
    full = _full_days(calendar, booked, where)
    return [
        slot
        for slot in _open_slots(calendar, first, last, where)
        if first <= slot < last
        and moment(slot, where).date() not in full
        and sum(_overlap(slot, length, each) for each in booked) < seats
        and not any(_overlap(slot, length, each) for each in blocked)
    ]


def _overlap(slot: int, length: int, busy: tuple[int, int]) -> bool:
    return slot < busy[1] and busy[0] < slot + length


def _booked(state: State, calendar: Record, moving: str | None) -> Iterator[tuple[int, int]]:
    before, after = span(calendar, "preBuffer", 0), span(calendar, "slotBuffer", 0)
    for each in state.by_value("appointments", calendar["locationId"], "calendarId", calendar["id"]):
        if each["appointmentStatus"] not in IDLE and each["id"] != moving:
            yield each["startTime"] - before, each["endTime"] + after


def _blocked(state: State, calendar: Record, user: str | None) -> Iterator[tuple[int, int]]:
    team = [member["userId"] for member in calendar.get("teamMembers", ())]
    asked = [user] if user else team if len(team) == 1 else []
    for each in state.rows("blockedSlots", calendar["locationId"]):
        if each.get("calendarId") == calendar["id"] or each.get("assignedUserId") in asked:
            yield each["startTime"], each["endTime"]


def _full_days(calendar: Record, booked: list[tuple[int, int]], where: ZoneInfo) -> set[date]:
    most = calendar.get("appoinmentPerDay")
    days = [moment(start, where).date() for start, _ in booked]
    return {day for day in days if most and days.count(day) >= most}


def _open_slots(calendar: Record, first: int, last: int, where: ZoneInfo) -> Iterator[int]:
    day, end = moment(first, where).date(), moment(max(first, last), where).date()
    step = max(MINUTE, span(calendar, "slotInterval", 30))
    while day <= end:
        for hours in _hours(calendar, day):
            opens = _at(day, hours["openHour"], hours["openMinute"], where)
            closes = _at(day, hours["closeHour"], hours["closeMinute"], where)
            yield from range(opens, closes - duration(calendar) + 1, step)
        day += timedelta(days=1)


def _hours(calendar: Record, day: date) -> list[Record]:
    own = [each["hours"] for each in calendar.get("availabilities", ()) if each["date"][:10] == day.isoformat()]
    if own or calendar.get("availabilityType") == 1:
        return [hours for each in own for hours in each]
    weekday = day.isoweekday() % 7  # the vendor counts from Sunday, 0
    return [hours for each in calendar["openHours"] if weekday in each["daysOfTheWeek"] for hours in each["hours"]]


def _at(day: date, hour: int, minute: int, where: ZoneInfo) -> int:
    begin = datetime.combine(day, time(), where) + timedelta(hours=hour, minutes=minute)
    return round(begin.timestamp() * 1000)
