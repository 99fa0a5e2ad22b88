"""Waits between steps: kept in the ledger, counted once, and over when their time has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from config.automation import Automation
from connections.errors import Unreachable
from tests.worker.carrying import Works
from tests.worker.clock import START, Clock
from tests.worker.rows import automation, step
from tests.worker.toy import Border, Crash, Trouble
from worker import histories
from worker.ledger.runs import LEASE
from worker.ledger.store import Store
from worker.ledger.tables import RUNS

pytestmark = pytest.mark.anyio

DAY = 86_400_000
TWO_DAYS = timedelta(days=2)


@pytest.fixture
def works(small_ledger: Store, clock: Clock) -> Works:
    return Works(small_ledger, clock)


def reminder(**more: Any) -> Automation:
    return automation(
        steps=(
            step("now", "toy.guarded", with_={"name": "welcome"}),
            step("later", "toy.guarded", with_={"name": "{{ item | default('reminder') }}"}, wait=TWO_DAYS, **more),
        )
    )


async def test_a_step_waits_in_the_ledger_and_no_worker_is_held(works: Works) -> None:
    flow = reminder()
    run = works.opened(flow)
    await works.carry(flow)
    assert works.vendor.names("/guarded") == ["welcome"]
    row = works.run(run)
    assert (row.state, row.due_at, row.tries) == ("open", START + 2 * DAY, 0)
    assert row.reason == "waits until 2027-01-17 08:00:00 UTC before step later"
    waiting = works.steps(run)["2.0"]
    assert (waiting.state, waiting.action, waiting.name) == ("waiting", "wait", "later")
    works.clock.now = START + 2 * DAY - 1
    assert await works.carry(flow) is None
    works.clock.now += 1
    assert await works.finished(run, flow) == "done"
    assert works.vendor.names("/guarded") == ["welcome", "reminder"]
    assert works.run(run).reason is None
    shown = works.ledger.read_now(histories.run, run)
    assert shown is not None
    assert [(each.number, each.state) for each in shown.steps] == [("1", "done"), ("2.0", "done"), ("2", "done")]


async def test_a_run_taken_up_early_goes_on_waiting(works: Works) -> None:
    flow = reminder()
    run = works.opened(flow)
    await works.carry(flow)
    until = works.run(run).due_at
    works.clock.now = START + DAY
    works.ledger.write_now(lambda c: c.execute(update(RUNS).values(due_at=works.clock.now)))
    assert await works.carry(flow) is not None
    assert works.run(run).due_at == until
    assert works.vendor.names("/guarded") == ["welcome"]


async def test_a_loop_waits_once_before_its_first_item(works: Works) -> None:
    flow = reminder(for_each="record.names")
    run = works.opened(flow, {"names": ["a", "b"]})
    assert await works.finished(run, flow) == "done"
    assert works.clock.now == START + 2 * DAY
    assert works.vendor.names("/guarded") == ["welcome", "a", "b"]


@pytest.mark.parametrize(
    ("more", "record"), [({"when": "record.vip"}, {"vip": False}), ({"for_each": "record.names"}, {"names": []})]
)
async def test_a_step_that_is_left_out_is_not_waited_for(works: Works, more: dict[str, str], record: Any) -> None:
    flow = reminder(**more)
    run = works.opened(flow, record)
    assert await works.finished(run, flow) == "done"
    assert works.clock.now == START
    assert "2.0" not in works.steps(run)


async def test_what_fails_after_a_wait_is_tried_again_for_as_long_as_anything_else(works: Works) -> None:
    flow = reminder()
    run = works.opened(flow)
    await works.carry(flow)
    works.clock.now = works.run(run).due_at
    works.vendor.trouble.append(Trouble(Unreachable("POST /guarded: no answer")))
    await works.carry(flow)
    assert works.run(run).state == "open"
    assert await works.finished(run, flow) == "done"


async def test_a_worker_may_die_at_any_moment_of_a_wait(works: Works) -> None:
    flow = reminder()
    for dies_at in range(1, 20):
        run = works.opened(flow)
        begun = works.clock.now
        border = Border(dies_at)
        try:
            await works.finished(run, flow, works.kit(border))
        except Crash:
            works.clock.now += LEASE
        assert await works.finished(run, flow) == "done"
        assert begun + 2 * DAY <= works.clock.now <= begun + 2 * DAY + 3 * LEASE
        assert works.vendor.names("/guarded") == ["welcome", "reminder"] * dies_at
        if border.crossings < dies_at:
            return
    raise AssertionError("the border was never out of reach")
