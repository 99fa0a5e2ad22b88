"""Pages that are counted off, in a list sorted by time: none that moves while it is read slips by."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from connections.operation import get
from connections.paging import Linked, Numbered, Offset
from tests.triggers.feeds import LOOKBACK, Feed, since, told
from tests.triggers.test_watermark_machine import LATE, WatermarkMachine
from tests.triggers.vendor import MINUTE, Vendor
from triggers import watermark
from triggers.reading import PageRepeated
from triggers.trigger import Trigger, Watch, Watermark, seconds


def pages(vendor: Vendor, watch: Watch, paging: Numbered | Offset | Linked, *, start: Any = "now") -> Feed:
    """A list that takes a since filter and is counted off, by numbers of pages or of records."""
    trigger = Trigger(
        id="vendor.pages",
        summary="",
        fetch=get("/records"),
        records="records",
        strategy=Watermark(added="added", updated="updated", since=(since,), lookback=seconds(LOOKBACK // 1000)),
        paging=paging,
    )

    def serve(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        vendor.requests += 1
        low = asked.get("gte") or 0
        whole = [one for one in sorted((time, key) for key, time in vendor.visible(asked["field"])) if one[0] >= low]
        whole = whole[::-1] if asked["descending"] else whole
        match paging:
            case Offset():
                first = asked["skip"]
            case Numbered():
                first = (asked["page"] - 1) * paging.size
            case Linked():  # which counts behind its links
                first = int(asked["link"].rpartition("=")[2]) if asked["link"] else 0
        last = first + paging.size
        more = {"link": f"/records?first={last}"} if last < len(whole) else {}
        return {"records": [vendor.body(key) for _, key in whole[first:last]], **more}

    return Feed(trigger, vendor, serve, watch=watch, start=start)


class CountedMachine(WatermarkMachine):
    """Any changes between any two pages, none of which is read in no time at all.

    Only where a page is found by its number (newest first, or among as many records of one time as fill a page) nothing
    that was read moves away: nothing would tell that others slip by.
    """

    def page(self, answer: Any = None) -> None:
        baseline = self.feed.cursor.phase == "baseline"
        known = self.known | (set() if self.walk or not baseline else self.vendor.visible(self.field))
        try:
            super().page(answer)
        except PageRepeated:  # what came in on top has outrun the reader; the poller then begins the list anew
            assert baseline
            self.feed.store(watermark.back(self.feed.cursor))
        self.vendor.wait(1)
        if baseline:  # of what was served, what came in on top meanwhile is no part of it
            cursor = self.feed.cursor
            met = {**cursor.seen, **(cursor.walk.met if cursor.walk else {})}
            self.known = known | {(key, int(time)) for key, times in met.items() for time in times}
            self.known_keys = {key for key, _ in self.known}

    def still(self) -> bool:
        return self.feed.cursor.walk is None or self.feed.cursor.walk.at is None

    @precondition(lambda self: self.vendor.order and self.still())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.vendor.delete(data.draw(st.sampled_from(self.vendor.order)))

    @precondition(lambda self: self.vendor.order and self.still())
    @rule(data=st.data(), late=LATE)
    def edit(self, data: st.DataObject, late: int) -> None:
        """What shows up late does so before the next page: later, it might while a page is found by its number."""
        self.vendor.edit(data.draw(st.sampled_from(self.vendor.order)), late=late)
        self.vendor.wait(late)

    @rule()
    def crash(self) -> None:
        with suppress(PageRepeated):
            self.feed.page(commit=False)

    @rule()
    def date_ahead(self) -> None:
        """Nothing is dated ahead: it would count as on top of what is read."""

    read_a_page_again = None  # type: ignore[assignment]  # nothing in such a page tells which one it is


class NumberedUpdated(CountedMachine):
    def open(self, size: int, start: Any) -> Feed:
        return pages(self.vendor, "updated", Numbered(page="page", size=size), start=start)


class OffsetUpdated(CountedMachine):
    def open(self, size: int, start: Any) -> Feed:
        return pages(self.vendor, "updated", Offset(size=size), start=start)


class LinkedUpdated(CountedMachine):
    def open(self, size: int, start: Any) -> Feed:
        return pages(self.vendor, "updated", Linked(size=size), start=start)


class NumberedNew(CountedMachine):
    field = "added"

    def open(self, size: int, start: Any) -> Feed:
        return pages(self.vendor, "new", Numbered(page="page", size=size), start=start)


PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
TestNumberedUpdated = NumberedUpdated.TestCase
TestNumberedUpdated.settings = PROFILE
TestOffsetUpdated = OffsetUpdated.TestCase
TestOffsetUpdated.settings = PROFILE
TestLinkedUpdated = LinkedUpdated.TestCase
TestLinkedUpdated.settings = PROFILE
TestNumberedNew = NumberedNew.TestCase
TestNumberedNew.settings = PROFILE

PAGINGS = [Numbered(page="page", size=2), Offset(size=2), Linked(size=2)]
EACH = pytest.mark.parametrize("paging", PAGINGS, ids=["numbered", "offset", "linked"])


@EACH
def test_a_record_that_moves_behind_the_reader_makes_no_other_slip_by(paging: Numbered | Offset | Linked) -> None:
    vendor = Vendor()
    feed = pages(vendor, "updated", paging)
    feed.poll()
    for _ in range(6):
        vendor.wait(MINUTE)
        vendor.create()
    vendor.wait(MINUTE)
    feed.page()
    vendor.edit("r0")  # was on the page just read: all that follow it move up by one
    feed.poll()
    assert sorted(told(feed.events)) == sorted([("new", f"r{number}") for number in range(6)] + [("updated", "r0")])


@EACH
def test_more_records_of_one_time_than_a_page_holds_are_all_read(paging: Numbered | Offset | Linked) -> None:
    vendor = Vendor()
    feed = pages(vendor, "updated", paging)
    feed.poll()
    vendor.wait(MINUTE)
    for _ in range(7):
        vendor.create()
    vendor.wait(MINUTE)
    feed.poll()
    assert sorted(told(feed.events)) == sorted(("new", f"r{number}") for number in range(7))


@EACH
@pytest.mark.parametrize("times", [0, 1], ids=["one time", "many times"])
def test_a_vendor_that_does_not_count_is_an_error_and_no_loop(paging: Numbered | Offset | Linked, times: int) -> None:
    vendor = Vendor()
    feed = pages(vendor, "updated", paging, start="beginning")
    for _ in range(2):
        vendor.wait(times)
        vendor.create()
    always = {"records": [vendor.body(key) for key in ("r0", "r1")]}
    feed.serve = lambda asked: {**always, "link": f"/records?cursor={vendor.requests}"}
    with pytest.raises(PageRepeated, match="reading on would never end"):
        feed.poll(pages=10)
