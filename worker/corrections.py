"""What people put right in the ledger: runs taken up again or settled by hand, feeds that forget or go back.

All of it raises the fence of the row that it touches, so that a worker that still holds it is refused afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, RowMapping, case, func, insert, or_, select, update

from triggers import snapshot, watermark
from triggers.trigger import Trigger, Watermark
from worker.ledger.tables import AUTOMATIONS, EVENTS, FEEDS, RUNS, STEPS

Settlement = Literal["done", "retry", "skip"]


class Refusal(Exception):
    """What was asked for cannot be done to this row as it stands; the message says why, and what can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay found: events that fire again, and those whose run is still open and is left alone."""

    fired: int
    open: int


def feeds_named(connection: Connection, name: str) -> list[str]:
    """The id of the feed that is called so, or of those that the automation of that name listens to.

    There are several where it stands for many locations. One that nobody listens to any more is the last one it had.
    """
    known = connection.scalar(select(FEEDS.c.id).where(FEEDS.c.id == name))
    if known is not None:
        return [str(known)]
    listened = select(AUTOMATIONS.c.feed).where(AUTOMATIONS.c.name == name)
    now = list(connection.scalars(listened.where(AUTOMATIONS.c.active).order_by(AUTOMATIONS.c.feed)))
    return now or list(connection.scalars(listened.order_by(AUTOMATIONS.c.since.desc()).limit(1)))


def feed_names(connection: Connection) -> list[str]:
    """The automations that listen to a feed, by name."""
    named = select(AUTOMATIONS.c.name).where(AUTOMATIONS.c.active).distinct().order_by(AUTOMATIONS.c.name)
    return list(connection.scalars(named))


def retry(connection: Connection, run: int, now: int, *, current: bool = False) -> None:
    """Take a failed run up again at the step that failed; `current` uses the automation as it is now.

    Raises:
        Refusal: it has not failed, or the automation does not listen to the event's account any more.
    """
    row = _held(connection, run)
    if row["state"] != "failed":
        raise Refusal(_instead(row))
    digest = _current(connection, row) if current else row["digest"]
    connection.execute(update(RUNS).where(RUNS.c.id == run).values(digest=digest))
    tolerated = _tolerated(connection, digest)
    for step in _steps(connection, run, "failed"):
        if step["name"] not in tolerated:
            _step(connection, run, step["number"], state="waiting", attempts=0, started_at=now, ended_at=None)
    _reopened(connection, run, now)


def resolve(connection: Connection, run: int, how: Settlement, now: int, made: str | None = None) -> None:
    """Settle the uncertain step of a run: it was `done` (and made the record `made`), do it again, or go on without it.

    Raises:
        Refusal: no step of it is uncertain.
    """
    row = _held(connection, run)
    if row["state"] != "uncertain":
        raise Refusal(_instead(row))
    settled: dict[str, dict[str, Any]] = {
        "done": {"state": "done", "result_id": made, "reason": "a person says that it was done", "ended_at": now},
        "retry": {"state": "waiting", "attempts": 0, "started_at": now, "ended_at": None},
        "skip": {"state": "skipped", "reason": "a person left it out", "ended_at": now},
    }
    for step in _steps(connection, run, "uncertain"):
        _step(connection, run, step["number"], **settled[how])
    _reopened(connection, run, now)


def replay(connection: Connection, automation: str, since: int, now: int, *, dry: bool = False) -> Replayed:
    """Fire an automation again for the events of its feeds that were found since then (epoch ms); `dry` only counts.

    Raises:
        Refusal: no automation of that name is listening.
    """
    listening = _active(connection, automation)
    done = [_replayed(connection, listener, since, now, dry=dry) for listener in listening]
    return Replayed(fired=sum(each.fired for each in done), open=sum(each.open for each in done))


def _replayed(connection: Connection, listener: RowMapping, since: int, now: int, *, dry: bool) -> Replayed:
    automation = listener["name"]
    leader = RUNS.alias()  # carries out the record of a run that was collected
    is_open = or_(RUNS.c.state == "open", leader.c.state == "open")
    number, busy = func.max(RUNS.c.replay), func.max(case((is_open, 1), else_=0))
    counted = select(RUNS.c.event, number.label("number"), busy.label("busy"))
    counted = counted.outerjoin(leader, leader.c.id == RUNS.c.batch)
    before = counted.where(RUNS.c.automation == automation).group_by(RUNS.c.event).subquery()
    wanted = (
        select(EVENTS.c.id, func.coalesce(before.c.number, -1).label("number"), before.c.busy)
        .outerjoin(before, before.c.event == EVENTS.c.id)
        .where(EVENTS.c.feed == listener["feed"], EVENTS.c.found_at >= since)
        .where(EVENTS.c.kind.in_(orjson.loads(listener["kinds"])))
        .order_by(EVENTS.c.id)
    )
    found = connection.execute(wanted).all()
    plain = {"automation": automation, "digest": listener["digest"], "connection": listener["connection"]}
    plain |= {"due_at": now, "created_at": now}
    fired = [{**plain, "event": row.id, "replay": row.number + 1} for row in found if not row.busy]
    if fired and not dry:
        connection.execute(insert(RUNS), fired)
    return Replayed(fired=len(fired), open=len(found) - len(fired))


def reset(connection: Connection, feed: str, triggers: Mapping[str, Trigger], now: int) -> None:
    """Make a feed forget what it knows: its next poll takes note of what there is then, and fires nothing.

    Raises:
        Refusal: there is no such feed, or it is being polled.
    """
    trigger, before = _known(connection, feed, triggers)
    if isinstance(trigger.strategy, Watermark):
        fresh: Any = replace(watermark.begin("now"), way=before.get("way", 0))
    else:  # the count goes on: a version that was used once must not come again
        fresh = replace(snapshot.begin("now"), way=before.get("way", 0), count=before.get("count", 0))
    _turn(connection, feed, fresh, now)


def rewind(connection: Connection, feed: str, triggers: Mapping[str, Trigger], to: int, now: int) -> None:
    """Make a feed read again what lies at or after that time (epoch ms); events that are known do not fire again.

    Raises:
        Refusal: there is no such feed, it is being polled, or its trigger does not go by time.
    """
    trigger, before = _known(connection, feed, triggers)
    if not isinstance(trigger.strategy, Watermark):
        raise Refusal(f"{trigger.id} does not go by time, so there is no going back; `cursor reset` begins anew")
    _turn(connection, feed, replace(watermark.begin(to), way=before.get("way", 0)), now)


def _known(connection: Connection, feed: str, triggers: Mapping[str, Trigger]) -> tuple[Trigger, Mapping[str, Any]]:
    """The trigger of a feed, and its cursor as it is stored."""
    row = connection.execute(select(FEEDS.c.trigger, FEEDS.c.cursor).where(FEEDS.c.id == feed)).first()
    if row is None or row.trigger not in triggers:
        raise Refusal(f"there is no feed {feed}" if row is None else f"no trigger is called {row.trigger} any more")
    return triggers[row.trigger], {} if row.cursor is None else orjson.loads(row.cursor)


def _turn(connection: Connection, feed: str, cursor: Any, now: int) -> None:
    """Put another cursor in place, unless a poll is under way, and make the feed due."""
    values = {"cursor": orjson.dumps(cursor).decode(), "fence": FEEDS.c.fence + 1, "due_at": now, "woken_until": 0}
    free = or_(~FEEDS.c.working, FEEDS.c.due_at <= now)
    turned = update(FEEDS).where(FEEDS.c.id == feed, free).values(**values, working=False)
    if not connection.execute(turned).rowcount:
        raise Refusal(f"{feed} is being polled at this moment; try again in a minute")


def _held(connection: Connection, run: int) -> RowMapping:
    """The run's row, locked where the database locks rows."""
    wanted = select(RUNS).where(RUNS.c.id == run)
    if connection.dialect.name == "postgresql":
        wanted = wanted.with_for_update()
    row = connection.execute(wanted).mappings().first()
    if row is None:
        raise Refusal(f"there is no run {run}; `hightide runs` lists them")
    return row


