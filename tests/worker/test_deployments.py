"""What a deployment does to feeds: which edits start a new one, and which leave the cursor alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from config.automation import Automation, Every
from tests.worker.clock import Clock
from tests.worker.rows import TRIGGERS, automation, step
from worker.deploy import Deployed, deploy
from worker.ledger import feeds
from worker.ledger.feeds import Poll
from worker.ledger.store import Store
from worker.ledger.tables import AUTOMATIONS, FEEDS

CURSOR = '{"phase":"steady","floor":1}'


@pytest.fixture
def polled(ledger: Store, clock: Clock) -> str:
    """A feed with a cursor; it is due again in five minutes."""
    [feed] = put(ledger, clock, automation()).started
    [mine] = ledger.write_now(feeds.claim, [feed], clock())
    poll = Poll(feed=feed, fence=mine.fence, due_at=clock() + 300_000, cursor=CURSOR.encode())
    ledger.write_now(feeds.write, [poll], clock())
    return feed


def put(ledger: Store, clock: Clock, *automations: Automation) -> Deployed:
    return ledger.write_now(deploy, automations, TRIGGERS, clock())


def row(ledger: Store, feed: str) -> Any:
    return ledger.read_now(lambda c: c.execute(select(FEEDS).where(FEEDS.c.id == feed)).one())


def listeners(ledger: Store) -> list[str]:
    wanted = select(AUTOMATIONS.c.name).where(AUTOMATIONS.c.active).order_by(AUTOMATIONS.c.name)
    return list(ledger.read_now(lambda c: c.scalars(wanted).all()))


@pytest.mark.parametrize(
    "edited",
    [
        automation("a new name"),
        automation(steps=(step(use="toy.guarded", with_={"name": "x"}), step("2"))),
        automation(when="record.name"),
        automation(schedule=Every(60)),
    ],
    ids=["name", "steps", "when", "schedule"],
)
def test_edits_that_do_not_change_the_question_keep_the_cursor(
    ledger: Store, clock: Clock, polled: str, edited: Automation
) -> None:
    assert put(ledger, clock, edited) == Deployed(kept=(polled,))
    assert row(ledger, polled).cursor == CURSOR
    assert row(ledger, polled).active
    assert listeners(ledger) == [edited.name]


@pytest.mark.parametrize(
    "edited",
    [
        automation(with_={"colour": "red"}),
        automation(start="beginning"),
        automation(connection="other"),
        automation(on=("updated",)),
        automation(use="toy.things.list"),
    ],
    ids=["parameters", "start", "connection", "time", "trigger"],
)
def test_edits_that_change_the_question_start_a_new_feed(
    ledger: Store, clock: Clock, polled: str, edited: Automation
) -> None:
    done = put(ledger, clock, edited)
    [fresh] = done.started
    assert done.stopped == (polled,)
    assert row(ledger, fresh).cursor is None
    assert row(ledger, polled).cursor == CURSOR


def test_a_feed_that_is_removed_is_polled_no_more_and_comes_back_with_its_cursor(
    ledger: Store, clock: Clock, polled: str
) -> None:
    assert put(ledger, clock).stopped == (polled,)
    clock.advance(86_400_000)
    assert ledger.write_now(feeds.wake, clock(), 500) == []
    assert ledger.write_now(feeds.claim, [polled], clock()) == []
    assert put(ledger, clock, automation("again")).kept == (polled,)
    [mine] = ledger.write_now(feeds.claim, [polled], clock())
    assert mine.cursor == orjson.loads(CURSOR)


def test_equal_questions_are_one_feed_with_all_their_schedules(ledger: Store, clock: Clock) -> None:
    done = put(ledger, clock, automation("slow", schedule=Every(900)), automation("fast", schedule=Every(60)))
    [feed] = done.started
    assert orjson.loads(row(ledger, feed).schedule) == [{"every": "900s"}, {"every": "60s"}]
    assert listeners(ledger) == ["fast", "slow"]


def test_deploying_the_same_files_again_changes_nothing(ledger: Store, clock: Clock, polled: str) -> None:
    before = row(ledger, polled)
    clock.advance(1000)
    put(ledger, clock, automation())
    assert row(ledger, polled) == before


def test_a_faster_schedule_does_not_wait_for_the_slower_one_s_slot(ledger: Store, clock: Clock, polled: str) -> None:
    put(ledger, clock, automation(schedule=Every(60)))
    assert row(ledger, polled).due_at <= clock() + 60_000


def test_a_new_schedule_leaves_the_lease_of_a_poll_under_way_alone(ledger: Store, clock: Clock, polled: str) -> None:
    clock.advance(300_000)
    [mine] = ledger.write_now(feeds.claim, [polled], clock())
    put(ledger, clock, automation(schedule=Every(60)))
    clock.advance(feeds.LEASE - 1)
    assert ledger.write_now(feeds.claim, [polled], clock()) == []
    word = Poll(feed=polled, fence=mine.fence, due_at=clock() + 300_000)
    assert ledger.write_now(feeds.write, [word], clock()) == [0]


def test_an_automation_that_is_edited_back_listens_again(ledger: Store, clock: Clock) -> None:
    first, second = automation(), automation(when="record.name")
    put(ledger, clock, first)
    put(ledger, clock, second)
    put(ledger, clock, first)
    found = ledger.read_now(lambda c: c.execute(select(AUTOMATIONS)).all())
    assert sorted(each.active for each in found) == [False, True]
    assert listeners(ledger) == ["welcome"]


def test_secrets_in_parameters_and_steps_are_kept_as_they_were_written(ledger: Store, clock: Clock) -> None:
    hidden = automation(with_={"colour": "${COLOUR}"}, steps=(step(with_={"id": "1", "value": "${KEY}"}),))
    [feed] = put(ledger, clock, hidden).started
    assert orjson.loads(row(ledger, feed).params) == {"colour": "${COLOUR}"}
    [stored] = ledger.read_now(lambda c: c.scalars(select(AUTOMATIONS.c.definition)).all())
    assert Automation.from_definition("welcome", orjson.loads(stored)) == hidden


def test_a_run_is_carried_out_by_the_definition_that_it_was_opened_with(ledger: Store, clock: Clock) -> None:
    put(ledger, clock, automation())
    put(ledger, clock, automation(when="record.name"))
    kept = ledger.read_now(lambda c: c.scalars(select(AUTOMATIONS.c.definition)).all())
    assert len(kept) == 2


def test_a_feed_that_had_its_one_event_does_not_start_again_when_beat_does(ledger: Store, clock: Clock) -> None:
    once = automation(use="toy.slots.list")
    [feed] = put(ledger, clock, once).started
    [mine] = ledger.write_now(feeds.claim, [feed], clock())
    over = b'{"phase":"steady","over":true}'
    ledger.write_now(feeds.write, [Poll(feed=feed, fence=mine.fence, due_at=0, cursor=over, active=False)], clock())
    put(ledger, clock, once)
    assert ledger.write_now(feeds.wake, clock(), 500) == []
    put(ledger, clock, replace(once, name="other"))
    assert ledger.write_now(feeds.wake, clock(), 500) == []


def test_orders_for_feeds_survive_a_deployment(ledger: Store, clock: Clock, polled: str) -> None:
    ledger.write_now(lambda c: c.execute(update(FEEDS).where(FEEDS.c.id == polled).values(schedule="[]")))
    assert put(ledger, clock).stopped == ()
    assert row(ledger, polled).active
