"""Runs and their steps: order, outputs, conditions, loops, failures that are tolerated, secrets that are not stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import MetaData

from connections.errors import BreakerOpen, QuotaSpent, RateLimited, Refused, Unreachable, VendorError
from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.rows import ACME, automation, step
from tests.worker.toy import Trouble
from worker.ledger.store import Store
from worker.outcomes import PATIENCE

pytestmark = pytest.mark.anyio


@pytest.fixture
def works(small_ledger: Store, clock: Clock) -> Works:
    return Works(small_ledger, clock)


@pytest.fixture
def both(ledger: Store, clock: Clock) -> Works:
    """The same, once on each database."""
    return Works(ledger, clock)


async def test_steps_are_carried_out_in_order_with_what_came_before(both: Works) -> None:
    flow = automation(
        steps=(
            step("first", "toy.guarded", with_={"name": "{{ record.name }}", "value": 7}),
            step(
                "second", "toy.set", with_={"id": "{{ steps.first.id }}", "value": "{{ steps.first.made.value + 1 }}"}
            ),
        )
    )
    run = both.opened(flow, {"name": "Ada"})
    assert await both.finished(run, flow) == "done"
    [made] = both.vendor.made["/guarded"]
    assert both.vendor.set == {made["id"]: 8}
    found = both.steps(run)
    assert [(row.name, row.state, row.attempts) for row in found.values()] == [
        ("first", "done", 1),
        ("second", "done", 1),
    ]
    assert found["1"].result_id == made["id"]


async def test_a_run_whose_when_is_false_is_passed_over(works: Works) -> None:
    flow = automation(when="record.name == 'Grace'")
    run = works.opened(flow, {"name": "Ada"})
    assert await works.finished(run, flow) == "skipped"
    assert works.run(run).reason == "its `when` is false"
    assert works.vendor.sent == []


async def test_a_step_whose_when_is_false_is_left_out(works: Works) -> None:
    flow = automation(steps=(step("a", when="record.missing"), step("b", "toy.guarded", with_={"name": "x"})))
    run = works.opened(flow)
    assert await works.finished(run, flow) == "done"
    assert [row.state for row in works.steps(run).values()] == ["skipped", "done"]
    assert works.vendor.set == {}


async def test_a_step_is_carried_out_for_each_item(both: Works) -> None:
    each = step("each", "toy.guarded", for_each="record.names", when="item != 'no'", with_={"name": "{{ item }}"})
    last = step("last", with_={"id": "sum", "value": "{{ steps.each | map(attribute='id') | list }}"})
    flow = automation(steps=(each, last))
    run = both.opened(flow, {"names": ["a", "no", "b"]})
    assert await both.finished(run, flow) == "done"
    assert both.vendor.names("/guarded") == ["a", "b"]
    assert {row.number: row.state for row in both.steps(run).values()} == {
        "1.1": "done",
        "1.2": "skipped",
        "1.3": "done",
        "2": "done",
    }
    assert [type(each) for each in both.vendor.set["sum"]] == [str, type(None), str]


async def test_nothing_to_go_through_is_nothing_to_do(works: Works) -> None:
    flow = automation(steps=(step("each", for_each="record.names"),))
    assert await works.finished(works.opened(flow, {"names": []}), flow) == "done"
    assert works.vendor.sent == []


@pytest.mark.parametrize(("on_error", "state", "second"), [("stop", "failed", None), ("continue", "done", "done")])
async def test_a_refusal_ends_the_run_or_is_tolerated(
    works: Works, on_error: Any, state: str, second: str | None
) -> None:
    flow = automation(steps=(step("a", on_error=on_error), step("b", "toy.guarded", with_={"name": "x"})))
    works.vendor.trouble.append(Trouble(Refused("PUT /set/r: 422 value must be a text", status=422)))
    run = works.opened(flow)
    assert await works.finished(run, flow) == state
    found = works.steps(run)
    assert (found["1"].state, found["1"].reason, found["1"].status) == (
        "failed",
        "PUT /set/r: 422 value must be a text",
        422,
    )
    assert (found["2"].state if "2" in found else None) == second
    assert works.run(run).reason == (None if second else "PUT /set/r: 422 value must be a text")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"with_": {"id": "{{ record.missing }}", "value": 1}}, "id: `record.missing`"),
        ({"when": "record.id | nonsense"}, "nonsense"),
        ({"with_": {"id": "x", "value": 1, "colour": "red"}}, "colour: is not a parameter of this operation"),
        ({"with_": {"id": "x"}}, "value: is required"),
        ({"with_": {"id": "..", "value": 1}}, "cannot be an id"),
        ({"use": "toy.gone"}, "action toy.gone is not known to this worker; see `hightide check`"),
        ({"connection": "gone"}, "connection gone is not known to this worker; see `hightide check`"),
    ],
)
@pytest.mark.parametrize("on_error", ["stop", "continue"])
async def test_a_step_that_cannot_be_sent_fails_with_its_reason_and_may_be_tolerated(
    works: Works, broken: dict[str, Any], words: str, on_error: Any
) -> None:
    first = replace(step("a", on_error=on_error), **broken)
    flow = automation(steps=(first, step("b", "toy.guarded", with_={"name": "x"})))
    run = works.opened(flow)
    state = await works.finished(run, flow)
    failed = works.steps(run)["1"]
    assert failed.state == "failed"
    assert words in failed.reason
    assert state == ("failed" if on_error == "stop" else "done")
    assert works.vendor.names("/guarded") == ([] if on_error == "stop" else ["x"])


async def test_a_condition_that_cannot_be_judged_is_named(works: Works) -> None:
    flow = automation(when="record.name > 5")
    run = works.opened(flow, {"name": "Ada"})
    assert await works.finished(run, flow) == "failed"
    assert works.run(run).reason.startswith("a template failed: when: ")


async def test_a_list_that_cannot_be_gone_through_names_its_step(works: Works) -> None:
    flow = automation(steps=(step("each", for_each="record.id"),))
    run = works.opened(flow)
    assert await works.finished(run, flow) == "failed"
    assert works.run(run).reason == "a template failed: each.for_each: expected a list to go through, found str"


@pytest.mark.parametrize("use", ["toy.set", "toy.guarded", "toy.probed", "toy.blind"])
@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (RateLimited("slow down", status=429, retry_at=1_800_000_033), 33_000),
        (QuotaSpent("its quota is used up for now", retry_at=1_800_000_020), 20_000),
        (BreakerOpen("left alone", retry_at=1_800_000_060), 60_000),
        (Unreachable("no connection came about"), None),
    ],
)
async def test_what_was_not_taken_on_waits_and_is_sent_again(
    works: Works, use: str, error: VendorError, wait: int | None
) -> None:
    given = {"id": "x", "value": 1} if use == "toy.set" else {"name": "x"}
    flow = automation(steps=(step("a", use, with_=given),))
    works.vendor.trouble.append(Trouble(error))
    run, began = works.opened(flow), works.clock()
    await works.carry(flow)
    assert (works.run(run).state, works.steps(run)["1"].state) == ("open", "waiting")
    assert works.run(run).due_at == began + wait if wait else works.run(run).due_at > began
    assert await works.carry(flow) is None  # not before its time
    assert await works.finished(run, flow) == "done"
    assert len(works.vendor.writes()) == 2
    assert works.steps(run)["1"].attempts == 2


async def test_a_vendor_that_stays_away_for_a_day_fails_the_run(works: Works) -> None:
    flow = automation()
    works.vendor.trouble.extend([Trouble(Unreachable("no connection came about"))] * 500)
    run, began = works.opened(flow), works.clock()
    while works.run(run).state == "open":
        works.clock.now = max(works.clock.now, works.run(run).due_at)
        await works.carry(flow)
        assert works.clock() < began + 2 * PATIENCE
    assert works.run(run).reason == "given up after 24 hours: no connection came about"
    assert works.clock() >= began + PATIENCE
    assert 24 * 4 < len(works.vendor.sent) < 500


async def test_a_worker_that_ends_gives_the_run_back_between_two_steps(works: Works) -> None:
    flow = automation(steps=(step("a"), step("b", "toy.guarded", with_={"name": "x"})))
    run = works.opened(flow)

    def closing() -> bool:
        return bool(works.vendor.sent)

    await works.carry(flow, works.kit(closing=closing))
    row = works.run(run)
    assert (row.state, row.due_at, works.vendor.names("/guarded")) == ("open", works.clock(), [])
    assert await works.finished(run, flow) == "done"
    assert [each.path for each in works.vendor.writes()] == [f"/set/{works.steps(run)['1'].result_id}", "/guarded"]


async def test_a_run_that_ends_workers_is_parked(both: Works) -> None:
    flow = automation()
    run = both.opened(flow)
    for _ in range(10):
        assert both.claimed() != []  # taken up, and the worker dies
        both.clock.advance(60_000)
    assert await both.finished(run, flow) == "failed"
    assert both.run(run).reason == "taken up 10 times without an outcome; it may be what ends the workers"
    assert both.vendor.sent == []


async def test_a_step_on_another_connection_moves_the_run_there(works: Works) -> None:
    works.connections = {"acme": ACME, "other": replace(ACME, name="other")}
    flow = automation(steps=(step("a"), step("b", connection="other")))
    works.vendor.trouble.extend([None, Trouble(Unreachable("no"))])
    run = works.opened(flow)
    await works.carry(flow)
    assert works.run(run).connection == "other"
    assert await works.finished(run, flow) == "done"


async def test_a_large_answer_is_not_kept_but_its_id_is(works: Works) -> None:
    flow = automation(
        steps=(
            step("a", "toy.guarded", with_={"name": "x", "value": ["{{ record.text }}", "{{ record.text }}"]}),
            step("b", with_={"id": "{{ steps.a.id }}", "value": "{{ steps.a.value is none }}"}),
        )
    )
    run = works.opened(flow, {"text": "y" * 140_000})
    assert await works.finished(run, flow) == "done"
    assert works.vendor.set == {works.steps(run)["1"].result_id: True}
    assert works.steps(run)["1"].result is None


async def test_secrets_never_stand_in_the_ledger(both: Works) -> None:
    both.environ = {"KEY": "s3cr3t-of-the-environment", "WORD": "s3cr3t-password"}
    written = {"name": "Key ${KEY}", "password": "{{ record.name }}${WORD}", "value": ["{{ record.name }}", "${KEY}"]}
    mixed = {"id": "{{ '${KEY}' | length | string }}", "value": "{{ '${KEY}' }}"}
    broken = {"id": "x", "value": "{{ '${KEY}' ~ record.missing }}"}
    flow = automation(
        steps=(
            step("a", "toy.blind", with_=written),
            step("b", "toy.guarded", with_={"name": "x", "password": "plain-p4ssword"}),
            step("c", with_=mixed),
            step("d", with_=broken, on_error="continue"),
            step("e", "toy.blind", with_={"name": "{{ '${KEY}' if record.name else 'x' }}"}),
        )
    )
    both.vendor.silent = True
    run = both.opened(flow, {"name": "Ada"})
    assert await both.finished(run, flow) == "done"
    [sent] = [each for each in both.vendor.writes("/blind") if "password" in each.body]
    assert sent.body["name"] == "Key s3cr3t-of-the-environment"
    assert sent.body["password"] == "Adas3cr3t-password"
    shown = orjson.loads(both.steps(run)["1"].inputs)
    assert shown == {"name": "Key ${KEY}", "password": "***", "value": ["Ada", "${KEY}"]}
    assert "s3cr3t" not in everything(both.ledger)
    assert "plain-p4ssword" not in everything(both.ledger)


def everything(ledger: Store) -> str:
    """Every value in every table, as text."""
    metadata = MetaData()
    metadata.reflect(ledger.engine)
    with ledger.engine.connect() as connection:
        found = [connection.execute(table.select()).all() for table in metadata.tables.values()]
    return "\n".join(str(tuple(row)) for rows in found for row in rows)
