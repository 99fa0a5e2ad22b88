"""The engine's loop around the cursor functions, without the engine: what it stores goes through JSON each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from connections.operation import get
from connections.paging import Keyset, Offset, OnePage, link_at
from tests.triggers.vendor import Vendor
from triggers import snapshot, watermark
from triggers.reading import Event, Page, Reading, SetAside
from triggers.trigger import Availability, Object, Snapshot, Trigger, Watch, Watermark, Window, seconds

LOOKBACK = 120_000
Serve = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Feed:
    """A feed that is polled: its stored cursor, and the events and records set aside that were committed with it."""

    def __init__(self, trigger: Trigger, vendor: Vendor, serve: Serve, *, watch: Watch = "new", start: Any = "now"):
        self.trigger, self.vendor, self.serve, self.watch = trigger, vendor, serve, watch
        self.module: Any = watermark if isinstance(trigger.strategy, Watermark) else snapshot
        self.cursor: Any = self.module.begin(start)
        self.stored: bytes = b""
        self.store(self.cursor)
        self.events: list[Event] = []
        self.aside: list[SetAside] = []
        self.answers: list[Mapping[str, Any]] = []
        self.date: Callable[[], int | None] = lambda: vendor.date
        self.today = 0

    @property
    def unfinished(self) -> bool:
        return (self.cursor.walk if self.module is watermark else self.cursor.listing) is not None

    def store(self, cursor: Any) -> None:
        """What the next page goes on from is what the database would give back."""
        self.stored = orjson.dumps(cursor)
        self.cursor = self.module.load(orjson.loads(self.stored))
        assert self.cursor == cursor

    def page(self, *, answer: Mapping[str, Any] | None = None, commit: bool = True) -> list[Event]:
        """Read one page (or be served this answer instead), and commit what it brought unless a crash comes first."""
        cursor = self.cursor
        reading: Reading[Any]
        if self.module is watermark:
            asked = watermark.ask(self.trigger, self.watch, cursor)
            at = cursor.walk.at if cursor.walk else None
        else:
            asked = snapshot.ask(self.trigger, cursor, self.today)
            at = cursor.listing.at if cursor.listing else None
        fresh = not self.unfinished
        answer = answer or self.serve({**asked, "link": link_at(self.trigger.paging, at)})
        records = answer["records"]
        placed = [
            {"searchAfter": [0, ""], **record} for record in records
        ]  # a record that a test made up stands somewhere
        following = self.trigger.paging.after(at, answer, placed, answer.get("link"))
        page = Page(records=records, next=following, now=self.date())
        if self.module is watermark:
            reading = watermark.absorb(self.trigger, self.watch, cursor, page)
        else:
            reading = snapshot.absorb(self.trigger, cursor, page, self.today)
        if not commit:
            return []
        self.answers = [answer] if fresh else [*self.answers, answer]
        self.store(reading.cursor)
        self.events += reading.events
        self.aside += reading.aside
        return list(reading.events)

    def poll(self, pages: int = 1000) -> list[Event]:
        """Read to the end, or until the page budget is used up."""
        events: list[Event] = []
        for _ in range(pages):
            events += self.page()
            if not self.unfinished:
                break
        return events

    def requests(self) -> int:
        """How many requests a poll takes now."""
        before = self.vendor.requests
        self.poll()
        return self.vendor.requests - before


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.key) for event in events]


def since(watch: Watch, moment: int | None, newest_first: bool) -> dict[str, Any]:
    return {"gte": moment, "field": "added" if watch == "new" else "updated", "descending": newest_first}


def filtered(vendor: Vendor, watch: Watch, *, size: int = 3, start: Any = "now") -> Feed:
    """A list that takes a since filter, oldest first."""
    trigger = Trigger(
        id="vendor.filtered",
        summary="",
        fetch=get("/records"),
        records="records",
        strategy=Watermark(added="added", updated="updated", since=(since,), lookback=seconds(LOOKBACK // 1000)),
        paging=Keyset(values={"searchAfter": ("last.searchAfter",)}, size=size),
    )

    def serve(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return vendor.by_time(asked, asked["field"], descending=asked["descending"])

    return Feed(trigger, vendor, serve, watch=watch, start=start)


def newest_first(vendor: Vendor, by: str, *, size: int = 3, start: Any = "now", also: str | None = None) -> Feed:
    """A list that comes newest first, by its time of change or of creation."""
    strategy = Watermark(
        added="added",
        updated="updated" if by == "updated" else None,
        also=also,
        lookback=seconds(LOOKBACK // 1000),
    )
    trigger = Trigger(
        id="vendor.newest_first",
        summary="",
        fetch=get("/records"),
        records="records",
        strategy=strategy,
        paging=Keyset(values={"searchAfter": ("last.searchAfter",)}, size=size),
    )
    return Feed(trigger, vendor, lambda asked: vendor.by_time(asked, by, descending=True), start=start)


def counted(vendor: Vendor, *, size: int | None = 3, start: Any = "now", missing: int = 1) -> Feed:
    """A list without a time filter, counted off in pages that overlap by one, or in one page."""
    trigger = Trigger(
        id="vendor.counted",
        summary="",
        fetch=get("/records"),
        records="records",
        strategy=Snapshot(missing=missing, added="added"),
        paging=OnePage() if size is None else Offset(size=size),
        volatile=("updated",),
    )
    return Feed(trigger, vendor, vendor.counted, start=start)


def single(vendor: Vendor, key: str, *, start: Any = "now") -> Feed:
    """One object; nothing where it is gone."""
    trigger = Trigger(
        id="vendor.single",
        summary="",
        fetch=get("/records/{id}"),
        strategy=Object(),
        volatile=("updated",),
        default_event="changed",
    )

    def serve(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        vendor.requests += 1
        return {"records": [vendor.body(key)] if key in vendor.order else []}

    return Feed(trigger, vendor, serve, start=start)


def windowed(vendor: Vendor, serve: Serve, *, slots: bool, days: tuple[int, int] = (0, 3), missing: int = 1) -> Feed:
    """A list asked for in a rolling window: free slots, or entries that know when they were added."""
    window = Window(start="from", end="to", days=days, at="place")
    trigger = Trigger(
        id="vendor.windowed",
        summary="",
        fetch=get("/records"),
        strategy=Availability(window=window, missing=missing)
        if slots
        else Snapshot(version="updated", added="added", window=window, missing=missing),
    )
    return Feed(trigger, vendor, serve)
