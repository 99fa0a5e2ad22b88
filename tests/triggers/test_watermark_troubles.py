"""Each kind of trouble that a list sorted by time can bring, once by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.triggers.feeds import LOOKBACK, Feed, filtered, newest_first, told
from tests.triggers.vendor import DAY, MINUTE, SECOND, T0, Vendor
from triggers import watermark
from triggers.reading import Disordered, PageRepeated

Open = Callable[..., Feed]


def filtered_new(vendor: Vendor, **options: Any) -> Feed:
    return filtered(vendor, "new", **options)


def filtered_updated(vendor: Vendor, **options: Any) -> Feed:
    return filtered(vendor, "updated", **options)


def newest_added(vendor: Vendor, **options: Any) -> Feed:
    return newest_first(vendor, "added", **options)


def newest_updated(vendor: Vendor, **options: Any) -> Feed:
    return newest_first(vendor, "updated", **options)


every_list = pytest.mark.parametrize("open_feed", [filtered_new, filtered_updated, newest_added, newest_updated])
lists_of_updates = pytest.mark.parametrize("open_feed", [filtered_updated, newest_updated])


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def started(vendor: Vendor, open_feed: Open, **options: Any) -> Feed:
    """A feed after its baseline, on an account that had one old record."""
    vendor.create()
    vendor.wait(DAY)
    feed = open_feed(vendor, **options)
    assert feed.poll() == []
    vendor.wait(MINUTE)
    return feed


@every_list
def test_start_now_fires_nothing_for_what_exists(vendor: Vendor, open_feed: Open) -> None:
    for _ in range(8):
        vendor.create()
        vendor.wait(SECOND)
    feed = open_feed(vendor)
    assert feed.poll() == []
    vendor.create()
    assert told(feed.poll()) == [("new", "r8")]


@every_list
def test_start_beginning_fires_once_for_each_record_that_exists(vendor: Vendor, open_feed: Open) -> None:
    for _ in range(8):
        vendor.create()
        vendor.wait(MINUTE)
    feed = open_feed(vendor, start="beginning")
    assert sorted(told(feed.poll())) == [("new", f"r{number}") for number in range(8)]
    assert feed.poll() == []


@every_list
def test_a_start_date_fires_for_what_lies_at_or_after_it(vendor: Vendor, open_feed: Open) -> None:
    for _ in range(8):
        vendor.create()
        vendor.wait(MINUTE)
    feed = open_feed(vendor, start=T0 + 5 * MINUTE)
    assert sorted(told(feed.poll())) == [("new", "r5"), ("new", "r6"), ("new", "r7")]
    assert feed.poll() == []


@every_list
def test_an_account_that_was_empty_at_the_start_misses_nothing(vendor: Vendor, open_feed: Open) -> None:
    feed = open_feed(vendor)
    assert feed.poll() == []
    assert feed.requests() == 1
    vendor.create()
    assert told(feed.poll()) == [("new", "r0")]
    assert feed.poll() == []


@every_list
def test_equal_times_across_pages(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(8):
        vendor.create()
    first = feed.poll()
    for _ in range(4):
        vendor.create()
    assert len(first) == 8
    assert len(feed.poll()) == 4
    assert feed.poll() == []


@every_list
def test_a_record_that_shows_up_late_inside_the_lookback(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    vendor.create(late=LOOKBACK - SECOND)
    vendor.wait(MINUTE)
    for _ in range(5):
        vendor.create()
    assert len(feed.poll()) == 5
    vendor.wait(MINUTE - SECOND)
    assert told(feed.poll()) == [("new", "r1")]
    assert feed.poll() == []


@every_list
def test_a_record_dated_in_the_future_does_not_carry_the_watermark_away(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    vendor.create(ahead=DAY)
    assert told(feed.poll()) == [("new", "r1")]
    for number in range(2, 6):
        vendor.wait(10 * MINUTE)
        vendor.create()
        assert told(feed.poll()) == [("new", f"r{number}")]
    vendor.wait(2 * DAY)
    assert feed.poll() == []
    assert feed.poll() == []
    assert feed.cursor.seen == {}


@every_list
@pytest.mark.parametrize("skew", [-DAY, -5 * SECOND, 5 * SECOND, DAY])
def test_record_times_that_have_nothing_to_do_with_the_date_header(vendor: Vendor, open_feed: Open, skew: int) -> None:
    vendor.skew = skew
    feed = started(vendor, open_feed)
    emitted = []
    for number in range(1, 30):
        vendor.create(late=(number % 3) * 30 * SECOND)
        vendor.wait(20 * SECOND)
        emitted += told(feed.poll())
    vendor.wait(LOOKBACK)
    emitted += told(feed.poll())
    assert sorted(emitted) == sorted(("new", f"r{number}") for number in range(1, 30))


@every_list
def test_a_walk_that_pauses_loses_nothing_that_shows_up_behind_it(vendor: Vendor, open_feed: Open) -> None:
    """The records' clock is an hour behind: at the end of the pause its times still look old beside the Date header."""
    vendor.skew = -60 * MINUTE
    feed = started(vendor, open_feed)
    vendor.create(late=LOOKBACK - SECOND)
    vendor.wait(SECOND)
    for _ in range(4):
        vendor.create()
    emitted = told(feed.poll(pages=1))
    vendor.wait(10 * MINUTE)
    for _ in range(4):
        vendor.create()
    for _ in range(3):
        emitted += told(feed.poll())
    assert sorted(emitted) == [("new", f"r{number}") for number in range(1, 10)]


