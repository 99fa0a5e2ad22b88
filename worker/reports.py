"""What the ledger tells people: processes, feeds and runs as they stand, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, RowMapping, func, select

from config.automation import Schedule, schedule_of
from worker.heartbeat import SILENT
from worker.histories import COLLECTED
from worker.ledger import breakers, credentials
from worker.ledger.breakers import OpenBreaker
from worker.ledger.tables import AUTOMATIONS, FEEDS, PROCESSES, RUNS, SET_ASIDE
from worker.poll import NEVER
from worker.schedule import interval, missed_slots

STATES = ("open", "done", "failed", "uncertain", "skipped")
PATIENCE = 3
"""A feed that has not succeeded while so many of its slots went by is stale; a night without slots is no delay."""

FeedState = Literal["baseline", "ok", "failing", "stale", "ordered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """A feed as it stands; times are epoch ms, None where there is none.

    `baseline`: it does not know yet what was there before. `ordered`: it is polled only when an application asks.
    """

    id: str
    trigger: str
    connection: str
    state: FeedState
    automations: tuple[str, ...]
    due_at: int | None
    polled_at: int | None
    succeeded_at: int | None
    brought_at: int | None
    interval: int | None
    polls: int
    requests: int
    events: int
    missed: int
    failures: int
    error: str | None
    set_aside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReport:
    """A beat or worker that was seen in the last day."""

    role: str
    host: str
    pid: int
    state: Literal["running", "silent", "stopped"]
    started_at: int
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReport:
    """A connection's token in the ledger: `lost` when it cannot be renewed without a person, with the reason."""

    connection: str
    state: Literal["ok", "failing", "lost"]
    expires_at: int
    updated_at: int
    scope: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All of it; `runs` counts by state, and every state is there.

    `breakers` are the connections that are left alone for a while; `stopped` feeds are listened to by nobody; of
    the skipped runs, `collected` are those whose records others carry out.
    """

    now: int
    processes: tuple[ProcessReport, ...]
    feeds: tuple[FeedReport, ...]
    runs: Mapping[str, int]
    breakers: tuple[OpenBreaker, ...]
    stopped: int
    tokens: tuple[TokenReport, ...] = ()
    collected: int = 0


def status(connection: Connection, now: int) -> Status:
    """How everything stands."""
    return Status(
        now=now,
        processes=processes(connection, now),
        feeds=feeds(connection, now),
        runs=run_counts(connection),
        breakers=tuple(breakers.known(connection, now)),
        tokens=tokens(connection),
        collected=connection.scalar(select(func.count()).select_from(RUNS).where(COLLECTED)) or 0,
        stopped=connection.scalar(select(func.count()).select_from(FEEDS).where(~FEEDS.c.active)) or 0,
    )


def answers(connection: Connection) -> None:
    """Make sure that the ledger is there and answers; whoever may ask this costs next to nothing."""
    connection.execute(select(PROCESSES.c.id).limit(1))


def processes(connection: Connection, now: int) -> tuple[ProcessReport, ...]:
    """The beats and workers that were seen in the last day, by role."""
    return tuple(_process(row, now) for row in _rows(connection, select(PROCESSES).order_by(PROCESSES.c.role)))


def tokens(connection: Connection) -> tuple[TokenReport, ...]:
    """The tokens that were stored, by connection."""
    return tuple(
        TokenReport(
            connection=each.name,
            state="ok" if each.reason is None else "lost" if CONNECT in each.reason else "failing",
            expires_at=each.expires_at,
            updated_at=each.updated_at,
            scope=each.scope,
            reason=each.reason,
        )
        for each in credentials.everything(connection)
    )


CONNECT = "hightide connect"
"""What the reason of a lost token tells people to do."""


def run_counts(connection: Connection) -> dict[str, int]:
    """How many runs there are in each state."""
    counted = connection.execute(select(RUNS.c.state, func.count()).group_by(RUNS.c.state)).all()
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in counted}


def feeds(connection: Connection, now: int) -> tuple[FeedReport, ...]:
    """The active feeds, by id."""
    named: dict[str, list[str]] = {}
    listening = select(AUTOMATIONS.c.feed, AUTOMATIONS.c.name).where(AUTOMATIONS.c.active).order_by(AUTOMATIONS.c.name)
    for row in connection.execute(listening):
        named.setdefault(row.feed, []).append(row.name)
    counted = connection.execute(select(SET_ASIDE.c.feed, func.count()).group_by(SET_ASIDE.c.feed)).all()
    aside = {row[0]: row[1] for row in counted}
    # a cursor may be as large as the account; its first field says whether the baseline is there
    phase = func.substr(FEEDS.c.cursor, 1, len(_BASELINE)).label("phase")
    plain = [column for column in FEEDS.c if column.name not in {"cursor", "params"}]
    rows = _rows(connection, select(*plain, phase).where(FEEDS.c.active).order_by(FEEDS.c.id))
    return tuple(_feed(row, tuple(named.get(row["id"], ())), aside.get(row["id"], 0), now) for row in rows)


_BASELINE = '{"phase":"baseline"'


def _feed(row: RowMapping, automations: tuple[str, ...], aside: int, now: int) -> FeedReport:
    schedules = [schedule_of(stored) for stored in orjson.loads(row["schedule"])]
    every = interval(schedules, row["id"], now, row["pace"]) if schedules else None
    plain = ("id", "trigger", "connection", "brought_at", "polls", "requests", "events", "missed", "failures", "error")
    return FeedReport(
        **{name: row[name] for name in plain},
        state=_state(row, schedules, now),
        automations=automations,
        due_at=None if row["due_at"] >= NEVER else row["due_at"],
        polled_at=row["polled_at"] or None,
        succeeded_at=row["succeeded_at"],
        interval=every,
        set_aside=aside,
    )


def _state(row: RowMapping, schedules: Sequence[Schedule], now: int) -> FeedState:
    last = max(row["succeeded_at"] or 0, row["created_at"])
    if schedules and missed_slots(schedules, row["id"], last, now, row["pace"], most=PATIENCE) == PATIENCE:
        return "stale"
    if row["failures"]:
        return "failing"
    if row["phase"] is None or row["phase"] == _BASELINE:
        return "baseline"
    return "ok" if schedules else "ordered"


def _process(row: RowMapping, now: int) -> ProcessReport:
    state: Literal["running", "silent", "stopped"] = "running" if now - row["seen_at"] <= SILENT else "silent"
    return ProcessReport(
        **{name: row[name] for name in ("role", "host", "pid", "started_at", "seen_at")},
        state="stopped" if row["stopped"] else state,
    )


def _rows(connection: Connection, wanted: Any) -> Sequence[RowMapping]:
    return connection.execute(wanted).mappings().all()
