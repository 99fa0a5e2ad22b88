from __future__ import annotations

from itertools import count
from typing import Any

import pytest

NOW = "2026-11-23T12:00:00Z"  # a Monday, 07:00 in New York
DAY = 86_400_000
NUMBERS = count()
MONDAY = 1795410000000  # 2026-11-23T00:00:00-05:00


@pytest.fixture
def calendar(client: Any) -> Any:
    """The calendar that a location has from the start, on a known morning."""
    client.steer("clock", {"fix": NOW})
    return client.get("/calendars/", locationId=client.location)["calendars"][0]


@pytest.fixture
def slots(client: Any, calendar: Any) -> Any:
    """The free slots of some days of that calendar."""

    def free(days: int = 1, **query: Any) -> dict[str, list[str]]:
        path = f"/calendars/{calendar['id']}/free-slots"
        got = client.get(path, startDate=MONDAY, endDate=MONDAY + days * DAY, **query)
        assert got.status == 200, got.said
        return {day: each["slots"] for day, each in got.said.items() if day != "traceId"}

    return free


def book(client: Any, calendar: Any, start: str, contact: str | None = None, **more: Any) -> Any:
    contact = contact or client.contact(email=f"{next(NUMBERS)}@example.com")["id"]
    body = {"calendarId": calendar["id"], "locationId": client.location, "contactId": contact, "startTime": start}
    return client.post("/calendars/events/appointments", {**body, **more})


def test_slots_lie_in_the_open_hours_of_working_days_in_the_zone_of_the_location(slots: Any) -> None:
    free = slots(days=7)
    assert list(free) == [f"2026-11-{day}" for day in (23, 24, 25, 26, 27)]
    assert (len(free["2026-11-24"]), free["2026-11-24"][0]) == (16, "2026-11-24T09:00:00-05:00")
    assert free["2026-11-24"][-1] == "2026-11-24T16:30:00-05:00"


def test_slots_are_shown_in_the_zone_that_is_asked_for(slots: Any) -> None:
    assert slots(timezone="Europe/Berlin")["2026-11-23"][0] == "2026-11-23T15:00:00+01:00"


def test_slots_that_have_passed_are_not_free(client: Any, slots: Any) -> None:
    client.steer("clock", {"advance": 4 * 3600 + 60})  # 11:01 in New York
    assert slots()["2026-11-23"][0] == "2026-11-23T11:30:00-05:00"


def test_booking_takes_the_slot_and_cancelling_gives_it_back(client: Any, calendar: Any, slots: Any) -> None:
    start = slots()["2026-11-23"][3]
    made = book(client, calendar, start)
    assert (made.status, made["startTime"], made["appointmentStatus"]) == (200, start, "confirmed")
    assert start not in slots()["2026-11-23"]
    again = book(client, calendar, start)
    assert (again.status, again["message"]) == (400, "The slot you have selected is no longer available.")
    client.put(f"/calendars/events/appointments/{made['id']}", {"appointmentStatus": "cancelled"})
    assert start in slots()["2026-11-23"]


def test_a_slot_outside_the_open_hours_is_refused_unless_the_check_is_waived(client: Any, calendar: Any) -> None:
    night = "2026-11-24T03:00:00-05:00"
    assert book(client, calendar, night).status == 400
    assert book(client, calendar, night, ignoreFreeSlotValidation=True).status == 200


def test_the_same_slot_is_taken_in_whatever_zone_it_is_written(client: Any, calendar: Any, slots: Any) -> None:
    assert book(client, calendar, "2026-11-24T14:00:00Z").status == 200
    assert "2026-11-24T09:00:00-05:00" not in slots(days=2)["2026-11-24"]


def test_moving_an_appointment_frees_its_old_slot(client: Any, calendar: Any, slots: Any) -> None:
    first, second = slots()["2026-11-23"][:2]
    made = book(client, calendar, first)
    path = f"/calendars/events/appointments/{made['id']}"
    before = client.get(path)["event"]
    assert client.put(path, {"startTime": second})["startTime"] == second
    after = client.get(path)["event"]
    assert first in slots()["2026-11-23"]
    assert second not in slots()["2026-11-23"]
    assert after["dateUpdated"] >= before["dateUpdated"]
    assert client.put(path, {"startTime": second, "title": "Same"}).status == 200


def test_deleting_an_appointment_frees_its_slot_and_removes_it_everywhere(
    client: Any, calendar: Any, slots: Any
) -> None:
    start = slots()["2026-11-23"][0]
    contact = client.contact()["id"]
    made = book(client, calendar, start, contact)
    assert len(client.get(f"/contacts/{contact}/appointments")["events"]) == 1
    assert client.delete(f"/calendars/events/{made['id']}", {}).status == 201
    assert start in slots()["2026-11-23"]
    assert client.get(f"/contacts/{contact}/appointments")["events"] == []
    got = client.get(f"/calendars/events/appointments/{made['id']}")
    assert (got.status, got["message"]) == (400, f"Appointment with id {made['id']} not found")
    assert client.delete(f"/calendars/events/{made['id']}", {}).status == 400


