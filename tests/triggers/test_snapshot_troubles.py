"""Each kind of trouble that a list without times, an object or a computed answer can bring, once by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.triggers.feeds import Feed, counted, single, told, windowed
from tests.triggers.vendor import DAY, MINUTE, T0, Vendor
from triggers.reading import PageRepeated
from triggers.snapshot import SnapshotCursor
from triggers.trigger import Availability, Trigger

HOUR = 60 * MINUTE
pages = pytest.mark.parametrize("size", [3, None], ids=["pages", "one page"])


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def started(vendor: Vendor, count: int, **options: Any) -> Feed:
    for _ in range(count):
        vendor.create()
        vendor.wait(1)
    feed = counted(vendor, **options)
    assert feed.poll() == []
    return feed


@pages
def test_new_updated_and_removed(vendor: Vendor, size: int | None) -> None:
    feed = started(vendor, 5, size=size)
    vendor.create()
    vendor.edit("r1")
    vendor.delete("r3")
    assert told(feed.poll()) == [("updated", "r1"), ("new", "r5"), ("removed", "r3")]
    assert feed.events[-1].record == {"id": "r3"}
    assert feed.poll() == []


@pages
def test_a_baseline_cut_between_its_pages_still_fires_nothing(vendor: Vendor, size: int | None) -> None:
    for _ in range(9):
        vendor.create()
    feed = counted(vendor, size=size)
    while feed.cursor.phase == "baseline":
        feed.page(commit=False)
        feed.page()
    assert feed.events == []


@pages
@pytest.mark.parametrize(("start", "fired"), [("beginning", range(6)), (T0 + 3, range(3, 6))])
def test_a_start_in_the_past_fires_for_what_was_added_since(
    vendor: Vendor, size: int | None, start: Any, fired: range
) -> None:
    for _ in range(6):
        vendor.create()
        vendor.wait(1)
    feed = counted(vendor, size=size, start=start)
    assert told(feed.poll()) == [("new", f"r{number}") for number in fired]
    assert feed.poll() == []


@pages
def test_an_account_that_was_empty_at_the_start_misses_nothing(vendor: Vendor, size: int | None) -> None:
    feed = started(vendor, 0, size=size)
    vendor.create()
    assert told(feed.poll()) == [("new", "r0")]


@pages
def test_there_and_back_is_two_changes(vendor: Vendor, size: int | None) -> None:
    feed = started(vendor, 5, size=size)
    for value in (1, 0, 1):
        vendor.edit("r2", value=value)
        feed.poll()
    assert told(feed.events) == [("updated", "r2")] * 3
    assert len({event.version for event in feed.events}) == 3


@pages
def test_gone_and_back_is_new_again(vendor: Vendor, size: int | None) -> None:
    feed = started(vendor, 5, size=size)
    for _ in range(2):
        vendor.delete("r2")
        feed.poll()
        vendor.restore("r2")
        feed.poll()
    assert told(feed.events) == [("removed", "r2"), ("new", "r2")] * 2
    assert len({event.version for event in feed.events}) == 4


def test_records_deleted_before_the_next_page_make_none_slip_by(vendor: Vendor) -> None:
    """Ten of them leave the next page wholly beyond what was read; stepping back finds the seam."""
    feed = started(vendor, 30, size=6)
    feed.page()
    feed.page()
    for number in range(10):
        vendor.delete(f"r{number}")
    vendor.edit("r12")
    feed.poll()
    feed.poll()
    assert sorted(told(feed.events)) == sorted([("updated", "r12"), *(("removed", f"r{n}") for n in range(10))])


def test_records_added_in_front_while_reading_shift_the_pages(vendor: Vendor) -> None:
    feed = started(vendor, 9, size=3)
    feed.page()
    for _ in range(4):
        vendor.create(place=0)
    feed.poll()
    feed.poll()
    assert sorted(told(feed.events)) == [("new", "r10"), ("new", "r11"), ("new", "r12"), ("new", "r9")]


def test_a_list_that_becomes_shorter_than_what_was_read(vendor: Vendor) -> None:
    feed = started(vendor, 9, size=3)
    feed.page()
    feed.page()
    for number in range(1, 9):
        vendor.delete(f"r{number}")
    feed.poll()
    feed.poll()
    assert sorted(told(feed.events)) == [("removed", f"r{number}") for number in range(1, 9)]


def test_a_record_that_jumps_ahead_of_the_reader_is_not_taken_for_gone(vendor: Vendor) -> None:
    """A list that is sorted by change can hide a record from one listing: such rows wait for a second one."""
    feed = started(vendor, 9, size=3, missing=2)
    feed.page()
    vendor.order.remove("r7")
    vendor.order.insert(0, "r7")
    feed.poll()
    feed.poll()
    assert feed.events == []


def test_a_page_served_twice(vendor: Vendor) -> None:
    feed = started(vendor, 9, size=3)
    vendor.edit("r4")
    vendor.create()
    feed.page()
    feed.page()
    feed.page(answer=feed.answers[-1])
    feed.poll()
    assert told(feed.events) == [("updated", "r4"), ("new", "r9")]


def test_a_page_that_comes_for_ever_is_an_error_and_no_loop(vendor: Vendor) -> None:
    feed = started(vendor, 9, size=3)
    feed.page()
    first = feed.answers[0]
    feed.page(answer=first)
    for _ in range(3):
        with pytest.raises(PageRepeated, match=r"vendor.counted"):
            feed.page(answer=first)


def test_a_list_that_shifts_by_just_a_page_is_no_error(vendor: Vendor) -> None:
    feed = started(vendor, 9, size=3)
    feed.page()
    vendor.create(place=0)
    vendor.create(place=0)
    feed.poll()
    feed.poll()
    assert sorted(told(feed.events)) == [("new", "r10"), ("new", "r9")]


def test_a_record_edited_while_the_list_is_read(vendor: Vendor) -> None:
    """The overlap of two pages shows it twice, in two versions."""
    feed = started(vendor, 5, size=3)
    vendor.edit("r2", value=1)
    feed.page()
    vendor.edit("r2", value=2)
    feed.poll()
    assert told(feed.events) == [("updated", "r2")] * 2
    assert len({event.version for event in feed.events}) == 2
    assert feed.poll() == []


@pages
def test_a_record_listed_twice_in_an_answer_is_not_two_versions(vendor: Vendor, size: int | None) -> None:
    feed = started(vendor, 2, size=size)
    twice = [vendor.body("r0"), {**vendor.body("r0"), "value": 7}]
    for _ in range(3):
        feed.page(answer={"records": [*twice[:1], *twice[1:], vendor.body("r1")][: size or 3]})
        while feed.unfinished:
            feed.page(answer={"records": [vendor.body("r1")]})
    assert told(feed.events) == [("updated", "r0")]


def test_a_cut_between_any_two_pages_goes_on_where_it_stopped(vendor: Vendor) -> None:
    feed = started(vendor, 9, size=3)
    for key in list(vendor.order):
        vendor.edit(key)
    vendor.delete("r4")
    while not feed.events or feed.unfinished:
        feed.page(commit=False)
        feed.poll(pages=1)
    assert [event.key for event in feed.events] == ["r0", "r1", "r2", "r3", "r5", "r6", "r7", "r8", "r4"]


def test_removed_only_after_complete_listings(vendor: Vendor) -> None:
    feed = started(vendor, 9, size=3)
    vendor.delete("r0")
    feed.page()
    feed.page()
    assert feed.events == []
    feed.poll()
    assert told(feed.events) == [("removed", "r0")]


@pages
def test_removed_when_missing_twice_in_a_row(vendor: Vendor, size: int | None) -> None:
    feed = started(vendor, 5, size=size, missing=2)
    vendor.delete("r2")
    assert feed.poll() == []
    vendor.restore("r2", place=2)
    assert feed.poll() == []
    vendor.delete("r2")
    assert feed.poll() == []
    assert told(feed.poll()) == [("removed", "r2")]


@pages
def test_a_record_without_id_is_set_aside_and_proves_no_removal(vendor: Vendor, size: int | None) -> None:
    feed = started(vendor, 5, size=size)
    vendor.nameless.add("r2")
    vendor.delete("r4")
    assert feed.poll() == []
    assert {item.reason for item in feed.aside} == {"it has no usable id"}
    vendor.nameless.clear()
    assert told(feed.poll()) == [("removed", "r4")]


@pages
def test_an_idle_poll_changes_nothing(vendor: Vendor, size: int | None) -> None:
    feed = started(vendor, 9, size=size)
    feed.poll()
    stored = feed.stored
    vendor.wait(DAY)
    feed.poll()
    assert feed.stored == stored


def test_an_object_that_changes_goes_and_comes_back(vendor: Vendor) -> None:
    vendor.create()
    feed = single(vendor, "r0")
    assert feed.poll() == []
    for change in (lambda: vendor.edit("r0"), lambda: vendor.delete("r0"), lambda: vendor.restore("r0")):
        change()
        feed.poll()
        feed.poll()
    assert told(feed.events) == [("changed", "r0"), ("removed", "r0"), ("changed", "r0")]
    assert len({event.version for event in feed.events}) == 3


def test_an_object_that_changes_there_and_back(vendor: Vendor) -> None:
    vendor.create()
    feed = single(vendor, "r0")
    feed.poll()
    for value in (1, 0, 1):
        vendor.edit("r0", value=value)
        feed.page(commit=False)
        feed.poll()
    assert told(feed.events) == [("changed", "r0")] * 3
    assert len({event.version for event in feed.events}) == 3


def test_an_object_that_was_not_there_at_the_start(vendor: Vendor) -> None:
    vendor.create()
    vendor.delete("r0")
    feed = single(vendor, "r0")
    assert feed.poll() == []
    vendor.restore("r0")
    assert told(feed.poll()) == [("changed", "r0")]


def test_an_object_without_an_id_has_one_place(vendor: Vendor) -> None:
    vendor.create()
    vendor.nameless.add("r0")
    feed = single(vendor, "r0")
    feed.poll()
    vendor.edit("r0")
    feed.poll()
    vendor.delete("r0")
    feed.poll()
    assert told(feed.events) == [("changed", "object"), ("removed", "object")]
    assert feed.events[-1].record == {}
    assert feed.aside == []


class Calendar:
    """Slots or entries by their place, as a feed with a rolling window asks for them."""

    def __init__(self, *, slots: bool, missing: int = 1, days: tuple[int, int] = (0, 3)) -> None:
        self.vendor = Vendor(clock=T0 + 8 * HOUR)
        self.entries: dict[str, dict[str, Any]] = {}
        self.feed = windowed(self.vendor, self.serve, slots=slots, missing=missing, days=days)
        self.feed.today = T0

    def serve(self, asked: Any) -> dict[str, Any]:
        return {"records": [one for one in self.entries.values() if asked["from"] <= one["place"] < asked["to"]]}

    def book(self, key: str, place: int) -> None:
        self.entries[key] = {"id": key, "place": place, "added": self.vendor.clock, "updated": self.vendor.clock}

    def next_day(self) -> None:
        self.vendor.wait(DAY)
        self.feed.today += DAY


def test_a_slot_appears_and_is_taken() -> None:
    calendar = Calendar(slots=True)
    calendar.book("a", T0 + 10 * HOUR)
    assert calendar.feed.poll() == []
    calendar.book("b", T0 + 2 * DAY)
    del calendar.entries["a"]
    assert told(calendar.feed.poll()) == [("new", "b"), ("removed", "a")]


def test_slots_that_cross_the_edges_of_the_window_are_no_events() -> None:
    calendar = Calendar(slots=True)
    calendar.book("first", T0 + 9 * HOUR)
    calendar.book("last", T0 + 3 * DAY + HOUR)
    assert calendar.feed.poll() == []
    calendar.next_day()
    assert calendar.feed.poll() == []
    del calendar.entries["last"]
    assert told(calendar.feed.poll()) == [("removed", "last")]


def test_a_slot_that_passes_is_no_event() -> None:
    calendar = Calendar(slots=True)
    calendar.book("a", T0 + 9 * HOUR)
    calendar.feed.poll()
    calendar.vendor.wait(2 * HOUR)
    del calendar.entries["a"]
    calendar.book("b", T0 + 9 * HOUR)
    assert calendar.feed.poll() == []


def test_a_slot_that_flaps_is_taken_only_when_missing_twice() -> None:
    calendar = Calendar(slots=True, missing=2)
    calendar.book("a", T0 + 2 * DAY)
    calendar.feed.poll()
    taken = calendar.entries.pop("a")
    assert calendar.feed.poll() == []
    calendar.entries["a"] = taken
    assert calendar.feed.poll() == []
    del calendar.entries["a"]
    assert calendar.feed.poll() == []
    assert told(calendar.feed.poll()) == [("removed", "a")]


def test_an_old_entry_that_comes_into_the_window_is_not_new() -> None:
    """Also where the entries in the window are older still."""
    calendar = Calendar(slots=False)
    calendar.book("near", T0 + DAY)
    calendar.vendor.wait(HOUR)
    calendar.book("far", T0 + 3 * DAY + HOUR)
    calendar.vendor.wait(HOUR)
    assert calendar.feed.poll() == []
    calendar.next_day()
    assert calendar.feed.poll() == []
    calendar.entries["far"]["updated"] += 1
    assert told(calendar.feed.poll()) == [("updated", "far")]


def test_an_entry_booked_at_the_new_edge_of_the_window_is_new() -> None:
    """Also in a calendar that was empty at the start."""
    calendar = Calendar(slots=False)
    assert calendar.feed.poll() == []
    calendar.next_day()
    calendar.book("far", T0 + 3 * DAY + HOUR)
    assert told(calendar.feed.poll()) == [("new", "far")]


def test_a_cancelled_entry_is_removed_and_a_past_one_is_not() -> None:
    calendar = Calendar(slots=False, days=(-1, 3))
    calendar.book("past", T0 - HOUR)
    calendar.book("future", T0 + DAY)
    calendar.feed.poll()
    del calendar.entries["future"]
    assert told(calendar.feed.poll()) == [("removed", "future")]
    calendar.next_day()
    assert calendar.feed.poll() == []
    assert calendar.feed.cursor.known == {}


def test_a_feed_of_one_event_is_over_after_it() -> None:
    calendar = Calendar(slots=True)
    trigger = calendar.feed.trigger
    calendar.feed.trigger = Trigger(
        id=trigger.id, summary="", fetch=trigger.fetch, strategy=Availability(once=True, events=("new",))
    )
    calendar.feed.serve = lambda asked: {"records": list(calendar.entries.values())}
    calendar.feed.poll()
    assert not cursor(calendar.feed).over
    calendar.book("a", T0)
    assert told(calendar.feed.poll()) == [("new", "a")]
    assert cursor(calendar.feed).over


def cursor(feed: Feed) -> SnapshotCursor:
    found = feed.cursor
    assert isinstance(found, SnapshotCursor)
    return found
