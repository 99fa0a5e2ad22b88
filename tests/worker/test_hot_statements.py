"""What is asked of the ledger for every record finds its rows by an index, with or without statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from tests.worker.clock import START
from triggers.reading import Event
from triggers.trigger import Kind
from worker.ledger import feeds, runs
from worker.ledger.feeds import Poll
from worker.ledger.runs import ClaimedRun, Entry, StepRow
from worker.ledger.store import Store
from worker.ledger.tables import AUTOMATIONS, FEEDS

RECORDS = 4_000
SHARE = 32

Work = Callable[[Connection], Any]


@pytest.fixture
def full(ledger: Store) -> Store:
    """A ledger with a feed that has just brought many records, each with a run."""
    feed = {"id": "leads", "trigger": "toy.things.search", "connection": "acme", "watch": "new", "start": "now"}
    times = {"due_at": START, "created_at": 0}
    listener = {"digest": "d", "name": "welcome", "feed": "leads", "definition": "{}", "connection": "acme"}
    with ledger.engine.begin() as connection:
        connection.execute(insert(FEEDS).values(**feed, params="{}", schedule="[]", fence=1, **times))
        connection.execute(insert(AUTOMATIONS).values(**listener, kinds='["new", "updated"]', since=0))
    ledger.write_now(brought(range(RECORDS), "new"))
    return ledger


def brought(numbers: Sequence[int], kind: Kind) -> Work:
    """A poll that brings these records."""
    events = [Event(key=f"r{number}", version=kind, kind=kind, record={"id": f"r{number}"}) for number in numbers]
    poll = Poll(feed="leads", fence=1, due_at=START, cursor=b"{}", events=events, ended=False)
    return lambda connection: feeds.write(connection, [poll], START)


def claimed(connection: Connection) -> list[ClaimedRun]:
    return runs.claim(connection, {"acme": SHARE}, START)


def done(taken: Sequence[ClaimedRun]) -> Work:
    """All that is said of these runs when they are carried out."""
    step = StepRow(number="1", name="a", action="toy.set", connection="acme", state="done", attempts=1, result_id="x")
    entries = [Entry(run=run.id, fence=run.fence, due_at=START, step=step, state="done", tries=0) for run in taken]
    return lambda connection: runs.write(connection, entries)


@contextmanager
def overheard(ledger: Store) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are carried out meanwhile, with their values."""
    heard: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            heard.append((statement, values[0] if isinstance(values, list) else values))

    event.listen(ledger.engine, "before_cursor_execute", note)
    yield heard
    event.remove(ledger.engine, "before_cursor_execute", note)


def read_through(connection: Connection, statement: str, values: Any) -> list[str]:
    """The lines of the statement's plan that read one of the big tables from end to end."""
    postgres = connection.dialect.name == "postgresql"
    explain, whole = ("EXPLAIN", "Seq Scan on ") if postgres else ("EXPLAIN QUERY PLAN", "SCAN ")
    cursor = connection.connection.cursor()
    cursor.execute(f"{explain} {statement}", values)
    lines = [str(row[-1]) for row in cursor.fetchall()]
    big = [f"{whole}{table}" for table in ("events", "runs", "steps")]
    return [line for line in lines if any(each in line for each in big) and "USING" not in line]


def test_nothing_on_the_way_of_a_record_reads_through_a_table(full: Store) -> None:
    taken = full.write_now(claimed)
    assert len(taken) == SHARE
    full.write_now(done(taken))
    changed = range(SHARE)
    with overheard(full) as heard:
        full.write_now(brought(changed, "updated"))
        assert full.read_now(runs.due_counts, START, 128) == {"acme": 128}
        full.write_now(done(full.write_now(claimed)))
    with full.engine.connect() as connection:
        assert [line for statement, values in heard for line in read_through(connection, statement, values)] == []


def test_counting_what_is_due_costs_the_same_with_many_runs(full: Store) -> None:
    with overheard(full) as heard:
        full.read_now(runs.due_counts, START, 10)
    assert len(heard) == 1
    if full.engine.dialect.name == "postgresql":
        statement, values = heard[0]
        with full.engine.connect() as connection:
            explained = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
            plan: Any = connection.exec_driver_sql(explained, values).scalar()
        assert max(rows_read(plan[0]["Plan"])) <= 101


def rows_read(node: dict[str, Any]) -> Iterator[float]:
    """How many rows came out of each part of a plan."""
    yield node["Actual Rows"] * node["Actual Loops"]
    for part in node.get("Plans", ()):
        yield from rows_read(part)
