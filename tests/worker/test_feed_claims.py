"""Who polls a feed, and whose word counts: waking, leases, fences, nudges, missed slots."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from config.automation import Every
from tests.worker.clock import Clock
from tests.worker.rows import TRIGGERS, automation
from triggers.reading import Event, SetAside
from worker.deploy import deploy
from worker.ledger import feeds
from worker.ledger.feeds import LEASE, WOKEN, ClaimedFeed, Poll
from worker.ledger.store import Store
from worker.ledger.tables import EVENTS, FEEDS, RUNS, SET_ASIDE

EVENT = Event(key="t1", version="1", kind="new", record={"id": "t1"})


def deployed(ledger: Store, clock: Clock, *automations: Any) -> list[str]:
    """The ids of the feeds that these automations (one where none is given) listen to."""
    return list(ledger.write_now(deploy, automations or (automation(),), TRIGGERS, clock()).started)


def claimed(ledger: Store, clock: Clock, *ids: str) -> list[ClaimedFeed]:
    return ledger.write_now(feeds.claim, ids, clock())


def ended(feed: ClaimedFeed, clock: Clock, **more: Any) -> Poll:
    return Poll(**{"feed": feed.id, "fence": feed.fence, "due_at": clock() + 300_000, **more})


def row(ledger: Store, feed: str) -> Any:
    return ledger.read_now(lambda c: c.execute(select(FEEDS).where(FEEDS.c.id == feed)).one())


def counts(ledger: Store) -> dict[str, int]:
    """How many rows there are of what a poll brings."""

    def counted(connection: Any) -> dict[str, int]:
        tables = (EVENTS, RUNS, SET_ASIDE)
        return {table.name: connection.scalar(select(func.count()).select_from(table)) for table in tables}

    return ledger.read_now(counted)


def test_two_beats_wake_a_due_feed_once(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    assert ledger.write_now(feeds.wake, clock(), 500) == [feed]
    assert ledger.write_now(feeds.wake, clock(), 500) == []


def test_a_wake_up_that_went_nowhere_is_sent_again(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    ledger.write_now(feeds.wake, clock(), 500)
    clock.advance(WOKEN)
    assert ledger.write_now(feeds.wake, clock(), 500) == [feed]


def test_beats_at_the_same_moment_share_the_due_feeds_between_them(ledger: Store, clock: Clock) -> None:
    wanted = [automation(f"a{number}", with_={"colour": str(number)}) for number in range(60)]
    due = deployed(ledger, clock, *wanted)
    woken: list[str] = []
    start = threading.Barrier(3)

    def beat() -> None:
        start.wait(10)
        for _ in range(6):
            woken.extend(ledger.write_now(feeds.wake, clock(), 20))

    beats = [threading.Thread(target=beat) for _ in range(3)]
    for each in beats:
        each.start()
    for each in beats:
        each.join(30)
    assert sorted(woken) == sorted(due)


def test_what_is_due_first_is_woken_first(ledger: Store, clock: Clock) -> None:
    late, early = deployed(ledger, clock, automation("a"), automation("b", with_={"colour": "red"}))
    ledger.write_now(lambda c: c.execute(update(FEEDS).where(FEEDS.c.id == early).values(due_at=clock() - 5)))
    assert ledger.write_now(feeds.wake, clock(), 1) == [early]
    assert ledger.write_now(feeds.wake, clock(), 1) == [late]


def test_of_two_workers_one_claims_a_feed(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    taken: list[ClaimedFeed] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait(10)
        taken.extend(claimed(ledger, clock, feed))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(30)
    assert [each.id for each in taken] == [feed]


def test_a_feed_that_is_not_due_is_not_claimed(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    [mine] = claimed(ledger, clock, feed)
    ledger.write_now(feeds.write, [ended(mine, clock)], clock())
    assert claimed(ledger, clock, feed) == []
    clock.advance(300_000)
    assert [each.id for each in claimed(ledger, clock, feed)] == [feed]


def test_the_end_of_a_lease_gives_the_feed_to_another_worker(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    [dead] = claimed(ledger, clock, feed)
    clock.advance(LEASE - 1)
    assert claimed(ledger, clock, feed) == []
    assert ledger.write_now(feeds.wake, clock(), 500) == []
    clock.advance(1)
    assert ledger.write_now(feeds.wake, clock(), 500) == [feed]
    [next_] = claimed(ledger, clock, feed)
    assert next_.fence == dead.fence + 1
    assert next_.slot == dead.slot  # the slot that nobody has kept yet


def test_a_late_worker_is_refused_and_writes_nothing(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    [late] = claimed(ledger, clock, feed)
    clock.advance(LEASE)
    [mine] = claimed(ledger, clock, feed)
    before = row(ledger, feed)
    aside = SetAside(reason="it has no usable id", record={"name": "x"})
    word = ended(late, clock, cursor=b'{"phase":"steady"}', events=[EVENT], aside=[aside], active=False)
    assert ledger.write_now(feeds.write, [word], clock()) == [None]
    assert counts(ledger) == {"events": 0, "runs": 0, "set_aside": 0}
    assert row(ledger, feed) == before
    assert ledger.write_now(feeds.write, [ended(mine, clock, events=[EVENT])], clock()) == [1]


def test_in_one_commit_the_late_are_refused_and_the_others_are_not(ledger: Store, clock: Clock) -> None:
    ids = deployed(ledger, clock, automation("a"), automation("b", with_={"colour": "red"}))
    mine, other = claimed(ledger, clock, *ids)
    late = replace(mine, fence=mine.fence - 1)
    words = [ended(late, clock, events=[EVENT]), ended(other, clock, events=[EVENT])]
    assert ledger.write_now(feeds.write, words, clock()) == [None, 1]
    assert counts(ledger)["events"] == 1


def test_a_commit_inside_a_poll_renews_the_lease(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    [mine] = claimed(ledger, clock, feed)
    clock.advance(LEASE - 1)
    part = ended(mine, clock, due_at=clock() + LEASE, ended=False, events=[EVENT])
    assert ledger.write_now(feeds.write, [part], clock()) == [1]
    clock.advance(LEASE - 1)
    assert claimed(ledger, clock, feed) == []
    assert ledger.write_now(feeds.write, [ended(mine, clock)], clock()) == [0]


def test_a_nudge_makes_a_waiting_feed_due_now(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    ledger.write_now(feeds.write, [ended(claimed(ledger, clock, feed)[0], clock)], clock())
    clock.advance(1000)
    assert ledger.write_now(feeds.nudge, [feed], clock()) == 1
    assert ledger.write_now(feeds.wake, clock(), 500) == [feed]
    assert len(claimed(ledger, clock, feed)) == 1


def test_a_nudge_during_a_poll_takes_nothing_away_and_makes_it_due_again_after(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    [mine] = claimed(ledger, clock, feed)
    clock.advance(1000)
    ledger.write_now(feeds.nudge, [feed], clock())
    assert claimed(ledger, clock, feed) == []
    assert ledger.write_now(feeds.write, [ended(mine, clock)], clock()) == [0]
    [again] = claimed(ledger, clock, feed)
    clock.advance(1000)
    ledger.write_now(feeds.write, [ended(again, clock)], clock())
    assert claimed(ledger, clock, feed) == []  # once, not for ever


def test_the_next_due_feed_is_known_ahead(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    assert ledger.read_now(feeds.next_due, clock()) is None
    ledger.write_now(feeds.write, [ended(claimed(ledger, clock, feed)[0], clock, due_at=clock() + 7)], clock())
    assert ledger.read_now(feeds.next_due, clock()) == clock() + 7


def test_an_event_that_is_there_already_opens_no_second_run(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    for runs_opened in (1, 0):
        clock.advance(300_000)
        [mine] = claimed(ledger, clock, feed)
        assert ledger.write_now(feeds.write, [ended(mine, clock, events=[EVENT])], clock()) == [runs_opened]
    assert counts(ledger) == {"events": 1, "runs": 1, "set_aside": 0}


def test_each_automation_of_a_feed_gets_a_run_for_the_kinds_it_listens_to(ledger: Store, clock: Clock) -> None:
    both = automation("both", on=("updated", "new"))
    new, updated = automation("new", on=("new", "updated")), automation("updated", on=("updated",))
    [feed] = deployed(ledger, clock, both, new, updated)
    [mine] = claimed(ledger, clock, feed)
    word = ended(mine, clock, events=[EVENT, replace(EVENT, version="2", kind="updated")])
    assert ledger.write_now(feeds.write, [word], clock()) == [5]
    found = ledger.read_now(lambda c: c.execute(select(RUNS.c.automation, RUNS.c.event).order_by(RUNS.c.id)).all())
    assert sorted(each.automation for each in found) == ["both", "both", "new", "new", "updated"]


def test_what_fails_half_way_leaves_nothing(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    [mine] = claimed(ledger, clock, feed)
    before = row(ledger, feed)
    ledger.write_now(lambda c: c.exec_driver_sql("ALTER TABLE runs RENAME TO elsewhere"))
    with pytest.raises(Exception, match="runs"):
        ledger.write_now(feeds.write, [ended(mine, clock, cursor=b"{}", events=[EVENT])], clock())
    ledger.write_now(lambda c: c.exec_driver_sql("ALTER TABLE elsewhere RENAME TO runs"))
    assert row(ledger, feed) == before
    assert counts(ledger) == {"events": 0, "runs": 0, "set_aside": 0}


def test_failures_are_counted_and_a_success_ends_them(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    for error, failures in (("Refused: no", 1), ("Refused: no", 2), (None, 0)):
        clock.advance(300_000)
        [mine] = claimed(ledger, clock, feed)
        ledger.write_now(feeds.write, [ended(mine, clock, error=error, missed=2)], clock())
        assert (row(ledger, feed).failures, row(ledger, feed).error) == (failures, error)
    assert row(ledger, feed).missed == 6
    assert row(ledger, feed).succeeded_at == clock()


def test_a_poll_under_way_does_not_bring_back_a_feed_that_was_removed(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock, automation(schedule=Every(60)))
    [mine] = claimed(ledger, clock, feed)
    ledger.write_now(deploy, (), TRIGGERS, clock())
    assert ledger.write_now(feeds.write, [ended(mine, clock)], clock()) == [0]
    clock.advance(3_600_000)
    assert ledger.write_now(feeds.wake, clock(), 500) == []


def test_a_zero_character_in_what_a_vendor_says_is_kept_as_another(ledger: Store, clock: Clock) -> None:
    [feed] = deployed(ledger, clock)
    [mine] = claimed(ledger, clock, feed)
    odd = Event(key="a\0b", version="1\0", kind="new", record={"id": "a\0b"})
    aside = SetAside(reason="it has no usable id", record={"name": "\0"})
    word = ended(mine, clock, events=[odd], aside=[aside], error="Refused: \0")
    assert ledger.write_now(feeds.write, [word], clock()) == [1]
    [event] = ledger.read_now(lambda c: c.execute(select(EVENTS)).all())
    assert (event.key, event.version) == ("a\ufffdb", "1\ufffd")
    assert row(ledger, feed).error == "Refused: \ufffd"


@pytest.mark.slow
def test_webhooks_and_polls_that_write_to_the_same_feeds_never_wait_for_each_other_in_a_ring(
    ledger: Store, clock: Clock
) -> None:
    several = [automation(name=f"a{number}", with_={"colour": str(number)}) for number in range(40)]
    ids = deployed(ledger, clock, *several)
    polls = [replace(ended(feed, clock), ended=False) for feed in claimed(ledger, clock, *ids)]

    def poll() -> None:
        for number in range(40):
            turned = [*polls[number:], *polls[:number]]
            assert None not in ledger.write_now(feeds.write, turned, clock())

    def nudge() -> None:
        for number in range(40):
            assert ledger.write_now(feeds.nudge, [*ids[number:], *ids[:number]], clock()) == len(ids)

    with ThreadPoolExecutor() as threads:
        for each in [threads.submit(poll), threads.submit(nudge), threads.submit(poll)]:
            each.result()
