"""Group commit: what many polls or runs have to write at the same moment goes into one transaction.

A run that records an attempt before sending it waits for that commit. While one commit is under way the next entries
gather, so that the cost of a commit is shared by all that is in flight, and none waits for a timer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from worker.ledger.store import Store

PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
"""Pauses (s) between attempts to write while the database is away: what is known of a vendor must not be lost."""
LONGEST = 20.0
"""After so many seconds the database is given up: the leases are about to end."""

Entry = TypeVar("Entry")
Result = TypeVar("Result")


class LeaseLost(Exception):
    """The row has been taken over by another worker; what this one still had to say about it is refused."""


class Journal(Generic[Entry, Result]):
    """Writes entries many at a time; `write` gives a result for each, None or False where the fence has moved on."""

    def __init__(self, store: Store, write: Callable[[Connection, Sequence[Entry]], Sequence[Result | None]]) -> None:
        self._store = store
        self._write = write
        self._waiting: list[tuple[Entry, asyncio.Future[Result]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, entry: Entry) -> Result:
        """Return when this entry is durable.

        Raises:
            LeaseLost: the row is no longer ours; nothing was written about it.
        """
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        return await done

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._commit(batch)

    async def _commit(self, batch: Sequence[tuple[Entry, asyncio.Future[Result]]]) -> None:
        """Write these, and tell those who wait; an entry that cannot be written does not take the others down."""
        try:
            results = await self._written([entry for entry, _ in batch])
        except Exception as error:  # noqa: BLE001  # whatever it was, all who wait must hear of it
            half = len(batch) // 2
            if half and not isinstance(error, OperationalError):  # else the database is away, for all of them
                await self._commit(batch[:half])
                await self._commit(batch[half:])
                return
            for _, done in batch:
                _settle(done, error)
            return
        for (_, done), result in zip(batch, results, strict=True):
            refused = result is None or result is False
            _settle(done, LeaseLost("another worker has taken it over") if refused else result)

    async def _written(self, entries: Sequence[Entry]) -> Sequence[Result | None]:
        """Write through a blink of the database; what it took before is written again, to the same effect."""
        begun = time.monotonic()
        for pause in PAUSES:
            try:
                return await self._store.write(self._write, entries)
            except OperationalError:
                if time.monotonic() - begun > LONGEST:
                    raise
            await asyncio.sleep(pause)
        return await self._store.write(self._write, entries)


def _settle(done: asyncio.Future[Result], result: Result | Exception | None) -> None:
    if done.done():  # whoever waited was cancelled
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)  # type: ignore[arg-type]  # refused entries were told apart above
