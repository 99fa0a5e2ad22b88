"""Polling: what a poll brings, what it does not do when the vendor answers garbage, and where it goes on when cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from config.automation import Auto, Every
from connections.errors import (
    Garbage,
    NoAnswer,
    NotFound,
    QuotaSpent,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
    Unreachable,
)
from connections.wire import Request
from tests.worker.clock import Clock
from tests.worker.polling import Polls
from tests.worker.rows import TIMED, TRIGGERS, automation
from triggers.since import epoch_ms, iso, ranges
from worker import reports
from worker.ledger import feeds
from worker.ledger.store import Store

pytestmark = pytest.mark.anyio

STRATEGIES = ["toy.things.search", "toy.things.newest", "toy.things.list"]
NEW = [("new", key) for key in "abcdefg"]


@pytest.fixture
def polls(small_ledger: Store, clock: Clock) -> Polls:
    return Polls(small_ledger, clock)


@pytest.fixture
def both(ledger: Store, clock: Clock) -> Polls:
    """The same, once on each database."""
    return Polls(ledger, clock)


async def begun(polls: Polls, use: str, **more: Any) -> str:
    """A feed that knows what was there, `old`, and is due again."""
    polls.shelf.put("old")
    feed = polls.deployed(use=use, **more)
    assert await polls.poll(feed) is None
    assert polls.events() == []
    polls.clock.now = polls.row(feed).due_at
    return feed


@pytest.mark.parametrize("use", STRATEGIES)
async def test_what_is_new_is_found_once_and_opens_a_run(both: Polls, use: str) -> None:
    feed = await begun(both, use)
    both.shelf.put(*"abcdefg")
    await both.whole(feed)
    await both.whole(feed)
    assert both.events() == NEW
    assert both.runs() == 7
    row = both.row(feed)
    assert (row.error, row.failures, row.events, row.working) == (None, 0, 7, False)
    assert row.requests == len(both.shelf.asked)


@pytest.mark.parametrize("use", STRATEGIES)
async def test_from_the_beginning_everything_is_new(polls: Polls, use: str) -> None:
    polls.shelf.put(*"abcdefg")
    feed = polls.deployed(use=use, start="beginning")
    await polls.whole(feed)
    assert polls.events() == NEW


async def test_from_a_date_on_everything_is_new(polls: Polls) -> None:
    polls.shelf.put("x", "y", "z")
    start = datetime.fromtimestamp((polls.clock() + 1) / 1000, UTC)
    polls.shelf.put(*"abcdefg")
    await polls.whole(polls.deployed(start=start))
    assert polls.events() == NEW


WRONG_SHAPES = [
    {"unexpected": [{"answer": True}]},
    {"things": {"id": "a"}},
    {"things": ["a", "b"]},
    {"things": None},
    ["a"],
    "a",
    7,
    None,
]


@pytest.mark.parametrize("use", STRATEGIES)
@pytest.mark.parametrize(
    "garbage",
    [Garbage('GET /things: 200, but the answer is no JSON (a web page "502 Bad Gateway")', status=200), *WRONG_SHAPES],
    ids=str,
)
async def test_garbage_moves_no_cursor_fires_nothing_and_fails_visibly(polls: Polls, use: str, garbage: Any) -> None:
    feed = await begun(polls, use)
    cursor = polls.row(feed).cursor
    polls.shelf.put("a")
    polls.shelf.script.append(garbage if garbage is not None else {})
    reason = await polls.poll(feed)
    row = polls.row(feed)
    assert reason is not None
    assert (row.cursor, row.failures, polls.events()) == (cursor, 1, [])
    assert row.error == f"Garbage: {reason}"
    expected = "502 Bad Gateway" if isinstance(garbage, Garbage) else "expected a list of records at 'things'"
    assert expected in reason
    await polls.whole(feed)
    assert polls.events() == [("new", "a")]
    assert polls.row(feed).error is None


CUTS = [
    (QuotaSpent("its quota is used up for now", retry_at=1_900_000_000), 1_900_000_000_000),
    (RateLimited("slow down", status=429, retry_at=1_900_000_000), 1_900_000_000_000),
    (ServerFault("500 Internal server error", status=500), 5_000),
    (NoAnswer("the connection broke"), 5_000),
    (Unreachable("no connection came about"), 5_000),
    (Garbage("no JSON"), None),
    (Refused("403 you may not", status=403), None),
    (Unauthorized("401 Invalid JWT", status=401), None),
]


@pytest.mark.parametrize("use", STRATEGIES)
@pytest.mark.parametrize(("error", "wait"), CUTS, ids=lambda value: type(value).__name__)
async def test_a_poll_that_is_cut_short_goes_on_where_it_stopped(
    polls: Polls, use: str, error: Any, wait: int | None
) -> None:
    feed = await begun(polls, use, schedule=Every(900))
    polls.shelf.put(*"abcdefg")
    polls.shelf.script.extend([None, error])
    began = polls.clock()
    assert await polls.poll(feed) == str(error)
    due = polls.row(feed).due_at
    if wait is None:
        assert began < due <= began + 900_000
    else:
        assert due == (wait if wait > began else min(began + wait, due))
    polls.shelf.asked.clear()
    await polls.whole(feed)
    again = polls.shelf.asked[0]
    place = dict(again.query) | (again.body or {})
    assert "after" in place or place.get("skip") == "2"
    assert sorted(polls.events()) == NEW
    assert polls.row(feed).failures == 0


async def test_failures_in_a_row_are_tried_again_ever_more_slowly(polls: Polls) -> None:
    feed = await begun(polls, "toy.things.search", schedule=Every(900))
    waits = []
    polls.shelf.script.extend([NoAnswer("the connection broke")] * 8)
    for _ in range(6):
        assert await polls.again(feed) is not None
        waits.append(polls.row(feed).due_at - polls.clock())
    assert waits[:5] == [5_000, 10_000, 20_000, 40_000, 80_000]
    assert polls.row(feed).failures == 6


@pytest.mark.parametrize("use", STRATEGIES)
async def test_a_task_that_is_near_its_end_stops_after_the_page_in_hand(polls: Polls, use: str) -> None:
    feed = await begun(polls, use)
    polls.shelf.put(*"abcdefg")
    polls.shelf.asked.clear()
    assert await polls.poll(feed, time=0) is None
    assert len(polls.shelf.asked) == 1
    assert polls.row(feed).due_at == polls.clock()  # at once, by whoever is free
    await polls.whole(feed)
    assert sorted(polls.events()) == NEW


@pytest.mark.parametrize("use", ["toy.things.search", "toy.things.list"])
async def test_a_feed_with_much_to_read_gives_others_their_turn(polls: Polls, use: str) -> None:
    feed = await begun(polls, use)
    names = [f"t{number:04d}" for number in range(400)]
    polls.shelf.put(*names, pause=1)
    polls.shelf.asked.clear()
    assert await polls.poll(feed) is None
    assert len(polls.shelf.asked) == 100
    assert 150 < len(polls.events()) < 400
    await polls.whole(feed)
    assert polls.events() == [("new", name) for name in names]


async def test_what_came_newest_first_is_committed_oldest_first(polls: Polls) -> None:
    feed = await begun(polls, "toy.things.newest")
    names = [f"t{number:02d}" for number in range(40)]  # more pages than a commit takes
    polls.shelf.put(*names)
    assert await polls.poll(feed) is None
    assert polls.events() == [("new", name) for name in names]


# --- ways of asking


def dialects(*writers: Any, **more: Any) -> Any:
    since = tuple(ranges(added="dateAdded", updated="dateUpdated", write=write) for write in writers)
    return replace(TRIGGERS["toy.things.search"], strategy=replace(TIMED, since=since), **more)


REFUSAL = Refused("422 value must be a number", status=422)


def only_numbers(polls: Polls) -> None:
    """The vendor takes times as numbers, and refuses them as texts."""

    def before(request: Request) -> None:
        values = [wanted["value"]["gte"] for wanted in (request.body or {}).get("filters", ())]
        if any(isinstance(value, str) for value in values):
            raise REFUSAL

    polls.shelf.before = before


async def test_where_one_dialect_is_refused_the_next_is_tried_and_remembered(polls: Polls) -> None:
    polls.triggers = {**TRIGGERS, "toy.things.search": dialects(iso, epoch_ms)}
    feed = await begun(polls, "toy.things.search")
    only_numbers(polls)
    polls.shelf.asked.clear()
    polls.shelf.put("a")
    await polls.whole(feed)
    assert len(polls.shelf.asked) == 2
    polls.shelf.put("b")
    await polls.whole(feed)
    assert len(polls.shelf.asked) == 3  # not asked in the refused way again
    assert polls.events() == [("new", "a"), ("new", "b")]


async def test_where_all_are_refused_the_first_refusal_is_told_and_none_is_remembered(polls: Polls) -> None:
    polls.triggers = {**TRIGGERS, "toy.things.search": dialects(iso, epoch_ms)}
    feed = await begun(polls, "toy.things.search")
    cursor = polls.row(feed).cursor
    polls.shelf.script.extend([REFUSAL, Refused("400 another one", status=400)])
    assert await polls.again(feed) == str(REFUSAL)
    assert polls.row(feed).cursor == cursor


@pytest.mark.parametrize("error", [Refused("403 no", status=403), Unauthorized("401 Invalid JWT", status=401)])
async def test_what_is_no_matter_of_words_is_not_asked_in_other_ones(polls: Polls, error: Refused) -> None:
    polls.triggers = {**TRIGGERS, "toy.things.search": dialects(iso, epoch_ms)}
    feed = await begun(polls, "toy.things.search")
    polls.shelf.script.append(error)
    polls.shelf.asked.clear()
    assert await polls.again(feed) == str(error)
    assert len(polls.shelf.asked) == 1


async def test_where_every_dialect_is_refused_the_fallback_is_asked(polls: Polls) -> None:
    fallback = TRIGGERS["toy.things.newest"]
    polls.triggers = {**TRIGGERS, "toy.things.search": dialects(iso, fallback=fallback)}
    feed = await begun(polls, "toy.things.search")
    only_numbers(polls)
    polls.shelf.put(*"abcdefg")
    await polls.whole(feed)
    assert polls.events() == NEW
    assert [request.path for request in polls.shelf.asked[-2:]] == ["/things", "/things"]


@pytest.mark.parametrize("use", STRATEGIES)
async def test_a_place_in_a_list_that_is_refused_again_and_again_is_given_up_once(polls: Polls, use: str) -> None:
    feed = await begun(polls, use)
    polls.shelf.put(*"abcdefg")
    gone = Refused("400 there is no record to start after", status=400)

    def before(request: Request) -> None:
        place = dict(request.query) | (request.body or {})
        if "after" in place or place.get("skip", "0") != "0":
            raise gone

    polls.shelf.before = before
    for _ in range(3):
        assert await polls.again(feed) == str(gone)
    polls.shelf.before = lambda _request: None
    polls.shelf.asked.clear()
    await polls.whole(feed)
    first = polls.shelf.asked[0]
    assert "after" not in dict(first.query) | (first.body or {})
    assert dict(first.query).get("skip", "0") == "0"
    assert sorted(polls.events()) == NEW


async def test_what_was_met_before_a_list_is_begun_anew_is_not_new_again(polls: Polls) -> None:
    feed = await begun(polls, "toy.things.search", on=("new", "updated"))
    polls.shelf.put(*"abcdefg")

    def before(request: Request) -> None:
        if "after" in (request.body or {}):
            raise Refused("400 there is no record to start after", status=400)

    polls.shelf.before = before
    for _ in range(3):
        await polls.again(feed)
    assert polls.events() == [("new", key) for key in "ab"]
    polls.shelf.change("a")
    polls.shelf.before = lambda _request: None
    await polls.whole(feed)
    assert sorted(polls.events()) == sorted([*NEW, ("updated", "a")])


# --- objects and computed answers


async def test_an_object_changes_is_gone_and_comes_back(polls: Polls) -> None:
    polls.shelf.put("a")
    feed = polls.deployed(use="toy.things.get", with_={"id": "a"}, on=("changed", "removed"))
    await polls.whole(feed)
    kept = dict(polls.shelf.things["a"])
    for things in ({"a": {**kept, "name": "B"}}, {}, {}, {"a": kept}):
        polls.shelf.things = things
        await polls.whole(feed)
    assert polls.events() == [("changed", "a"), ("removed", "a"), ("changed", "a")]
    assert polls.row(feed).failures == 0


@pytest.mark.parametrize("status", [400, 404])
async def test_what_is_not_there_yet_is_waited_for_and_ends_the_feed_when_it_comes(polls: Polls, status: int) -> None:
    feed = polls.deployed(use="toy.slots.list")
    polls.shelf.script.extend(
        [NotFound("not yet", status=404) if status == 404 else Refused("not yet", status=400)] * 2
    )
    for _ in range(2):
        await polls.whole(feed)
    assert (polls.events(), polls.row(feed).failures, polls.row(feed).active) == ([], 0, True)
    polls.shelf.slots = [{"name": "ten"}]
    assert await polls.again(feed) is None
    assert polls.events() == [("new", "ten")]
    assert not polls.row(feed).active


async def test_other_refusals_are_no_waiting(polls: Polls) -> None:
    feed = polls.deployed(use="toy.slots.list")
    polls.shelf.script.append(Refused("403 you may not", status=403))
    assert await polls.poll(feed) == "403 you may not"
    assert polls.row(feed).failures == 1


async def test_a_feed_that_had_its_one_event_asks_no_more_even_when_it_is_ordered(polls: Polls) -> None:
    feed = polls.deployed(use="toy.slots.list", start="beginning")
    polls.shelf.slots = [{"name": "ten"}]
    assert await polls.poll(feed) is None
    asked = len(polls.shelf.asked)
    polls.ledger.write_now(lambda c: c.exec_driver_sql("UPDATE feeds SET active = true, due_at = 0"))
    assert await polls.poll(feed) is None
    assert len(polls.shelf.asked) == asked
    assert not polls.row(feed).active


# --- records that cannot be judged, schedules


@pytest.mark.parametrize("use", STRATEGIES)
async def test_a_record_without_its_id_or_time_is_set_aside_and_shown(both: Polls, use: str) -> None:
    feed = await begun(both, use)
    both.shelf.put("a")
    good = both.shelf.things["a"]
    both.shelf.script.extend([{"things": [{**good, "id": None}, {**good, "id": "c", "dateAdded": "soon"}]}] * 2)
    for _ in range(3):
        await both.whole(feed)
    timed = use != "toy.things.list"
    reasons = {"it has no usable id", "it has no usable dateAdded"} if timed else {"it has no usable id"}
    assert {reason for reason, _ in both.aside()} == reasons
    assert len(both.aside()) == len(reasons)  # once each, however often they are met
    assert ("new", "a") in both.events()
    assert (("new", "c") in both.events()) is not timed
    [told] = both.ledger.read_now(reports.feeds, both.clock())
    assert told.set_aside == len(reasons)
    assert orjson.loads(both.aside()[0][1])["name"] == "A"


ODD_TIMES = [1e30, -1e30, "9" * 40, "9" * 5000, {"at": 1}, [1], True, "0001-01-01T00:00:00+14:00", 1e300]


@pytest.mark.parametrize("odd", ODD_TIMES, ids=lambda value: str(value)[:20])
async def test_a_time_that_is_none_does_not_stop_a_feed(polls: Polls, odd: Any) -> None:
    feed = await begun(polls, "toy.things.search")
    polls.shelf.put("a")
    polls.shelf.script.append(
        {"things": [{"id": "odd", "dateAdded": odd, "dateUpdated": odd}, polls.shelf.things["a"]]}
    )
    await polls.whole(feed)
    await polls.whole(feed)
    assert ("new", "a") in polls.events()


async def test_slots_that_were_missed_are_counted(polls: Polls) -> None:
    feed = await begun(polls, "toy.things.search", schedule=Every(60))
    polls.clock.advance(5 * 60_000)
    assert await polls.poll(feed) is None
    assert polls.row(feed).missed == 5
    assert await polls.again(feed) is None
    assert polls.row(feed).missed == 5


async def test_the_slot_of_a_worker_that_died_counts_as_missed(polls: Polls) -> None:
    feed = await begun(polls, "toy.things.search", schedule=Every(60))
    polls.ledger.write_now(feeds.claim, [feed], polls.clock())
    polls.clock.advance(3 * 60_000)
    assert await polls.poll(feed) is None
    assert polls.row(feed).missed == 3


async def test_auto_comes_oftener_when_there_is_something_to_find(polls: Polls) -> None:
    feed = await begun(polls, "toy.things.search", schedule=Auto())
    slow = polls.row(feed).pace
    for number in range(4):
        polls.shelf.put(f"t{number}")
        assert await polls.again(feed) is None
    assert polls.row(feed).pace < slow


async def test_a_shared_feed_is_asked_once_for_all_who_listen(polls: Polls) -> None:
    polls.shelf.put("old")
    feed = polls.deployed(automation("a"), automation("b", schedule=Every(60)), automation("c", when="record.name"))
    await polls.whole(feed)
    polls.shelf.put("x")
    await polls.whole(feed)
    assert polls.runs() == 3
    assert len(polls.shelf.asked) == 2
