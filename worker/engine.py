"""The engine of one process: its event loop, database, HTTP client and project, made after the fork."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection as Database
from sqlalchemy.exc import SQLAlchemyError

from config.automation import Automation
from config.environment import MissingVariable, filled_in
from config.project import Project
from connections.client import Client
from connections.connection import Connection
from connections.errors import VendorError
from connections.quota import Grant, Limiter, LocalLimiter, RedisLimiter
from connections.request import InvalidInputs
from connections.transport import Timeouts
from worker import usage
from worker.carry import carry_out
from worker.collecting import Batches
from worker.credentials import credentials_of
from worker.drain import CAPACITY, Drain
from worker.echoes import Echoes
from worker.files import Files
from worker.journal import Journal, LeaseLost
from worker.kit import Kit
from worker.ledger import breakers, feeds, installations, runs, turns
from worker.ledger.breakers import OpenBreaker
from worker.ledger.database import now_ms
from worker.ledger.feeds import ClaimedFeed, Poll
from worker.ledger.runs import ClaimedRun, Entry
from worker.ledger.store import Store
from worker.locations import expanded
from worker.lookups import Lookups, Noticing
from worker.names import Names
from worker.orders import ORDERED, unsealed
from worker.place import Place
from worker.plan import Past, least_pace, paces, plans
from worker.poll import Poller
from worker.seal import NoKey
from worker.vault import keys_of

PROCESSES = 8
"""While Redis is away each process takes this part of a quota for its own."""
POLLING = 20.0
"""How long (s) a poll task goes on taking pages; what is left is polled again at once, by whoever is free."""
DOWNLOADING = 40.0
"""How long (s) a file may take: a feed's lease has to last as long."""
CARRYING = 3.0
"""How long (s) a run task goes on claiming, so that polls in the same queue are not kept waiting."""

GRACE = 20.0
"""How long (s) after that a run may begin its next step; a step begun then still ends within the task's time limit."""

