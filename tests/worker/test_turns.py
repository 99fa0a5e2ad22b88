"""`once_per`: of several events with the same value within the span only the first runs."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from config.automation import Automation, OncePer
from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.rows import automation, step
from tests.worker.toy import Border, Crash
from worker.ledger import runs, turns
from worker.ledger.retention import forget
from worker.ledger.runs import LEASE
from worker.ledger.store import Store
from worker.ledger.tables import RUNS, TURNS
from worker.ledger.turns import Bid

pytestmark = pytest.mark.anyio

DAY = 86_400_000


@pytest.fixture
def works(small_ledger: Store, clock: Clock) -> Works:
    return Works(small_ledger, clock)


@pytest.fixture
def both(ledger: Store, clock: Clock) -> Works:
    return Works(ledger, clock)


def daily(expression: str = "record.email", **more: Any) -> Automation:
    welcome = step("1", "toy.guarded", with_={"name": "{{ record.id }}"})
    once = OncePer(expression, timedelta(days=1))
    return automation(steps=(welcome,), once_per=once, **more)


async def test_of_events_with_the_same_value_only_the_first_runs(both: Works) -> None:
    flow = daily()
    first = both.opened(flow, {"email": "ada@x.org"})
    second = both.opened(flow, {"email": "ada@x.org"})
    other = both.opened(flow, {"email": "grace@x.org"})
    assert await both.finished(first, flow) == "done"
    assert await both.finished(second, flow) == "skipped"
    assert await both.finished(other, flow) == "done"
    assert both.run(second).reason == f"run {first} had its `record.email` less than 1d ago"
    assert len(both.vendor.names("/guarded")) == 2


async def test_when_the_span_is_over_the_next_one_runs(works: Works) -> None:
    flow = daily()
    assert await works.finished(works.opened(flow, {"email": "a"}), flow) == "done"
    works.clock.now += DAY - 1
    assert await works.finished(works.opened(flow, {"email": "a"}), flow) == "skipped"
    works.clock.now += 1
    assert await works.finished(works.opened(flow, {"email": "a"}), flow) == "done"
    assert await works.finished(works.opened(flow, {"email": "a"}), flow) == "skipped"


@pytest.mark.parametrize("record", [{}, {"email": None}, {"email": ""}])
async def test_without_a_value_there_is_no_limit(works: Works, record: dict[str, Any]) -> None:
    flow = daily()
    for _ in range(2):
        assert await works.finished(works.opened(flow, record), flow) == "done"


async def test_an_event_that_is_passed_over_takes_no_turn(works: Works) -> None:
    flow = daily(when="record.vip")
    assert await works.finished(works.opened(flow, {"email": "a", "vip": False}), flow) == "skipped"
    assert await works.finished(works.opened(flow, {"email": "a", "vip": True}), flow) == "done"


async def test_an_expression_that_fails_fails_the_run(works: Works) -> None:
    run = works.opened(daily("record.id + 5"), {})
    assert await works.finished(run, daily("record.id + 5")) == "failed"
    assert works.run(run).reason.startswith("a template failed: once_per: ")


async def test_values_are_told_apart_by_their_type_and_long_ones_by_their_fingerprint(works: Works) -> None:
    flow = daily("record.value")
    for value in ("1", 1, ["1"], "x" * 5000, "x" * 4999 + "y"):
        assert await works.finished(works.opened(flow, {"value": value}), flow) == "done"
        assert await works.finished(works.opened(flow, {"value": value}), flow) == "skipped"


async def test_a_run_keeps_its_turn_through_crashes(works: Works) -> None:
    flow = daily()
    for dies_at in range(1, 20):
        record = {"email": f"ada{dies_at}@x.org"}
        run = works.opened(flow, record)
        border = Border(dies_at)
        try:
            await works.finished(run, flow, works.kit(border))
        except Crash:
            works.clock.now += LEASE
        rival = works.opened(flow, record)
        assert [await works.finished(each, flow) for each in (run, rival)] == ["done", "skipped"]
        assert len(works.vendor.names("/guarded")) == dies_at
        if border.crossings < dies_at:
            return
    raise AssertionError("the border was never out of reach")


async def test_a_run_that_began_goes_on_when_its_turn_is_over(works: Works) -> None:
    flow = automation(
        steps=(step("1", "toy.guarded", with_={"name": "{{ record.id }}"}, wait=timedelta(days=2)),),
        once_per=OncePer("record.email", timedelta(days=1)),
    )
    slow = works.opened(flow, {"email": "a"})
    await works.carry(flow)
    works.clock.now += DAY
    next_ = works.opened(flow, {"email": "a"})
    await works.carry(flow)
    assert [await works.finished(each, flow) for each in (slow, next_)] == ["done", "done"]


def test_of_two_workers_at_the_same_moment_one_gets_the_turn(both: Works, ledger: Store) -> None:
    flow = daily()
    for _ in range(6):
        both.opened(flow, {"email": "a"})
    claimed = both.claimed(most=6)
    barrier = threading.Barrier(2)
    found: list[int | None] = []

    def bids(mine: list[Any]) -> None:
        barrier.wait()
        for run in mine:
            found.extend(ledger.write_now(turns.write, [bid(run, both.clock())]))

    others = [threading.Thread(target=bids, args=(claimed[at::2],)) for at in (0, 1)]
    for each in others:
        each.start()
    for each in others:
        each.join()
    assert len(set(found)) == 1
    assert found[0] in {run.id for run in claimed}


def bid(run: Any, now: int) -> Bid:
    named = {"automation": "x", "connection": "acme", "value": "1"}
    return Bid(run=run.id, fence=run.fence, now=now, until=now + DAY, **named)


def test_a_late_worker_is_refused(works: Works) -> None:
    works.opened(daily(), {"email": "a"})
    [late] = works.claimed()
    works.clock.now += LEASE
    [_] = works.claimed()
    assert works.ledger.write_now(turns.write, [bid(late, works.clock())]) == [None]
    assert works.ledger.read_now(lambda c: c.scalar(select(func.count()).select_from(TURNS))) == 0


async def test_a_replay_of_the_same_event_has_the_turn_of_its_event(works: Works) -> None:
    flow = daily()
    first = works.opened(flow, {"email": "a"})
    assert await works.finished(first, flow) == "done"
    row = works.run(first)
    again = dict(row._mapping) | {"id": None, "replay": 1, "state": "open", "fence": 0, "due_at": works.clock()}
    replayed = works.ledger.write_now(lambda c: c.scalar(RUNS.insert().values(again).returning(RUNS.c.id)))
    assert await works.finished(replayed, flow) == "done"
    assert await works.finished(works.opened(flow, {"email": "a"}), flow) == "skipped"


async def test_turns_that_are_over_are_forgotten(works: Works) -> None:
    flow = daily()
    await works.finished(works.opened(flow, {"email": "a"}), flow)
    count = select(func.count()).select_from(TURNS)
    for now, left in ((works.clock(), 1), (works.clock() + DAY + 1, 0)):
        works.ledger.write_now(forget, now, 30)
        assert works.ledger.read_now(lambda c: c.scalar(count)) == left
    assert works.ledger.read_now(lambda c: c.scalar(select(func.count()).select_from(RUNS))) == 1


def test_the_turn_is_written_with_the_runs_own_row(works: Works) -> None:
    works.opened(daily(), {"email": "a"})
    [run] = works.claimed()
    works.ledger.write_now(turns.write, [bid(run, works.clock())])
    assert works.steps(run.id)["0"].action == "once_per"
    works.clock.now += LEASE
    [again] = works.claimed()
    assert set(again.steps) == {"0"}
    assert isinstance(again, runs.ClaimedRun)
