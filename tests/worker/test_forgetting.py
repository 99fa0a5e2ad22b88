"""What is forgotten after the days that things are kept, and what is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Table, delete, func, select

from tests.worker.clock import Clock
from tests.worker.rows import TRIGGERS, automation
from triggers.reading import Event, SetAside
from worker import orders
from worker.deploy import Feed, deploy, feed_of
from worker.ledger import feeds, runs
from worker.ledger.retention import DAY, forget
from worker.ledger.store import Store
from worker.ledger.tables import AUTOMATIONS, FEEDS, RUNS, SET_ASIDE
from worker.orders import ActionOrder

DAYS = 30
OLD = automation()
NEW = automation(schedule=OLD.trigger.schedule, when="record.tags")
MINE = feed_of(OLD, TRIGGERS[OLD.trigger.use]).id
ORDERED = Feed(trigger="toy.things.list", connection="acme", watch="new", params={}, start="now")


def count(ledger: Store, table: Table) -> int:
    return ledger.read_now(lambda c: c.scalar(select(func.count()).select_from(table))) or 0


def later(ledger: Store, clock: Clock, days: int) -> None:
    clock.advance(days * DAY)
    ledger.write_now(forget, clock.now, DAYS)


def polled(ledger: Store, clock: Clock, feed: str, *events: Event, aside: tuple[SetAside, ...] = ()) -> None:
    ledger.write_now(feeds.nudge, [feed], clock.now)
    [claimed] = ledger.write_now(feeds.claim, [feed], clock.now)
    poll = feeds.Poll(feed=feed, fence=claimed.fence, due_at=2**53, cursor=b"{}", events=events, aside=aside)
    ledger.write_now(feeds.write, [poll], clock.now)


def test_records_that_were_set_aside_are_forgotten(ledger: Store, clock: Clock) -> None:
    ledger.write_now(deploy, [OLD], TRIGGERS, clock.now)
    polled(ledger, clock, MINE, aside=(SetAside(reason="it has no id", record={"name": "?"}),))
    later(ledger, clock, DAYS)
    assert count(ledger, SET_ASIDE) == 1
    later(ledger, clock, 1)
    assert count(ledger, SET_ASIDE) == 0


def test_what_an_automation_once_was_is_forgotten_some_weeks_after_it_was_changed(ledger: Store, clock: Clock) -> None:
    ledger.write_now(deploy, [OLD], TRIGGERS, clock.now)
    clock.advance(100 * DAY)
    ledger.write_now(deploy, [NEW], TRIGGERS, clock.now)
    later(ledger, clock, DAYS)
    assert count(ledger, AUTOMATIONS) == 2
    later(ledger, clock, 1)
    assert ledger.read_now(lambda c: c.scalars(select(AUTOMATIONS.c.active)).all()) == [True]


def test_what_a_failed_run_began_with_is_kept_as_long_as_the_run(ledger: Store, clock: Clock) -> None:
    ledger.write_now(deploy, [OLD], TRIGGERS, clock.now)
    polled(ledger, clock, MINE, Event(key="t1", version="1", kind="new", record={"id": "t1"}))
    [run] = ledger.write_now(runs.claim, {"acme": 1}, clock.now)
    ended = runs.Entry(run=run.id, fence=run.fence, due_at=0, state="failed", ended_at=clock.now)
    ledger.write_now(runs.write, [ended])
    ledger.write_now(deploy, [NEW], TRIGGERS, clock.now)
    later(ledger, clock, 2 * DAYS)
    assert run.digest in ledger.read_now(runs.definitions, [run.digest])


def test_a_feed_that_is_not_ordered_any_more_is_forgotten(ledger: Store, clock: Clock) -> None:
    ledger.write_now(deploy, [OLD], TRIGGERS, clock.now)
    for _ in range(2):
        clock.advance(20 * DAY)
        ledger.write_now(orders.due, ORDERED, clock.now)
        polled(ledger, clock, ORDERED.id)
    later(ledger, clock, DAYS)
    assert count(ledger, FEEDS) == 2
    later(ledger, clock, 1)
    assert ledger.read_now(lambda c: c.scalars(select(FEEDS.c.id)).all()) == [MINE]


def test_an_action_that_is_ordered_while_others_are_forgotten_is_carried_out(ledger: Store, clock: Clock) -> None:
    order = ActionOrder(action="toy.things.create", connection="acme", inputs={"name": "x"})
    first = ledger.write_now(orders.entered, order, "message-1", clock.now)
    ledger.write_now(lambda c: c.execute(delete(RUNS).where(RUNS.c.id == first)))
    clock.advance((DAYS + 1) * DAY)
    with ThreadPoolExecutor(1) as beside:
        with ledger.engine.begin() as connection:
            assert orders.entered(connection, order, "message-2", clock.now)
            forgetting = beside.submit(ledger.write_now, forget, clock.now, DAYS)
            with pytest.raises(TimeoutError):
                forgetting.result(0.3)  # it waits for who holds what is to be forgotten
        forgetting.result(30)
    [run] = ledger.write_now(runs.claim, {"acme": 1}, clock.now)
    assert run.digest in ledger.read_now(runs.definitions, [run.digest])
