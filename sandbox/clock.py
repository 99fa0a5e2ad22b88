"""The sandbox's clock: real time by default, moved or stopped when told, and times for records that never repeat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache


class Clock:
    """Seconds for limits and lags, strictly rising milliseconds for records."""

    def __init__(self) -> None:
        self._moved = 0.0
        self._fixed: float | None = None
        self._last = 0
        self._equal = 0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._moved if self._fixed is None else self._fixed

    def stamp(self) -> int:
        """The time of a change in milliseconds: later than every one before, unless equal times were asked for."""
        if self._equal > 0:
            self._equal -= 1
            self._last = self._last or int(self.now() * 1000)
            return self._last
        self._last = max(int(self.now() * 1000), self._last + 1)
        return self._last

    def seen(self, stamp: int) -> None:
        """Goes on after a time that records of an earlier life already carry."""
        self._last = max(self._last, stamp)

    def equal(self, count: int) -> None:
        """The next `count` changes share one time."""
        self.stamp()
        self._equal = count

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Changes made meanwhile do not count among those that share a time."""
        held, self._equal = self._equal, 0
        try:
            yield
        finally:
            self._equal = held

    def advance(self, seconds: float) -> None:
        """Moves the clock on without waiting."""
        if self._fixed is None:
            self._moved += seconds
        else:
            self._fixed += seconds

    def fix(self, at: float | None) -> None:
        """Stops the clock at a time, or lets it run again."""
        self._fixed = at


@lru_cache(maxsize=4096)
def iso(stamp: int) -> str:
    """Milliseconds since 1970 as the vendor writes a time: `2026-11-24T17:44:00.000Z`."""
    moment = datetime.fromtimestamp(stamp // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{stamp % 1000:03d}Z"


@lru_cache(maxsize=64)
def http_date(second: int) -> str:
    """Seconds since 1970 as the Date header of an answer: `Tue, 24 Nov 2026 17:44:00 GMT`."""
    return formatdate(second, usegmt=True)


def stamp_of(value: str | int | float) -> int:
    """Milliseconds since 1970 of an ISO time (UTC where it has no zone) or of a number of milliseconds.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int | float):
        return int(value)
    if value.lstrip("-").isdigit():
        return int(value)
    moment = datetime.fromisoformat(value)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