def test_a_contacts_appointments_carry_times_without_offset(client: Any, calendar: Any, slots: Any) -> None:
    contact = client.contact()["id"]
    book(client, calendar, slots()["2026-11-23"][0], contact)
    event = client.get(f"/contacts/{contact}/appointments")["events"][0]
    assert (event["startTime"], event["endTime"]) == ("2026-11-23 09:00:00", "2026-11-23 09:30:00")
    assert (event["status"], event["appointmentStatus"]) == ("booked", "confirmed")


def test_events_are_listed_by_their_own_time_for_a_calendar_user_or_group(
    client: Any, calendar: Any, slots: Any
) -> None:
    made = [book(client, calendar, slots(days=2)[day][0])["id"] for day in ("2026-11-23", "2026-11-24")]
    window = {"locationId": client.location, "startTime": MONDAY, "endTime": MONDAY + DAY}
    user = calendar["teamMembers"][0]["userId"]
    for who in ({"calendarId": calendar["id"]}, {"userId": user}, {"groupId": calendar["groupId"]}):
        assert [each["id"] for each in client.get("/calendars/events", **window, **who)["events"]] == made[:1]
    assert client.get("/calendars/events", **window, calendarId="other")["events"] == []
    assert client.get("/calendars/events", **window).status == 400


def test_a_block_takes_slots_and_goes_as_an_event(client: Any, calendar: Any, slots: Any) -> None:
    body = {
        "locationId": client.location,
        "calendarId": calendar["id"],
        "title": "Lunch",
        "startTime": "2026-11-23T12:00:00-05:00",
        "endTime": "2026-11-23T13:00:00-05:00",
    }
    made = client.post("/calendars/events/block-slots", body)
    assert made.status == 201
    free = slots()["2026-11-23"]
    assert "2026-11-23T11:30:00-05:00" in free
    assert "2026-11-23T12:00:00-05:00" not in free
    assert "2026-11-23T12:30:00-05:00" not in free
    window = {"locationId": client.location, "startTime": MONDAY, "endTime": MONDAY + DAY}
    found = client.get("/calendars/blocked-slots", **window, calendarId=calendar["id"])["events"]
    assert [each["id"] for each in found] == [made["id"]]
    shorter = {**body, "endTime": "2026-11-23T12:30:00-05:00"}
    assert client.put(f"/calendars/events/block-slots/{made['id']}", shorter).status == 201
    assert "2026-11-23T12:30:00-05:00" in slots()["2026-11-23"]
    assert client.delete(f"/calendars/events/{made['id']}", {}).status == 201
    assert "2026-11-23T12:00:00-05:00" in slots()["2026-11-23"]


@pytest.mark.parametrize("owners", [{}, {"calendarId": "CAL", "assignedUserId": "u"}])
def test_a_block_has_exactly_one_owner(client: Any, calendar: Any, owners: dict[str, str]) -> None:
    times = {"startTime": "2026-11-23T12:00:00Z", "endTime": "2026-11-23T13:00:00Z"}
    named = {name: calendar["id"] if value == "CAL" else value for name, value in owners.items()}
    got = client.post("/calendars/events/block-slots", {"locationId": client.location, **times, **named})
    assert got.status == 400


def test_a_block_of_the_only_user_blocks_the_calendar(client: Any, calendar: Any, slots: Any) -> None:
    user = calendar["teamMembers"][0]["userId"]
    times = {"startTime": "2026-11-23T00:00:00-05:00", "endTime": "2026-11-24T00:00:00-05:00"}
    client.post("/calendars/events/block-slots", {"locationId": client.location, "assignedUserId": user, **times})
    assert slots() == {}


def test_a_calendar_follows_its_own_hours_seats_and_lengths(client: Any, calendar: Any) -> None:
    hours = [{"openHour": 8, "openMinute": 30, "closeHour": 10, "closeMinute": 0}]
    body = {
        "locationId": client.location,
        "name": "Class",
        "slotDuration": 1,
        "slotDurationUnit": "hours",
        "slotInterval": 30,
        "appoinmentPerSlot": 2,
        "openHours": [{"daysOfTheWeek": [1], "hours": hours}],
    }
    made = client.post("/calendars/", body)["calendar"]
    path = f"/calendars/{made['id']}/free-slots"
    free = client.get(path, startDate=MONDAY, endDate=MONDAY + 2 * DAY)
    start = "2026-11-23T08:30:00-05:00"
    assert free["2026-11-23"]["slots"] == [start, "2026-11-23T09:00:00-05:00"]
    assert [book(client, made, start).status for _ in range(3)] == [200, 200, 400]


def test_a_range_of_more_than_31_days_is_refused(client: Any, calendar: Any) -> None:
    path = f"/calendars/{calendar['id']}/free-slots"
    assert client.get(path, startDate=MONDAY, endDate=MONDAY + 32 * DAY).status == 400


