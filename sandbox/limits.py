"""The vendor's two limits, kept exactly: so many requests in any 10 seconds and in a day, per app and location."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW = 10.0
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many requests are let in; None is without end."""

    per_10s: int | None = 100
    per_day: int | None = 200_000


@dataclass(slots=True)
class Usage:
    """What one app used at one location."""

    admitted: deque[float] = field(default_factory=deque)
    asked: deque[float] = field(default_factory=deque)
    day: int = 0
    today: int = 0
    refused: int = 0
    worst: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is let in, and the headers that go with its answer."""

    admitted: bool
    headers: dict[str, str]


class Limits:
    """A strict sliding window: a request is refused when the limit was already used in the 10 seconds before it."""

    def __init__(self) -> None:
        self.usage: dict[tuple[str, str], Usage] = {}

    def admit(self, app: str, location: str, now: float, bounds: Bounds) -> Verdict:
        """Counts a request and lets it in, or refuses it."""
        used = self.usage.setdefault((app, location), Usage())
        if used.day != int(now // DAY):
            used.day, used.today = int(now // DAY), 0
        _forget(used.admitted, now)
        _forget(used.asked, now)
        used.asked.append(now)
        used.worst = max(used.worst, len(used.asked))
        full = bounds.per_10s is not None and len(used.admitted) >= bounds.per_10s
        if full or (bounds.per_day is not None and used.today >= bounds.per_day):
            used.refused += 1
            return Verdict(False, _headers(used, bounds))
        used.admitted.append(now)
        used.today += 1
        return Verdict(True, _headers(used, bounds))

    def refused(self) -> int:
        """How many requests were answered with 429, all told."""
        return sum(used.refused for used in self.usage.values())


def _forget(times: deque[float], now: float) -> None:
    while times and times[0] <= now - WINDOW:
        times.popleft()


def _headers(used: Usage, bounds: Bounds) -> dict[str, str]:
    headers = {}
    if bounds.per_10s is not None:
        headers["X-RateLimit-Max"] = str(bounds.per_10s)
        headers["X-RateLimit-Remaining"] = str(max(0, bounds.per_10s - len(used.admitted)))
        headers["X-RateLimit-Interval-Milliseconds"] = str(int(WINDOW * 1000))
    if bounds.per_day is not None:
        headers["X-RateLimit-Limit-Daily"] = str(bounds.per_day)
        headers["X-RateLimit-Daily-Remaining"] = str(max(0, bounds.per_day - used.today))
    return headers
