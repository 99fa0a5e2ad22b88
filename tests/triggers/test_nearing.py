"""A record whose own time counts is new once when it comes near, and again only after it was far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connections.operation import get
from connections.paging import Keyset, Offset, OnePage
from tests.triggers.feeds import Feed, told
from tests.triggers.vendor import DAY, MINUTE, T0, Vendor
from triggers.snapshot import bound
from triggers.trigger import Snapshot, Trigger, Within

PAGES = [OnePage(), Offset(size=2), Keyset(values={"after": ("last.id",)}, size=2)]
EACH = pytest.mark.parametrize("paging", PAGES, ids=["one page", "offset", "keyset"])


def contracts(ends: dict[str, int | None], paging: Any = PAGES[0], *, within: str = "30d", start: Any = "now") -> Feed:
    """A list of contracts with the days, from T0, in which they end."""
    trigger = Trigger(
        id="vendor.contracts",
        summary="",
        fetch=get("/contracts"),
        records="records",
        strategy=Snapshot(within=Within(at="ends", parameter="near"), events=("new", "removed")),
        paging=paging,
    )
    vendor = Vendor()

    def serve(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        whole = [{"id": key, "ends": None if day is None else T0 + day * DAY} for key, day in sorted(ends.items())]
        first = asked.get("skip", 0)
        rest = [record for record in whole[first:] if str(record["id"]) > asked.get("after", "")]
        return {"records": rest[: asked.get("limit", len(rest))]}

    return Feed(bound(trigger, {"near": within}), vendor, serve, start=start)


def after(feed: Feed, days: float) -> list[tuple[str, str]]:
    """What a poll brings so many days later."""
    feed.vendor.wait(round(days * DAY))
    return told(feed.poll())


@EACH
def test_each_is_told_of_once_as_its_end_comes_near(paging: Any) -> None:
    feed = contracts({"a": 10, "b": 35, "c": 40, "d": 100, "e": None}, paging)
    assert after(feed, 0) == []
    assert after(feed, 4) == []
    assert after(feed, 1) == [("new", "b")]
    assert after(feed, 1) == []
    assert after(feed, 10) == [("new", "c")]
    assert after(feed, 40) == []


@EACH
def test_what_is_near_at_the_start_is_told_of_only_on_demand(paging: Any) -> None:
    ends = {"a": 10, "b": 20, "c": 90}
    assert told(contracts(ends, paging).poll()) == []
    assert told(contracts(ends, paging, start="beginning").poll()) == [("new", "a"), ("new", "b")]


def test_another_end_within_reach_is_no_second_event() -> None:
    ends: dict[str, int | None] = {"a": 40}
    feed = contracts(ends)
    feed.poll()
    assert after(feed, 15) == [("new", "a")]
    ends["a"] = 44
    assert after(feed, 1) == []


def test_a_contract_that_was_renewed_is_told_of_again_when_it_ends_again() -> None:
    ends: dict[str, int | None] = {"a": 40}
    feed = contracts(ends)
    feed.poll()
    assert after(feed, 15) == [("new", "a")]
    ends["a"] = 400
    assert after(feed, 1) == [("removed", "a")]
    assert after(feed, 300) == []
    assert after(feed, 60) == [("new", "a")]


def test_each_threshold_is_told_of_for_itself() -> None:
    ends: dict[str, int | None] = {"a": 40}
    month, week = contracts(ends), contracts(ends, within="7d")
    for feed in (month, week):
        feed.poll()
    assert (after(month, 15), after(week, 15)) == ([("new", "a")], [])
    assert (after(month, 20), after(week, 20)) == ([], [("new", "a")])


def test_the_vendors_clock_counts() -> None:
    feed = contracts({"a": 35})
    feed.poll()
    feed.today = T0 + 300 * DAY
    assert after(feed, 1) == []
    assert after(feed, 5) == [("new", "a")]


def test_a_length_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="should be a length of time"):
        contracts({}, within="soon")


def test_time_of_day_counts() -> None:
    feed = contracts({"a": 30})
    feed.vendor.clock -= MINUTE
    assert told(feed.poll()) == []
    feed.vendor.wait(MINUTE)
    assert told(feed.poll()) == [("new", "a")]
