"""A worker that dies between any two things it does: what had succeeded is not repeated, what is unknown is settled."""

from __future__ import annotations

from typing import Any

import pytest

from actions.action import Guarded, Natural
from config.automation import Automation
from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.rows import ACTIONS, automation, step
from tests.worker.toy import Border, Crash
from worker.carry import carry_out
from worker.journal import LeaseLost
from worker.ledger.runs import LEASE
from worker.ledger.store import Store

pytestmark = pytest.mark.anyio

PLACES = {"toy.set": "/set", "toy.guarded": "/guarded", "toy.probed": "/probed", "toy.blind": "/blind"}


def of(use: str, id_: str = "a") -> Automation:
    given = {"id": "{{ record.id }}", "value": 1} if use == "toy.set" else {"name": "{{ record.id }}"}
    return automation(steps=(step(id_, use, with_=given),))


LONG = automation(
    steps=(
        step("note", "toy.probed", with_={"name": "{{ record.id }}"}),
        step("card", "toy.guarded", with_={"name": "{{ steps.note.id }}"}),
        step("each", "toy.guarded", for_each="['x', 'y']", with_={"name": "{{ item }}{{ record.id }}"}),
        step("set", "toy.set", with_={"id": "{{ steps.card.id }}", "value": "{{ steps.each[1].id }}"}),
        step("text", "toy.blind", with_={"name": "{{ record.id }}"}),
    )
)


class Case:
    """One run that is begun again and again by workers that die."""

    def __init__(self, works: Works, flow: Automation) -> None:
        self.works, self.flow = works, flow
        self.run = works.opened(flow)
        self.vendor = works.vendor
        self.before = len(self.vendor.sent)

    async def dies_at(self, crossing: int) -> bool:
        """Let a worker take it up and die at that crossing of its border; False where it came to an end before."""
        border = Border(crossing)
        try:
            await self.works.carry(self.flow, self.works.kit(border))
        except Crash:
            self.works.clock.advance(LEASE)
            return True
        return False

    def sent(self, path: str) -> int:
        writes = [each for each in self.vendor.sent[self.before :] if each.method != "GET"]
        return sum(each.path.startswith(path) for each in writes)

    def known_as_done(self) -> set[str]:
        return {number for number, row in self.works.steps(self.run).items() if row.state == "done"}


@pytest.mark.parametrize("use", list(ACTIONS))
async def test_one_action_dies_between_any_two_things(ledger: Store, clock: Clock, use: str) -> None:
    works = Works(ledger, clock)
    crossing, states, repeat = 1, [], ACTIONS[use].repeat
    while True:
        case = Case(works, of(use))
        if not await case.dies_at(crossing):
            break
        took_effect = case.sent(PLACES[use])
        row = works.steps(case.run).get("1")
        state = await works.finished(case.run, case.flow)
        states.append((took_effect, row.state if row else None, state))
        if isinstance(repeat, Natural):
            assert state == "done"
            assert works.vendor.set[f"{works.steps(case.run)['1'].result_id}"] == 1
        else:
            assert case.sent(PLACES[use]) == (1 if state == "done" else took_effect)
            assert not (isinstance(repeat, Guarded) and state != "done")
        crossing += 1
    assert len(states) == (4 if isinstance(repeat, Natural) else 6)
    # what was never recorded as sent is carried out; once sent, only what can look knows how it ended
    blind = {(0, "sent", "uncertain"), (1, "sent", "uncertain")}
    probed = {(0, "sent", "uncertain"), (1, "sent", "done")}
    guarded = {(0, "sent", "done"), (1, "sent", "done")}
    natural = {(0, None, "done"), (1, None, "done"), (1, "done", "done")}
    ends: Any = {"toy.blind": blind, "toy.probed": probed, "toy.guarded": guarded, "toy.set": natural}[use]
    assert set(states) == ends | {(0, None, "done"), (1, "done", "done")}


async def test_a_long_run_dies_between_any_two_things_and_goes_on_where_it_was(
    small_ledger: Store, clock: Clock
) -> None:
    works = Works(small_ledger, clock)
    ends = []
    crossing = 1
    while True:
        case = Case(works, LONG)
        if not await case.dies_at(crossing):
            break
        done, sent = case.known_as_done(), {path: case.sent(path) for path in PLACES.values()}
        ends.append(await works.finished(case.run, LONG))
        judge(case, ends[-1])
        if "2" in done:
            assert case.sent("/probed") == sent["/probed"]
        if "4" in done:
            assert case.sent("/set") == sent["/set"]
        crossing += 1
    assert len(ends) > 20
    assert set(ends) == {"done", "uncertain"}
    assert ends.count("uncertain") == 6  # twice before the probed one was sent, four times around the blind one


async def test_workers_that_die_one_after_the_other_do_no_more_harm(small_ledger: Store, clock: Clock) -> None:
    works = Works(small_ledger, clock)
    for first in range(1, 25, 2):
        for second in range(1, 15, 2):
            case = Case(works, LONG)
            await case.dies_at(first)
            await case.dies_at(second)
            judge(case, await works.finished(case.run, LONG))


def judge(case: Case, state: str) -> None:
    """What may never be: an effect that came twice, or one that is missing from a run that says it is done."""
    counts = {path: case.sent(path) for path in ("/probed", "/guarded", "/blind")}
    assert counts["/probed"] <= 1
    assert counts["/blind"] <= 1
    assert counts["/guarded"] <= 3
    if state == "done":
        assert counts == {"/probed": 1, "/guarded": 3, "/blind": 1}
        assert case.sent("/set") in {1, 2, 3}
        steps = case.works.steps(case.run)
        assert case.vendor.set[steps["2"].result_id] == steps["3.2"].result_id
    else:
        held = [row for row in case.works.steps(case.run).values() if row.state == "uncertain"]
        assert len(held) == 1
        assert held[0].action in {"toy.probed", "toy.blind"}


async def test_a_worker_that_comes_back_late_is_refused(ledger: Store, clock: Clock) -> None:
    works = Works(ledger, clock)
    case = Case(works, of("toy.guarded"))
    [late] = works.claimed()
    clock.advance(LEASE)
    assert await works.finished(case.run, case.flow) == "done"

    before = works.run(case.run)
    with pytest.raises(LeaseLost):
        await carry_out(late, case.flow, works.kit())
    assert works.run(case.run) == before
    assert case.sent("/guarded") == 1
