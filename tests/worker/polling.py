"""Feeds as a worker polls them: the real ledger and journal, a vendor in memory, a clock that is told to move."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from config.automation import Automation
from tests.worker.clock import Clock
from tests.worker.rows import ACME, TRIGGERS, automation
from tests.worker.shelf import Shelf
from tests.worker.toy import Border
from triggers.trigger import Trigger
from worker.deploy import deploy
from worker.files import Files
from worker.journal import Journal
from worker.ledger import feeds
from worker.ledger.feeds import Poll
from worker.ledger.store import Store
from worker.ledger.tables import EVENTS, FEEDS, RUNS, SET_ASIDE
from worker.poll import Poller


@dataclass
class Polls:
    """One ledger, one vendor, and the feeds that are deployed on them."""

    ledger: Store
    clock: Clock
    triggers: Mapping[str, Trigger] = field(default_factory=lambda: dict(TRIGGERS))
    files: Files | None = None

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.clock)
        self.journal: Journal[Poll, int] = Journal(
            self.ledger, lambda connection, polls: feeds.write(connection, polls, self.clock())
        )

    def deployed(self, *automations: Automation, use: str = "toy.things.search", **more: Any) -> str:
        """The id of the feed that the automation listens to."""
        given = automations or (automation(use=use, **more),)
        done = self.ledger.write_now(deploy, given, self.triggers, self.clock())
        return (*done.started, *done.kept)[0]

    async def poll(self, feed: str, *, time: int = 20_000, border: Border | None = None) -> str | None:
        """Poll the feed, which must be due; why it was cut short. `border` is where the worker dies."""
        return await self.claimed(feed, time=time, border=border)()

    def claimed(
        self, feed: str, *, time: int = 20_000, border: Border | None = None
    ) -> Callable[[], Awaitable[str | None]]:
        """Claim the feed, which must be due; what polls it."""
        [mine] = self.ledger.write_now(feeds.claim, [feed], self.clock())
        self.shelf.border = border or Border()
        poller = Poller(
            feed=mine,
            trigger=self.triggers[mine.trigger],
            connection=ACME,
            client=self.shelf,
            write=self.shelf.border.around(self.journal.write),
            clock=self.clock,
            deadline=self.clock() + time,
            files=self.files,
        )
        return poller.poll

    async def again(self, feed: str, **more: Any) -> str | None:
        """The same when the feed is due again."""
        self.clock.now = max(self.clock.now, self.row(feed).due_at)
        return await self.poll(feed, **more)

    async def whole(self, feed: str) -> None:
        """Poll until there is nothing more to read at once."""
        for _ in range(100):
            assert await self.again(feed) is None
            if self.row(feed).due_at > self.clock():
                return
        raise AssertionError("there is more and more to read")

    def row(self, feed: str) -> Any:
        return self.ledger.read_now(lambda c: c.execute(select(FEEDS).where(FEEDS.c.id == feed)).one())

    def events(self) -> list[tuple[str, str]]:
        """(kind, key) of every event, in the order in which they came into the ledger."""
        wanted = select(EVENTS.c.kind, EVENTS.c.key).order_by(EVENTS.c.id)
        return [(row.kind, row.key) for row in self.ledger.read_now(lambda c: c.execute(wanted).all())]

    def runs(self) -> int:
        return len(self.ledger.read_now(lambda c: c.execute(select(RUNS.c.id)).all()))

    def aside(self) -> list[tuple[str, str]]:
        wanted = select(SET_ASIDE.c.reason, SET_ASIDE.c.record)
        return [(row.reason, row.record) for row in self.ledger.read_now(lambda c: c.execute(wanted).all())]
