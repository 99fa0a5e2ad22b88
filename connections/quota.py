"""The quota: how many requests may be sent now, shared by all processes through Redis.

A token is the right to send one request at once. The vendor counts 100 requests in any ten seconds by its own clock, at
the moment they arrive; ours are counted when they are granted. The window is therefore a little longer than ten
seconds, by the time a token may wait in a process (`HOLD`) and some jitter of the network.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from connections.connection import Quota
from connections.script import Script, connect

Precedence = Literal["action", "poll"]

WINDOW = 10.4
HOLD = 0.1
LEAST_WAIT = 0.02
RECENT = 60.0
DAY = 86_400.0
SCRIPT = Path(__file__).with_name("quota.lua")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """Some tokens: `granted` of them, or none and `wait` seconds until more may be free.

    `stamp` is when they were granted, by the limiter's own clock; unused ones are given back with it.
    """

    granted: int
    wait: float
    stamp: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the vendor's answer says about the quota; None where it says nothing.

    `most` requests are allowed per interval, of which `left` are left; likewise in the day.
    """

    most: int | None
    left: int | None
    daily: int | None
    daily_left: int | None


class Limiter(Protocol):
    """Hands out the right to send requests; a budget is what a vendor counts as one (`Connection.budget`)."""

    async def take(self, budget: str, quota: Quota, want: int, precedence: Precedence) -> Grant:
        """As many tokens as are free, at most `want`; polls leave a part to actions."""

    async def give(self, budget: str, grant: Grant, unused: int) -> None:
        """Gives back tokens of a grant that were not used."""

    async def learn(self, budget: str, headers: Mapping[str, str], took: float = 0.0) -> None:
        """Notes what the X-RateLimit headers (lower-case names) of an answer say, which took so many seconds."""

    async def freeze(self, budget: str, seconds: float) -> None:
        """Grants nothing for a while, in all processes: the vendor answered 429."""

    async def close(self) -> None:
        """Ends the limiter's connections."""


def notice(headers: Mapping[str, str]) -> Notice | None:
    """What the answer's headers say about the quota, if they say anything."""
    most, daily = _number(headers, "x-ratelimit-max"), _number(headers, "x-ratelimit-limit-daily")
    if most is None and daily is None:
        return None
    return Notice(
        most=most,
        left=_number(headers, "x-ratelimit-remaining"),
        daily=daily,
        daily_left=_number(headers, "x-ratelimit-daily-remaining"),
    )


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name)
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