@every_list
def test_a_vendor_without_a_date_header(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    feed.date = lambda: None
    for number in range(1, 6):
        vendor.create()
        vendor.wait(MINUTE)
        assert told(feed.poll()) == [("new", f"r{number}")]
    assert feed.poll() == []


@every_list
def test_a_cut_between_any_two_pages_goes_on_where_it_stopped(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(10):
        vendor.create()
        vendor.wait(SECOND)
    emitted = []
    while len(emitted) < 10:
        brought = told(feed.poll(pages=1))
        assert brought, "each page brings something"
        emitted += brought
    assert sorted(emitted) == sorted(("new", f"r{number}") for number in range(1, 11))
    assert told(feed.poll()) == []


@every_list
def test_a_crash_before_the_commit_repeats_the_page_and_no_event(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(8):
        vendor.create()
        vendor.wait(SECOND)
    while len(feed.events) < 8:
        feed.page(commit=False)
        feed.page()
    assert len({(event.key, event.version) for event in feed.events}) == len(feed.events)


@every_list
def test_a_page_served_twice(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(8):
        vendor.create()
        vendor.wait(SECOND)
    feed.page()
    with pytest.raises(PageRepeated, match="vendor"):
        feed.page(answer=feed.answers[-1])
    feed.poll()
    assert sorted(told(feed.events)) == [("new", f"r{number}") for number in range(1, 9)]


@every_list
def test_an_earlier_page_served_again(vendor: Vendor, open_feed: Open) -> None:
    """Also where the walk is far from both of its ends: what it met near its edge is not forgotten."""
    for pause in [*[5 * SECOND] * 8, DAY, *[5 * SECOND] * 3]:
        vendor.create()
        vendor.wait(pause)
    feed = open_feed(vendor, start="beginning")
    feed.poll(pages=3)
    feed.page(answer=feed.answers[1])
    feed.poll()
    assert sorted(told(feed.events)) == sorted(("new", f"r{number}") for number in range(12))


@every_list
def test_a_page_that_comes_for_ever_is_an_error_and_no_loop(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(8):
        vendor.create()
        vendor.wait(SECOND)
    feed.page()
    first = feed.answers[0]
    for _ in range(3):
        with pytest.raises(PageRepeated):
            feed.page(answer=first)


@every_list
def test_a_list_in_no_order_is_an_error(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(3):
        vendor.create()
        vendor.wait(2 * LOOKBACK)
    jumbled = [vendor.body(key) for key in ("r2", "r1", "r3")]
    with pytest.raises(Disordered, match="r"):
        feed.page(answer={"records": jumbled})


@lists_of_updates
def test_a_record_edited_while_the_list_is_read(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(8):
        vendor.create()
        vendor.wait(SECOND)
    emitted = feed.page()
    met, unmet = emitted[0].key, next(f"r{n}" for n in range(1, 9) if f"r{n}" not in {one.key for one in emitted})
    vendor.edit(met)
    vendor.edit(unmet)
    vendor.wait(SECOND)
    feed.poll()
    feed.poll()
    versions = {(one.key, one.version) for one in feed.events}
    assert len(versions) == len(feed.events) == 9
    assert {(key, str(vendor.items[key].versions[-1].time)) for key in (met, unmet)} <= versions
    assert [one.kind for one in feed.events if one.key == met] == ["new", "updated"]


@lists_of_updates
def test_records_that_move_and_go_between_two_pages(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(9):
        vendor.create()
        vendor.wait(SECOND)
    first = {event.key for event in feed.page()}
    kept = [key for key in vendor.order if key not in first and key != "r0"]
    vendor.delete(min(first))
    vendor.edit(max(first))
    vendor.delete(kept[0])
    feed.poll()
    feed.poll()
    assert {event.key for event in feed.events} == first | set(kept[1:])
    assert len({(one.key, one.version) for one in feed.events}) == len(feed.events)


@lists_of_updates
def test_every_version_is_an_event_of_its_own_and_new_but_once(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    vendor.create()
    for _ in range(4):
        feed.poll()
        vendor.wait(LOOKBACK // 3)
        vendor.edit("r1")
    vendor.edit("r0")
    feed.poll()
    assert told(feed.events) == [("new", "r1"), *[("updated", "r1")] * 3, *told(feed.events)[-2:]]
    assert sorted(told(feed.events)[-2:]) == [("updated", "r0"), ("updated", "r1")]


@lists_of_updates
def test_a_record_whose_time_goes_back_is_not_lost(vendor: Vendor, open_feed: Open) -> None:
    """Dated in the future by mistake, then put right: the later version has the earlier time."""
    feed = started(vendor, open_feed)
    vendor.edit("r0", ahead=DAY)
    feed.poll()
    vendor.wait(MINUTE)
    vendor.edit("r0")
    feed.poll()
    feed.poll()
    assert told(feed.events) == [("updated", "r0")] * 2


@lists_of_updates
def test_an_old_copy_of_a_page_brings_no_version_back(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    vendor.create()
    old = {"records": [{**vendor.body("r1"), "searchAfter": [vendor.clock, "r1"]}]}
    feed.poll()
    vendor.wait(SECOND)
    vendor.edit("r1")
    feed.poll()
    feed.page(answer=old)
    feed.poll()
    assert told(feed.events) == [("new", "r1"), ("updated", "r1")]


def test_two_records_edited_between_two_pages_are_no_repeated_page(vendor: Vendor) -> None:
    """Both pages hold the same two records, but other versions of them."""
    feed = started(vendor, filtered_updated, size=2)
    vendor.wait(LOOKBACK)
    feed.poll()
    vendor.create()
    vendor.create()
    feed.page()
    vendor.wait(SECOND)
    vendor.edit("r1")
    vendor.edit("r2")
    feed.poll()
    assert told(feed.events) == [("new", "r1"), ("new", "r2"), ("updated", "r1"), ("updated", "r2")]


def test_records_read_long_after_they_were_added_are_new(vendor: Vendor) -> None:
    """After an outage: what was added below the walk's edge and edited above it has never been met."""
    feed = started(vendor, filtered_updated)
    vendor.create()
    for _ in range(8):
        vendor.wait(10 * MINUTE)
        vendor.create()
    vendor.wait(10 * MINUTE)
    vendor.edit("r1")
    vendor.wait(10 * MINUTE)
    assert sorted(told(feed.poll())) == [("new", f"r{number}") for number in range(1, 10)]


def test_a_record_met_forgotten_and_met_again_in_one_walk_is_new_once(vendor: Vendor) -> None:
    feed = started(vendor, filtered_updated)
    for _ in range(9):
        vendor.create()
        vendor.wait(10 * MINUTE)
    feed.page()
    feed.page()
    vendor.edit("r1")
    feed.poll()
    assert [event.kind for event in feed.events if event.key == "r1"] == ["new", "updated"]


def test_a_field_beside_the_time_that_goes_there_and_back_is_two_changes(vendor: Vendor) -> None:
    feed = started(vendor, newest_added, also="value")
    vendor.create(value=1)
    for value in (2, 1, 2):
        feed.poll()
        vendor.edit("r1", value=value)
    feed.poll()
    feed.poll()
    assert told(feed.events) == [("new", "r1"), *[("updated", "r1")] * 3]
    assert len({event.version for event in feed.events}) == 4


def test_a_trigger_narrowed_to_its_second_dialect_is_asked_in_that(vendor: Vendor) -> None:
    feed = started(vendor, filtered_new)
    asked = watermark.ask(feed.trigger, "new", replace(feed.cursor, way=1))
    assert asked == {"limit": 3, "gte": feed.cursor.floor, "field": "added", "descending": False}


@every_list
def test_records_without_id_or_time_are_set_aside(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    vendor.create()
    time = {"added": vendor.clock, "updated": vendor.clock}
    records = [vendor.body("r1"), {"id": "x", "added": None, "updated": "soon"}, {"id": "", **time}, {"id": 0, **time}]
    brought = feed.page(answer={"records": records})
    assert sorted(told(brought)) == [("new", "0"), ("new", "r1")]
    assert [item.record for item in feed.aside] == records[1:3]
    field = "added" if open_feed in {filtered_new, newest_added} else "updated"
    assert [item.reason for item in feed.aside] == [f"it has no usable {field}", "it has no usable id"]


@every_list
def test_keys_are_kept_for_the_lookback_and_the_floor_rises_with_them(vendor: Vendor, open_feed: Open) -> None:
    feed = started(vendor, open_feed)
    for _ in range(200):
        vendor.create()
        vendor.wait(10 * SECOND)
        feed.poll()
        floor = feed.cursor.floor
        assert all(mark >= floor for marks in feed.cursor.seen.values() for mark in marks)
        assert len(feed.cursor.seen) <= 1 + (LOOKBACK + 20 * SECOND) // (10 * SECOND)
    assert feed.cursor.floor >= vendor.clock - LOOKBACK - 20 * SECOND
    assert len(feed.events) == 200


@pytest.mark.slow
@every_list
@pytest.mark.parametrize("spread", [0, 3])
def test_an_idle_poll_is_one_request_after_a_burst(vendor: Vendor, open_feed: Open, spread: int) -> None:
    """Ten thousand records inside the look-back, at one moment or within half a minute."""
    feed = started(vendor, open_feed, size=500)
    for _ in range(10_000):
        vendor.create()
        vendor.clock += spread
    assert len(feed.poll()) == 10_000
    for _ in range(4):
        vendor.wait(LOOKBACK)
        assert feed.poll() == []
    stored = feed.stored
    vendor.wait(MINUTE)
    assert feed.requests() == 1
    assert feed.cursor.seen == {}
    assert feed.stored == stored, "an idle poll changes nothing"


@every_list
def test_the_cursor_stays_small_while_a_large_account_is_read(vendor: Vendor, open_feed: Open) -> None:
    for _ in range(3000):
        vendor.create()
        vendor.wait(5 * SECOND)
    feed = open_feed(vendor, start="beginning", size=100)
    sizes = []
    for _ in range(31):
        feed.page()
        sizes.append(len(feed.stored))
    assert len(feed.events) == 3000
    inside = 100 + 2 * LOOKBACK // (5 * SECOND)
    assert max(sizes) < inside * len(orjson.dumps({"r1000": [T0]})) + 300
