"""The plan: what a day costs, and at which pace `every: auto` still fits into it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from config.automation import Auto, Cron, Every
from connections.connection import Connection, Quota
from tests.worker.rows import ACME, TRIGGERS, automation
from worker.plan import Past, least_pace, paces, plans, polls_a_day
from worker.schedule import FASTEST, FIRST_PACE, SLOWEST, paced

OTHER = replace(ACME, name="other", location_id="l2")


def small(per_day: int | None) -> dict[str, Connection]:
    quota = None if per_day is None else Quota(per_day=per_day)
    return {"acme": replace(ACME, quota=quota), "other": OTHER}


@pytest.mark.parametrize(
    ("schedules", "expected"),
    [
        ([Every(60)], 1440),
        ([Every(900)], 96),
        ([Auto()], 288),
        ([Every(60), Every(60)], 1440),
        ([Every(60), Every(900)], 1536),
        ([Cron("*/5 9-17 * * mon-fri")], 108),
        ([Cron("0 0 * * sun")], 1),
    ],
)
def test_polls_of_a_day(schedules: list[Every | Auto | Cron], expected: float) -> None:
    assert polls_a_day(schedules, FIRST_PACE) == expected


def test_equal_feeds_are_counted_once_and_accounts_apart() -> None:
    given = [
        automation("one", schedule=Every(60)),
        automation("two", schedule=Every(60)),
        automation("three", schedule=Every(900), with_={"colour": "red"}),
        automation("four", schedule=Every(900), connection="other"),
    ]
    acme, other = plans(given, small(2000), TRIGGERS)
    assert acme.requests == 1440 + 96
    assert acme.share == pytest.approx(1536 / 2000)
    assert [feed.automations for feed in acme.feeds] == [("one", "two"), ("three",)]
    assert (other.connections, other.requests, other.per_day) == (("other",), 96, 200_000)


def test_what_was_used_until_now_is_counted() -> None:
    [before] = plans([automation(schedule=Every(60))], small(100_000), TRIGGERS)
    past = Past(pages={before.feeds[0].feed: 2.5}, actions={"acme": 500.0, "other": 9.0})
    [after] = plans([automation(schedule=Every(60))], small(100_000), TRIGGERS, past)
    assert (after.feeds[0].requests, after.actions, after.requests) == (3600, 500, 4100)


@pytest.mark.parametrize(
    ("per_day", "pace", "stretched"),
    [(None, FASTEST, False), (200_000, FASTEST, False), (320, 300_000, True), (50, SLOWEST, True)],
    ids=["no limit", "plenty", "five minutes", "never enough"],
)
def test_auto_is_stretched_to_what_the_quota_leaves(per_day: int | None, pace: int, stretched: bool) -> None:
    made = plans([automation(schedule=Auto())], small(per_day), TRIGGERS)
    assert [(each.pace, each.stretched) for each in made] == [(pace, stretched)]
    assert made[0].fixed_share == 0.0
    assert paces(made) == {"acme": pace}


def test_fixed_feeds_and_actions_come_before_auto() -> None:
    given = [automation(schedule=Every(300)), automation("b", schedule=Auto(), with_={"colour": "red"})]
    [plain] = plans(given, small(1000), TRIGGERS)
    [busy] = plans(given, small(1000), TRIGGERS, Past(pages={}, actions={"acme": 400.0}))
    assert plain.pace == round(86_400_000 / (900 - 288))
    assert busy.pace == round(86_400_000 / (900 - 288 - 400))
    assert busy.fixed_share == pytest.approx(0.688)


def test_a_pace_is_never_shorter_than_the_quota_allows() -> None:
    assert paced(FIRST_PACE, brought=True, least=200_000) == 200_000
    assert paced(FIRST_PACE, brought=True) == 150_000
    assert paced(SLOWEST, brought=False, least=SLOWEST) == SLOWEST


def test_a_new_location_gets_what_its_neighbours_have() -> None:
    known = {"acme": 1, "clients/l1": 70_000, "clients/l2": 90_000}
    assert least_pace(known, "clients/l3") == 90_000
    assert least_pace(known, "clients/l1") == 70_000
    assert least_pace(known, "nobody") == FASTEST
    assert least_pace(known, "others/l1") == FASTEST


def test_a_cron_of_three_hundred_locations_is_counted_once() -> None:
    places = {f"l{number}": replace(ACME, name=f"l{number}", location_id=f"l{number}") for number in range(300)}
    flows = [
        automation(f"a{minute}", connection=name, schedule=Cron(f"{minute}-59/5 * * * *"))
        for name in places
        for minute in range(5)
    ]
    began = time.process_time()
    found = plans(flows, places, TRIGGERS)
    took = time.process_time() - began
    assert (len(found), sum(each.requests for each in found)) == (300, 300 * 5 * 288)
    assert took < 5  # a minute and more where each is counted by itself
