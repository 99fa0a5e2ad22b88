"""Times in the zone of a location, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.refusal import unprocessable
from sandbox.state import State


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        Refusal: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise unprocessable(f"{name} is not a valid time zone") from exc


def zone_of(state: State, location: str) -> ZoneInfo:
    """The time zone of a location."""
    return zone(str(state.location(location)["timezone"]))


def moment(stamp: int, where: ZoneInfo) -> datetime:
    """Milliseconds since 1970 as a time in a zone."""
    return datetime.fromtimestamp(stamp / 1000, UTC).astimezone(where)


def local(stamp: int, where: ZoneInfo) -> str:
    """Milliseconds since 1970 as ISO time with the zone's offset: `2026-12-01T09:00:00-05:00`."""
    return moment(stamp, where).isoformat(timespec="seconds")


def plain(stamp: int, where: ZoneInfo) -> str:
    """Milliseconds since 1970 without an offset: `2026-12-01 09:00:00`."""
    return f"{moment(stamp, where):%Y-%m-%d %H:%M:%S}"


def stamp(text: str, where: ZoneInfo) -> int:
    """Milliseconds since 1970 of an ISO time; in the zone, where it carries no offset.

    Raises:
        Refusal: it is no time.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError as exc:
        raise unprocessable(f"{text} must be a valid ISO 8601 date string") from exc
    return round((read if read.tzinfo else read.replace(tzinfo=where)).timestamp() * 1000)
