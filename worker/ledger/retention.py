"""Forgetting: runs that ended well, and events that nothing refers to, are kept for some weeks and then removed.

What failed or is held stays until a person has dealt with it. Cursors never depend on what is removed here; only the
feed that an application ordered once, and not again for so long, goes with its cursor.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, select

from worker.ledger.tables import AUTOMATIONS, EVENTS, FEEDS, RUNS, SET_ASIDE, STEPS, TURNS

DAY = 86_400_000
BATCH = 1000
ENDED = ("done", "skipped")


def forget(connection: Connection, now: int, days: int) -> int:
    """Remove one batch of what is older than so many days; how many rows of runs and events went."""
    before = now - days * DAY
    connection.execute(delete(TURNS).where(TURNS.c.until < now))
    connection.execute(delete(SET_ASIDE).where(SET_ASIDE.c.seen_at < before))
    leader = RUNS.alias()
    needed = exists().where(leader.c.id == RUNS.c.batch, leader.c.state.not_in(ENDED))  # its records are still wanted
    old = select(RUNS.c.id).where(RUNS.c.state.in_(ENDED), RUNS.c.created_at < before, ~needed).limit(BATCH)
    runs = list(connection.scalars(old.order_by(RUNS.c.id)))
    if runs:
        connection.execute(delete(STEPS).where(STEPS.c.run.in_(runs)))
        connection.execute(delete(RUNS).where(RUNS.c.id.in_(runs)))
    used = exists().where(RUNS.c.event == EVENTS.c.id)
    unused = select(EVENTS.c.id).where(EVENTS.c.found_at < before, ~used).order_by(EVENTS.c.found_at).limit(BATCH)
    events = list(connection.scalars(unused))
    if events:
        connection.execute(delete(EVENTS).where(EVENTS.c.id.in_(events)))
    if len(runs) + len(events) < BATCH:
        _forget_definitions(connection, before)
    return len(runs) + len(events)


def _forget_definitions(connection: Connection, before: int) -> None:
    """Remove what automations once were, where no run that began with it is left, and feeds that only orders polled."""
    begun = exists().where(RUNS.c.automation == AUTOMATIONS.c.name, RUNS.c.digest == AUTOMATIONS.c.digest)
    past = (~AUTOMATIONS.c.active, AUTOMATIONS.c.since < before, ~begun)
    connection.execute(delete(AUTOMATIONS).where(*past))
    idle = (~FEEDS.c.working, FEEDS.c.polled_at < before, FEEDS.c.created_at < before, FEEDS.c.nudged_at < before)
    connection.execute(delete(FEEDS).where(FEEDS.c.schedule == "[]", *idle))
