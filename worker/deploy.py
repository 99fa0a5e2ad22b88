"""From the project's files to the ledger: which feeds there are, and which automations listen to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Column, Connection, Table, bindparam, case, select, update

from config.automation import Automation, Schedule, Start, schedule_definition
from triggers.reading import fingerprint
from triggers.trigger import Trigger, Watch, Watermark
from worker.ledger.feeds import upsert
from worker.ledger.tables import AUTOMATIONS, FEEDS
from worker.schedule import FIRST_PACE, first_due, next_slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One trigger polled on one connection with one set of parameters.

    Its id depends on nothing else, so that renaming an automation, or editing its steps, never resets a cursor.
    """

    trigger: str
    connection: str
    watch: str
    params: Mapping[str, Any]
    start: str

    @property
    def id(self) -> str:
        """`TRIGGER@CONNECTION.DIGEST`."""
        rest = fingerprint([self.watch, self.params, self.start])
        return f"{self.trigger}@{self.connection}.{rest[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What a deployment did, by feed id and automation name."""

    started: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def feed_of(automation: Automation, trigger: Trigger) -> Feed:
    """The feed that an automation listens to."""
    use = automation.trigger
    return Feed(
        trigger=use.use,
        connection=use.connection,
        watch=watch_of(trigger, use.on),
        params=use.with_,
        start=start_text(use.start),
    )


def watch_of(trigger: Trigger, on: Iterable[str]) -> Watch:
    """Which of its times a watermark trigger is asked by; every other trigger sees all kinds of event at once."""
    timed = isinstance(trigger.strategy, Watermark) and bool(trigger.strategy.since)
    return "updated" if timed and "updated" in on else "new"


def start_text(start: Start) -> str:
    """`now`, `beginning`, or the moment in ISO 8601."""
    return start.isoformat() if isinstance(start, datetime) else start


def deploy(
    connection: Connection, automations: Iterable[Automation], triggers: Mapping[str, Trigger], now: int
) -> Deployed:
    """Make the ledger agree with these automations; cursors of feeds that are still wanted stay as they are."""
    wanted: dict[str, tuple[Feed, list[Automation]]] = {}
    for automation in automations:
        feed = feed_of(automation, triggers[automation.trigger.use])
        wanted.setdefault(feed.id, (feed, []))[1].append(automation)
    known = {row.id: row for row in connection.execute(select(FEEDS.c.id, FEEDS.c.active, FEEDS.c.schedule))}
    new = [feed for feed in wanted if feed not in known]
    fresh = []
    for feed, listeners in sorted(wanted.values(), key=lambda pair: pair[0].id):  # as polls take their locks
        schedules = tuple(dict.fromkeys(automation.trigger.schedule for automation in listeners))
        if feed.id in known:
            _keep(connection, feed, schedules, now, known[feed.id])
        else:
            fresh.append(_feed_row(feed, schedules, now, others=len(new)))
    if fresh:
        connection.execute(upsert(connection, FEEDS).on_conflict_do_nothing(), fresh)
    listened = [row for row in known.values() if row.schedule != stored([])]  # the others are there for orders
    gone = sorted(row.id for row in listened if row.active and row.id not in wanted)
    _stop(connection, FEEDS, FEEDS.c.id, gone)
    _listen(connection, wanted.values(), now)
    return Deployed(started=tuple(new), stopped=tuple(gone), kept=tuple(feed for feed in wanted if feed in known))


def stored(schedules: Sequence[Schedule]) -> str:
    """The schedules as the ledger keeps them."""
    return orjson.dumps([schedule_definition(schedule) for schedule in schedules]).decode()


def automation_digest(automation: Automation) -> str:
    """What names an automation as it stands now; runs remember it, and are carried out as they were begun."""
    return fingerprint([automation.name, automation.definition()])


def _feed_row(feed: Feed, schedules: Sequence[Schedule], now: int, *, others: int) -> dict[str, Any]:
    return {
        "id": feed.id,
        "trigger": feed.trigger,
        "connection": feed.connection,
        "watch": feed.watch,
        "params": orjson.dumps(feed.params).decode(),
        "start": feed.start,
        "schedule": stored(schedules),
        "due_at": first_due(schedules, feed.id, now, others),
        "created_at": now,
        "pace": FIRST_PACE,
    }


def _keep(connection: Connection, feed: Feed, schedules: Sequence[Schedule], now: int, known: Any) -> None:
    values: dict[str, Any] = {}
    if not known.active and not _over(connection, feed.id):
        values = {"active": True, "due_at": now}
    if known.schedule != stored(schedules):
        values |= {"schedule": stored(schedules), "due_at": next_slot(schedules, feed.id, now, FIRST_PACE)}
    if values:
        # a poll under way keeps its lease, and knows the old schedule: the feed is due again when it has ended
        due = case((FEEDS.c.working, FEEDS.c.due_at), else_=values["due_at"])
        connection.execute(
            update(FEEDS).where(FEEDS.c.id == feed.id).values({**values, "due_at": due, "nudged_at": now})
        )


def _over(connection: Connection, feed: str) -> bool:
    """Whether the feed has had the one event that there is to be had."""
    cursor = connection.scalar(select(FEEDS.c.cursor).where(FEEDS.c.id == feed))
    return cursor is not None and bool(orjson.loads(cursor).get("over"))


def _listen(connection: Connection, wanted: Iterable[tuple[Feed, list[Automation]]], now: int) -> None:
    rows = [_automation_row(feed, automation, now) for feed, listeners in wanted for automation in listeners]
    before = connection.scalars(select(AUTOMATIONS.c.digest).where(AUTOMATIONS.c.active))
    _stop(connection, AUTOMATIONS, AUTOMATIONS.c.digest, set(before) - {row["digest"] for row in rows}, since=now)
    if rows:
        row = upsert(connection, AUTOMATIONS)
        changed = {"active": True, "feed": row.excluded.feed, "kinds": row.excluded.kinds}
        connection.execute(row.on_conflict_do_update(index_elements=["digest"], set_=changed), rows)


def _stop(connection: Connection, table: Table, key: Column[str], gone: Iterable[str], **more: Any) -> None:
    """Make these rows inactive; one by one, since a statement takes only so many values."""
    rows = [{"gone": each} for each in gone]
    if rows:
        connection.execute(update(table).where(key == bindparam("gone")).values(active=False, **more), rows)


def _automation_row(feed: Feed, automation: Automation, now: int) -> dict[str, Any]:
    first = automation.steps[0].connection if automation.steps else feed.connection
    return {
        "digest": automation_digest(automation),
        "name": automation.name,
        "feed": feed.id,
        "kinds": orjson.dumps(automation.trigger.on).decode(),
        "definition": orjson.dumps(automation.definition()).decode(),
        "connection": first,
        "active": True,
        "since": now,
    }
