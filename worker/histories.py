"""What the ledger tells of single runs and single records: what happened to them, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, and_, bindparam, select

from triggers.reading import key_of
from triggers.trigger import Trigger, Watch, Watermark
from worker.ledger.runs import StepRow
from worker.ledger.tables import AUTOMATIONS, EVENTS, FEEDS, RUNS, SET_ASIDE, STEPS

WAITING = and_(RUNS.c.state == "open", RUNS.c.reason.is_not(None), RUNS.c.due_at > bindparam("now"))
"""Open runs that have said why they are not due yet."""
COLLECTED = and_(RUNS.c.batch > 0, RUNS.c.batch != RUNS.c.id)
"""Runs whose record another one carries out: they are `skipped` themselves."""
MOST_ASIDE = 5_000
"""So many set-aside records of a feed are looked through for a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in a list; times are epoch ms, `batch` is the run that carries out its record where they were collected."""

    id: int
    automation: str
    replay: int
    state: str
    reason: str | None
    feed: str
    key: str
    kind: str
    version: str
    created_at: int
    due_at: int
    ended_at: int | None
    batch: int | None

    def standing(self, now: int) -> str:
        """The state as people see it: what `waiting` and `collected` mean is said with WAITING and COLLECTED."""
        if self.state == "open" and self.reason and self.due_at > now:
            return "waiting"
        return self.state if self.batch in {None, self.id} else "collected"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHistory:
    """All that is known of one run; `definition` is the automation as the run carries it out.

    `collected` are the runs whose records this one carries out beside its own.
    """

    run: RunLine
    found_at: int
    record: Any
    collected: tuple[int, ...]
    steps: tuple[StepRow, ...]
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """An event with the runs that it led to."""

    id: int
    kind: str
    version: str
    found_at: int
    runs: tuple[RunLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHistory:
    """What a feed knows of the record with that key.

    `seen` is the version in its cursor, None where the key is not in there. `aside` are the reasons for which records
    of that key were set aside. `baseline` says that the feed has not read yet what was there at its start, `floor` is
    the time (epoch ms) below which nothing is emitted, for feeds that go by time. `leaders` are the states of the runs
    that collected its runs.
    """

    feed: str
    key: str
    events: tuple[EventLine, ...]
    aside: tuple[str, ...]
    seen: Any
    baseline: bool
    floor: int | None
    start: str
    kinds: Mapping[str, Sequence[str]]
    leaders: Mapping[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedParts:
    """What a feed asks: its trigger, where, with which parameters, and by which of a record's times."""

    trigger: str
    connection: str
    params: Mapping[str, Any]
    watch: Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a feed remembers between polls: its cursor as it is stored, None before the first poll."""

    feed: str
    trigger: str
    strategy: str
    cursor: Mapping[str, Any] | None


def runs(
    connection: Connection, now: int, *, automation: str | None = None, state: str | None = None, limit: int = 20
) -> list[RunLine]:
    """The newest runs, of one automation and in one state, as it is stored or as it is shown, where that is wanted."""
    wanted = _lines().order_by(RUNS.c.id.desc()).limit(limit)
    if automation is not None:
        wanted = wanted.where(RUNS.c.automation == automation)
    if state is not None:
        wanted = wanted.where({"waiting": WAITING, "collected": COLLECTED}.get(state, RUNS.c.state == state))
    return [_line(row) for row in connection.execute(wanted, {"now": now}).mappings()]


def run(connection: Connection, number: int) -> RunHistory | None:
    """The run of that number, if there is one."""
    wanted = _lines(EVENTS.c.record, EVENTS.c.found_at, RUNS.c.digest).where(RUNS.c.id == number)
    row = connection.execute(wanted).mappings().first()
    if row is None:
        return None
    steps = connection.execute(select(STEPS).where(STEPS.c.run == number)).mappings()
    others = select(RUNS.c.id).where(RUNS.c.batch == number, RUNS.c.id != number).order_by(RUNS.c.id)
    definition = connection.scalar(select(AUTOMATIONS.c.definition).where(AUTOMATIONS.c.digest == row["digest"]))
    return RunHistory(
        run=_line(row),
        found_at=row["found_at"],
        record=orjson.loads(row["record"]),
        collected=tuple(connection.scalars(others)),
        steps=tuple(sorted((_step(step) for step in steps), key=lambda step: _place(step.number))),
        definition=orjson.loads(definition) if definition else {},
    )


def record(connection: Connection, feed: str, key: str, triggers: Mapping[str, Trigger]) -> RecordHistory | None:
    """What the feed knows of the record with that key; None where there is no such feed."""
    row = connection.execute(select(FEEDS).where(FEEDS.c.id == feed)).mappings().first()
    if row is None:
        return None
    trigger = triggers.get(row["trigger"])
    cursor = {} if row["cursor"] is None else orjson.loads(row["cursor"])
    timed = trigger is not None and isinstance(trigger.strategy, Watermark)
    known = cursor.get("seen" if timed else "known", {})
    events = _events(connection, feed, key)
    return RecordHistory(
        feed=feed,
        key=key,
        events=events,
        aside=() if trigger is None else _aside(connection, feed, key, trigger),
        seen=known.get(key),
        baseline=cursor.get("phase", "baseline") == "baseline",
        floor=cursor.get("floor") if timed else None,
        start=row["start"],
        kinds=_kinds(connection, feed),
        leaders=_states(connection, {run.batch for event in events for run in event.runs if run.batch}),
    )


def parts(connection: Connection, feed: str) -> FeedParts | None:
    """What the feed asks; None where there is no such feed."""
    wanted = select(FEEDS.c.trigger, FEEDS.c.connection, FEEDS.c.params, FEEDS.c.watch).where(FEEDS.c.id == feed)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else FeedParts(**{**row, "params": orjson.loads(row["params"])})


def memory(connection: Connection, feed: str, triggers: Mapping[str, Trigger]) -> Memory | None:
    """What the feed remembers; None where there is no such feed."""
    wanted = select(FEEDS.c.trigger, FEEDS.c.cursor).where(FEEDS.c.id == feed)
    row = connection.execute(wanted).first()
    if row is None:
        return None
    trigger = triggers.get(row.trigger)
    return Memory(
        feed=feed,
        trigger=row.trigger,
        strategy="unknown" if trigger is None else type(trigger.strategy).__name__.lower(),
        cursor=None if row.cursor is None else orjson.loads(row.cursor),
    )


def _events(connection: Connection, feed: str, key: str) -> tuple[EventLine, ...]:
    wanted = select(EVENTS).where(EVENTS.c.feed == feed, EVENTS.c.key == key).order_by(EVENTS.c.id)
    events = connection.execute(wanted).mappings().all()
    led: dict[int, list[RunLine]] = {}
    if events:
        lines = _lines(RUNS.c.event).where(RUNS.c.event.in_([event["id"] for event in events])).order_by(RUNS.c.id)
        for row in connection.execute(lines).mappings():
            led.setdefault(row["event"], []).append(_line(row))
    plain = ("id", "kind", "version", "found_at")
    return tuple(
        EventLine(**{name: event[name] for name in plain}, runs=tuple(led.get(event["id"], ()))) for event in events
    )


def _aside(connection: Connection, feed: str, key: str, trigger: Trigger) -> tuple[str, ...]:
    wanted = select(SET_ASIDE.c.reason, SET_ASIDE.c.record).where(SET_ASIDE.c.feed == feed)
    rows = connection.execute(wanted.order_by(SET_ASIDE.c.seen_at.desc()).limit(MOST_ASIDE)).all()
    found = [(row.reason, orjson.loads(row.record)) for row in rows]
    return tuple(reason for reason, data in found if isinstance(data, dict) and key_of(data, trigger.key) == key)


def _kinds(connection: Connection, feed: str) -> dict[str, Sequence[str]]:
    wanted = select(AUTOMATIONS.c.name, AUTOMATIONS.c.kinds).where(AUTOMATIONS.c.feed == feed, AUTOMATIONS.c.active)
    return {row.name: orjson.loads(row.kinds) for row in connection.execute(wanted)}


def _states(connection: Connection, runs: Collection[int]) -> dict[int, str]:
    wanted = select(RUNS.c.id, RUNS.c.state).where(RUNS.c.id.in_(runs))
    return {row.id: row.state for row in connection.execute(wanted)} if runs else {}


def _lines(*more: Any) -> Any:
    columns = [RUNS.c[name] for name in _OF_RUN] + [EVENTS.c[name] for name in _OF_EVENT]
    return select(*columns, *more).join(EVENTS, EVENTS.c.id == RUNS.c.event)


_OF_RUN = ("id", "automation", "replay", "state", "reason", "created_at", "due_at", "ended_at", "batch")
_OF_EVENT = ("feed", "key", "kind", "version")


def _line(row: RowMapping) -> RunLine:
    values = {name: row[name] for name in (*_OF_RUN, *_OF_EVENT)}
    return RunLine(**{**values, "batch": row["batch"] or None})  # what waits is in none yet


def _step(row: RowMapping) -> StepRow:
    return StepRow(**{name: value for name, value in row.items() if name != "run"})


def _place(number: str) -> tuple[int, ...]:
    """`2.10` comes after `2.9`, and `2` after `2.0`, which is the wait before it."""
    parts = tuple(int(part) for part in number.split("."))
    return parts if len(parts) > 1 else (*parts, 1)
