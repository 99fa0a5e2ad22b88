"""A worker that dies between any two things it does while polling: every record is one event and one run."""

from __future__ import annotations

import pytest

from tests.worker.clock import Clock
from tests.worker.polling import Polls
from tests.worker.toy import Border, Crash
from worker.journal import LeaseLost
from worker.ledger.feeds import LEASE
from worker.ledger.store import Store

pytestmark = pytest.mark.anyio

STRATEGIES = ["toy.things.search", "toy.things.newest", "toy.things.list"]


async def begun(polls: Polls, use: str, number: int) -> str:
    """A feed of its own that knows what was there, and is due again with eight new things to find."""
    polls.shelf.things.clear()
    polls.shelf.put("old")
    feed = polls.deployed(use=use, with_={"colour": f"c{number}"})
    assert await polls.poll(feed) is None
    polls.shelf.put(*"abcdefgh")
    return feed


async def dies_at(polls: Polls, feed: str, crossing: int) -> bool:
    """Whether the worker came to that crossing of its border, and died there."""
    try:
        await polls.again(feed, border=Border(crossing))
    except Crash:
        polls.clock.advance(LEASE)
        return True
    return False


def found(polls: Polls, before: int) -> list[tuple[str, str]]:
    return polls.events()[before:]


@pytest.mark.parametrize("use", STRATEGIES)
async def test_every_record_is_one_event_and_one_run(ledger: Store, clock: Clock, use: str) -> None:
    polls, crossing = Polls(ledger, clock), 1
    while True:
        before, runs = len(polls.events()), polls.runs()
        feed = await begun(polls, use, crossing)
        died = await dies_at(polls, feed, crossing)
        await polls.whole(feed)
        assert found(polls, before) == [("new", key) for key in "abcdefgh"]
        assert polls.runs() == runs + 8
        if not died:
            break
        crossing += 1
    assert crossing > 8


@pytest.mark.parametrize("use", STRATEGIES)
async def test_what_changes_while_one_dies_is_found_too(small_ledger: Store, clock: Clock, use: str) -> None:
    polls = Polls(small_ledger, clock)
    for crossing in range(1, 12):
        before = len(polls.events())
        feed = await begun(polls, use, crossing)
        await dies_at(polls, feed, crossing)
        polls.shelf.put("i")
        await dies_at(polls, feed, crossing)
        polls.shelf.put("j", "k", "l")
        await polls.whole(feed)
        assert sorted(found(polls, before)) == [("new", key) for key in "abcdefghijkl"]


async def test_a_removal_is_told_once_however_often_a_worker_dies(small_ledger: Store, clock: Clock) -> None:
    polls = Polls(small_ledger, clock)
    for crossing in range(1, 14):
        feed = await begun(polls, "toy.things.list", crossing)
        await polls.whole(feed)
        before = len(polls.events())
        del polls.shelf.things["c"]
        await dies_at(polls, feed, crossing)
        await polls.whole(feed)
        await polls.whole(feed)
        assert found(polls, before) == [("removed", "c")]


@pytest.mark.parametrize("use", STRATEGIES)
async def test_a_late_worker_s_poll_ends_with_its_refusal(small_ledger: Store, clock: Clock, use: str) -> None:
    """It sleeps during a request until its lease is over, and another one has polled meanwhile."""
    polls = Polls(small_ledger, clock)
    feed = await begun(polls, use, 1)
    other = Polls(small_ledger, clock)
    other.shelf.things = dict(polls.shelf.things)
    polls.clock.now = polls.row(feed).due_at
    late = polls.claimed(feed)
    clock.advance(LEASE)
    await other.whole(feed)
    told, row = polls.events(), polls.row(feed)
    with pytest.raises(LeaseLost):
        await late()
    assert polls.events() == told == [("new", key) for key in "abcdefgh"]
    assert polls.row(feed) == row
