"""Lists that many runs look things up in: asked for once in a while, and forgotten when one of us writes to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connections.connection import Connection
from connections.quota import Precedence
from connections.wire import Answer, Request
from worker.kit import Caller

LIFETIME = 300.0
"""How long (s) a list is believed; what is changed elsewhere is seen after that, or when a name is not found."""
LEAST = 1.0
"""For the sake of one name that is not in it, a list is asked for again no more often than this (s)."""

Rows = list[Any]


@dataclass(slots=True)
class _Kept:
    """One list; only one call for it is under way at a time, and `written` counts what was written to it."""

    path: str
    asked_at: float = float("-inf")
    rows: Rows = field(default_factory=list)
    written: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Lookups:
    """The lists of each connection, kept for `LIFETIME` in this process."""

    def __init__(self, client: Caller, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._kept: dict[tuple[str, Request], _Kept] = {}
        self._paths: dict[str, list[_Kept]] = {}

    async def rows(self, connection: Connection, request: Request, name: str) -> Rows:
        """The list at `name` in the answer to this request, from memory where it is young enough.

        Raises:
            VendorError: it could not be had.
        """
        return await self._listed(connection, request, name, self._clock() - LIFETIME)

    async def newer(self, connection: Connection, request: Request, name: str, than: Rows) -> Rows | None:
        """The list as it is now, since something was not in `than`; None where that was asked for just now.

        Raises:
            VendorError: it could not be had.
        """
        since = self._clock() - LEAST
        kept = self._kept.get((connection.name, request))
        if kept is not None and kept.rows is than and kept.asked_at > since:
            return None
        return await self._listed(connection, request, name, since)

    def wrote(self, connection: Connection, path: str) -> None:
        """Forget the lists of a connection that lie at this path or right above it: one of us has written there."""
        whole = path.rstrip("/")
        for kept in self._paths.get(connection.name, ()):
            if kept.path in {whole, whole.rpartition("/")[0]}:
                kept.asked_at = float("-inf")
                kept.written += 1

    async def _listed(self, connection: Connection, request: Request, name: str, since: float) -> Rows:
        key = (connection.name, request)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept(request.path.rstrip("/"))
            self._paths.setdefault(connection.name, []).append(kept)
        async with kept.lock:
            if kept.asked_at > since:
                return kept.rows
            before, asked_at = kept.written, self._clock()
            answer = await self._client.call(connection, request, "action")
            found = answer.data.get(name) if isinstance(answer.data, dict) else None
            kept.rows = found if isinstance(found, list) else []
            # what was written meanwhile may be missing in it
            kept.asked_at = asked_at if kept.written == before else float("-inf")
            return kept.rows


@dataclass(frozen=True, slots=True)
class Noticing:
    """A client that tells the look-ups of what is written through it, also where the outcome is not known."""

    client: Caller
    lookups: Lookups

    async def call(self, connection: Connection, request: Request, precedence: Precedence) -> Answer:
        """Carry out one request.

        Raises:
            VendorError: see `connections.errors`.
        """
        try:
            return await self.client.call(connection, request, precedence)
        finally:
            if request.method != "GET":
                self.lookups.wrote(connection, request.path)
