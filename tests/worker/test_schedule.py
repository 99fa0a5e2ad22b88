"""When feeds are due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.automation import Auto, Cron, Every, Schedule
from worker.schedule import FIRST_PACE, first_due, interval, missed_slots, next_slot, paced

MINUTE = 60_000
NOW = round(datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC).timestamp() * 1000)


def moment(year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


@given(st.integers(1, 15), st.text(min_size=1, max_size=20), st.integers(0, 2**41))
def test_an_interval_s_slots_lie_on_a_grid_and_after_now(minutes: int, feed: str, now: int) -> None:
    schedule = [Every(minutes * 60)]
    first = next_slot(schedule, feed, now, 0)
    assert now < first <= now + minutes * MINUTE
    assert next_slot(schedule, feed, first, 0) == first + minutes * MINUTE


def test_many_feeds_are_spread_over_their_interval() -> None:
    slots = {next_slot([Every(300)], f"feed-{number}", NOW, 0) // 10_000 for number in range(1000)}
    assert len(slots) == 30 or len(slots) == 31  # every ten seconds of five minutes has some


def test_a_new_feed_is_polled_at_once_and_many_are_spread() -> None:
    assert first_due([Every(300)], "a", NOW, 1) == NOW
    due = [first_due([Every(300)], f"feed-{number}", NOW, 10_000) for number in range(1000)]
    assert min(due) < NOW + 10_000
    assert NOW + 290_000 < max(due) < NOW + 300_000


def test_a_cron_expression_is_read_in_its_time_zone() -> None:
    schedule = [Cron("0 9 * * mon-fri", "Europe/Berlin")]
    assert next_slot(schedule, "a", NOW, 0) == moment(2026, 3, 3, 8)


def test_a_cron_slot_keeps_its_wall_clock_time_over_a_change_of_summer_time() -> None:
    before = moment(2026, 3, 28, 12)
    first = next_slot([Cron("0 9 * * *", "Europe/Berlin")], "a", before, 0)
    assert first == moment(2026, 3, 29, 7)  # 09:00 at +02:00, the day before was +01:00


def test_a_shared_feed_is_due_when_the_first_of_its_schedules_says_so() -> None:
    both: list[Schedule] = [Every(900), Every(60)]
    assert next_slot(both, "a", NOW, 0) <= NOW + MINUTE


@pytest.mark.parametrize(("late", "missed"), [(0, 0), (30_000, 0), (60_000, 1), (5 * MINUTE, 5)])
def test_slots_that_went_by_unkept_are_counted(late: int, missed: int) -> None:
    slot = next_slot([Every(60)], "a", NOW, 0)
    assert missed_slots([Every(60)], "a", slot, slot + late, 0) == missed


def test_auto_goes_between_one_and_fifteen_minutes_with_what_the_feed_brings() -> None:
    pace = FIRST_PACE
    for _ in range(10):
        pace = paced(pace, brought=True)
    assert pace == MINUTE
    for _ in range(30):
        pace = paced(pace, brought=False)
    assert pace == 15 * MINUTE
    assert interval([Auto()], "a", NOW, pace) == 15 * MINUTE
