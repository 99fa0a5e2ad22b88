"""Whose turn it is where an automation runs once per value and span: the run that has it, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from worker.ledger.database import storable
from worker.ledger.feeds import upsert
from worker.ledger.tables import RUNS, STEPS, TURNS

TAKEN = "once_per"
"""What stands in the step row of a run that has had its turn, where others have their action."""
NUMBER = "0"
"""The number of that row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """A run asks for the turn of its value, to have it until then (epoch ms)."""

    run: int
    fence: int
    automation: str
    connection: str
    value: str
    now: int
    until: int


def write(connection: Connection, bids: Sequence[Bid]) -> list[int | None]:
    """For each bid the run whose turn it is: the run itself or another; None where the fence has moved on.

    A run that gets its turn has it for good, by a step row of its own. The turn passes on when its time is over, and
    to a replay of the same event.
    """
    return [_held(connection, bid) for bid in bids]


def _held(connection: Connection, bid: Bid) -> int | None:
    ours = select(RUNS.c.event).where(RUNS.c.id == bid.run, RUNS.c.fence == bid.fence)
    run = connection.execute(_locked(connection, ours)).first()
    if run is None:
        return None
    named = {"automation": bid.automation, "connection": bid.connection, "value": storable(bid.value)}
    held = {"run": bid.run, "until": bid.until}
    fresh = upsert(connection, TURNS).values(**named, **held).on_conflict_do_nothing().returning(TURNS.c.run)
    if connection.execute(fresh).first() is None:
        this = [TURNS.c[name] == value for name, value in named.items()]
        holder = connection.execute(_locked(connection, select(TURNS.c.run, TURNS.c.until).where(*this))).one()
        if not _passes(connection, holder, run.event, bid):
            return int(holder.run)
        connection.execute(update(TURNS).where(*this).values(**held))
    connection.execute(upsert(connection, STEPS).values(_row(bid)).on_conflict_do_nothing())
    return bid.run


def _passes(connection: Connection, holder: Row[Any], event: int, bid: Bid) -> bool:
    if holder.until <= bid.now or holder.run == bid.run:
        return True
    return connection.scalar(select(RUNS.c.event).where(RUNS.c.id == holder.run)) == event


def _row(bid: Bid) -> dict[str, Any]:
    row = {"run": bid.run, "number": NUMBER, "name": TAKEN, "action": TAKEN, "connection": bid.connection}
    return {**row, "state": "done", "inputs": "{}", "started_at": bid.now, "ended_at": bid.now}


def _locked(connection: Connection, rows: Select[Any]) -> Select[Any]:
    return rows.with_for_update() if connection.dialect.name == "postgresql" else rows
