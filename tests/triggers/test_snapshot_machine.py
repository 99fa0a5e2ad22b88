"""Any sequence of vendor changes, shifts, cuts and crashes gives exactly one event per version of a listed record."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.triggers.feeds import Feed, counted, single, windowed
from tests.triggers.vendor import DAY, T0, Vendor
from triggers.reading import Event, PageRepeated
from triggers.trigger import Object

VALUES = st.integers(0, 2)
PLACE = st.integers(0, 12)
PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


class ListMachine(RuleBasedStateMachine):
    """Each change between two sights of a record is one event; a record is gone once whole listings miss it."""

    pages: tuple[int | None, ...] = (2, 3, 4, 5)

    def open(self, size: int | None, start: Any, missing: int) -> Feed:
        return counted(self.vendor, size=size, start=start, missing=missing)

    @initialize(
        data=st.data(),
        start=st.sampled_from(["now", "now", "beginning", "date"]),
        before=st.integers(0, 6),
        missing=st.integers(1, 2),
    )
    def account(self, data: st.DataObject, start: str, before: int, missing: int) -> None:
        self.vendor = Vendor()
        for _ in range(before):
            self.vendor.create()
            self.vendor.wait(1)
        self.from_ = {"now": None, "beginning": 0, "date": T0 + before // 2}[start]
        self.missing = missing
        self.feed = self.open(data.draw(st.sampled_from(self.pages)), self.from_ if start == "date" else start, missing)
        self.sight: dict[str, int] = {}
        self.missed: dict[str, int] = {}
        self.whole, self.torn = True, False
        self.found: set[str] = set()
        self.stayed: set[str] = set()
        self.versions: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        if not hasattr(self, "feed"):
            return
        self.vendor.nameless.clear()
        for _ in range(self.missing + 2):
            self.finish()
        assert set(self.sight) == set(self.vendor.order), "what is there is known, and nothing else"
        assert all(self.vendor.items[key].versions[-1].value == value for key, value in self.sight.items())
        before, cursor, events = self.vendor.requests, self.feed.stored, len(self.feed.events)
        self.finish()
        assert self.feed.stored == cursor, "an idle poll changes nothing"
        assert len(self.feed.events) == events
        assert self.vendor.requests > before

    @rule(place=PLACE, value=VALUES)
    def create(self, place: int, value: int) -> None:
        self.vendor.create(place=place, value=value)
        self.vendor.wait(1)

    @precondition(lambda self: self.vendor.order)
    @rule(data=st.data(), value=VALUES)
    def edit(self, data: st.DataObject, value: int) -> None:
        self.vendor.edit(data.draw(st.sampled_from(self.vendor.order)), value=value)

    @precondition(lambda self: self.vendor.order)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.vendor.order))
        self.vendor.delete(key)
        self.stayed.discard(key)

    @precondition(lambda self: self.restorable())
    @rule(data=st.data(), place=PLACE)
    def restore(self, data: st.DataObject, place: int) -> None:
        self.vendor.restore(data.draw(st.sampled_from(self.restorable())), place=place)

    def restorable(self) -> list[str]:
        """What was deleted, unless the listing under way has shown it: that would be a move, which hides others."""
        shown = self.found if self.feed.unfinished else set()
        return [key for key, item in self.vendor.items.items() if item.gone and key not in shown]

    @rule()
    def read(self) -> None:
        with suppress(PageRepeated):
            self.page()

    @rule()
    def read_all(self) -> None:
        self.finish()

    @rule()
    def crash(self) -> None:
        with suppress(PageRepeated):
            self.feed.page(commit=False)

    @precondition(lambda self: self.vendor.order)
    @rule(data=st.data())
    def lose_or_find_an_id(self, data: st.DataObject) -> None:
        self.vendor.nameless ^= {data.draw(st.sampled_from(self.vendor.order))}

    @precondition(lambda self: self.feed.unfinished and not self.torn)
    @rule()
    def read_a_page_again(self) -> None:
        with suppress(PageRepeated):
            self.page(answer=self.feed.answers[-1])

    def finish(self) -> None:
        for _ in range(300):
            try:
                self.page()
            except PageRepeated:
                # the list has shifted twice by just a page, which looks the same; its next change ends that
                self.vendor.create(place=0)
                continue
            if not self.feed.unfinished:
                return
        raise AssertionError("the listing does not end")

    def page(self, answer: Any = None) -> None:
        """Read a page, and hold what it brought against what was seen of each record before."""
        if not self.feed.unfinished:
            self.whole, self.found, self.stayed = True, set(), set(self.vendor.order)
        position = self.feed.cursor.listing.at if self.feed.unfinished else None
        baseline = self.feed.cursor.phase == "baseline"
        events = self.feed.page(answer=answer)
        self.torn = False
        records = self.feed.answers[-1]["records"]
        named = [record for record in records if "id" in record]
        listing = self.feed.cursor.listing
        if listing is not None and position is not None and (listing.at or 0) < position:
            assert not events, "a page that was torn off brings nothing"
            self.torn = True
            return
        self.whole = self.whole and len(named) == len(records)
        self.found |= {record["id"] for record in named}
        expected = [told for record in named if (told := self.saw(record, baseline=baseline))]
        if listing is None:
            expected += self.ended()
        assert [(event.kind, event.key) for event in events] == expected
        self.check_versions(events)

    def saw(self, record: dict[str, Any], *, baseline: bool) -> tuple[str, str] | None:
        key, value = record["id"], record["value"]
        before, self.sight[key] = self.sight.get(key), value
        self.missed.pop(key, None)
        if before == value:
            return None
        if baseline and (self.from_ is None or record["added"] < self.from_):
            return None
        return ("new" if before is None else "updated"), key

    def ended(self) -> list[tuple[str, str]]:
        if not self.whole:
            return []
        assert self.stayed <= self.found, "what was there all the time has been read"
        gone = []
        for key in [key for key in self.sight if key not in self.found]:
            self.missed[key] = self.missed.get(key, 0) + 1
            if self.missed[key] == self.missing:
                del self.sight[key], self.missed[key]
                gone.append(("removed", key))
        return gone

    def check_versions(self, events: list[Event]) -> None:
        for event in events:
            assert (event.key, event.version) not in self.versions, "a version is emitted once"
            self.versions.add((event.key, event.version))
            if event.kind == "removed":
                assert event.record == {"id": event.key}


class OnePageMachine(ListMachine):
    pages = (None,)


class ObjectMachine(RuleBasedStateMachine):
    """One object that changes, goes and comes back."""

    @initialize(start=st.sampled_from(["now", "beginning"]), there=st.booleans())
    def account(self, start: str, there: bool) -> None:
        self.vendor = Vendor()
        self.vendor.create()
        if not there:
            self.vendor.delete("r0")
        self.feed = single(self.vendor, "r0", start=start)
        assert isinstance(self.feed.trigger.strategy, Object)
        self.start = start
        self.before: int | None = None
        self.first = True

    @rule(value=VALUES)
    def edit(self, value: int) -> None:
        self.vendor.edit("r0", value=value)

    @rule()
    def come_or_go(self) -> None:
        if self.vendor.order:
            self.vendor.delete("r0")
        else:
            self.vendor.restore("r0")

    @rule()
    def crash(self) -> None:
        self.feed.page(commit=False)

    @rule()
    def read(self) -> None:
        now = self.vendor.items["r0"].versions[-1].value if self.vendor.order else None
        events = self.feed.poll()
        silent = now == self.before or (self.first and self.start == "now")
        assert [event.kind for event in events] == ([] if silent else ["removed" if now is None else "changed"])
        assert len({event.version for event in self.feed.events}) == len(self.feed.events)
        self.before, self.first = now, False


class SlotMachine(RuleBasedStateMachine):
    """Free slots in a rolling window: only what was, and is, in the window and still to come can appear or be taken."""

    days = (0, 3)
    slots = True

    @initialize(missing=st.integers(1, 2), lists_passed=st.booleans())
    def account(self, missing: int, lists_passed: bool) -> None:
        self.vendor = Vendor(clock=T0)
        self.lists_passed = lists_passed or not self.slots
        self.free: dict[int, dict[str, Any]] = {}
        self.feed = windowed(self.vendor, self.serve, slots=self.slots, days=self.days, missing=missing)
        self.missing = missing
        self.known: dict[str, dict[str, Any]] = {}
        self.missed: dict[str, int] = {}
        self.window: tuple[int, int] | None = None
        self.listed = 0
        self.count = 0
        self.move_day()

    def serve(self, asked: Any) -> dict[str, Any]:
        within = [slot for place, slot in self.free.items() if asked["from"] <= place < asked["to"]]
        return {"records": [slot for slot in within if self.lists_passed or not self.passed(slot["place"])]}

    def passed(self, place: int) -> bool:
        return self.slots and place <= self.vendor.date

    def move_day(self) -> None:
        self.feed.today = T0 + (self.vendor.clock - T0) // DAY * DAY

    @rule(hours=st.sampled_from([1, 5, 24, 24, 60]))
    def wait(self, hours: int) -> None:
        self.vendor.wait(hours * DAY // 24)
        self.move_day()

    @rule(hours=st.integers(-12, 120))
    def book(self, hours: int) -> None:
        place = (self.vendor.clock // (DAY // 24) + hours) * (DAY // 24)
        self.count += 1
        self.free.setdefault(
            place, {"id": f"e{self.count}", "place": place, "added": self.vendor.clock, "updated": self.count}
        )
        self.vendor.wait(1000)
        self.move_day()

    @precondition(lambda self: self.free)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        del self.free[data.draw(st.sampled_from(sorted(self.free)))]

    @rule()
    def crash(self) -> None:
        self.feed.page(commit=False)

    @rule()
    def read(self) -> None:
        start, end = self.feed.today + self.days[0] * DAY, self.feed.today + self.days[1] * DAY
        events = [(event.kind, event.key) for event in self.feed.poll()]
        there = {slot["id"]: slot for slot in self.feed.answers[-1]["records"]}
        expected = []
        for key, slot in there.items():
            self.missed.pop(key, None)
            crossed = self.window is not None and not self.window[0] <= slot["place"] < self.window[1]
            fresh = not self.slots and self.window is not None and slot["added"] >= self.listed
            quiet = self.window is None or crossed or self.passed(slot["place"])
            if key not in self.known and (fresh or not quiet):
                expected.append(("new", key))
        for key in [key for key in self.known if key not in there]:
            place = self.known[key]["place"]
            self.missed[key] = self.missed.get(key, 0) + 1
            passed = not start <= place < end or self.passed(place)
            if passed or self.missed[key] == self.missing:
                del self.known[key], self.missed[key]
                expected += [] if passed else [("removed", key)]
        assert events == expected
        self.known |= there
        self.window, self.listed = (start, end), self.vendor.date


class EntryMachine(SlotMachine):
    """Entries of a calendar: one that was booked since the last poll is new wherever in the window it lies."""

    slots = False
    days = (-1, 3)


TestList = ListMachine.TestCase
TestList.settings = PROFILE
TestOnePage = OnePageMachine.TestCase
TestOnePage.settings = PROFILE
TestObject = ObjectMachine.TestCase
TestObject.settings = PROFILE
TestSlots = SlotMachine.TestCase
TestSlots.settings = PROFILE
TestEntries = EntryMachine.TestCase
TestEntries.settings = PROFILE
