"""Any sequence of vendor changes, delays, cuts and crashes gives exactly one event per version of a watermark list."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.triggers.feeds import LOOKBACK, Feed, filtered, newest_first
from tests.triggers.vendor import DAY, MINUTE, SECOND, Vendor
from triggers.reading import Disordered, PageRepeated

LATE = st.sampled_from([0, 0, 0, SECOND, 30 * SECOND, LOOKBACK - SECOND])
PAUSE = st.sampled_from([0, 1, 2, 999, SECOND, 30 * SECOND, MINUTE, LOOKBACK, LOOKBACK + 1, 10 * MINUTE, DAY])
SKEW = st.sampled_from([0, 0, 0, -2 * SECOND, -3_600_000, 700, 5 * SECOND, 3_600_000])
START = st.sampled_from(["now", "now", "now", "beginning", "date"])


class WatermarkMachine(RuleBasedStateMachine):
    """The vendor changes between any two pages; what was shown throughout a walk must have been emitted by its end."""

    field = "updated"

    def open(self, size: int, start: Any) -> Feed:
        raise NotImplementedError

    @initialize(skew=SKEW, start=START, size=st.integers(2, 5), before=st.lists(PAUSE, max_size=8))
    def account(self, skew: int, start: str, size: int, before: list[int]) -> None:
        self.vendor = Vendor(skew=skew)
        self.from_: int | None = None
        for number, pause in enumerate(before):
            self.vendor.create()
            self.vendor.wait(pause)
            if start == "date" and number == len(before) // 2:
                self.from_ = self.vendor.clock + skew
        self.from_ = self.vendor.clock + skew if start == "date" and self.from_ is None else self.from_
        self.feed = self.open(size, self.from_ if start == "date" else start)
        self.known: set[tuple[str, int]] = set()
        self.known_keys: set[str] = set()
        self.emitted: dict[tuple[str, str], str] = {}
        self.first: dict[str, str] = {}
        self.moved: set[str] = set()
        self.walk: tuple[int, set[tuple[str, int]]] | None = None
        self.ahead = False

    def teardown(self) -> None:
        if not hasattr(self, "feed"):
            return
        self.vendor.wait(MINUTE)
        self.vendor.create()
        for _ in range(3):
            self.vendor.wait(LOOKBACK + 2 * SECOND + abs(self.vendor.skew))
            self.finish()
        if not self.ahead:
            before = self.vendor.requests
            self.finish()
            assert self.vendor.requests == before + 1, "an idle poll is one request"
            assert not self.feed.cursor.seen, "an idle cursor remembers nothing"

    @rule(pause=PAUSE)
    def wait(self, pause: int) -> None:
        self.vendor.wait(pause)

    @rule(count=st.integers(1, 7), late=LATE, pause=st.sampled_from([0, 0, 1, SECOND]))
    def create(self, count: int, late: int, pause: int) -> None:
        for _ in range(count):
            self.vendor.create(late=late)
            self.vendor.wait(pause)

    @precondition(lambda self: self.vendor.order)
    @rule(data=st.data(), late=LATE)
    def edit(self, data: st.DataObject, late: int) -> None:
        key = data.draw(st.sampled_from(self.vendor.order))
        self.vendor.edit(key, late=late)

    @precondition(lambda self: self.vendor.order)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.vendor.delete(data.draw(st.sampled_from(self.vendor.order)))

    @precondition(lambda self: self.vendor.skew == 0)
    @rule(data=st.data(), ahead=st.sampled_from([2 * SECOND, MINUTE, 10 * MINUTE, 2 * DAY]))
    def date_ahead(self, data: st.DataObject, ahead: int) -> None:
        self.ahead = True
        key = data.draw(st.sampled_from([None, *self.vendor.order]))
        if key is None:
            key = self.vendor.create(ahead=ahead)
        else:
            self.vendor.edit(key, ahead=ahead)
            self.moved.add(key)

    @rule()
    def read(self) -> None:
        self.page()

    @rule()
    def read_all(self) -> None:
        self.finish()

    @rule()
    def crash(self) -> None:
        self.feed.page(commit=False)

    @precondition(lambda self: self.feed.unfinished)
    @rule(data=st.data())
    def read_a_page_again(self, data: st.DataObject) -> None:
        with suppress(PageRepeated, Disordered):
            self.page(answer=data.draw(st.sampled_from(self.feed.answers)))

    def finish(self) -> None:
        for _ in range(500):
            self.page()
            if not self.feed.unfinished:
                return
        raise AssertionError("the walk does not end")

    def page(self, answer: Any = None) -> None:
        """Read a page, and hold what it brought against what the vendor shows."""
        baseline = self.feed.cursor.phase == "baseline"
        begun = self.walk or (self.vendor.clock, self.vendor.visible(self.field))
        events = self.feed.page(answer=answer)
        self.walk = begun if self.feed.unfinished else None
        if baseline:
            assert not events, "the baseline fires nothing"
            self.known |= {(record["id"], record[self.field]) for record in self.feed.answers[-1]["records"]}
            self.known_keys |= {record["id"] for record in self.feed.answers[-1]["records"]}
        for event in events:
            assert (event.key, event.version) not in self.emitted, "a version is emitted once"
            assert (event.key, int(event.version)) not in self.known, "what was there at the start is known"
            assert event.record[self.field] == int(event.version)
            self.emitted[event.key, event.version] = event.kind
            self.first.setdefault(event.key, event.kind)
        if self.walk is None:
            self.ended(*begun, baseline=baseline)

    def ended(self, clock: int, shown: set[tuple[str, int]], *, baseline: bool) -> None:
        if baseline:
            self.known |= shown
            self.known_keys |= {key for key, _ in shown}
        if len(self.feed.answers) > 1:
            self.moved |= self.moving(clock)
        for key, time in (shown & self.vendor.visible(self.field)) - self.known:
            if self.from_ is None or time >= self.from_:
                assert (key, str(time)) in self.emitted, "nothing is lost"
        self.check_kinds()

    def moving(self, clock: int) -> set[str]:
        """The records that may have moved while a walk that began at this time read several pages.

        If such a record came into being where the walk has passed, nothing tells whether it was met there before.
        """
        late = clock // SECOND * SECOND - LOOKBACK
        behind = max(-self.vendor.skew, 0)
        items = self.vendor.items.values()
        return {item.key for item in items if any(one.time + behind >= late for one in item.versions[1:])}

    def check_kinds(self) -> None:
        new = Counter(key for (key, _), kind in self.emitted.items() if kind == "new")
        for key, kind in self.first.items():
            if key in self.moved:
                assert new[key] <= 1 or self.vendor.skew < 0, "new at most once"
                continue
            old = key in self.known_keys or (self.from_ is not None and self.vendor.items[key].added < self.from_)
            assert kind == ("updated" if old else "new")
            assert new[key] == (0 if old else 1), "new exactly once"


class FilteredNew(WatermarkMachine):
    field = "added"

    def open(self, size: int, start: Any) -> Feed:
        return filtered(self.vendor, "new", size=size, start=start)


class FilteredUpdated(WatermarkMachine):
    def open(self, size: int, start: Any) -> Feed:
        return filtered(self.vendor, "updated", size=size, start=start)


class NewestFirstUpdated(WatermarkMachine):
    def open(self, size: int, start: Any) -> Feed:
        return newest_first(self.vendor, "updated", size=size, start=start)


class NewestFirstAdded(WatermarkMachine):
    field = "added"

    def open(self, size: int, start: Any) -> Feed:
        return newest_first(self.vendor, "added", size=size, start=start)


class StatusMachine(RuleBasedStateMachine):
    """A list by time of creation with a field that changes beside it: each change that is seen is an event."""

    @initialize(size=st.integers(2, 5), before=st.lists(PAUSE, max_size=6))
    def account(self, size: int, before: list[int]) -> None:
        self.vendor = Vendor()
        for pause in before:
            self.vendor.create()
            self.vendor.wait(pause)
        self.feed = newest_first(self.vendor, "added", size=size, also="value")
        self.last: dict[str, int] = {}
        self.versions: set[tuple[str, str]] = set()

    @rule(pause=PAUSE)
    def wait(self, pause: int) -> None:
        self.vendor.wait(pause)

    @rule(value=st.integers(0, 2), late=LATE)
    def create(self, value: int, late: int) -> None:
        self.vendor.create(value=value, late=late)

    @precondition(lambda self: self.vendor.order)
    @rule(data=st.data(), value=st.integers(0, 2))
    def change(self, data: st.DataObject, value: int) -> None:
        self.vendor.edit(data.draw(st.sampled_from(self.vendor.order)), value=value)

    @rule()
    def crash(self) -> None:
        self.feed.page(commit=False)

    @rule()
    def read(self) -> None:
        floor, baseline = self.feed.cursor.floor, self.feed.cursor.phase == "baseline"
        events = self.feed.page()[::-1]
        expected = []
        for record in self.feed.answers[-1]["records"]:
            key, value = record["id"], record["value"]
            if floor is not None and record["added"] < floor:
                continue
            if self.last.get(key) != value and not baseline:
                expected.append(("updated" if key in self.last else "new", key))
            self.last[key] = value
        assert [(event.kind, event.key) for event in events] == expected
        assert not self.versions & {(event.key, event.version) for event in events}, "a version is emitted once"
        self.versions |= {(event.key, event.version) for event in events}


PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
TestFilteredNew = FilteredNew.TestCase
TestFilteredNew.settings = PROFILE
TestFilteredUpdated = FilteredUpdated.TestCase
TestFilteredUpdated.settings = PROFILE
TestNewestFirstUpdated = NewestFirstUpdated.TestCase
TestNewestFirstUpdated.settings = PROFILE
TestNewestFirstAdded = NewestFirstAdded.TestCase
TestNewestFirstAdded.settings = PROFILE
TestStatus = StatusMachine.TestCase
TestStatus.settings = PROFILE
