"""What the ledger knows of a record before an event of it: what was written to it, and what an automation did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from worker.ledger.tables import EVENTS, RUNS, STEPS

MOST = 50
"""So many writes, and so many runs, are looked back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A step that is done and told the record's id: what was asked for, and what the vendor answered."""

    run: int
    action: str
    given: Mapping[str, Any]
    answer: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """An earlier run of the same automation for the same record of the same feed."""

    run: int
    kind: str
    state: str
    digest: str
    record: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What came before an event, newest first: writes that were sent before it was found, and earlier runs."""

    writes: Sequence[Write]
    runs: Sequence[Before]


def past(connection: Connection, run: int, account: str) -> Past | None:
    """What came before the event of a run, `account` being the connection of its feed; None where it is a replay."""
    own = select(RUNS.c.automation, RUNS.c.replay, EVENTS.c.feed, EVENTS.c.key, EVENTS.c.found_at)
    this = connection.execute(own.join(EVENTS, EVENTS.c.id == RUNS.c.event).where(RUNS.c.id == run)).one()
    if this.replay:
        return None
    written = (
        select(STEPS.c.run, STEPS.c.action, STEPS.c.inputs, STEPS.c.result)
        .where(STEPS.c.result_id == this.key, STEPS.c.connection == account)
        .where(STEPS.c.state == "done", STEPS.c.sent_at <= this.found_at)
        .order_by(STEPS.c.sent_at.desc(), STEPS.c.run.desc())
        .limit(MOST)
    )
    leader = RUNS.alias()  # a run that was collected is carried out by it
    state = func.coalesce(leader.c.state, RUNS.c.state).label("state")
    earlier = (
        select(RUNS.c.id, state, RUNS.c.digest, EVENTS.c.kind, EVENTS.c.record)
        .join(EVENTS, EVENTS.c.id == RUNS.c.event)
        .outerjoin(leader, leader.c.id == RUNS.c.batch)
        .where(EVENTS.c.feed == this.feed, EVENTS.c.key == this.key)
        .where(RUNS.c.automation == this.automation, RUNS.c.id < run)
        .order_by(RUNS.c.id.desc())
        .limit(MOST)
    )
    return Past(
        writes=[
            Write(run=row.run, action=row.action, given=_object(row.inputs), answer=orjson.loads(row.result or "null"))
            for row in connection.execute(written)
        ],
        runs=[
            Before(run=row.id, kind=row.kind, state=row.state, digest=row.digest, record=orjson.loads(row.record))
            for row in connection.execute(earlier)
        ],
    )


def _object(text: str) -> dict[str, Any]:
    found = orjson.loads(text)
    return found if isinstance(found, dict) else {}
