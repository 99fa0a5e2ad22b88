"""Attempts whose outcome nobody knows: repeated, looked up, held, or settled as their author wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.action import Action, Guarded
from connections.connection import Connection
from connections.errors import (
    Garbage,
    NoAnswer,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
    Unreachable,
    VendorError,
)
from connections.request import InvalidInputs
from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.rows import ACTIONS, automation, step
from tests.worker.toy import Trouble
from worker.ledger.runs import LEASE
from worker.ledger.store import Store
from worker.outcomes import PATIENCE

pytestmark = pytest.mark.anyio

LOST = NoAnswer("POST /x: the connection was closed without an answer")
FAULT = ServerFault("POST /x: 500 Internal server error", status=500)
PAGE = Garbage("POST /x: 200, but the answer is no JSON", status=200)
SETTLES = 10_000


@pytest.fixture
def works(small_ledger: Store, clock: Clock) -> Works:
    return Works(small_ledger, clock)


def of(use: str, name: str = "{{ record.id }}", **more: Any) -> Any:
    given = {"id": "{{ record.id }}", "value": 1} if use == "toy.set" else {"name": name}
    return automation(steps=(step("a", use, with_=given, **more),))


@pytest.mark.parametrize("error", [LOST, FAULT, PAGE])
@pytest.mark.parametrize("took_effect", [False, True])
async def test_what_can_be_repeated_is_repeated_without_looking(
    works: Works, error: VendorError, took_effect: bool
) -> None:
    works.vendor.trouble.append(Trouble(error, took_effect))
    run = works.opened(of("toy.set"))
    assert await works.finished(run, of("toy.set")) == "done"
    assert [each.method for each in works.vendor.sent] == ["PUT", "PUT"]


@pytest.mark.parametrize("error", [LOST, FAULT, PAGE])
@pytest.mark.parametrize("took_effect", [False, True])
async def test_a_guarded_one_looks_first_and_is_sent_again_only_when_it_is_not_there(
    works: Works, error: VendorError, took_effect: bool
) -> None:
    works.vendor.trouble.append(Trouble(error, took_effect))
    run, began = works.opened(of("toy.guarded")), works.clock()
    assert await works.finished(run, of("toy.guarded")) == "done"
    assert len(works.vendor.made["/guarded"]) == 1
    assert [each.method for each in works.vendor.sent] == (["POST", "GET"] if took_effect else ["POST", "GET", "POST"])
    assert works.clock() >= began + SETTLES  # a list may lag
    [made] = works.vendor.made["/guarded"]
    assert works.steps(run)["1"].result_id == made["id"]


@pytest.mark.parametrize(
    ("error", "took_effect", "state"),
    [(LOST, True, "done"), (LOST, False, "uncertain"), (FAULT, True, "done"), (FAULT, False, "done")],
)
async def test_an_unsafe_one_that_can_look_is_sent_again_only_when_the_vendor_itself_said_that_it_failed(
    works: Works, error: VendorError, took_effect: bool, state: str
) -> None:
    works.vendor.trouble.append(Trouble(error, took_effect))
    run = works.opened(of("toy.probed"))
    assert await works.finished(run, of("toy.probed")) == state
    assert len(works.vendor.names("/probed")) == (0 if state == "uncertain" else 1)


@pytest.mark.parametrize("error", [LOST, FAULT, PAGE])
@pytest.mark.parametrize("took_effect", [False, True])
async def test_an_unsafe_one_that_cannot_look_is_held(works: Works, error: VendorError, took_effect: bool) -> None:
    works.vendor.trouble.append(Trouble(error, took_effect))
    run = works.opened(of("toy.blind"))
    assert await works.finished(run, of("toy.blind")) == "uncertain"
    assert len(works.vendor.sent) == 1
    assert works.run(run).reason == works.steps(run)["1"].reason == str(error)
    works.clock.advance(10 * LEASE)
    assert await works.carry(of("toy.blind")) is None  # it waits for a person


async def test_what_is_held_may_be_left_out(works: Works) -> None:
    flow = automation(
        steps=(
            step("a", "toy.blind", with_={"name": "x"}, on_uncertain="skip"),
            step("b", "toy.guarded", with_={"name": "y"}),
        )
    )
    works.vendor.trouble.append(Trouble(LOST, took_effect=True))
    run = works.opened(flow)
    assert await works.finished(run, flow) == "done"
    assert [row.state for row in works.steps(run).values()] == ["skipped", "done"]
    assert works.vendor.names("/blind") == ["x"]


async def test_what_is_held_may_be_sent_again_with_pauses_and_not_for_ever(works: Works) -> None:
    flow = of("toy.blind", on_uncertain="retry")
    works.vendor.trouble.extend([Trouble(LOST)] * 5000)
    run, began = works.opened(flow), works.clock()
    while works.run(run).state == "open":
        works.clock.now = max(works.clock.now, works.run(run).due_at)
        await works.carry(flow)
    assert works.run(run).state == "uncertain"
    assert works.clock() >= began + PATIENCE
    assert len(works.vendor.sent) < 500


@pytest.mark.parametrize("use", ["toy.guarded", "toy.probed"])
async def test_even_where_a_repeat_is_wanted_one_that_can_look_looks_first(works: Works, use: str) -> None:
    flow = of(use, on_uncertain="retry")
    works.vendor.trouble.append(Trouble(LOST, took_effect=True))
    assert await works.finished(works.opened(flow), flow) == "done"
    assert [each.method for each in works.vendor.sent] == ["POST", "GET"]


async def test_where_a_repeat_is_wanted_and_nothing_is_found_it_is_sent_again(works: Works) -> None:
    flow = of("toy.probed", on_uncertain="retry")
    works.vendor.trouble.append(Trouble(LOST))
    assert await works.finished(works.opened(flow), flow) == "done"
    assert len(works.vendor.names("/probed")) == 1


@pytest.mark.parametrize("error", [LOST, FAULT, Unreachable("no connection"), RateLimited("slow", status=429)])
async def test_a_look_that_fails_for_now_is_tried_again_and_nothing_is_sent(works: Works, error: VendorError) -> None:
    works.vendor.trouble.append(Trouble(LOST, took_effect=True))
    works.vendor.looking.extend([error, error])
    run = works.opened(of("toy.guarded"))
    assert await works.finished(run, of("toy.guarded")) == "done"
    assert [each.method for each in works.vendor.sent] == ["POST", "GET", "GET", "GET"]


@pytest.mark.parametrize("error", [Refused("403 no", status=403), Unauthorized("401 no", status=401), PAGE])
async def test_a_look_that_is_refused_leaves_the_outcome_unknown(works: Works, error: VendorError) -> None:
    works.vendor.trouble.append(Trouble(LOST, took_effect=True))
    works.vendor.looking.append(error)
    run = works.opened(of("toy.guarded"))
    assert await works.finished(run, of("toy.guarded")) == "uncertain"
    assert works.run(run).reason == f"it could not be looked up: {error}"
    assert works.vendor.names("/guarded") != []


async def test_a_place_that_does_not_exist_holds_no_record(works: Works) -> None:
    works.vendor.trouble.append(Trouble(LOST))
    works.vendor.looking.append(NotFound("404 no such contact", status=404))
    assert await works.finished(works.opened(of("toy.guarded")), of("toy.guarded")) == "done"


async def test_equal_records_of_other_steps_are_not_taken_for_one_s_own(works: Works) -> None:
    """Two steps of one run make the same thing; the second one's fate is unknown and it had no effect."""
    twins = (step("a", "toy.guarded", with_={"name": "x"}), step("b", "toy.guarded", with_={"name": "x"}))
    for flow in (automation(steps=twins), automation(steps=(replace(twins[0], for_each="[1, 2]"),))):
        before = len(works.vendor.names("/guarded"))
        works.vendor.trouble.extend([None, Trouble(LOST)])
        run = works.opened(flow)
        assert await works.finished(run, flow) == "done"
        assert len(works.vendor.names("/guarded")) == before + 2
        assert len({row.result_id for row in works.steps(run).values()}) == 2


