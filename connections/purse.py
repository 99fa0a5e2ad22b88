"""Tokens of one budget that wait in this process for the calls that follow."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from connections.connection import Quota
from connections.quota import HOLD, Grant, Limiter, Precedence

TURN = 0.02


@dataclass(slots=True)
class _Lot:
    """What is left of one grant, and when it must be given back (monotonic seconds)."""

    grant: Grant
    left: int
    until: float


class Purse:
    """Draws tokens for calls, many at once where many ask at once; what is not used in time goes back."""

    def __init__(
        self,
        limiter: Limiter,
        budget: str,
        quota: Quota,
        precedence: Precedence,
        *,
        hold: float = HOLD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limiter = limiter
        self._budget = budget
        self._quota = quota
        self._precedence: Precedence = precedence
        self._hold = hold
        self._clock = clock
        self._lots: deque[_Lot] = deque()
        self._wanted = 0
        self._dry_until = 0.0
        self._round: asyncio.Task[None] | None = None
        self._returns: set[asyncio.Task[None]] = set()

    async def draw(self) -> float:
        """Takes one token: 0.0 when it is the caller's, to be used at once; else seconds until more may be free."""
        while not self._pop():
            dry = self._dry_until - self._clock()
            if dry > 0:
                return dry
            self._wanted += 1
            try:
                await asyncio.shield(self._filled())
            finally:
                self._wanted -= 1
        return 0.0

    async def reserve(self, want: int) -> Grant:
        """Asks for tokens that the next calls will draw."""
        asked = self._clock()
        grant = await self._limiter.take(self._budget, self._quota, want, self._precedence)
        self._add(grant, asked)
        return grant

    async def close(self) -> None:
        """Gives back what is left."""
        if self._round is not None:
            await asyncio.wait([self._round])
        while self._lots:
            self._give_back(self._lots.popleft())
        if self._returns:
            await asyncio.wait(self._returns)

    def _pop(self) -> bool:
        now = self._clock()
        while self._lots:
            lot = self._lots[0]
            if now < lot.until:
                lot.left -= 1
                if not lot.left:
                    self._lots.popleft()
                return True
            self._give_back(self._lots.popleft())
        return False

    def _filled(self) -> asyncio.Task[None]:
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._fill())
        return self._round

    async def _fill(self) -> None:
        await asyncio.sleep(0)  # whoever else wants one in this turn of the loop joins in
        wanted = max(self._wanted, 1)
        grant = await self.reserve(wanted)
        if grant.granted < wanted:
            # After a part, other processes have their turn before this one asks again.
            self._dry_until = self._clock() + (grant.wait or TURN)

    def _add(self, grant: Grant, asked: float) -> None:
        if grant.granted:
            # Counted from before the question, so that a token is never older than it seems.
            self._lots.append(_Lot(grant, grant.granted, asked + self._hold))
            asyncio.get_running_loop().call_later(self._hold, self._expire)

    def _expire(self) -> None:
        now = self._clock()
        while self._lots and self._lots[0].until <= now:
            self._give_back(self._lots.popleft())

    def _give_back(self, lot: _Lot) -> None:
        task = asyncio.get_running_loop().create_task(self._limiter.give(self._budget, lot.grant, lot.left))
        self._returns.add(task)
        task.add_done_callback(self._returns.discard)