@dataclass(slots=True)
class _Budget:
    """What one process remembers of a budget: the grants of the window as [time, count], and the day's count."""

    grants: deque[list[float]] = field(default_factory=deque)
    used: int = 0
    day: int = 0
    spent: int = 0
    frozen: float = 0.0
    acted: float = -RECENT
    most: int | None = None
    daily: int | None = None

    def forget(self, now: float, window: float) -> None:
        while self.grants and self.grants[0][0] <= now - window:
            self.used -= int(self.grants.popleft()[1])
        if self.day != int(now // DAY):
            self.day, self.spent = int(now // DAY), 0

    def add(self, now: float, count: int) -> None:
        self.grants.append([now, count])
        self.used += count

    def wait(self, now: float, window: float, need: float) -> float:
        for at, count in self.grants:
            need -= count
            if need <= 0:
                return max(at + window - now, LEAST_WAIT)
        return window


class LocalLimiter:
    """The quota, or a `share` of it, kept by one process alone; `clock` gives epoch seconds."""

    def __init__(self, *, share: float = 1.0, window: float = WINDOW, clock: Callable[[], float] = time.time) -> None:
        self._share = share
        self._window = window
        self._clock = clock
        self._budgets: dict[str, _Budget] = {}

    async def take(self, budget: str, quota: Quota, want: int, precedence: Precedence) -> Grant:
        """As many tokens as are free, at most `want`; polls leave a part to actions."""
        now, kept = self._clock(), self._kept(budget)
        kept.forget(now, self._window)
        if precedence == "action" and want:
            kept.acted = now
        per_10s, per_day = self._limits(quota, kept, precedence, now)
        free, free_today = per_10s - kept.used, per_day - kept.spent
        if now < kept.frozen:
            return Grant(0, kept.frozen - now)
        if free_today <= 0:
            return Grant(0, (kept.day + 1) * DAY - now)
        granted = max(0, min(want, free, free_today))
        if not granted:
            return Grant(0, kept.wait(now, self._window, 1 - free))
        self.note(budget, granted, now)
        return Grant(granted, 0.0, round(now * 1e6))

    def _limits(self, quota: Quota, kept: _Budget, precedence: Precedence, now: float) -> tuple[int, int]:
        per_10s = max(1, int(min(quota.per_10s, kept.most or quota.per_10s) * self._share))
        per_day = max(1, int(min(quota.per_day, kept.daily or quota.per_day) * self._share))
        if precedence == "action":
            return per_10s, per_day
        reserve = 0.2 if now - kept.acted < RECENT else 0.0
        return per_10s - int(per_10s * reserve), per_day - int(per_day * 0.1)

    def note(self, budget: str, count: int, now: float) -> None:
        """Counts tokens that were granted at that time, here or elsewhere."""
        kept = self._kept(budget)
        kept.forget(now, self._window)
        kept.add(now, count)
        kept.spent += count

    def granted_since(self, budget: str, since: float) -> list[tuple[float, int]]:
        """The (time, count) of what was granted since then and is still in the window."""
        kept = self._kept(budget)
        kept.forget(self._clock(), self._window)
        return [(at, int(count)) for at, count in kept.grants if at >= since]

    async def give(self, budget: str, grant: Grant, unused: int) -> None:
        """Gives back tokens of a grant that were not used."""
        kept = self._kept(budget)
        for entry in kept.grants:
            if round(entry[0] * 1e6) == grant.stamp:
                back = min(unused, int(entry[1]))
                entry[1] -= back
                kept.used -= back
                kept.spent -= back
                return

    async def learn(self, budget: str, headers: Mapping[str, str], took: float = 0.0) -> None:
        """Notes what the X-RateLimit headers (lower-case names) of an answer say, which took so many seconds."""
        said = notice(headers)
        if said is None:
            return
        now, kept = self._clock(), self._kept(budget)
        kept.forget(now, self._window)
        kept.most, kept.daily = said.most or kept.most, said.daily or kept.daily
        if self._share == 1.0 and said.most is not None and said.left is not None and took < 0.8:
            others = said.most - said.left - kept.used
            if others > 0:
                self.note(budget, others, now)
        if self._share == 1.0 and said.daily is not None and said.daily_left is not None:
            kept.spent = max(kept.spent, said.daily - said.daily_left)

    async def freeze(self, budget: str, seconds: float) -> None:
        """Grants nothing for a while: the vendor answered 429."""
        kept = self._kept(budget)
        kept.frozen = max(kept.frozen, self._clock() + seconds)

    async def close(self) -> None:
        """Nothing is open."""

    def _kept(self, budget: str) -> _Budget:
        return self._budgets.setdefault(budget, _Budget())


class RedisLimiter:
    """The quota shared by all processes, kept by one script in Redis.

    While Redis is away each process goes on with its share of the quota, `1 / processes`; what it granted is told to
    Redis when that is back. Made inside the running loop; `redis` is closed with it.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        processes: int = 4,
        prefix: str = "hightide",
        window: float = WINDOW,
        again: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._script = Script(redis, SCRIPT.read_text("utf-8"))
        self._prefix = prefix
        self._window = window
        self._again = again
        self._clock = clock
        self._asker = uuid4().hex[:12]
        self._alone = LocalLimiter(share=1 / processes, window=window, clock=clock)
        self._away_since: float | None = None
        self._next_try = 0.0
        self._owed: dict[str, float] = {}
        self._heard: dict[str, tuple[Notice, float, float]] = {}
        self._limits: dict[str, tuple[int | None, int | None]] = {}

    @classmethod
    def at(cls, url: str, **more: Any) -> RedisLimiter:
        """A limiter on the Redis at this address (`redis://`, `rediss://`, `unix://`, `redis+socket://`)."""
        return cls(connect(url), **more)

    async def take(self, budget: str, quota: Quota, want: int, precedence: Precedence) -> Grant:
        """As many tokens as are free, at most `want`; polls leave a part to actions."""
        reply = await self._ask(budget, precedence, *self._wish(budget, quota, want, precedence))
        if reply is None:
            if want:
                self._owed.setdefault(budget, self._away_since or self._clock())
            return await self._alone.take(budget, quota, want, precedence)
        granted, wait, stamp = reply
        if granted:
            self._alone.note(budget, granted, self._clock())
        return Grant(granted, wait / 1e6, stamp)

    async def give(self, budget: str, grant: Grant, unused: int) -> None:
        """Gives back tokens of a grant that were not used."""
        if await self._ask(budget, "action", "give", grant.stamp, unused) is None:
            await self._alone.give(budget, grant, unused)

    async def learn(self, budget: str, headers: Mapping[str, str], took: float = 0.0) -> None:
        """Notes what the X-RateLimit headers (lower-case names) of an answer say, which took so many seconds.

        It goes to Redis with the next `take`; limits that differ from those known go there at once.
        """
        said = notice(headers)
        if said is None:
            return
        if took < 3.0:
            self._heard[budget] = (said, self._clock(), took)
        limits = (said.most, said.daily)
        if self._limits.get(budget) != limits:
            self._limits[budget] = limits
            self._heard[budget] = (said, self._clock(), took)
            await self._alone.learn(budget, headers, took)
            await self._ask(budget, "action", *self._wish(budget, Quota(), 0, "action"))

    async def freeze(self, budget: str, seconds: float) -> None:
        """Grants nothing for a while, in all processes: the vendor answered 429."""
        await self._alone.freeze(budget, seconds)
        await self._ask(budget, "action", "freeze", round(seconds * 1e6))

    async def close(self) -> None:
        """Ends the connection to Redis."""
        await self._redis.aclose()

    def _wish(self, budget: str, quota: Quota, want: int, precedence: Precedence) -> tuple[str | int, ...]:
        wish = ("take", quota.per_10s, quota.per_day, want, precedence, round(self._window * 1e6), self._asker)
        said = self._heard.pop(budget, None)
        if said is None:
            return wish
        news, at, took = said
        numbers = ("" if n is None else n for n in (news.most, news.left, news.daily, news.daily_left))
        return (*wish, *numbers, round((self._clock() - at) * 1e6), round(took * 1e6))

    async def _ask(self, budget: str, precedence: Precedence, *args: str | int) -> Any:
        """What the script answers; None while Redis is away."""
        if self._away_since is not None:
            if self._clock() < self._next_try:
                return None
            self._next_try = self._clock() + self._again
        name = f"{self._prefix}:quota:{{{budget}}}"
        keys = [f"{name}:grants", f"{name}:state", f"{name}:waiting:{precedence}"]
        since = self._owed.pop(budget, None)
        try:
            if since is not None:
                await self._script(keys, ["record", round(self._window * 1e6), *self._debt(budget, since)])
            reply = await self._script(keys, args)
        except (RedisError, OSError) as error:
            if since is not None:
                self._owed[budget] = since
            self._lost(error)
            return None
        if self._away_since is not None:
            self._away_since = None
            log.info("quota.shared", reason="Redis is back")
        return reply

    def _debt(self, budget: str, since: float) -> list[int]:
        now = self._clock()
        granted = self._alone.granted_since(budget, since)
        return [number for at, count in granted for number in (round((now - at) * 1e6), count)]

    def _lost(self, error: Exception) -> None:
        now = self._clock()
        self._next_try = now + self._again
        if self._away_since is None:
            self._away_since = now
            log.warning("quota.alone", reason=f"Redis is away, this process goes on with its share: {error}")