async def test_equal_records_of_other_runs_are_not_taken_for_one_s_own(works: Works) -> None:
    flow = of("toy.guarded", name="x")
    first, second = works.opened(flow), works.opened(flow)
    assert await works.finished(first, flow) == "done"
    works.vendor.trouble.append(Trouble(LOST))
    assert await works.finished(second, flow) == "done"
    assert len(works.vendor.names("/guarded")) == 2


async def test_an_older_record_that_looks_alike_is_not_the_one(works: Works) -> None:
    old = {"id": "old", "name": "x", "at": works.clock() - 3_600_000}
    works.vendor.made["/guarded"] = [old]
    works.vendor.trouble.append(Trouble(LOST))
    run = works.opened(of("toy.guarded", name="x"))
    assert await works.finished(run, of("toy.guarded", name="x")) == "done"
    assert works.steps(run)["1"].result_id != "old"
    assert len(works.vendor.names("/guarded")) == 2


async def test_a_refusal_of_a_second_one_that_names_the_first_counts_as_done(works: Works) -> None:
    row = ACTIONS["toy.guarded"]
    assert isinstance(row.repeat, Guarded)
    known = replace(row, repeat=replace(row.repeat, refusals={"no duplicates": "meta.id"}))
    works.vendor.trouble.append(Trouble(Refused("400 no duplicates", status=400, data={"meta": {"id": "g1"}})))
    run = works.opened(of("toy.guarded"))
    kit = works.kit(actions={"toy.guarded": known})
    assert await works.finished(run, of("toy.guarded"), kit) == "done"
    assert works.steps(run)["1"].result_id == "g1"


