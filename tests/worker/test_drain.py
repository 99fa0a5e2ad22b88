"""A run task: fair across connections, inside the quota, and it leaves nothing in the air when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import insert, select

from connections.connection import Connection
from connections.quota import Grant
from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.rows import ACME, automation
from triggers.reading import Event
from worker.deploy import automation_digest
from worker.drain import CAPACITY, Drain
from worker.ledger import feeds, runs
from worker.ledger.runs import LEASE, ClaimedRun
from worker.ledger.store import Store
from worker.ledger.tables import RUNS

pytestmark = pytest.mark.anyio

Work = Callable[[ClaimedRun], Awaitable[None]]


@dataclass
class Tasks:
    """Run tasks on a real ledger; what they carry out is only noted, and `work` decides how long it takes."""

    ledger: Store
    clock: Clock
    quota: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)

    def drain(self, work: Work | None = None, *, seconds: Callable[[], float] = lambda: 0.0) -> Drain:
        names = self.ledger.read_now(lambda c: c.scalars(select(RUNS.c.connection).distinct()).all())
        connections = {name: replace(ACME, name=name) for name in names}

        async def carry(run: ClaimedRun) -> None:
            self.order.append(run.connection)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                await (work(run) if work else asyncio.sleep(0))
                done = runs.Entry(run=run.id, fence=run.fence, due_at=self.clock(), state="done")
                await self.ledger.write(runs.write, [done])
            finally:
                self.at_once -= 1

        return Drain(
            connections=connections,
            due=lambda: self.ledger.read(runs.due_counts, self.clock(), CAPACITY),
            reserve=self._reserved,
            claim=lambda shares: self.ledger.write(runs.claim, shares, self.clock()),
            carry=carry,
            clock=seconds,
        )

    async def _reserved(self, connection: Connection, want: int) -> Grant:
        self.asked.append((connection.name, want))
        left = self.quota.get(connection.name, want)
        granted = min(want, left)
        if connection.name in self.quota:
            self.quota[connection.name] -= granted
        return Grant(granted, 0.0 if granted else 5.0)


@pytest.fixture
def tasks(ledger: Store, clock: Clock) -> Tasks:
    return Tasks(ledger, clock)


def opened(ledger: Store, clock: Clock, counts: Mapping[str, int]) -> None:
    """So many runs of each connection, those of the first one first."""
    event = Event(key="r1", version="1", kind="new", record={"id": "r1"})
    flow = automation()
    number = ledger.write_now(feeds.add_event, "feed", event, clock())
    plain = {"event": number, "digest": automation_digest(flow), "due_at": clock(), "created_at": clock()}
    rows = [
        {**plain, "connection": name, "automation": f"{name}-{place}"}
        for name, count in counts.items()
        for place in range(count)
    ]
    ledger.write_now(lambda c: c.execute(insert(RUNS), rows))


async def test_ten_thousand_runs_of_one_connection_do_not_delay_the_one_of_another(tasks: Tasks) -> None:
    opened(tasks.ledger, tasks.clock, {"busy": 10_000, "calm": 1})
    end = iter([0.0] * 4 + [99.0] * 10_000)
    carried = await tasks.drain(seconds=lambda: next(end)).until(1.0)
    assert "calm" in tasks.order[: CAPACITY + 1]
    assert carried < 1000
    assert tasks.order.count("busy") == carried - 1


async def test_connections_with_much_to_do_get_like_shares(tasks: Tasks) -> None:
    opened(tasks.ledger, tasks.clock, {"a": 500, "b": 500, "c": 500, "d": 2})
    first = await tasks.drain()._taken(CAPACITY)
    shares = {name: sum(run.connection == name for run in first) for name in "abcd"}
    assert shares == {"a": 42, "b": 42, "c": 42, "d": 2}


async def test_more_connections_than_places_all_have_their_turn(tasks: Tasks) -> None:
    opened(tasks.ledger, tasks.clock, {f"c{number:03d}": 1 for number in range(CAPACITY + 50)})
    assert await tasks.drain().until(1.0) == CAPACITY + 50
    assert len(set(tasks.order)) == CAPACITY + 50
    assert tasks.most_at_once <= CAPACITY


async def test_a_connection_without_quota_waits_and_holds_up_nobody(tasks: Tasks) -> None:
    opened(tasks.ledger, tasks.clock, {"spent": 300, "free": 300})
    tasks.quota = {"spent": 10}
    assert await tasks.drain().until(1.0) == 310
    assert tasks.order.count("spent") == 10
    refused = [name for name, _ in tasks.asked if name == "spent"]
    assert len(refused) == 2  # asked once more, told to wait, and left alone
    assert tasks.ledger.read_now(runs.due_counts, tasks.clock(), 500) == {"spent": 290}


async def test_runs_of_a_connection_that_this_worker_does_not_know_are_taken_up_too(tasks: Tasks) -> None:
    opened(tasks.ledger, tasks.clock, {"gone": 3})
    drain = tasks.drain()
    drain.connections = {}
    assert await drain.until(1.0) == 3
    assert tasks.asked == []


async def test_two_tasks_at_once_carry_each_run_out_once(tasks: Tasks) -> None:
    opened(tasks.ledger, tasks.clock, {"a": 200, "b": 150})
    carried = await asyncio.gather(tasks.drain().until(1.0), tasks.drain().until(1.0))
    assert sum(carried) == 350
    assert len(tasks.order) == 350


async def test_what_breaks_in_one_run_ends_none_of_the_others(tasks: Tasks) -> None:
    opened(tasks.ledger, tasks.clock, {"a": 40})

    async def work(run: ClaimedRun) -> None:
        if run.automation == "a-7":
            raise ZeroDivisionError

    assert await tasks.drain(work).until(1.0) == 40
    tasks.clock.advance(LEASE)
    assert tasks.ledger.read_now(runs.due_counts, tasks.clock(), 10) == {"a": 1}


async def test_what_is_in_flight_is_finished_even_when_the_ledger_goes_away(tasks: Tasks) -> None:
    """A call that were left in the air would go on with the next task, when its lease has long run out."""
    opened(tasks.ledger, tasks.clock, {"a": 30})
    away = asyncio.Event()

    async def work(run: ClaimedRun) -> None:
        await away.wait()
        await asyncio.sleep(0.01)

    drain, asked = tasks.drain(work), 0
    due = drain.due

    async def failing() -> Mapping[str, int]:
        nonlocal asked
        asked += 1
        if asked > 1:
            away.set()
            raise ConnectionError("the database is away")
        return await due()

    drain.due = failing
    with pytest.raises(ConnectionError):
        await drain.until(1.0)
    assert tasks.at_once == 0
    assert len(tasks.order) == 30


async def test_a_claim_takes_the_oldest_first_and_gives_each_run_a_new_fence(ledger: Store, clock: Clock) -> None:
    works = Works(ledger, clock)
    flow = automation()
    numbers = []
    for _ in range(3):
        clock.advance(10)
        numbers.append(works.opened(flow))
    [first] = works.claimed()
    second, third = works.claimed(most=5)
    assert [first.id, second.id, third.id] == numbers
    assert works.claimed(most=5) == []
    clock.advance(LEASE)
    again = works.claimed(most=5)
    assert [(run.id, run.fence, run.tries) for run in again] == [(number, 2, 2) for number in numbers]
