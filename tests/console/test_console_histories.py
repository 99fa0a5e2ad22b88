"""What people read of runs and records: how they stand, why nothing happened, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from console import run_page
from console.asking import Found
from console.explain_commands import at_vendor, only, why
from console.feed_commands import left_alone
from console.report_commands import troubles
from worker import histories, reports
from worker.admission import PASSED_OVER
from worker.histories import EventLine, RecordHistory, RunHistory, RunLine
from worker.ledger import breakers
from worker.ledger.breakers import OpenBreaker
from worker.ledger.runs import WAIT, StepRow
from worker.ledger.store import Store
from worker.ledger.tables import EVENTS, FEEDS, RUNS
from worker.ledger.turns import TAKEN
from worker.outcomes import TEMPLATE
from worker.reports import FeedReport, Status

NOW = 1_800_000_000_000
MINUTE = 60_000
FEED = "ghl.contacts.search@acme.1"
RUN = RunLine(
    id=5,
    automation="vip",
    replay=0,
    state="skipped",
    reason=PASSED_OVER,
    feed=FEED,
    key="c1",
    kind="new",
    version="1",
    created_at=NOW,
    due_at=NOW,
    ended_at=NOW,
    batch=None,
)
PASSED = RunHistory(
    run=RUN,
    found_at=NOW,
    record={"id": "c1", "tags": ["lead"]},
    collected=(),
    steps=(),
    definition={"when": "'vip' in record.tags and record.score > 3", "steps": []},
)
RECORD = RecordHistory(
    feed=FEED,
    key="c1",
    events=(
        EventLine(id=1, kind="new", version="1", found_at=NOW, runs=(RUN, replace(RUN, id=6, automation="other"))),
    ),
    aside=(),
    seen=None,
    baseline=False,
    floor=None,
    start="now",
    kinds={"vip": ["new"], "other": ["new"]},
    leaders={},
)


def shown(capsys: pytest.CaptureFixture[str], **more: Any) -> str:
    run = replace(RUN, state="done", reason=None)
    run_page.show(replace(PASSED, **{"run": run, **more}), NOW)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("run", "standing"),
    [
        (RUN, "skipped"),
        (replace(RUN, batch=5, state="done"), "done"),
        (replace(RUN, batch=4), "collected"),
        (replace(RUN, state="open", due_at=NOW + 1), "waiting"),
        (replace(RUN, state="open", due_at=NOW + 1, reason=None), "open"),
        (replace(RUN, state="open"), "open"),
    ],
)
def test_a_run_is_shown_as_waiting_or_collected_where_that_says_more(run: RunLine, standing: str) -> None:
    assert run.standing(NOW) == standing


def test_runs_are_found_by_how_they_are_shown(ledger: Store) -> None:
    ledger.write_now(_three_runs)
    named = {name: ledger.read_now(histories.runs, NOW, state=name) for name in ("waiting", "collected", "open")}
    assert {name: [run.id for run in found] for name, found in named.items()} == {
        "waiting": [1],
        "collected": [3],
        "open": [2, 1],
    }
    assert ledger.read_now(reports.status, NOW).collected == 1


def _feed(connection: Connection) -> None:
    feed = {"id": FEED, "trigger": "ghl.contacts.search", "connection": "acme", "params": "{}", "watch": "new"}
    connection.execute(insert(FEEDS).values(**feed, start="now", schedule="[]", created_at=NOW, due_at=NOW))


def _three_runs(connection: Connection) -> None:
    """One that waits, one that does not, and one that the second has collected."""
    rows: list[dict[str, Any]] = [
        {"state": "open", "due_at": NOW + 1, "reason": "waits until noon", "batch": None},
        {"state": "open", "due_at": NOW, "reason": None, "batch": 2},
        {"state": "skipped", "due_at": NOW, "reason": "collected in run 2", "batch": 2},
    ]
    for number, row in enumerate(rows, 1):
        event = {"id": number, "feed": FEED, "key": str(number), "version": "1", "kind": "new", "record": "{}"}
        connection.execute(insert(EVENTS).values(**event, found_at=NOW))
        run = {"id": number, "event": number, "automation": "vip", "digest": "d", "connection": "acme"}
        connection.execute(insert(RUNS).values(**run, **row, created_at=NOW))


def test_a_condition_that_is_false_is_shown_with_the_values_of_what_it_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = shown(capsys, run=RUN)
    assert "'vip' in record.tags and record.score > 3; " in out
    assert "record.score is not there" in out
    assert 'record.tags is ["lead"]' in out
    assert run_page.condition(replace(PASSED, run=replace(RUN, reason="an echo"))) is None


def test_a_run_that_its_yaml_has_failed_is_to_be_retried_with_the_present_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = replace(RUN, state="failed", reason=f"{TEMPLATE}: body: record.nick is not there")
    assert "hightide retry 5 --current" in shown(capsys, run=failed)
    refused = shown(capsys, run=replace(failed, reason="POST /notes: 400 no"))
    assert "`hightide retry 5` (" in refused


def test_steps_are_shown_as_their_author_knows_them(capsys: pytest.CaptureFixture[str]) -> None:
    plain = StepRow(number="1", name="1", action="ghl.contacts.tags.add", connection="acme", state="done", attempts=1)
    wait = replace(plain, number="2.0", name="2", action=WAIT, state="waiting", reason="waits until noon")
    out = shown(capsys, steps=(replace(plain, number="0", name=TAKEN, action=TAKEN), plain, wait))
    assert TAKEN not in out
    assert "step 1    ghl.contacts.tags.add on acme" in out
    assert "wait before step 2  waits until noon" in out


def test_an_automation_that_is_named_is_the_only_one_that_is_explained() -> None:
    told = "\n".join(why(only(RECORD, "vip"), {5: PASSED}))
    assert "run 5 of vip is skipped" in told
    assert 'record.tags is ["lead"]' in told
    assert "other" not in told


def test_a_record_that_was_collected_is_explained_by_what_became_of_the_run_that_took_it() -> None:
    [event] = RECORD.events
    found = replace(RECORD, events=(replace(event, runs=(replace(RUN, batch=4),)),), leaders={4: "done"})
    assert "  run 5 of vip is collected in run 4, which is done" in list(why(found, {}))


@pytest.mark.parametrize("ask", [True, False])
def test_a_record_that_is_not_known_is_to_be_asked_for(ask: bool) -> None:
    told = list(why(replace(RECORD, events=()), {}, ask=ask))
    assert any("--ask" in line for line in told) == ask


@pytest.mark.parametrize(
    ("tags", "listens", "said"),
    [
        (["vip"], ["new"], (True, True)),
        (["vip"], ["new", "updated"], (True, False)),
        (["lead"], ["new"], (False, False)),
    ],
)
def test_a_condition_that_would_go_by_other_values_now_is_told(
    tags: list[str], listens: list[str], said: tuple[bool, bool]
) -> None:
    seen = Found(key="c1", at=NOW, record={"id": "c1", "tags": tags})
    told = "\n".join(at_vendor(replace(RECORD, kinds={"vip": listens}), seen, {5: PASSED}))
    assert ("It has changed since" in told, "vip listens to new, so this change starts no run" in told) == said


def test_feeds_of_a_connection_that_is_left_alone_are_told_once() -> None:
    plain = {"trigger": "x", "connection": "acme", "state": "failing", "automations": ()}
    none = dict.fromkeys(("due_at", "polled_at", "succeeded_at", "brought_at", "interval"))
    zero = dict.fromkeys(("polls", "requests", "events", "missed", "failures", "set_aside"), 0)
    errors = ["BreakerOpen: acme is left alone", "Unreachable: GET /x: no connection", "Refused: GET /y: 400 no", None]
    feeds = [FeedReport(id=f"f{n}", error=error, **plain, **none, **zero) for n, error in enumerate(errors)]  # type: ignore[arg-type]
    opened = OpenBreaker(connection="acme", failures=5, retry_at=NOW + MINUTE, reason="GET /x: no connection")
    found = Status(now=NOW, processes=(), feeds=tuple(feeds), runs={}, breakers=(opened,), stopped=0)
    assert list(troubles(found)) == [
        "f2: GET /y: 400 no",
        "connection acme is left alone after 5 failures, tried in 60 s:",
        "  GET /x: no connection",
        "  2 feeds wait for it",
    ]


def test_a_connection_that_is_left_alone_is_told_to_those_who_nudge(ledger: Store) -> None:
    ledger.write_now(_feed)
    opened = OpenBreaker(connection="acme", failures=5, retry_at=NOW + MINUTE, reason="500")
    ledger.write_now(breakers.note, "host:1", [opened, replace(opened, connection="other")], NOW)
    assert ledger.read_now(left_alone, [FEED], NOW) == [opened]
    assert ledger.read_now(left_alone, [FEED], NOW + MINUTE) == []
