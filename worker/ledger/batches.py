"""Runs that are collected: each waits until its span is over, then the oldest one takes the others in, and leads.

`batch` in a run's row is None until the run waits to be collected, 0 while it waits, and the leader's id from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Select, and_, select, update

from worker.ledger.tables import EVENTS, RUNS

MOST = 500
"""How many records one batch may have; what is left over forms the next."""
WAITING = 0
AGAIN = 5_000
"""A run whose time has come while an older one is still waiting asks again after so long (ms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A run waits until then (epoch ms) to be collected."""

    run: int
    fence: int
    until: int
    reason: str


def wait(connection: Connection, waits: Sequence[Wait]) -> list[bool]:
    """Write that these runs wait; False for each whose fence has moved on."""
    return [_waits(connection, each) for each in waits]


def _waits(connection: Connection, each: Wait) -> bool:
    ours = update(RUNS).where(RUNS.c.id == each.run, RUNS.c.fence == each.fence)
    values = {"batch": WAITING, "due_at": each.until, "reason": each.reason, "tries": 0}
    return bool(connection.execute(ours.values(**values)).rowcount)


def gather(connection: Connection, run: int, fence: int, now: int) -> int | None:
    """The run that carries out the records of this one: itself, when it is the oldest of those that wait.

    It then takes the others in, and they end. A run that is not the oldest waits a little longer. None where another
    worker has taken this one over. Rows are locked in the order of their ids, and only the oldest locks others.
    """
    row = connection.execute(_locked(connection, select(RUNS).where(RUNS.c.id == run))).one()
    if row.fence != fence:
        return row.batch if row.batch not in {None, WAITING, run} else None
    _change(connection, [run], batch=WAITING)
    alike = and_(RUNS.c.batch == WAITING, RUNS.c.digest == row.digest, RUNS.c.state == "open")
    oldest = select(RUNS.c.id).where(alike).order_by(RUNS.c.id)
    leader = connection.scalars(oldest.limit(1)).one()
    if leader != run:
        _change(connection, [run], due_at=now + AGAIN, reason=f"waits for run {leader} to collect it", tries=0)
        return int(leader)
    taken = [each for each in connection.scalars(_locked(connection, oldest.limit(MOST))) if each != run]
    ended = {"state": "skipped", "reason": f"collected in run {run}", "ended_at": now, "tries": 0}
    _change(connection, taken, batch=run, fence=RUNS.c.fence + 1, **ended)
    _change(connection, [run], batch=run, reason=None)
    return run


def records(connection: Connection, run: int) -> list[Any]:
    """The records of the batch that this run leads, oldest first."""
    wanted = select(EVENTS.c.record).join(RUNS, RUNS.c.event == EVENTS.c.id).where(RUNS.c.batch == run)
    return [orjson.loads(record) for record in connection.scalars(wanted.order_by(RUNS.c.id))]


def _change(connection: Connection, ids: Sequence[int], **values: Any) -> None:
    connection.execute(update(RUNS).where(RUNS.c.id.in_(ids)).values(**values))


def _locked(connection: Connection, rows: Select[Any]) -> Select[Any]:
    return rows.with_for_update() if connection.dialect.name == "postgresql" else rows