def test_a_deleted_calendar_disappears_with_its_appointments(client: Any, calendar: Any, slots: Any) -> None:
    contact = client.contact()["id"]
    book(client, calendar, slots()["2026-11-23"][0], contact)
    assert client.delete(f"/calendars/{calendar['id']}")["success"] is True
    assert client.get("/calendars/", locationId=client.location)["calendars"] == []
    assert client.get(f"/calendars/{calendar['id']}").status == 400
    assert client.get(f"/contacts/{contact}/appointments")["events"] == []


def test_calendars_are_changed_and_their_slugs_are_their_own(client: Any, calendar: Any) -> None:
    changed = client.put(f"/calendars/{calendar['id']}", {"name": "New", "isActive": False})["calendar"]
    assert client.get(f"/calendars/{calendar['id']}")["calendar"] == changed
    assert client.get("/calendars/", locationId=client.location, showDrafted="false")["calendars"] == []
    taken = {"locationId": client.location, "name": "Other", "slug": calendar["slug"]}
    assert client.post("/calendars/", taken).status == 400


def test_groups_have_slugs_of_their_own(client: Any, calendar: Any) -> None:
    body = {"locationId": client.location, "name": "G", "description": "", "slug": "g"}
    assert client.post("/calendars/groups/validate-slug", {"locationId": client.location, "slug": "g"})["available"]
    assert client.post("/calendars/groups", body).status == 422
    made = client.post("/calendars/groups", {**body, "description": "d"})["group"]
    asked = {"locationId": client.location, "slug": "g"}
    assert client.post("/calendars/groups/validate-slug", asked)["available"] is False
    assert client.post("/calendars/groups", {**body, "description": "d"}).status == 400
    path = f"/calendars/groups/{made['id']}"
    renamed = client.put(path, {"name": "H", "description": "d", "slug": "g"})["group"]
    client.put(f"{path}/status", {"isActive": False})
    groups = client.get("/calendars/groups", locationId=client.location)["groups"]
    assert {**renamed, "isActive": False} in groups
    assert client.delete(path)["success"] is True
    assert len(client.get("/calendars/groups", locationId=client.location)["groups"]) == 1


def test_notes_of_an_appointment_come_in_pages(client: Any, calendar: Any, slots: Any) -> None:
    appointment = book(client, calendar, slots()["2026-11-23"][0])["id"]
    path = f"/calendars/appointments/{appointment}/notes"
    user = calendar["teamMembers"][0]["userId"]
    made = [client.post(path, {"body": str(n), "userId": user})["note"]["id"] for n in range(3)]
    first = client.get(path, limit=2, offset=0)
    assert ([each["id"] for each in first["notes"]], first["hasMore"]) == (made[:0:-1], True)
    assert first["notes"][0]["createdBy"] == {"id": user, "name": "Olive Field"}
    assert client.get(path, limit=2, offset=2)["hasMore"] is False
    assert client.put(f"{path}/{made[0]}", {"body": "x"})["note"]["body"] == "x"
    assert client.delete(f"{path}/{made[0]}")["success"] is True
    assert len(client.get(path, limit=20, offset=0)["notes"]) == 2
    assert client.get(path, limit=21, offset=0).status == 422


def test_notifications_are_marked_as_deleted(client: Any, calendar: Any) -> None:
    path = f"/calendars/{calendar['id']}/notifications"
    one = {"receiverType": "contact", "channel": "email", "notificationType": "reminder"}
    made = client.post(path, [one, {**one, "channel": "sms"}]).said
    assert [each["_id"] for each in client.get(path).said] == [each["_id"] for each in made]
    assert client.get(path, limit=1, skip=1).said == made[1:]
    assert client.put(f"{path}/{made[0]['_id']}", {"isActive": False})["message"]
    assert client.get(path, isActive="true").said == made[1:]
    client.delete(f"{path}/{made[0]['_id']}")
    assert client.get(path).said == made[1:]
    assert client.get(path, deleted="true").said[0]["_id"] == made[0]["_id"]
    assert client.get(f"{path}/{made[0]['_id']}")["deleted"] is True
    assert client.post(path, one).status == 422


def test_resources_are_kept_by_kind(client: Any, calendar: Any) -> None:
    body = {
        "locationId": client.location,
        "name": "Room",
        "description": "d",
        "quantity": 1,
        "outOfService": 0,
        "capacity": 4,
        "calendarIds": [calendar["id"]],
    }
    made = client.post("/calendars/resources/rooms", body)
    page = {"locationId": client.location, "limit": 10, "skip": 0}
    assert [each["_id"] for each in client.get("/calendars/resources/rooms", **page).said] == [made["_id"]]
    assert client.get("/calendars/resources/equipments", **page).said == []
    assert client.get(f"/calendars/resources/equipments/{made['_id']}").status == 400
    assert client.put(f"/calendars/resources/rooms/{made['_id']}", {"capacity": 5})["capacity"] == 5
    assert client.get(f"/calendars/resources/rooms/{made['_id']}")["capacity"] == 5
    assert client.delete(f"/calendars/resources/rooms/{made['_id']}")["success"] is True
    assert client.get("/calendars/resources/castles", **page).status == 422