def _reopened(connection: Connection, run: int, now: int) -> None:
    values = {"state": "open", "due_at": now, "fence": RUNS.c.fence + 1, "tries": 0, "reason": None, "ended_at": None}
    connection.execute(update(RUNS).where(RUNS.c.id == run).values(**values))


def _steps(connection: Connection, run: int, state: str) -> Sequence[RowMapping]:
    return connection.execute(select(STEPS).where(STEPS.c.run == run, STEPS.c.state == state)).mappings().all()


def _step(connection: Connection, run: int, number: str, **values: Any) -> None:
    connection.execute(update(STEPS).where(STEPS.c.run == run, STEPS.c.number == number).values(**values))


def _tolerated(connection: Connection, digest: str) -> set[str]:
    """The ids of the steps whose failure the run goes on after."""
    definition = connection.scalar(select(AUTOMATIONS.c.definition).where(AUTOMATIONS.c.digest == digest))
    steps = orjson.loads(definition)["steps"] if definition else []
    return {step["id"] for step in steps if step["on_error"] == "continue"}


def _current(connection: Connection, run: RowMapping) -> str:
    """The digest of the run's automation as it is now, for the very account that the event came from."""
    polled = select(FEEDS.c.connection).where(FEEDS.c.id == EVENTS.c.feed).scalar_subquery()
    account = connection.scalar(select(polled).select_from(EVENTS).where(EVENTS.c.id == run["event"]))
    for each in _active(connection, run["automation"]):
        if connection.scalar(select(FEEDS.c.connection).where(FEEDS.c.id == each["feed"])) == account:
            return str(each["digest"])
    raise Refusal(
        f"run {run['id']}: its event came from {account}, where `{run['automation']}` does not listen any more"
    )


def _active(connection: Connection, automation: str) -> Sequence[RowMapping]:
    """The automation of that name as it is now: one row, or one for each location that it stands for."""
    wanted = select(AUTOMATIONS).where(AUTOMATIONS.c.name == automation, AUTOMATIONS.c.active)
    rows = connection.execute(wanted.order_by(AUTOMATIONS.c.feed)).mappings().all()
    if not rows:
        names = ", ".join(feed_names(connection)) or "none"
        raise Refusal(f"no automation `{automation}` is listening; there are: {names}")
    return rows


def _instead(row: RowMapping) -> str:
    """What can be done to a run that stands so."""
    run, leader = row["id"], row["batch"]
    if row["state"] == "skipped" and leader is not None:
        return f"run {run}: its record was collected in run {leader}, which carries it out"
    ways = {
        "open": "it is being carried out, or waits for its next attempt, and goes on by itself",
        "done": "it is done; `hightide replay AUTOMATION --since T` fires for its event again",
        "skipped": "its event was passed over; `hightide replay AUTOMATION --since T` fires for it again",
        "failed": f"it has failed; `hightide retry {run}` takes it up again",
        "uncertain": f"a step's outcome is not known; `hightide resolve {run} done|retry|skip` settles it",
    }
    return f"run {run}: {ways[row['state']]}"