Result = TypeVar("Result")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a poll task did: feeds that were polled, runs that were opened, feeds with more to read."""

    feeds: int = 0
    runs: int = 0
    unfinished: tuple[str, ...] = ()


class Engine:
    """What a process needs to poll and to carry out. Everything in it belongs to one event loop."""

    def __init__(self, project: Project, place: Place) -> None:
        self.project = project
        self.store = Store(place.database_url)
        self._loop = _new_loop()
        self._closing_at = math.inf
        self._opened: tuple[OpenBreaker, ...] = ()
        self._process = f"{socket.gethostname()}:{os.getpid()}"
        self._automations: dict[str, Automation | MissingVariable] = {}
        self._polls: Journal[Poll, int] = Journal(self.store, lambda c, polls: feeds.write(c, polls, now_ms()))
        self._runs: Journal[Entry, bool] = Journal(self.store, runs.write)
        self.client: Client = self._loop.run_until_complete(_client(place, project, self.store))
        self._files = Files(client=self.client, folder=project.settings.files)
        self._paces = self.store.read_now(partial(_paces, project))
        lookups = Lookups(self.client)
        self._names, batches = Names(lookups), Batches(self.store)
        self._kit = Kit(
            actions=project.actions,
            connections=project.connections,
            client=Noticing(self.client, lookups),
            write=self._runs.write,
            inputs=self._names.checked,
            customs=self._names.values,
            taken=self._taken,
            turn=Journal(self.store, turns.write).write,
            echo=Echoes(self.store, project.triggers, project.actions).reason,
            wait=batches.wait,
            gather=batches.gather,
            gathered=batches.records,
            clock=now_ms,
            closing=lambda: time.monotonic() > self._closing_at,
        )

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do this work on the process's own loop, and wait for it."""
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """Let go of everything."""
        self._loop.run_until_complete(self.client.close())
        self.store.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def poll(self, ids: Sequence[str], opened: Callable[[int], object]) -> Polled:
        """Poll those of these feeds that are due; `opened(n)` is called when runs have been opened, in a thread."""
        claimed = await self.store.write(feeds.claim, ids, now_ms())
        deadline = now_ms() + round(POLLING * 1000)
        results = await asyncio.gather(*(self._polled(feed, deadline, opened) for feed in claimed))
        await self._tell_breakers()
        return Polled(
            feeds=len(claimed),
            runs=sum(opened for opened, _ in results),
            unfinished=tuple(feed.id for feed, (_, more) in zip(claimed, results, strict=True) if more),
        )

    async def _polled(self, feed: ClaimedFeed, deadline: int, opened: Callable[[int], object]) -> tuple[int, bool]:
        """Poll one feed; the runs that it opened, and whether there is more to read at once."""
        total, more = 0, False

        async def write(poll: Poll) -> int:
            nonlocal total, more
            count = await self._polls.write(poll)
            total += count
            more = poll.ended and poll.error is None and poll.due_at <= now_ms()
            if count:  # in a thread: a queue that hangs must not hold up the calls in flight
                await asyncio.to_thread(opened, count)
            return count

        try:
            poller = await self._poller(feed, deadline, write)
            reason = await poller.poll() if isinstance(poller, Poller) else poller
            if not isinstance(poller, Poller):
                await write(_failed(feed, poller))
            _tell(feed, reason)
        except LeaseLost:
            log.warning("feed.taken_over", feed=feed.id)
            more = False
        except Exception as error:  # a fault of ours in one feed must not end the others
            log.exception("feed.broken", feed=feed.id)
            more = False
            with suppress(LeaseLost, SQLAlchemyError):  # it cannot be shown; the end of the lease brings the feed back
                await self._polls.write(_failed(feed, f"{type(error).__name__}: {error}"[:2000]))
        return total, more

    async def _poller(self, feed: ClaimedFeed, deadline: int, write: Callable[[Poll], Awaitable[int]]) -> Poller | str:
        """What polls the feed, or why nothing can."""
        trigger, connection = self.project.triggers.get(feed.trigger), self.project.connections.get(feed.connection)
        if trigger is None or connection is None:
            missing = f"trigger {feed.trigger}" if trigger is None else f"connection {feed.connection}"
            return f"{missing} is not known to this worker; see `hightide check`"
        try:
            params = filled_in(feed.params, self.project.environ)
            params = await self._names.resolved(trigger.fetch, params, connection)
        except (MissingVariable, InvalidInputs, VendorError) as error:
            return str(error)
        return Poller(
            feed=replace(feed, params=params),
            trigger=trigger,
            connection=connection,
            client=self.client,
            write=write,
            clock=now_ms,
            deadline=deadline,
            least=least_pace(self._paces, connection.name),
            files=self._files,
        )

    async def carry(self, seconds: float = CARRYING) -> int:
        """Carry out runs that are due, for about so many seconds; how many were taken up."""
        self._closing_at = time.monotonic() + seconds + GRACE
        drain = Drain(
            connections=self.project.connections,
            due=lambda: self.store.read(runs.due_counts, now_ms(), CAPACITY),
            reserve=self._reserved,
            claim=self._claimed,
            carry=self._carried,
            clock=time.monotonic,
        )
        carried = await drain.until(time.monotonic() + seconds)
        await self._tell_breakers()
        return carried

    async def _tell_breakers(self) -> None:
        """Write down which connections this process leaves alone, where that has changed."""
        opened = tuple(breakers.told(each) for each in self.client.snapshot() if each["retry_at"] is not None)
        if opened != self._opened:
            self._opened = opened
            await self.store.write(breakers.note, self._process, opened, now_ms())

    async def _reserved(self, connection: Connection, want: int) -> Grant:
        try:
            return await self.client.reserve(connection, want, "action")
        except VendorError:  # the call itself will say so, in the run
            return Grant(want, 0.0)

    async def _claimed(self, shares: Mapping[str, int]) -> list[ClaimedRun]:
        claimed = await self.store.write(runs.claim, shares, now_ms())
        unknown = {run.digest for run in claimed} - self._automations.keys()
        if unknown:
            found = await self.store.read(runs.definitions, tuple(unknown))
            for digest, (name, definition) in found.items():
                self._automations[digest] = self._ready(Automation.from_definition(name, definition))
        return claimed

    def _ready(self, automation: Automation) -> Automation | MissingVariable:
        try:
            return automation.with_environment(self.project.environ)
        except MissingVariable as error:
            return error

    async def _carried(self, run: ClaimedRun) -> None:
        automation = self._automations[run.digest]
        try:
            if isinstance(automation, MissingVariable):
                raise automation
            if run.feed == ORDERED:
                row = self.project.actions.get(automation.steps[0].use)
                run = unsealed(run, row, keys_of(self.project.settings))
        except (MissingVariable, NoKey) as error:
            now, reason = now_ms(), str(error)
            failed = Entry(run=run.id, fence=run.fence, due_at=now, state="failed", reason=reason, ended_at=now)
            await self._runs.write(failed)
            return
        await carry_out(run, automation, self._kit)

    async def _taken(self, action: str, ids: Collection[str], run: int, number: str) -> Collection[str]:
        return await self.store.read(runs.made_elsewhere, action, list(ids), run, number)


def _paces(project: Project, connection: Database) -> dict[str, int]:
    """The shortest intervals of `every: auto` that the quotas leave, by connection."""
    automations = expanded(project.automations.values(), project.connections, installations.read(connection))
    past = Past(pages=usage.pages(connection), actions={})
    return paces(plans(automations, project.connections, project.triggers, past))


async def _client(place: Place, project: Project, store: Store) -> Client:
    limiter: Limiter = RedisLimiter.at(place.redis_url, processes=PROCESSES) if place.redis_url else LocalLimiter()
    return Client(
        limiter,
        credentials_of(project, store, limiter),
        vendors=project.vendors,
        timeouts=Timeouts(download=DOWNLOADING),
    )


def _failed(feed: ClaimedFeed, reason: str) -> Poll:
    """The word of a poll that came to nothing; the feed is due again in a minute."""
    return Poll(feed=feed.id, fence=feed.fence, due_at=now_ms() + 60_000, error=reason, pace=feed.pace)


def _tell(feed: ClaimedFeed, reason: str | None) -> None:
    """Say once that a feed fails, and once that it works again."""
    if reason is not None and feed.failures == 0:
        log.warning("feed.failing", feed=feed.id, reason=reason)
    if reason is None and feed.failures:
        log.info("feed.recovered", feed=feed.id, failures=feed.failures)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415  # there is none on Windows
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
