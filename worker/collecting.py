"""Collecting (`collect: 10m`): whether a run waits, was taken in by another, or carries out the records of all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from worker.journal import Journal, LeaseLost
from worker.kit import Kit
from worker.ledger import batches
from worker.ledger.batches import Wait
from worker.ledger.runs import ClaimedRun
from worker.ledger.store import Store


class Batches:
    """The batches of the ledger, as carrying out asks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.wait = Journal[Wait, bool](store, batches.wait).write

    async def gather(self, run: int, fence: int, now: int) -> int:
        """The run that carries out the records of this one, which may be itself.

        Raises:
            LeaseLost: another worker has taken the run over.
        """
        leader = await self._store.write(batches.gather, run, fence, now)
        if leader is None:
            raise LeaseLost("another worker has taken it over")
        return leader

    async def records(self, run: int) -> list[Any]:
        """The records of the batch that this run leads, oldest first."""
        return await self._store.read(batches.records, run)


async def collected(run: ClaimedRun, span: timedelta, kit: Kit) -> list[Any] | None:
    """The records that this run carries out; None where it waits, or another run has taken it in, which is written.

    A run that leads goes on with the same records whenever it is taken up again.

    Raises:
        LeaseLost: another worker has taken the run over.
    """
    until, now = run.created_at + round(span.total_seconds() * 1000), kit.clock()
    if run.batch != run.id:
        if now < until:
            at = datetime.fromtimestamp(until / 1000, UTC)
            reason = f"collects until {at:%Y-%m-%d %H:%M:%S} UTC at the latest"
            await kit.wait(Wait(run=run.id, fence=run.fence, until=until, reason=reason))
            return None
        if await kit.gather(run.id, run.fence, now) != run.id:
            return None
    return await kit.gathered(run.id)