# --- what happens between two attempts does not make the first one's outcome known


class Preparing:
    """What checks inputs: it fails as often as it is told to, before anything is sent."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)

    async def __call__(self, action: Action, given: Any, connection: Connection) -> dict[str, Any]:
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        return dict(given)


@pytest.mark.parametrize("error", [LOST, FAULT, PAGE, Unreachable("no connection"), RateLimited("slow", status=429)])
@pytest.mark.parametrize("use", ["toy.guarded", "toy.probed", "toy.blind", "toy.set"])
async def test_a_fault_before_anything_was_sent_is_no_unknown_outcome(
    works: Works, use: str, error: VendorError
) -> None:
    kit = works.kit(inputs=Preparing(error))
    run = works.opened(of(use))
    assert await works.finished(run, of(use), kit) == "done"
    assert [each.method for each in works.vendor.sent] == ["PUT" if use == "toy.set" else "POST"]


@pytest.mark.parametrize("error", [LOST, PAGE, Unreachable("no connection"), RateLimited("slow", status=429)])
async def test_a_fault_before_looking_does_not_make_it_be_sent_again(works: Works, error: VendorError) -> None:
    works.vendor.trouble.append(Trouble(LOST, took_effect=True))
    kit = works.kit(inputs=Preparing(None, error, error))
    run = works.opened(of("toy.guarded"))
    assert await works.finished(run, of("toy.guarded"), kit) == "done"
    assert len(works.vendor.names("/guarded")) == 1


@pytest.mark.parametrize("error", [InvalidInputs([("name", "is required")]), Refused("403 no", status=403)])
async def test_what_cannot_be_looked_up_any_more_is_held_and_not_called_a_failure(
    works: Works, error: Exception
) -> None:
    works.vendor.trouble.append(Trouble(LOST, took_effect=True))
    kit = works.kit(inputs=Preparing(None, error))
    run = works.opened(of("toy.guarded"))
    assert await works.finished(run, of("toy.guarded"), kit) == "uncertain"
    assert works.run(run).reason.startswith(f"{LOST}; it cannot be looked up: ")


async def test_an_attempt_on_a_connection_that_is_gone_meanwhile_is_held(works: Works) -> None:
    works.vendor.trouble.append(Trouble(LOST, took_effect=True))
    run = works.opened(of("toy.guarded"))
    await works.carry(of("toy.guarded"))
    works.connections = {}
    assert await works.finished(run, of("toy.guarded")) == "uncertain"


@pytest.mark.parametrize("use", ["toy.guarded", "toy.probed", "toy.blind"])
async def test_what_could_only_be_recorded_late_is_not_sent_with_a_lease_that_is_about_to_end(
    works: Works, use: str
) -> None:
    """The ledger takes 50 seconds for a commit: another worker could take the run over during the call."""
    slow = [True]

    async def write(entry: Any) -> bool:
        if slow:
            slow.pop()
            works.clock.advance(50_000)
        return await works.journal.write(entry)

    run = works.opened(of(use))
    await works.carry(of(use), works.kit(write=write))
    assert works.vendor.sent == []
    assert works.steps(run)["1"].state == "waiting"
    assert await works.finished(run, of(use)) == "done"
    assert len(works.vendor.writes()) == 1
