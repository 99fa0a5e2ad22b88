"""A vendor's lists in memory, behind the HTTP border: sorted by time, counted off, one by one, and computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connections.connection import Connection
from connections.errors import NotFound
from connections.quota import Precedence
from connections.wire import Answer, Request
from tests.worker.clock import Clock
from tests.worker.toy import Border


@dataclass
class Shelf:
    """Things with times, and the ways to ask for them that `tests.worker.rows` describes.

    `script` holds what the next requests meet instead: an error, an answer, or None for the truth. `before` is called
    before each request is answered. `border` is where the process that asks may die.
    """

    clock: Clock
    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    slots: Any = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    script: deque[Any] = field(default_factory=deque)
    before: Callable[[Request], None] = lambda _request: None
    border: Border = field(default_factory=Border)
    size: int = 3

    def put(self, *keys: str, pause: int = 1000, **more: Any) -> None:
        """New things, one after the other, a pause (ms) apart."""
        for key in keys:
            self.clock.advance(pause)
            plain = {"id": key, "name": key.upper(), "dateAdded": self.clock(), "dateUpdated": self.clock()}
            self.things[key] = {**plain, **more}

    def change(self, key: str, **more: Any) -> None:
        self.clock.advance(1000)
        self.things[key] |= {"dateUpdated": self.clock(), **more}

    async def call(self, connection: Connection, request: Request, precedence: Precedence) -> Answer:
        assert precedence == "poll"
        self.border.cross()
        self.asked.append(request)
        self.before(request)
        met = self.script.popleft() if self.script else None
        if isinstance(met, Exception):
            raise met
        answer = self._truth(request) if met is None else met
        self.border.cross()
        return Answer(status=200, data=answer, headers={}, at=self.clock())

    def _truth(self, request: Request) -> Any:
        if request.path == "/things/search":
            return {"things": self._searched(request.body)}
        if request.path == "/slots":
            return {"slots": self.slots}
        if request.path != "/things":
            key = request.path.rpartition("/")[2]
            if key not in self.things:
                raise NotFound(f"GET {request.path}: 404 there is no such thing", status=404)
            return {"thing": dict(self.things[key])}
        query = dict(request.query)
        if "skip" in query:
            start = int(query["skip"])
            return {"things": list(self.things.values())[start : start + int(query["limit"])]}
        return {"things": self._page(sorted(self.things.values(), key=_added, reverse=True), query)}

    def _searched(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        [sort] = body["sort"]
        found = list(self.things.values())
        for wanted in body.get("filters", ()):
            found = [each for each in found if each.get(wanted["field"], 0) >= wanted["value"]["gte"]]
        found.sort(key=lambda each: (each.get(sort["field"], 0), str(each.get("id"))))
        return self._page(found[:: -1 if sort["direction"] == "desc" else 1], body)

    def _page(self, found: list[dict[str, Any]], query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The records after the one that `after` names."""
        listed = [{**each, "sort": str(each.get("id"))} for each in found]
        after = [place for place, each in enumerate(listed, 1) if each["sort"] == query.get("after")]
        start = after[0] if after else 0
        return listed[start : start + self.size]


def _added(thing: Mapping[str, Any]) -> Any:
    return thing.get("dateAdded", 0)
