"""The engine in this process: the real client, poller and runs on a real SQLite ledger, and a clock that tests move."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import select

from actions.action import Action
from config.automation import Automation
from config.catalogues import catalogues
from connections.client import Client
from connections.connection import Connection
from connections.quota import LocalLimiter, Precedence
from connections.request import check
from connections.tokens import Tokens
from connections.wire import Answer, Request
from tests.operations.vendor import Account, Vendor
from triggers.reading import Event
from triggers.trigger import Trigger, Watch
from worker import orders
from worker.carry import carry_out
from worker.collecting import Batches
from worker.deploy import Feed
from worker.echoes import Echoes
from worker.files import Files
from worker.journal import Journal
from worker.kit import Kit
from worker.ledger import feeds, runs, turns
from worker.ledger.database import migrate, now_ms
from worker.ledger.feeds import Poll
from worker.ledger.runs import Entry
from worker.ledger.store import Store
from worker.ledger.tables import EVENTS, FEEDS, RUNS, STEPS
from worker.lookups import Lookups
from worker.names import Names
from worker.poll import Poller

Result = TypeVar("Result")
CATALOGUES = catalogues()
ACTIONS, TRIGGERS, VENDORS = CATALOGUES.actions, CATALOGUES.triggers, CATALOGUES.vendors
DEADLINE = 60_000
_messages = itertools.count(1)


class Killed(BaseException):
    """The worker has gone, in the middle of a call."""


@dataclass
class Wire:
    """The client as the engine calls it; it remembers what was sent, and can end the worker around the next action."""

    client: Client
    sent: list[Request] = field(default_factory=list)
    dies: Literal["before", "after"] | None = None

    async def call(self, connection: Connection, request: Request, precedence: Precedence) -> Answer:
        dies = self.dies if precedence == "action" else None
        if dies == "before":
            raise Killed
        self.sent.append(request)
        answer = await self.client.call(connection, request, precedence)
        if dies == "after":
            raise Killed
        return answer


class Engine:
    """One process's engine, without tasks and queues; its clock is the machine's, moved on as tests say."""

    def __init__(self, vendor: Vendor, folder: Path, run: asyncio.Runner) -> None:
        url = f"sqlite:///{folder / 'ledger.db'}"
        migrate(url)
        self.vendor = vendor
        self.store = Store(url)
        self.folder = folder / "files"
        self.moved = 0
        self._runner = run
        self.client: Client = self.do(self._client())
        self.wire = Wire(self.client)
        self._polls: Journal[Poll, int] = Journal(self.store, lambda c, polls: feeds.write(c, polls, self.clock()))
        self._entries: Journal[Entry, bool] = Journal(self.store, runs.write)

    async def _client(self) -> Client:
        return Client(LocalLimiter(), Tokens(), clock=lambda: self.clock() / 1000, vendors=VENDORS)

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    def close(self) -> None:
        self.do(self.client.close())
        self.store.close()

    def clock(self) -> int:
        """The time in epoch milliseconds."""
        return now_ms() + self.moved

    def wait(self, seconds: float) -> None:
        """Let time go by, here and at the vendor."""
        self.moved += round(seconds * 1000)
        self.vendor.steer("clock", {"advance": seconds})

    def begin_anew(self) -> None:
        """As it was at first, but for what the ledger holds."""
        self.moved = 0
        self.wire.sent.clear()
        self.wire.dies = None

    def connection(self, account: Account, token: str, *, agency: bool = False) -> Connection:
        """A connection to that account with its own credential and without a quota."""
        return Connection(
            name=f"{getattr(account.auth(token), 'client_id', account.location)}-{token}",
            kind=account.kind,
            base_url=self.vendor.url + account.prefix,
            auth=account.auth(token),
            location_id=None if agency else account.location,
            company_id=account.company or None,
            quota=None,
        )

    async def poll(self, feed: Feed, trigger: Trigger, connection: Connection) -> str | None:
        """Poll a feed until there is nothing more to read; why it failed, if it did."""
        now = self.clock()
        await self.store.write(orders.due, feed, now)
        for _ in range(100):
            claimed = await self.store.write(feeds.claim, [feed.id], self.clock())
            if not claimed:
                return None
            [ours] = claimed
            poller = Poller(
                feed=ours,
                trigger=trigger,
                connection=connection,
                client=self.wire,
                write=self._polls.write,
                clock=self.clock,
                deadline=now + DEADLINE,
                files=Files(client=self.client, folder=self.folder),
            )
            reason = await poller.poll()
            if reason is not None:
                return reason
        raise AssertionError("the feed is due again and again")

    def kit(self, connections: Collection[Connection], actions: Mapping[str, Action] = ACTIONS) -> Kit:
        """What carrying out needs, with nothing stood in for but the clock."""
        fields, batches = Names(Lookups(self.client)), Batches(self.store)
        return Kit(
            actions=actions,
            connections={connection.name: connection for connection in connections},
            client=self.wire,
            write=self._entries.write,
            inputs=fields.checked,
            customs=fields.values,
            taken=self._taken,
            turn=Journal(self.store, turns.write).write,
            echo=Echoes(self.store, TRIGGERS, actions).reason,
            wait=batches.wait,
            gather=batches.gather,
            gathered=batches.records,
            clock=self.clock,
            closing=lambda: False,
        )

    async def _taken(self, action: str, ids: Collection[str], run: int, number: str) -> Collection[str]:
        return await self.store.read(runs.made_elsewhere, action, list(ids), run, number)


@dataclass
class Polled:
    """What one poll brought: (kind, key) of each event, their records, the requests it took, why it failed."""

    events: list[tuple[str, str]]
    records: list[Any]
    requests: int
    failed: str | None


class Watcher:
    """A feed that tests poll."""

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        trigger: Trigger,
        params: Mapping[str, Any],
        *,
        watch: Watch = "new",
        start: str = "now",
    ) -> None:
        self.engine, self.connection = engine, connection
        self.trigger = trigger
        check(self.trigger.fetch, params, one_of=self.trigger.one_of)
        self.feed = Feed(
            trigger=self.trigger.id, connection=connection.name, watch=watch, params=dict(params), start=start
        )
        self._last = 0

    def poll(self) -> Polled:
        """Poll until there is nothing more to read."""
        before = self.engine.vendor.requests()
        failed = self.engine.do(self.engine.poll(self.feed, self.trigger, self.connection))
        requests = self.engine.vendor.requests() - before
        wanted = select(EVENTS).where(EVENTS.c.feed == self.feed.id, EVENTS.c.id > self._last).order_by(EVENTS.c.id)
        rows = self.engine.store.read_now(lambda c: c.execute(wanted).mappings().all())
        self._last = rows[-1]["id"] if rows else self._last
        events = [(row["kind"], row["key"]) for row in rows]
        return Polled(events, [row["record"] for row in rows], requests, failed)

    @property
    def row(self) -> Any:
        """The feed as the ledger has it."""
        wanted = select(FEEDS).where(FEEDS.c.id == self.feed.id)
        return self.engine.store.read_now(lambda c: c.execute(wanted).mappings().one())


class Errand:
    """A run that tests carry out: of one action, or of a whole automation."""

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        action: str,
        inputs: Mapping[str, Any],
        automation: Automation | None = None,
        others: Collection[Connection] = (),
    ) -> None:
        self.engine, self.connection = engine, connection
        self.connections = (connection, *others)
        name, feed = f"actions.{action}", f"{action}@{connection.name}"
        definition = orders.definition_of(action, connection.name)
        self.automation = automation or Automation.from_definition(name, definition)
        event = Event(key=str(next(_messages)), version="", kind="new", record=inputs)
        now = engine.clock()
        added = engine.store.write_now(feeds.add_event, feed, event, now)
        assert added is not None
        plain = {"event": added, "automation": name, "digest": name, "account": connection.name}
        self.id = engine.store.write_now(runs.open_run, now=now, **plain)

    def carry(self, actions: Mapping[str, Action] = ACTIONS) -> str:
        """Take the run up once, when it is due; what state it is in then."""
        kit = self.engine.kit(self.connections, actions)
        claimed = self.engine.store.write_now(runs.claim, {self.connection.name: 1}, self.engine.clock())
        if claimed:
            assert claimed[0].id == self.id
            self.engine.do(carry_out(claimed[0], self.automation, kit))
        return self.state

    def end(self, actions: Mapping[str, Action] = ACTIONS, takes: int = 10) -> str:
        """Take the run up whenever it is due, until it has ended; its state."""
        for _ in range(takes):
            if self.carry(actions) != "open":
                return self.state
            self.engine.wait(max(0, self.row["due_at"] - self.engine.clock()) / 1000 + 0.001)
        raise AssertionError(f"still open after {takes} times: {self.row['reason']}")

    @property
    def row(self) -> Any:
        """The run as the ledger has it."""
        wanted = select(RUNS).where(RUNS.c.id == self.id)
        return self.engine.store.read_now(lambda c: c.execute(wanted).mappings().one())

    @property
    def state(self) -> str:
        return str(self.row["state"])

    @property
    def steps(self) -> dict[str, Any]:
        """The steps as the ledger has them, by number."""
        wanted = select(STEPS).where(STEPS.c.run == self.id)
        rows = self.engine.store.read_now(lambda c: c.execute(wanted).mappings().all())
        return {row["number"]: row for row in rows}

    @property
    def step(self) -> Any:
        """The only step."""
        [step] = self.steps.values()
        return step
