"""The way from the event loop to the database: one thread a process, one short transaction at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from worker.ledger.database import open_database, reading

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class Store:
    """The ledger as the event loop sees it. Made after the fork."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_database(url)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")

    async def write(
        self,
        work: Callable[Concatenate[Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Do this work in one transaction."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self.write_now(work, *args, **kwargs)
        )

    async def read(
        self,
        work: Callable[Concatenate[Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Do this work without a transaction; it only reads."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self.read_now(work, *args, **kwargs)
        )

    def write_now(
        self,
        work: Callable[Concatenate[Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """The same, on the thread that calls."""
        with self.engine.begin() as connection:
            return work(connection, *args, **kwargs)

    def read_now(
        self,
        work: Callable[Concatenate[Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """The same, on the thread that calls."""
        with reading(self.engine) as connection:
            return work(connection, *args, **kwargs)

    def close(self) -> None:
        """Finish what is under way and let go of the connections."""
        self._thread.shutdown(wait=True)
        self.engine.dispose()
