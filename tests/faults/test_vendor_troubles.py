"""A vendor that is strict, fails now and then, or is away: every action takes effect once, whatever it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.house import NOTE, PARTNER, TAG, House, house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Start = Callable[..., House]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `hightide run` on a project with these steps; ends it with the test."""
    with ExitStack() as stack:

        def made(*steps: str, quota: str = "off") -> House:
            found, _ = stack.enter_context(house(tmp_path, steps=steps, quota=quota))
            if quota != "off":
                found.vendor.ask("POST", "limits", {"per_10s": 100, "per_day": 200_000})
            found.start("run", "run", "--no-web", "--concurrency", "2")
            found.ready()
            return found

        yield made


def test_three_hundred_contacts_under_a_strict_quota_are_three_hundred_actions(start: Start) -> None:
    house = start(NOTE, quota="{per_10s: 100, per_day: 200000}")
    began = time.monotonic()
    house.vendor.leads(300)
    house.until_drained(300)
    house.expect_once(300, "note")
    stats = house.vendor.ask("GET", "stats")
    assert stats["refused_429"] == 0
    assert stats["worst_10s"] <= 100
    assert time.monotonic() - began > 20  # three windows of a hundred, the first at once
    assert house.held() == []


def test_one_per_cent_of_answers_fails_before_or_after_the_effect_and_each_action_takes_effect_once(
    start: Start,
) -> None:
    house = start(NOTE, PARTNER, TAG)
    for seed, when in enumerate(("before", "after")):
        fault = {"match": {"path": "/contacts*"}, "status": 500, "rate": 0.01, "when": when, "seed": seed}
        house.vendor.ask("POST", "faults", fault)
    house.vendor.leads(300, rate=60)
    house.until_drained(300)
    fired = [fault["fired"] for fault in house.vendor.ask("GET", "faults")["faults"]]
    assert min(fired) >= 2
    house.expect_once(300, "note", "partner")
    assert house.vendor.greeted() == set(house.vendor.lead_ids())
    assert (house.held(), house.status().runs["failed"]) == ([], 0)


def test_a_vendor_that_is_away_for_a_while_is_waited_for(start: Start) -> None:
    house = start(NOTE, PARTNER, TAG)
    house.vendor.slow(0.3)
    house.vendor.leads(60, rate=30)
    house.until_effects(20)
    house.vendor.stop()
    time.sleep(4)  # long enough for calls to be refused, and for the breaker to open
    assert house.status().runs["open"] > 0
    house.vendor.start()
    house.vendor.ask("POST", "limits", {"per_10s": None, "per_day": None})
    leads = len(house.vendor.lead_ids())
    house.vendor.leads(100 - leads)
    house.until_drained(100)
    house.expect_never_twice()
    house.settle()
    house.until_drained(100)
    house.expect_once(100, "note", "partner")
    assert house.vendor.greeted() == set(house.vendor.lead_ids())
    assert house.status().runs["failed"] == 0
