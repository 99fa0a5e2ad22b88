"""What the ledger knows of feeds: which are due, who works on them, what a poll brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, FromClause, RowMapping, Select, bindparam, case, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from triggers.reading import Event, SetAside, fingerprint
from triggers.trigger import Watch
from worker.ledger import bulk
from worker.ledger.database import storable
from worker.ledger.tables import AUTOMATIONS, EVENTS, FEEDS, RUNS, SET_ASIDE

LEASE = 60_000
"""How long (ms) a poll may go without a commit before its feed is due again; a poll task is ended well before."""
WOKEN = 15_000
"""How long (ms) a wake-up counts as under way before another one is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedFeed:
    """A feed that is ours to poll until the lease ends."""

    id: str
    trigger: str
    connection: str
    watch: Watch
    params: Mapping[str, Any]
    start: str
    schedule: Sequence[Mapping[str, Any]]
    cursor: Mapping[str, Any] | None
    slot: int
    fence: int
    pace: int
    created_at: int
    failures: int
    nudged_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What came of (a part of) a poll, to be written in one transaction.

    `cursor` is None where it has not changed. `due_at` is when the feed is due next; inside a poll that goes on it is
    the end of the renewed lease. `ended` says that this was the last part, `error` why it was cut short.
    """

    feed: str
    fence: int
    due_at: int
    cursor: bytes | None = None
    events: Sequence[Event] = ()
    aside: Sequence[SetAside] = ()
    requests: int = 0
    ended: bool = True
    error: str | None = None
    missed: int = 0
    pace: int = 0
    active: bool = True


def wake(connection: Connection, now: int, limit: int) -> list[str]:
    """Mark feeds that are due as being woken, and say which; nobody else wakes them for a while."""
    due = (
        select(FEEDS.c.id)
        .where(FEEDS.c.active, FEEDS.c.due_at <= now, FEEDS.c.woken_until <= now)
        .order_by(FEEDS.c.due_at)
        .limit(limit)
    )
    marked = (
        update(FEEDS)
        .where(FEEDS.c.id.in_(_locked(connection, due)))
        .values(woken_until=now + WOKEN)
        .returning(FEEDS.c.id)
    )
    return list(connection.scalars(marked))


def claim(connection: Connection, ids: Sequence[str], now: int) -> list[ClaimedFeed]:
    """Take those of these feeds that are due and that nobody works on."""
    due = select(FEEDS.c.id).where(FEEDS.c.id.in_(ids), FEEDS.c.active, FEEDS.c.due_at <= now)
    taken = (
        update(FEEDS)
        .where(FEEDS.c.id.in_(_locked(connection, due)))
        .values(
            slot=case((FEEDS.c.working, FEEDS.c.slot), else_=FEEDS.c.due_at),
            due_at=now + LEASE,
            woken_until=0,
            fence=FEEDS.c.fence + 1,
            working=True,
            polled_at=now,
        )
        .returning(*FEEDS.c)
    )
    return [_claimed(row) for row in connection.execute(taken).mappings()]


def write(connection: Connection, polls: Sequence[Poll], now: int) -> list[int | None]:
    """Write what polls brought: the cursors, the events and their runs.

    For each poll the number of runs that were opened; None where the fence had moved on and nothing was written.
    """
    # locks are taken in one order everywhere, or PostgreSQL ends one of two that wait for each other
    ours = [poll for poll in sorted(polls, key=lambda poll: poll.feed) if _moved(connection, poll, now)]
    rows = [_event_row(poll.feed, event, now) for poll in ours for event in poll.events]
    opened = _record(connection, rows, now) if rows else {}
    aside = [_aside_row(poll.feed, item, now) for poll in ours for item in poll.aside]
    if aside:
        connection.execute(upsert(connection, SET_ASIDE).on_conflict_do_nothing(), aside)
    kept = {id(poll) for poll in ours}
    return [opened.get(poll.feed, 0) if id(poll) in kept else None for poll in polls]


def _moved(connection: Connection, poll: Poll, now: int) -> bool:
    values: dict[str, Any] = {
        "due_at": poll.due_at,
        "requests": FEEDS.c.requests + poll.requests,
        "events": FEEDS.c.events + len(poll.events),
    }
    if poll.cursor is not None:
        values["cursor"] = poll.cursor.decode()
    if poll.events:
        values["brought_at"] = now
    if poll.ended:
        values |= {"polls": FEEDS.c.polls + 1, "missed": FEEDS.c.missed + poll.missed, "pace": poll.pace}
        values |= {"error": storable(poll.error), "working": False}
        values |= {} if poll.active else {"active": False}  # a feed that was removed meanwhile stays so
        values["due_at"] = case((FEEDS.c.nudged_at > FEEDS.c.polled_at, now), else_=poll.due_at)
        good = poll.error is None
        values |= {"failures": 0, "succeeded_at": now} if good else {"failures": FEEDS.c.failures + 1}
    moved = update(FEEDS).where(FEEDS.c.id == poll.feed, FEEDS.c.fence == poll.fence).values(**values)
    return connection.execute(moved).rowcount == 1


def _record(connection: Connection, rows: list[dict[str, Any]], now: int) -> dict[str, int]:
    """Insert the events that are not there yet, and open a run for each automation that listens; runs by feed."""
    events = bulk.returned(connection, _event_insert, rows, _EVENT_TYPES)
    listeners: dict[str, list[RowMapping]] = {}
    wanted = select(AUTOMATIONS).where(AUTOMATIONS.c.active, AUTOMATIONS.c.feed.in_({row["feed"] for row in rows}))
    for row in connection.execute(wanted).mappings():
        listeners.setdefault(row["feed"], []).append(row)
    runs: list[dict[str, Any]] = []
    opened: dict[str, int] = {}
    for event in events:
        for listener in listeners.get(event.feed, ()):
            if event.kind in orjson.loads(listener["kinds"]):
                runs.append(_run_row(event.id, listener, now))
                opened[event.feed] = opened.get(event.feed, 0) + 1
    if runs:
        bulk.execute(connection, _run_insert, runs, _RUN_TYPES)
    return opened


def _event_insert(given: FromClause | None) -> Any:
    row: Any = sqlite.insert(EVENTS)
    if given is not None:
        row = postgresql.insert(EVENTS).from_select(list(_EVENT_TYPES), select(*given.c))
    return row.on_conflict_do_nothing().returning(EVENTS.c.id, EVENTS.c.feed, EVENTS.c.kind)


def _run_insert(given: FromClause | None) -> Any:
    if given is None:
        return insert(RUNS).values({name: bindparam(name) for name in _RUN_TYPES})
    return insert(RUNS).from_select(list(_RUN_TYPES), select(*given.c))


def add_event(connection: Connection, feed: str, event: Event, now: int) -> int | None:
    """Record one event that no poll brought; None when it is there already."""
    fresh = upsert(connection, EVENTS).on_conflict_do_nothing().returning(EVENTS.c.id)
    row = connection.execute(fresh, [_event_row(feed, event, now)]).first()
    return None if row is None else int(row.id)


def next_due(connection: Connection, now: int) -> int | None:
    """When the next feed that is not due yet will be, in epoch milliseconds."""
    soonest = select(func.min(FEEDS.c.due_at)).where(FEEDS.c.active, FEEDS.c.due_at > now)
    due: int | None = connection.scalar(soonest)
    return due


def nudge(connection: Connection, ids: Iterable[str], now: int, rest: int = 0) -> int:
    """Make these feeds due now, or again when the poll under way has ended; how many there are.

    Between two polls there are `rest` milliseconds at least.
    """
    known = select(FEEDS.c.id).where(FEEDS.c.id.in_(list(ids)), FEEDS.c.active).order_by(FEEDS.c.id)
    known = known.with_for_update() if connection.dialect.name == "postgresql" else known
    rested = FEEDS.c.polled_at + rest
    due = case((FEEDS.c.working, FEEDS.c.due_at), (rested > now, rested), else_=now)
    nudged = update(FEEDS).where(FEEDS.c.id.in_(known)).values(due_at=due, nudged_at=now, woken_until=0)
    return connection.execute(nudged).rowcount


def _locked(connection: Connection, rows: Select[Any]) -> Select[Any]:
    """Skip what another process holds; SQLite has one writer, who holds everything."""
    return rows.with_for_update(skip_locked=True) if connection.dialect.name == "postgresql" else rows


def upsert(connection: Connection, table: Any) -> Any:
    """An INSERT of the dialect in use that knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _event_row(feed: str, event: Event, now: int) -> dict[str, Any]:
    record = orjson.dumps(event.record).decode()
    return {
        "feed": feed,
        "key": storable(event.key),
        "version": storable(event.version),
        "kind": event.kind,
        "record": record,
        "found_at": now,
    }


