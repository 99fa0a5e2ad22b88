"""A vendor as the cursor functions see one: records that come, change, show up late and go, and a clock of its own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

T0 = 1_767_225_600_000
SECOND, MINUTE, DAY = 1000, 60_000, 86_400_000


@dataclass(frozen=True)
class Version:
    """One state of a record: its time by the records' clock, and when (by the vendor's clock) it shows up in lists."""

    time: int
    value: int
    shown: int


@dataclass
class Item:
    key: str
    added: int
    versions: list[Version] = field(default_factory=list)
    gone: bool = False

    def shown(self, clock: int) -> Version | None:
        """The version that lists show at this time."""
        return next((one for one in reversed(self.versions) if one.shown <= clock), None) if not self.gone else None


@dataclass
class Vendor:
    """An account at a vendor. The records' clock is `skew` ahead of the one in the Date header."""

    clock: int = T0
    skew: int = 0
    items: dict[str, Item] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    nameless: set[str] = field(default_factory=set)
    requests: int = 0
    _rows: tuple[Any, list[tuple[int, str]]] = (None, [])

    @property
    def date(self) -> int:
        """The Date header, which counts whole seconds."""
        return self.clock // SECOND * SECOND

    def wait(self, ms: int) -> None:
        self.clock += ms

    def create(self, *, late: int = 0, ahead: int = 0, value: int = 0, place: int | None = None) -> str:
        """A new record; it shows up `late`, is dated `ahead` of the clock, stands at `place` in unsorted lists."""
        key = f"r{len(self.items)}"
        time = self.clock + self.skew + ahead
        self.items[key] = Item(key, time, [Version(time, value, self.clock + late)])
        self.order.insert(len(self.order) if place is None else min(place, len(self.order)), key)
        return key

    def edit(self, key: str, *, late: int = 0, ahead: int = 0, value: int | None = None) -> None:
        """Change a record; its time is never before it was added, and never one that it had already."""
        item = self.items[key]
        time = max(self.clock + self.skew + ahead, item.added + 1)
        while time in {one.time for one in item.versions}:
            time += 1
        last = item.versions[-1]
        shown = max(last.shown, self.clock + late)
        item.versions.append(Version(time, last.value + 1 if value is None else value, shown))

    def delete(self, key: str) -> None:
        self.items[key].gone = True
        self.order.remove(key)

    def restore(self, key: str, *, place: int | None = None) -> None:
        self.items[key].gone = False
        self.order.insert(len(self.order) if place is None else min(place, len(self.order)), key)

    @property
    def present(self) -> list[str]:
        return list(self.order)

    def visible(self, field: str) -> set[tuple[str, int]]:
        """What lists show now: each record with its time in this field."""
        shown = ((item, item.shown(self.clock)) for item in self.items.values())
        return {(item.key, item.added if field == "added" else one.time) for item, one in shown if one is not None}

    def body(self, key: str) -> dict[str, Any]:
        item = self.items[key]
        one = item.shown(self.clock)
        assert one is not None
        name = {} if key in self.nameless else {"id": key}
        return {**name, "added": item.added, "updated": one.time, "value": one.value}

    def by_time(self, asked: Mapping[str, Any], field: str, *, descending: bool) -> dict[str, Any]:
        """A list sorted by time: at or after `gte`, a page after the position `searchAfter`."""
        self.requests += 1
        rows, size = self._sorted(field), asked["limit"]
        after = tuple(asked["searchAfter"]) if "searchAfter" in asked else None
        first = bisect_left(rows, (asked.get("gte") or 0, ""))
        if descending:
            last = len(rows) if after is None else bisect_left(rows, after)
            page = rows[max(first, last - size) : max(first, last)][::-1]
        else:
            first = first if after is None else max(first, bisect_right(rows, after))
            page = rows[first : first + size]
        return {"records": [{**self.body(key), "searchAfter": [time, key]} for time, key in page]}

    def _sorted(self, field: str) -> list[tuple[int, str]]:
        state = (field, self.clock, len(self.order), sum(len(item.versions) for item in self.items.values()))
        if self._rows[0] != state:
            self._rows = (state, sorted((time, key) for key, time in self.visible(field)))
        return self._rows[1]

    def counted(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """An unsorted list, counted off from `skip`."""
        self.requests += 1
        skip = asked.get("skip", 0)
        limit = asked.get("limit", len(self.order))
        return {"records": [self.body(key) for key in self.order[skip : skip + limit]]}
