"""Lists that are asked for between two times: what crosses the edge of the window is no event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.operations.engine import Engine, Watcher
from tests.operations.vendor import Account
from triggers.catalog import CATALOG

pytestmark = pytest.mark.slow

DAY = 86_400
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
"""A Monday; in New York it is seven in the morning."""


def at(days: float, hour: int = 15) -> str:
    """A full hour that many days after the Monday, in UTC."""
    return (NOON.replace(hour=hour) + timedelta(days=days)).isoformat()


@pytest.fixture(autouse=True)
def _monday(engine: Engine) -> None:
    """It is Monday noon, here and at the vendor."""
    engine.wait(NOON.timestamp() - engine.clock() / 1000)


def watch(engine: Engine, account: Account, trigger: str, **params: Any) -> Watcher:
    engine.wait(2)  # the vendor's clock, by which one tells old from new, counts whole seconds
    watcher = Watcher(engine, engine.connection(account, "owner"), CATALOG[trigger], params)
    assert (watcher.poll().failed, watcher.poll().events) == (None, [])
    return watcher


def blocked(account: Account, start: str, end: str) -> str:
    fields = {"calendarId": account.first("calendars"), "startTime": start, "endTime": end}
    return str(account.post("/calendars/events/block-slots", **fields)["id"])


def test_an_appointment_that_enters_or_leaves_the_window_is_no_event(engine: Engine, account: Account) -> None:
    contact = account.contact()
    entering, leaving, staying = (account.appointment(contact, at(days)) for days in (31, -1, 10))
    watcher = watch(engine, account, "ghl.calendars.events.list", calendarId=account.first("calendars"))
    for _ in range(4):
        engine.wait(DAY)
        assert watcher.poll().events == []
    cursor = watcher.row["cursor"]
    assert entering in cursor
    assert staying in cursor
    assert leaving not in cursor


def test_what_happens_to_an_appointment_after_it_entered_the_window_is_told(engine: Engine, account: Account) -> None:
    entering = account.appointment(account.contact(), at(31))
    watcher = watch(engine, account, "ghl.calendars.events.list", calendarId=account.first("calendars"))
    engine.wait(3 * DAY)
    assert watcher.poll().events == []
    account.put(f"/calendars/events/appointments/{entering}", appointmentStatus="cancelled")
    assert watcher.poll().events == [("updated", entering)]
    account.delete(f"/calendars/events/{entering}", {})
    assert watcher.poll().events == [("removed", entering)]


def test_an_appointment_booked_while_the_window_moves_is_told(engine: Engine, account: Account) -> None:
    watcher = watch(engine, account, "ghl.calendars.events.list", calendarId=account.first("calendars"))
    engine.wait(2 * DAY)
    booked = account.appointment(account.contact(), at(31))
    assert watcher.poll().events == [("new", booked)]


def test_an_appointment_moved_out_of_the_window_is_gone_from_the_list(engine: Engine, account: Account) -> None:
    booked = account.appointment(account.contact(), at(5))
    watcher = watch(engine, account, "ghl.calendars.events.list", calendarId=account.first("calendars"))
    account.put(
        f"/calendars/events/appointments/{booked}", startTime=at(90), endTime=at(90, 16), ignoreFreeSlotValidation=True
    )
    assert watcher.poll().events == [("removed", booked)]


def test_a_blocked_slot_that_enters_or_leaves_the_window_is_no_event(engine: Engine, account: Account) -> None:
    entering, leaving = blocked(account, at(31), at(31, 16)), blocked(account, at(0), at(0, 16))
    watcher = watch(engine, account, "ghl.calendars.blocked_slots.list", calendarId=account.first("calendars"))
    for _ in range(3):
        engine.wait(DAY)
        assert watcher.poll().events == []
    assert entering in watcher.row["cursor"]
    assert leaving not in watcher.row["cursor"]


def test_slots_that_pass_or_come_into_sight_are_no_events(engine: Engine, account: Account) -> None:
    watcher = watch(engine, account, "ghl.calendars.free_slots", calendarId=account.first("calendars"))
    known = watcher.row["cursor"].count("/")
    for _ in range(8 * 12):
        engine.wait(DAY / 12)
        assert watcher.poll().events == []
    assert watcher.row["cursor"].count("/") > 0.8 * known > 100


def test_a_booking_takes_one_slot_and_its_deletion_gives_it_back(engine: Engine, account: Account) -> None:
    calendar = account.first("calendars")
    watcher = watch(engine, account, "ghl.calendars.free_slots", calendarId=calendar)
    key = f"{calendar}/{round(datetime.fromisoformat(at(2)).timestamp() * 1000)}"
    booked = account.appointment(account.contact(), at(2))
    assert [watcher.poll().events for _ in range(3)] == [[], [("removed", key)], []]
    account.delete(f"/calendars/events/{booked}", {})
    assert [watcher.poll().events for _ in range(2)] == [[("new", key)], []]


def test_a_slot_that_is_taken_for_one_poll_only_is_no_event(engine: Engine, account: Account) -> None:
    watcher = watch(engine, account, "ghl.calendars.free_slots", calendarId=account.first("calendars"))
    booked = account.appointment(account.contact(), at(2))
    assert watcher.poll().events == []
    account.delete(f"/calendars/events/{booked}", {})
    assert [watcher.poll().events for _ in range(3)] == [[], [], []]


def test_a_day_that_is_blocked_takes_all_its_slots(engine: Engine, account: Account) -> None:
    watcher = watch(engine, account, "ghl.calendars.free_slots", calendarId=account.first("calendars"))
    blocked(account, at(2, 5), at(3, 4))
    assert watcher.poll().events == []
    taken = watcher.poll().events
    assert {kind for kind, _ in taken} == {"removed"}
    assert len(taken) == 16  # nine to five by half hours
