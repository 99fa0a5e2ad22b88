"""Which connections are left alone at this moment, as the processes that call them say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select

from worker.ledger.tables import BREAKERS

FORGOTTEN = 900_000
"""What a process said is forgotten so long (ms) after its pause has ended: the process is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBreaker:
    """A connection that one process leaves alone: after how many failures, until when (epoch ms), and the last one."""

    connection: str
    failures: int
    retry_at: int
    reason: str


def told(snapshot: Mapping[str, Any]) -> OpenBreaker:
    """An open breaker as the client shows it."""
    return OpenBreaker(
        connection=snapshot["connection"],
        failures=snapshot["failures"],
        retry_at=round(snapshot["retry_at"] * 1000),
        reason=snapshot["reason"],
    )


def note(connection: Connection, process: str, opened: Collection[OpenBreaker], now: int) -> None:
    """What is open in this process, in place of what it said before."""
    gone = or_(BREAKERS.c.process == process, BREAKERS.c.retry_at < now - FORGOTTEN)
    connection.execute(delete(BREAKERS).where(gone))
    rows = [{"process": process, **asdict(each)} for each in opened]
    if rows:
        connection.execute(insert(BREAKERS), rows)


def known(connection: Connection, now: int) -> list[OpenBreaker]:
    """Each connection that some process leaves alone, with the longest pause that was told."""
    told = select(BREAKERS).where(BREAKERS.c.retry_at >= now - FORGOTTEN)
    rows = connection.execute(told.order_by(BREAKERS.c.connection, BREAKERS.c.retry_at))
    plain = [{name: value for name, value in row.items() if name != "process"} for row in rows.mappings()]
    latest = {row["connection"]: OpenBreaker(**row) for row in plain}
    return list(latest.values())
