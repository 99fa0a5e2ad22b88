"""The run task's work: claim what is due, fairly across connections, and keep many calls in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from connections.connection import Connection
from connections.quota import Grant
from worker.journal import LeaseLost
from worker.ledger.runs import ClaimedRun

CAPACITY = 128
"""How many runs a process has in flight at most."""
IDLE = 0.05
"""How long (s) before it is asked again whether anything is due, while calls are still in flight."""

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Drain:
    """One stretch of carrying out runs.

    `due` names the connections with runs due and how many (counted no further than the capacity), `reserve` asks for
    quota, `claim` takes so many runs of each, `carry` carries one out. `clock` is in seconds and only measures.
    """

    connections: Mapping[str, Connection]
    due: Callable[[], Awaitable[Mapping[str, int]]]
    reserve: Callable[[Connection, int], Awaitable[Grant]]
    claim: Callable[[Mapping[str, int]], Awaitable[list[ClaimedRun]]]
    carry: Callable[[ClaimedRun], Awaitable[None]]
    clock: Callable[[], float]
    carried: int = 0
    _flying: set[asyncio.Task[None]] = field(default_factory=set)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _spent: dict[str, float] = field(default_factory=dict)

    async def until(self, deadline: float) -> int:
        """Claim and carry out until nothing is due or the deadline is past; how many runs were taken up.

        What is in flight then is finished first: its calls are bounded by the client's timeouts.
        """
        try:
            while self.clock() < deadline:
                self._room.clear()
                taken = await self._taken(CAPACITY - len(self._flying))
                for run in taken:
                    self._start(run)
                if not self._flying:
                    break
                if not taken:
                    await asyncio.wait(self._flying, timeout=IDLE)
                elif len(self._flying) > CAPACITY // 2:
                    await self._room.wait()
        finally:  # left in the air, calls would go on with the next task, their leases long over
            if self._flying:
                await asyncio.wait(self._flying)
        return self.carried

    async def _taken(self, room: int) -> list[ClaimedRun]:
        """Runs for the free places: each connection with work gets a like share of what its quota allows."""
        now = self.clock()
        waiting = {name: count for name, count in (await self.due()).items() if self._spent.get(name, 0.0) <= now}
        shares: dict[str, int] = {}
        names = sorted(waiting, key=lambda name: waiting[name])
        for place, name in enumerate(names):
            fair = max(1, room // (len(names) - place))
            want = min(fair, waiting[name], room)
            if want:
                shares[name] = await self._granted(name, want)
                room -= shares[name]
        shares = {name: count for name, count in shares.items() if count}
        return await self.claim(shares) if shares else []

    async def _granted(self, name: str, want: int) -> int:
        connection = self.connections.get(name)
        if connection is None:  # carried out all the same, to say that this worker does not know it
            return want
        grant = await self.reserve(connection, want)
        if not grant.granted:
            self._spent[name] = self.clock() + grant.wait
        return grant.granted

    def _start(self, run: ClaimedRun) -> None:
        task = asyncio.create_task(self._carried(run))
        self._flying.add(task)
        task.add_done_callback(self._landed)

    async def _carried(self, run: ClaimedRun) -> None:
        try:
            await self.carry(run)
        except LeaseLost:
            log.warning("run.taken_over", run=run.id)
        except Exception:  # a fault of ours must not end the others; the lease brings the run back
            log.exception("run.broken", run=run.id, automation=run.automation)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self.carried += 1
        if len(self._flying) <= CAPACITY // 2:
            self._room.set()