def _run_row(event: int, listener: RowMapping, now: int) -> dict[str, Any]:
    named = {name: listener[name] for name in ("digest", "connection")}
    return {"event": event, "automation": listener["name"], **named, "due_at": now, "created_at": now}


def _aside_row(feed: str, item: SetAside, now: int) -> dict[str, Any]:
    return {
        "feed": feed,
        "digest": fingerprint(item.record),
        "reason": item.reason,
        "record": orjson.dumps(item.record).decode(),
        "seen_at": now,
    }


def _claimed(row: RowMapping) -> ClaimedFeed:
    cursor = row["cursor"]
    return ClaimedFeed(
        **{name: row[name] for name in _PLAIN},
        params=orjson.loads(row["params"]),
        schedule=orjson.loads(row["schedule"]),
        cursor=None if cursor is None else orjson.loads(cursor),
    )


_EVENT_TYPES = bulk.Types({column.name: column.type for column in EVENTS.c if column.name != "id"})
_RUN_TYPES = bulk.Types(
    {name: RUNS.c[name].type for name in ("event", "automation", "digest", "connection", "due_at", "created_at")}
)

_PLAIN = (
    "id",
    "trigger",
    "connection",
    "watch",
    "start",
    "slot",
    "fence",
    "pace",
    "created_at",
    "failures",
    "nudged_at",
)
