"""When a feed is due: pure functions of its schedules and the time, in epoch milliseconds.

A feed that several automations share has all their schedules, and is due when the first of them says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

from croniter import croniter

from config.automation import Auto, Cron, Every, Schedule

FASTEST, SLOWEST = 60_000, 900_000
FIRST_PACE = 300_000
MOST_COUNTED = 1_000
"""Missed slots are counted no further than this."""


def next_slot(schedules: Sequence[Schedule], feed: str, now: int, pace: int) -> int:
    """The first slot after `now`; `pace` is the present interval of `every: auto`."""
    return min(_next(schedule, feed, now, pace) for schedule in schedules)


def missed_slots(
    schedules: Sequence[Schedule], feed: str, slot: int, now: int, pace: int, *, most: int = MOST_COUNTED
) -> int:
    """How many slots lay between the one that was kept and `now`, and went by unkept; no more than `most`."""
    count, at = 0, slot
    while count < most and (at := next_slot(schedules, feed, at, pace)) <= now:
        count += 1
    return count


def interval(schedules: Sequence[Schedule], feed: str, now: int, pace: int) -> int:
    """How long (ms) it is from one slot to the next, about now."""
    first = next_slot(schedules, feed, now, pace)
    return next_slot(schedules, feed, first, pace) - first


def paced(pace: int, *, brought: bool, least: int = FASTEST) -> int:
    """The next interval of `every: auto`: halved by a poll that brought events, stretched by one that did not.

    It is never shorter than `least`, which is what the quota allows.
    """
    pace = pace or FIRST_PACE
    following = pace // 2 if brought else pace + pace // 4
    return min(max(following, FASTEST, least), SLOWEST)


def first_due(schedules: Sequence[Schedule], feed: str, now: int, others: int) -> int:
    """When a new feed is first polled: at once, or spread over its interval when many come together."""
    span = interval(schedules, feed, now, FIRST_PACE)
    return now if others <= 100 else now + _spread(feed, span)


def _next(schedule: Schedule, feed: str, now: int, pace: int) -> int:
    match schedule:
        case Every(seconds):
            return _on_grid(seconds * 1000, feed, now)
        case Auto():
            return _on_grid(pace or FIRST_PACE, feed, now)
        case Cron(expression, timezone):
            start = datetime.fromtimestamp(now / 1000, ZoneInfo(timezone))
            following: datetime = croniter(expression, start).get_next(datetime)
            return round(following.astimezone(UTC).timestamp() * 1000)


def _on_grid(every: int, feed: str, now: int) -> int:
    """The next point of a grid that is shifted by a stable hash, so that feeds do not fire together."""
    offset = _spread(feed, every)
    return (now - offset) // every * every + every + offset


def _spread(feed: str, span: int) -> int:
    return int.from_bytes(blake2b(feed.encode(), digest_size=6).digest(), "big") % span
