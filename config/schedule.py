"""Times and spans from what people write: `every`, `cron`, `start`, what a step waits, how long runs are collected."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

from croniter import CroniterBadDateError, CroniterError, croniter

from config.automation import Auto, Every, Start
from config.problems import close
from config.span import spanned

SHORTEST, LONGEST = 60, 900
_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600}
_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day", "1 to 31, or `l` for the last"),
    ("month", "1 to 12, or jan to dec"),
    ("weekday", "0 to 7, or sun to sat"),
)
"""The fields of a cron expression, and what each may hold."""
_SOME_TIME = datetime(2024, 1, 1, tzinfo=UTC)


class Unclear(ValueError):
    """What was written is no time that we know; the message says why, `hint` what to write."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def interval(text: str) -> Every | Auto:
    """The schedule of `1m` to `15m`, `60s` to `900s`, or `auto`.

    Raises:
        Unclear: it is something else, or outside 1 to 15 minutes.
    """
    if text == "auto":
        return Auto()
    found = re.fullmatch(r"(\d{1,6})([sm])", text)
    if found is None:
        raise Unclear(f"`{text}` is no interval", _suggestion(text))
    seconds = int(found[1]) * _UNITS[found[2]]
    if not SHORTEST <= seconds <= LONGEST:
        raise Unclear(f"`{text}` is outside 1 to 15 minutes", "expected `1m` to `15m`, or `auto`; or `cron`")
    return Every(seconds)


def length(text: str) -> timedelta:
    """The span of `30s`, `10m`, `2h` or `2d`, up to 90 days.

    Raises:
        Unclear: it is something else.
    """
    hint = "expected such as `30s`, `10m`, `2h` or `2d`, up to `90d`"
    try:
        return spanned(text)
    except ValueError as exc:
        raise Unclear(f"`{text}` {exc}", hint) from None


def collecting(text: str) -> timedelta:
    """The span of `1m` to `1d` for which runs are collected.

    Raises:
        Unclear: it is something else.
    """
    hint = "expected such as `10m` or `1h`"
    try:
        span = spanned(text)
    except ValueError:
        raise Unclear(f"`{text}` is no span between 1m and 1d", hint) from None
    if not timedelta(minutes=1) <= span <= timedelta(days=1):
        raise Unclear(f"`{text}` is not between 1m and 1d", hint)
    return span


def cron(expression: str) -> str:
    """The same expression, known to be one of five fields that comes due some day.

    Raises:
        Unclear: it is not.
    """
    hint = "expected minute, hour, day, month, weekday, such as `*/5 9-17 * * mon-fri`"
    if len(expression.split()) != 5:
        raise Unclear(f"`{expression}` is no cron expression of five fields", hint)
    try:
        croniter(expression, _SOME_TIME).get_next(datetime)
    except CroniterBadDateError:
        raise Unclear(f"`{expression}` never comes due") from None
    except (CroniterError, ValueError, OverflowError, LookupError, TypeError):
        raise Unclear(f"`{expression}` is no cron expression", _field_at_fault(expression) or hint) from None
    return expression


def _field_at_fault(expression: str) -> str | None:
    """The hint that names the first field that is wrong also with nothing else asked for."""
    for number, (field, (name, bounds)) in enumerate(zip(expression.split(), _FIELDS, strict=True)):
        alone = ["*"] * 5
        alone[number] = field
        if not croniter.is_valid(" ".join(alone)):
            return f"the {name} `{field}` is wrong: {bounds}"
    return None


def timezone(name: str) -> str:
    """The same name, known to be one of a time zone.

    Raises:
        Unclear: it is not.
    """
    if name not in _zones():
        # what has no place in it (EST) knows no summer time, and is rarely what is meant
        places = [zone for zone in _zones() if "/" in zone or zone == "UTC"]
        raise Unclear(f"unknown time zone `{name}`", close(name, places) or "expected such as `Europe/Vienna`")
    return name


def start(text: str) -> Start:
    """`now`, `beginning`, or the moment in ISO 8601; a date is its midnight in UTC.

    Raises:
        Unclear: it is none of them.
    """
    if text in ("now", "beginning"):
        return "now" if text == "now" else "beginning"
    hint = "expected `now`, `beginning`, `2026-01-31` or `2026-01-31T09:00:00Z`"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unclear(f"`{text}` is no start", hint) from None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return moment.replace(tzinfo=UTC)
    if moment.tzinfo is None:
        raise Unclear(f"`{text}` names no time zone", f"`{text}Z` is UTC")
    return moment


def _suggestion(text: str) -> str:
    expected = "expected `1m` to `15m`, or `auto`"
    found = re.fullmatch(r"(\d{1,6})\s*([a-z]*?)s?\.?", text.strip().lower())
    seconds = int(found[1]) * _UNITS.get(found[2] or "m", 0) if found else 0
    if not SHORTEST <= seconds <= LONGEST:
        return expected
    return f"did you mean `{seconds // 60}m`?" if seconds % 60 == 0 else f"did you mean `{seconds}s`?"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
