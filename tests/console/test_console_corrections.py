"""Putting right: failed and uncertain runs, replays, cursors; and what the ledger tells about all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from config.automation import Automation, Cron, Every, Step, TriggerUse
from console.failures import Fault
from console.feed_commands import rewind
from triggers import snapshot, watermark
from triggers.catalog import CATALOG as TRIGGERS
from triggers.reading import Event, SetAside
from triggers.snapshot import SnapshotCursor
from triggers.watermark import WatermarkCursor
from worker import corrections, histories, reports
from worker.corrections import Refusal
from worker.deploy import deploy, feed_of
from worker.ledger import breakers, feeds, runs
from worker.ledger.breakers import OpenBreaker
from worker.ledger.feeds import Poll
from worker.ledger.runs import ClaimedRun, Entry, StepRow
from worker.ledger.store import Store
from worker.ledger.tables import RUNS, STEPS

NOW = 1_800_000_000_000
MINUTE = 60_000
USE = TriggerUse(use="ghl.contacts.search", connection="acme", on=("new",), schedule=Every(60))
TAG = Step(id="tag", use="ghl.contacts.tags.add", connection="acme", with_={"contactId": "1", "tags": ["x"]})
NOTE = Step(id="note", use="ghl.contacts.notes.create", connection="acme", with_={"contactId": "1", "body": "x"})
GREET = Automation(name="greet", trigger=USE, steps=(TAG, NOTE))
LIST = replace(GREET, name="list", trigger=replace(USE, use="ghl.contacts.tasks.list", with_={"contactId": "1"}))


def deployed(ledger: Store, automation: Automation = GREET, now: int = NOW) -> str:
    ledger.write_now(deploy, [automation], TRIGGERS, now)
    return feed_of(automation, TRIGGERS[automation.trigger.use]).id


def polled(ledger: Store, feed: str, *keys: str, now: int = NOW, **more: Any) -> None:
    """A poll of this feed that brings an event for each of these keys."""
    ledger.write_now(feeds.nudge, [feed], now)
    [claimed] = ledger.write_now(feeds.claim, [feed], now)
    events = [Event(key=key, version=str(now), kind="new", record={"id": key}) for key in keys]
    cursor = more.pop("cursor", None) or orjson.dumps(WatermarkCursor(phase="steady", floor=now, since=now))
    poll = Poll(feed=feed, fence=claimed.fence, due_at=now + MINUTE, cursor=cursor, events=events, **more)
    assert ledger.write_now(feeds.write, [poll], now) == [len(events)]


def taken(ledger: Store, count: int = 100, now: int = NOW) -> list[ClaimedRun]:
    return ledger.write_now(runs.claim, {"acme": count}, now)


def ended(ledger: Store, run: ClaimedRun, state: Any, *steps: StepRow) -> None:
    entries = [Entry(run=run.id, fence=run.fence, due_at=NOW, step=each) for each in steps]
    last = Entry(run=run.id, fence=run.fence, due_at=NOW, state=state, reason=f"it is {state}", ended_at=NOW)
    assert all(ledger.write_now(runs.write, [*entries, last]))


def step(number: str, state: Any, **more: Any) -> StepRow:
    name = {"1": "tag", "2": "note"}[number]
    plain = {"action": "ghl.contacts.tags.add", "connection": "acme", "attempts": 3, "ended_at": NOW, "started_at": NOW}
    return StepRow(number=number, name=name, state=state, **{**plain, **more})


def states(ledger: Store, run: int) -> dict[str, str]:
    wanted = select(STEPS.c.number, STEPS.c.state).where(STEPS.c.run == run)
    return ledger.read_now(lambda c: {row.number: row.state for row in c.execute(wanted)})


def told(ledger: Store, run: int) -> Any:
    return ledger.read_now(lambda c: c.execute(select(RUNS).where(RUNS.c.id == run)).one())


@pytest.fixture
def broken(ledger: Store) -> ClaimedRun:
    """A run whose first step is done and whose second has failed."""
    polled(ledger, deployed(ledger), "c1")
    [run] = taken(ledger)
    ended(ledger, run, "failed", step("1", "done"), step("2", "failed", reason="400 no"))
    return run


def test_a_failed_run_goes_on_at_the_step_that_failed(ledger: Store, broken: ClaimedRun) -> None:
    ledger.write_now(corrections.retry, broken.id, NOW + 1)
    assert states(ledger, broken.id) == {"1": "done", "2": "waiting"}
    row = told(ledger, broken.id)
    assert (row.state, row.reason, row.ended_at, row.tries) == ("open", None, None, 0)
    [again] = taken(ledger, now=NOW + 1)
    assert again.id == broken.id
    assert again.steps["2"].attempts == 0


def test_a_retry_raises_the_fence_so_that_a_late_worker_is_refused(ledger: Store, broken: ClaimedRun) -> None:
    ledger.write_now(corrections.retry, broken.id, NOW)
    late = Entry(run=broken.id, fence=broken.fence, due_at=NOW, state="done")
    assert ledger.write_now(runs.write, [late]) == [False]
    assert told(ledger, broken.id).state == "open"


def test_a_step_whose_failure_was_tolerated_stays_failed(ledger: Store) -> None:
    lenient = replace(GREET, steps=(replace(TAG, on_error="continue"), NOTE))
    polled(ledger, deployed(ledger, lenient), "c1")
    [run] = taken(ledger)
    ended(ledger, run, "failed", step("1", "failed"), step("2", "failed"))
    ledger.write_now(corrections.retry, run.id, NOW)
    assert states(ledger, run.id) == {"1": "failed", "2": "waiting"}


def test_a_retry_uses_the_automation_as_the_run_was_begun_unless_the_present_one_is_asked_for(
    ledger: Store, broken: ClaimedRun
) -> None:
    deployed(ledger, replace(GREET, steps=(TAG, replace(NOTE, with_={"contactId": "1", "body": "y"}))))
    ledger.write_now(corrections.retry, broken.id, NOW)
    assert told(ledger, broken.id).digest == broken.digest
    ledger.write_now(lambda c: c.execute(update(RUNS).values(state="failed")))
    ledger.write_now(corrections.retry, broken.id, NOW, current=True)
    [again] = taken(ledger)
    assert again.digest != broken.digest
    [(_, definition)] = ledger.read_now(runs.definitions, [again.digest]).values()
    assert definition["steps"][1]["with"]["body"] == "y"


def test_a_retry_with_the_present_automation_stays_in_the_account_that_its_event_came_from(ledger: Store) -> None:
    def everywhere(body: str, **trigger: Any) -> list[Automation]:
        note = replace(NOTE, with_={"contactId": "1", "body": body})
        places = ("acme@LOC_A", "acme@LOC_B")
        return [
            replace(GREET, trigger=replace(USE, connection=place, **trigger), steps=(replace(note, connection=place),))
            for place in places
        ]

    before = everywhere("x")
    ledger.write_now(deploy, before, TRIGGERS, NOW)
    polled(ledger, feed_of(before[1], TRIGGERS[USE.use]).id, "c1")
    [run] = ledger.write_now(runs.claim, {"acme@LOC_B": 1}, NOW)
    ended(ledger, run, "failed", replace(step("2", "failed"), number="1"))
    ledger.write_now(deploy, everywhere("y", start="beginning"), TRIGGERS, NOW)  # which is another feed
    ledger.write_now(corrections.retry, run.id, NOW, current=True)
    [(_, definition)] = ledger.read_now(runs.definitions, [told(ledger, run.id).digest]).values()
    assert [definition["trigger"]["connection"], definition["steps"][0]["with"]["body"]] == ["acme@LOC_B", "y"]
    ledger.write_now(lambda c: c.execute(update(RUNS).values(state="failed")))
    ledger.write_now(deploy, everywhere("y", start="beginning")[:1], TRIGGERS, NOW)
    with pytest.raises(Refusal, match="acme@LOC_B"):
        ledger.write_now(corrections.retry, run.id, NOW, current=True)


@pytest.mark.parametrize(("state", "hint"), [("done", "replay"), ("skipped", "replay"), ("uncertain", "resolve")])
def test_only_failed_runs_are_retried(ledger: Store, broken: ClaimedRun, state: str, hint: str) -> None:
    ledger.write_now(lambda c: c.execute(update(RUNS).values(state=state)))
    with pytest.raises(Refusal, match=hint):
        ledger.write_now(corrections.retry, broken.id, NOW)
    assert told(ledger, broken.id).state == state


def test_a_run_that_is_being_carried_out_is_left_alone(ledger: Store) -> None:
    polled(ledger, deployed(ledger), "c1")
    [run] = taken(ledger)
    for correct in (corrections.retry, lambda c, r, n: corrections.resolve(c, r, "done", n)):
        with pytest.raises(Refusal, match="being carried out"):
            ledger.write_now(correct, run.id, NOW)
    assert told(ledger, run.id).fence == run.fence


def test_a_run_that_is_not_there_is_refused(ledger: Store) -> None:
    with pytest.raises(Refusal, match="no run 77"):
        ledger.write_now(corrections.retry, 77, NOW)


@pytest.mark.parametrize(("how", "state"), [("done", "done"), ("retry", "waiting"), ("skip", "skipped")])
def test_an_uncertain_step_is_settled_as_a_person_says(ledger: Store, how: Any, state: str) -> None:
    polled(ledger, deployed(ledger), "c1")
    [run] = taken(ledger)
    ended(ledger, run, "uncertain", step("1", "done"), step("2", "uncertain"))
    ledger.write_now(corrections.resolve, run.id, how, NOW, "note-7" if how == "done" else None)
    assert states(ledger, run.id) == {"1": "done", "2": state}
    [again] = taken(ledger)
    assert again.fence > run.fence
    assert again.steps["2"].result_id == ("note-7" if how == "done" else None)


def test_only_uncertain_runs_are_resolved(ledger: Store, broken: ClaimedRun) -> None:
    with pytest.raises(Refusal, match="hightide retry"):
        ledger.write_now(corrections.resolve, broken.id, "done", NOW)


def test_a_replay_fires_again_for_the_events_since_then_beside_the_runs_they_had(ledger: Store) -> None:
    feed = deployed(ledger)
    polled(ledger, feed, "old", now=NOW)
    polled(ledger, feed, "c1", "c2", now=NOW + MINUTE)
    for run in taken(ledger, now=NOW + MINUTE):
        ended(ledger, run, "done")
    done = ledger.write_now(corrections.replay, "greet", NOW + MINUTE, NOW + 2 * MINUTE)
    assert (done.fired, done.open) == (2, 0)
    again = taken(ledger, now=NOW + 2 * MINUTE)
    assert {run.key for run in again} == {"c1", "c2"}
    assert [run.replay for run in ledger.read_now(histories.runs, NOW, state="open")] == [1, 1]
    for run in again:
        ended(ledger, run, "done")
    ledger.write_now(corrections.replay, "greet", NOW + MINUTE, NOW + 3 * MINUTE)
    assert [run.replay for run in ledger.read_now(histories.runs, NOW, state="open")] == [2, 2]


def test_a_replay_leaves_events_alone_whose_run_is_still_open(ledger: Store) -> None:
    polled(ledger, deployed(ledger), "c1", "c2")
    [first] = taken(ledger, 1)
    ended(ledger, first, "done")
    done = ledger.write_now(corrections.replay, "greet", NOW, NOW)
    assert (done.fired, done.open) == (1, 1)


def test_a_dry_replay_only_counts(ledger: Store) -> None:
    polled(ledger, deployed(ledger), "c1")
    [run] = taken(ledger)
    ended(ledger, run, "done")
    assert ledger.write_now(corrections.replay, "greet", NOW, NOW, dry=True).fired == 1
    assert ledger.read_now(reports.run_counts)["open"] == 0


def test_a_replay_fires_for_an_automation_that_came_later(ledger: Store) -> None:
    feed = deployed(ledger)
    polled(ledger, feed, "c1")
    ledger.write_now(deploy, [GREET, replace(GREET, name="late")], TRIGGERS, NOW)
    assert ledger.write_now(corrections.replay, "late", NOW, NOW).fired == 1
    assert ledger.read_now(histories.runs, NOW, automation="late")[0].replay == 0


def test_a_replay_of_what_is_not_listening_is_refused_with_what_is(ledger: Store) -> None:
    deployed(ledger)
    with pytest.raises(Refusal, match="there are: greet"):
        ledger.write_now(corrections.replay, "gret", NOW, NOW)


def cursor_of(ledger: Store, feed: str) -> Any:
    found = ledger.read_now(histories.memory, feed, TRIGGERS)
    assert found is not None
    return found.cursor


def test_rewinding_goes_back_as_far_as_events_are_known_or_further_on_request(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"forgotten after 30 days .* `--again`"):
        rewind("greet", "31d", tmp_path)
    for to, again in (("29d", False), ("31d", True)):
        with pytest.raises(Fault, match="has no ledger yet"):
            rewind("greet", to, tmp_path, again=again)


def test_rewinding_reads_again_from_a_time_in_the_dialect_that_was_found(ledger: Store) -> None:
    feed = deployed(ledger)
    kept = replace(WatermarkCursor(phase="steady", floor=NOW, since=NOW), way=1)
    polled(ledger, feed, "c1", cursor=orjson.dumps(kept))
    ledger.write_now(corrections.rewind, feed, TRIGGERS, NOW - MINUTE, NOW)
    cursor = watermark.load(cursor_of(ledger, feed))
    assert (cursor.phase, cursor.floor, cursor.way) == ("steady", NOW - MINUTE, 1)
    assert ledger.read_now(reports.feeds, NOW)[0].due_at == NOW


def test_a_list_without_times_cannot_be_rewound(ledger: Store) -> None:
    feed = deployed(ledger, LIST)
    with pytest.raises(Refusal, match="does not go by time"):
        ledger.write_now(corrections.rewind, feed, TRIGGERS, NOW, NOW)


def test_resetting_begins_with_a_baseline_and_never_uses_a_version_twice(ledger: Store) -> None:
    feed = deployed(ledger, LIST)
    kept = SnapshotCursor(phase="steady", known={"t1": "abc"}, count=17, way=0)
    polled(ledger, feed, cursor=orjson.dumps(kept))
    ledger.write_now(corrections.reset, feed, TRIGGERS, NOW)
    cursor = snapshot.load(cursor_of(ledger, feed))
    assert (cursor.phase, dict(cursor.known), cursor.count) == ("baseline", {}, 17)


def reset(ledger: Store, feed: str) -> None:
    ledger.write_now(corrections.reset, feed, TRIGGERS, NOW)


def rewound(ledger: Store, feed: str) -> None:
    ledger.write_now(corrections.rewind, feed, TRIGGERS, NOW, NOW)


@pytest.mark.parametrize("turn", [reset, rewound])
def test_a_cursor_is_not_turned_under_a_poll(ledger: Store, turn: Callable[[Store, str], None]) -> None:
    feed = deployed(ledger)
    ledger.write_now(feeds.claim, [feed], NOW)
    with pytest.raises(Refusal, match="being polled"):
        turn(ledger, feed)


def test_a_poll_whose_worker_died_does_not_hold_the_cursor_for_ever(ledger: Store) -> None:
    feed = deployed(ledger)
    [claimed] = ledger.write_now(feeds.claim, [feed], NOW)
    ledger.write_now(corrections.reset, feed, TRIGGERS, NOW + feeds.LEASE)
    late = Poll(feed=feed, fence=claimed.fence, due_at=NOW, cursor=b"{}")
    assert ledger.write_now(feeds.write, [late], NOW) == [None]


def test_a_feed_is_found_by_its_id_and_by_its_automation(ledger: Store) -> None:
    feed = deployed(ledger)
    assert ledger.read_now(corrections.feeds_named, "greet") == [feed]
    assert ledger.read_now(corrections.feeds_named, feed) == [feed]
    assert ledger.read_now(corrections.feeds_named, "nobody") == []


def test_a_run_tells_its_event_its_steps_in_order_and_its_definition(ledger: Store, broken: ClaimedRun) -> None:
    found = ledger.read_now(histories.run, broken.id)
    assert found is not None
    assert (found.run.key, found.run.kind, found.record) == ("c1", "new", {"id": "c1"})
    assert [each.state for each in found.steps] == ["done", "failed"]
    assert found.definition["steps"][0]["use"] == "ghl.contacts.tags.add"
    assert ledger.read_now(histories.run, 77) is None


def test_a_record_tells_its_events_and_what_became_of_them(ledger: Store, broken: ClaimedRun) -> None:
    found = ledger.read_now(histories.record, broken.feed, "c1", TRIGGERS)
    assert found is not None
    [event] = found.events
    assert [run.state for run in event.runs] == ["failed"]
    assert found.kinds == {"greet": ["new"]}


def test_a_record_that_did_not_fire_tells_what_kept_it(ledger: Store) -> None:
    feed = deployed(ledger)
    known = WatermarkCursor(phase="steady", floor=NOW - MINUTE, since=NOW, seen={"there": [NOW]})
    aside = [SetAside(reason="it has no usable dateAdded", record={"id": "odd"})]
    polled(ledger, feed, cursor=orjson.dumps(known), aside=aside)
    there = ledger.read_now(histories.record, feed, "there", TRIGGERS)
    odd = ledger.read_now(histories.record, feed, "odd", TRIGGERS)
    assert there is not None
    assert odd is not None
    assert (there.seen, there.floor, there.baseline) == ([NOW], NOW - MINUTE, False)
    assert odd.aside == ("it has no usable dateAdded",)


@pytest.mark.parametrize(
    ("later", "error", "state"),
    [(0, None, "ok"), (0, "Refused: no", "failing"), (181_000, None, "stale"), (181_000, "Refused: no", "stale")],
)
def test_a_feed_is_ok_failing_or_stale(ledger: Store, later: int, error: str | None, state: str) -> None:
    feed = deployed(ledger)
    polled(ledger, feed, "c1", error=error)
    [found] = ledger.read_now(reports.feeds, NOW + later)
    assert (found.id, found.state, found.automations) == (feed, state, ("greet",))
    assert found.error == error


@pytest.mark.parametrize(
    ("asked", "state"),
    [
        ("2026-11-20T17:56:00Z", "ok"),
        ("2026-11-22T12:00:00Z", "ok"),  # a Sunday
        ("2026-11-23T09:09:00Z", "ok"),
        ("2026-11-23T09:10:00Z", "stale"),  # the third slot of Monday
    ],
)
def test_a_feed_is_not_stale_while_its_cron_has_no_slots(ledger: Store, asked: str, state: str) -> None:
    friday, then = (round(datetime.fromisoformat(at).timestamp() * 1000) for at in ("2026-11-20T17:55:00Z", asked))
    office = replace(GREET, trigger=replace(USE, schedule=Cron("*/5 9-17 * * mon-fri")))
    polled(ledger, deployed(ledger, office, friday), now=friday)
    assert ledger.read_now(reports.feeds, then)[0].state == state


def test_a_feed_is_at_its_baseline_until_that_is_read(ledger: Store) -> None:
    feed = deployed(ledger)
    assert ledger.read_now(reports.feeds, NOW)[0].state == "baseline"
    polled(ledger, feed, cursor=orjson.dumps(WatermarkCursor()))
    assert ledger.read_now(reports.feeds, NOW)[0].state == "baseline"
    polled(ledger, feed)
    assert ledger.read_now(reports.feeds, NOW)[0].state == "ok"


def test_a_breaker_is_told_until_its_process_says_otherwise(ledger: Store) -> None:
    opened = OpenBreaker(connection="acme", failures=5, retry_at=NOW + MINUTE, reason="500")
    ledger.write_now(breakers.note, "host:1", [opened], NOW)
    ledger.write_now(breakers.note, "host:2", [replace(opened, failures=9, retry_at=NOW + 2 * MINUTE)], NOW)
    assert [each.failures for each in ledger.read_now(reports.status, NOW).breakers] == [9]
    ledger.write_now(breakers.note, "host:2", [], NOW)
    assert [each.failures for each in ledger.read_now(reports.status, NOW).breakers] == [5]
    later = NOW + MINUTE + breakers.FORGOTTEN + 1
    assert ledger.read_now(reports.status, later).breakers == ()


def test_the_status_counts_every_state_and_stopped_feeds(ledger: Store, broken: ClaimedRun) -> None:
    ledger.write_now(deploy, (), TRIGGERS, NOW)
    found = ledger.read_now(reports.status, NOW)
    assert found.runs == {"open": 0, "done": 0, "failed": 1, "uncertain": 0, "skipped": 0}
    assert found.feeds == ()
    assert found.stopped == 1
