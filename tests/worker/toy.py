"""A vendor in memory behind the HTTP border: it does what it is asked, remembers it, and fails on demand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connections.connection import Connection
from connections.errors import NotFound, VendorError
from connections.quota import Precedence
from connections.wire import Answer, Request
from tests.worker.clock import Clock


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one request that writes: the error, and whether the request takes effect all the same."""

    error: VendorError
    took_effect: bool = False


@dataclass
class Toy:
    """`POST /X` makes a record that `GET /X` lists; `PUT /set/ID` sets a value. `trouble` meets the next writes.

    `looking` meets the next reads, `hidden` records are not in lists (yet), a `silent` vendor answers with ids only.
    """

    clock: Clock
    made: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    set: dict[str, Any] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)
    trouble: deque[Trouble | None] = field(default_factory=deque)
    looking: deque[VendorError | None] = field(default_factory=deque)
    hidden: bool = False
    silent: bool = False

    async def call(self, connection: Connection, request: Request, precedence: Precedence) -> Answer:
        self.sent.append(request)
        if request.method == "GET":
            error = self.looking.popleft() if self.looking else None
            if error:
                raise error
            found = [] if self.hidden else self.made.get(request.path, [])
            return self._answer({"found": [dict(each) for each in found]})
        met = self.trouble.popleft() if self.trouble else None
        if met is None or met.took_effect:
            done = self._done(request)
        if met is not None:
            raise met.error
        return self._answer(done)

    async def download(
        self, connection: Connection, request: Request, path: Path, precedence: Precedence = "poll"
    ) -> tuple[int, str, str]:
        raise NotFound(f"{request.path}: there are no files here", status=404)

    def _done(self, request: Request) -> dict[str, Any]:
        if request.method == "PUT":
            key = request.path.rpartition("/")[2]
            self.set[key] = request.body["value"]
            return {"made": {"id": key}}
        record = {**request.body, "id": f"{request.path[1:]}-{len(self.sent)}", "at": self.clock()}
        self.made.setdefault(request.path, []).append(record)
        return {"made": {"id": record["id"]} if self.silent else record}

    def _answer(self, data: Any) -> Answer:
        return Answer(status=200, data=data, headers={}, at=self.clock())

    def writes(self, path: str = "") -> list[Request]:
        """The requests that write, below a path."""
        return [each for each in self.sent if each.method != "GET" and each.path.startswith(path)]

    def names(self, path: str) -> list[str]:
        """The names of what was made there."""
        return [each["name"] for each in self.made.get(path, [])]


class Crash(BaseException):
    """The process has died: nothing after this happens in it."""


@dataclass
class Border:
    """Counts how often a process crosses its border, to the ledger or to the vendor, and dies at one crossing."""

    dies_at: int | None = None
    crossings: int = 0

    def cross(self) -> None:
        self.crossings += 1
        if self.crossings == self.dies_at:
            raise Crash

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work; the process may die before it, and after it before it hears of the result."""

        async def crossed(*args: Any) -> Any:
            self.cross()
            result = await work(*args)
            self.cross()
            return result

        return crossed
