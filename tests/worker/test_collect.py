"""`collect`: the runs of a while are carried out as one; every record is in exactly one batch, whatever dies."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from config.automation import Automation, OncePer
from connections.errors import Refused, Unreachable
from tests.worker.carrying import Works
from tests.worker.clock import START, Clock
from tests.worker.rows import automation, step
from tests.worker.toy import Border, Crash, Trouble
from worker import corrections, histories
from worker.corrections import Replayed
from worker.deploy import automation_digest
from worker.ledger import batches
from worker.ledger.retention import forget
from worker.ledger.runs import LEASE
from worker.ledger.store import Store
from worker.ledger.tables import AUTOMATIONS, RUNS

pytestmark = pytest.mark.anyio

MINUTE = 60_000
TEN = timedelta(minutes=10)
LISTED = {"name": "{{ records | map(attribute='n') | join(',') }}"}


@pytest.fixture
def works(small_ledger: Store, clock: Clock) -> Works:
    return Works(small_ledger, clock)


@pytest.fixture
def both(ledger: Store, clock: Clock) -> Works:
    return Works(ledger, clock)


def gathering(*, with_: Any = None, **more: Any) -> Automation:
    steps = more.pop("steps", (step("1", "toy.guarded", with_=with_ or LISTED),))
    return automation(steps=steps, collect=more.pop("collect", TEN), **more)


async def ended(works: Works, flow: Automation, kit: Any = None) -> None:
    """Take up whatever is due, and go from one due time to the next, until no run is open."""
    soonest = select(func.min(RUNS.c.due_at)).where(RUNS.c.state == "open")
    for _ in range(200):
        while await works.carry(flow, kit) is not None:
            pass
        due = works.ledger.read_now(lambda c: c.scalar(soonest))
        if due is None:
            return
        works.clock.now = max(works.clock.now, due)
    raise AssertionError("runs stay open")


def sent(works: Works) -> list[str]:
    """The lists that were sent, each as `1,2,3`."""
    return works.vendor.names("/guarded")


async def test_the_events_of_a_while_are_one_run(both: Works) -> None:
    flow = gathering(with_={"name": "{{ record.n }}: {{ records | map(attribute='n') | join(',') }}"})
    runs = []
    for minute in (0, 4, 9):
        both.clock.now = START + minute * MINUTE
        runs.append(both.opened(flow, {"n": minute}))
        assert await both.carry(flow) is not None
    assert both.run(runs[0]).reason == "collects until 2027-01-15 08:10:00 UTC at the latest"
    assert both.run(runs[0]).due_at == START + 10 * MINUTE
    assert both.run(runs[0]).tries == 0
    both.clock.now = START + 10 * MINUTE - 1
    assert await both.carry(flow) is None
    both.clock.now += 1
    assert await both.carry(flow) is not None
    assert sent(both) == ["0: 0,4,9"]
    assert [both.run(run).state for run in runs] == ["done", "skipped", "skipped"]
    assert {both.run(run).reason for run in runs[1:]} == {f"collected in run {runs[0]}"}
    assert await both.carry(flow) is None


async def test_what_comes_later_is_the_next_batch(works: Works) -> None:
    flow = gathering()
    works.opened(flow, {"n": 1})
    await works.carry(flow)
    works.clock.now += 10 * MINUTE
    late = works.opened(flow, {"n": 2})
    await works.carry(flow)
    assert await works.carry(flow) is not None
    assert sent(works) == ["1"]
    assert works.run(late).due_at == START + 20 * MINUTE
    await ended(works, flow)
    assert sent(works) == ["1", "2"]


async def test_when_is_asked_for_each_record(works: Works) -> None:
    flow = gathering(when="record.n % 2")
    runs = [works.opened(flow, {"n": n} if n != 3 else {"n": "three"}) for n in (2, 1, 3, 5)]
    await ended(works, flow)
    assert sent(works) == ["1,5"]
    assert [works.run(run).state for run in runs] == ["skipped", "done", "failed", "skipped"]
    assert works.run(runs[0]).reason == "its `when` is false"


async def test_once_per_is_asked_for_each_record_before_it_is_collected(works: Works) -> None:
    flow = gathering(once_per=OncePer("record.email", timedelta(days=1)))
    for n, email in ((1, "a"), (2, "b"), (3, "a"), (4, "")):
        works.opened(flow, {"n": n, "email": email})
    await ended(works, flow)
    assert sent(works) == ["1,2,4"]


async def test_automations_and_connections_are_not_mixed(works: Works) -> None:
    flow, other = gathering(), gathering(name="other")
    works.opened(flow, {"n": 1})
    works.opened(other, {"n": 2})
    works.opened(gathering(connection="elsewhere"), {"n": 3})
    for each in (flow, other, flow):
        await works.carry(each)
    works.clock.now += 10 * MINUTE
    await works.carry(flow)
    assert sent(works) == ["1"]


async def test_a_batch_has_a_most(works: Works) -> None:
    flow = gathering(with_={"name": "{{ records | length }} from {{ record.n }}"})
    for n in range(batches.MOST + 3):
        works.opened(flow, {"n": n})
    for _ in range(batches.MOST + 3):
        await works.carry(flow)
    await ended(works, flow)
    assert sent(works) == [f"{batches.MOST} from 0", f"3 from {batches.MOST}"]


async def test_a_run_that_is_tried_again_has_the_same_records(works: Works) -> None:
    flow = gathering()
    first, second = (works.opened(flow, {"n": n}) for n in (1, 2))
    works.vendor.trouble.append(Trouble(Unreachable("POST /guarded: no answer")))
    works.vendor.trouble.append(Trouble(Refused("POST /guarded: no", status=400)))
    for _ in range(2):
        await works.carry(flow)
    works.clock.now += 10 * MINUTE
    await works.carry(flow)
    assert works.run(first).state == "open"
    works.opened(flow, {"n": 3})
    await ended(works, flow)
    assert [works.run(run).state for run in (first, second)] == ["failed", "skipped"]
    assert sent(works) == ["3"]
    works.ledger.write_now(corrections.retry, first, works.clock())
    await ended(works, flow)
    assert sent(works) == ["3", "1,2"]


async def test_a_wait_of_days_changes_nothing_about_the_records(works: Works) -> None:
    welcome, later = step("1", "toy.guarded", with_=LISTED), step("2", "toy.guarded", with_=LISTED)
    flow = gathering(steps=(welcome, automation_step_later(later)))
    for n in (1, 2):
        works.opened(flow, {"n": n})
    for _ in range(2):
        await works.carry(flow)
    works.clock.now += 10 * MINUTE
    await works.carry(flow)
    assert sent(works) == ["1,2"]
    works.clock.now += 3_600_000
    works.opened(flow, {"n": 3})
    await ended(works, flow)
    assert Counter(sent(works)) == {"1,2": 2, "3": 2}


def automation_step_later(each: Any) -> Any:
    return step(each.id, each.use, with_=each.with_, wait=timedelta(days=2))


async def test_an_edited_automation_leaves_what_was_collected_to_the_old_one(works: Works) -> None:
    old, new = gathering(), gathering(with_={"name": "new {{ records | length }}"})
    works.opened(old, {"n": 1})
    await works.carry(old)
    works.opened(new, {"n": 2})
    await works.carry(new)
    works.clock.now += 10 * MINUTE
    await works.carry(old)
    await works.carry(new)
    assert sent(works) == ["1", "new 1"]


async def test_a_worker_that_still_holds_a_collected_run_does_nothing(works: Works) -> None:
    flow = gathering()
    works.opened(flow, {"n": 1})
    held = works.opened(flow, {"n": 2})
    for _ in range(2):
        await works.carry(flow)
    works.clock.now += 10 * MINUTE
    first, second = works.claimed(most=2)
    assert await works.kit().gather(first.id, first.fence, works.clock()) == first.id
    assert await works.kit().gather(second.id, second.fence, works.clock()) == first.id
    assert works.run(held).state == "skipped"
    assert works.ledger.write_now(batches.gather, first.id, first.fence - 1, works.clock()) is None


async def test_a_run_whose_time_has_come_waits_for_an_older_one(works: Works) -> None:
    flow = gathering()
    older, younger = (works.opened(flow, {"n": n}) for n in (1, 2))
    for _ in range(2):
        await works.carry(flow)
    works.clock.now += 10 * MINUTE
    [_held] = works.claimed()
    await works.carry(flow)
    assert works.run(younger).state == "open"
    assert works.run(younger).reason == f"waits for run {older} to collect it"
    assert works.vendor.writes() == []
    await ended(works, flow)
    assert sent(works) == ["1,2"]


def test_two_workers_at_the_same_moment_lose_and_double_nothing(both: Works, ledger: Store) -> None:
    flow = gathering()
    runs = [both.opened(flow, {"n": n}) for n in range(40)]
    for claimed in both.claimed(most=40):
        wait = batches.Wait(run=claimed.id, fence=claimed.fence, until=START + 10 * MINUTE, reason="collects")
        assert ledger.write_now(batches.wait, [wait]) == [True]
    both.clock.now += 10 * MINUTE
    claimed = both.claimed(most=30)
    barrier = threading.Barrier(2)
    led: dict[int, int | None] = {}

    def gather(mine: list[Any]) -> None:
        barrier.wait()
        for run in mine:
            led[run.id] = ledger.write_now(batches.gather, run.id, run.fence, both.clock())

    others = [threading.Thread(target=gather, args=(list(mine),)) for mine in (claimed[0::2], claimed[:0:-2])]
    for each in others:
        each.start()
    for each in others:
        each.join()
    assert set(led.values()) == {runs[0]}
    assert [row["n"] for row in ledger.read_now(batches.records, runs[0])] == list(range(40))
    assert [both.run(run).state for run in runs] == ["open"] + ["skipped"] * 39


async def test_a_worker_may_die_at_any_moment(both: Works) -> None:
    flow = gathering()
    for dies_at in range(1, 40):
        before = len(sent(both))
        for n in (1, 2, 3):
            both.opened(flow, {"n": f"{dies_at}.{n}"})
        border = Border(dies_at)
        kit = both.kit(border)
        try:
            await ended(both, flow, kit)
        except Crash:
            both.clock.now += LEASE
        await ended(both, flow)
        lists = sent(both)[before:]
        assert sorted(",".join(lists).split(",")) == [f"{dies_at}.{n}" for n in (1, 2, 3)], lists
        if border.crossings < dies_at:
            return
    raise AssertionError("the border was never out of reach")


DIES = """
import asyncio, os, signal, sys
from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.test_collect import gathering
from worker.ledger.store import Store

class Dying:
    async def call(self, *_):
        os.kill(os.getpid(), signal.SIGKILL)

works = Works(Store(sys.argv[1]), Clock())
works.clock.now = int(sys.argv[2])
asyncio.run(works.carry(gathering(), works.kit(client=Dying())))
"""


@pytest.mark.slow
async def test_a_process_killed_between_gathering_and_sending_loses_nothing(both: Works, ledger_url: str) -> None:
    flow = gathering()
    runs = [both.opened(flow, {"n": n}) for n in (1, 2, 3)]
    for _ in range(3):
        await both.carry(flow)
    both.clock.now += 10 * MINUTE
    command = [sys.executable, "-c", DIES, ledger_url, str(both.clock())]
    folder = Path(__file__).parents[2]
    died = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    assert [both.run(run).batch for run in runs] == [runs[0]] * 3
    assert [both.run(run).state for run in runs] == ["open", "skipped", "skipped"]
    both.opened(flow, {"n": 4})
    both.clock.now += LEASE
    await ended(both, flow)
    assert sent(both) == ["1,2,3", "4"]


MOVES = st.one_of(st.just("event"), st.just("carry"), st.just("hold"), st.integers(1, 700))
STEPS = st.lists(MOVES, max_size=18)
"""So few that no run is taken up more than ten times."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=STEPS)
def test_whatever_happens_every_record_is_in_one_batch(empty_ledger: Path, tmp_path: Path, moves: list[Any]) -> None:
    path = tmp_path / f"{next(_ledgers)}.db"
    shutil.copy(empty_ledger, path)
    works = Works(Store(f"sqlite:///{path}"), Clock())
    flow, count = gathering(), 0

    async def played() -> None:
        nonlocal count
        for move in moves:
            match move:
                case "event":
                    count += 1
                    works.opened(flow, {"n": count})
                case "carry":
                    await works.carry(flow)
                case "hold":  # a worker takes a run up, and is not heard of again
                    works.claimed()
                case seconds:
                    works.clock.now += seconds * 1000
        await ended(works, flow)

    asyncio.run(played())
    lists = [[int(n) for n in each.split(",")] for each in sent(works)]
    assert sorted(itertools.chain.from_iterable(lists)) == list(range(1, count + 1))
    assert all(each == sorted(each) for each in lists)
    states = Counter(works.ledger.read_now(lambda c: c.scalars(select(RUNS.c.state)).all()))
    assert states == Counter(done=len(lists), skipped=count - len(lists))
    works.ledger.close()
    path.unlink()


_ledgers = itertools.count()


async def test_people_see_what_was_collected_and_where(works: Works) -> None:
    flow = gathering()
    first, second = (works.opened(flow, {"n": n}) for n in (1, 2))
    await works.carry(flow)
    assert works.ledger.read_now(histories.run, first).run.batch is None
    await ended(works, flow)
    leader, taken = (works.ledger.read_now(histories.run, run) for run in (first, second))
    assert leader is not None
    assert taken is not None
    assert (leader.run.batch, leader.collected) == (first, (second,))
    assert (taken.run.batch, taken.collected) == (first, ())


async def test_records_are_kept_as_long_as_their_leader_may_want_them(works: Works) -> None:
    flow = gathering()
    first, _second = (works.opened(flow, {"n": n}) for n in (1, 2))
    works.vendor.trouble.append(Trouble(Refused("POST /guarded: no", status=400)))
    await ended(works, flow)
    count = select(func.count()).select_from(RUNS)
    later = works.clock() + 40 * 86_400_000
    works.ledger.write_now(forget, later, 30)
    assert works.ledger.read_now(lambda c: c.scalar(count)) == 2
    works.ledger.write_now(corrections.retry, first, works.clock())
    await ended(works, flow)
    assert sent(works) == ["1,2"]
    works.ledger.write_now(forget, later, 30)
    assert works.ledger.read_now(lambda c: c.scalar(count)) == 0


async def test_a_change_of_a_record_waits_for_the_batch_that_carries_out_the_one_before(works: Works) -> None:
    flow = gathering()
    works.opened(flow, {"n": 1})
    taken = works.opened(flow, {"n": 2, "id": "same"}, kind="updated")
    works.opened(flow, {"n": 3, "id": "same"}, kind="updated")
    for _ in range(3):
        await works.carry(flow)
    works.vendor.trouble.append(Trouble(Unreachable("POST /guarded: no answer")))
    works.clock.now += 10 * MINUTE
    await works.carry(flow)
    leader = works.run(taken).batch
    late = works.opened(flow, {"n": 4, "id": "same"}, kind="updated")
    await works.carry(flow)
    assert works.run(late).reason == f"waits for run {leader}"
    await ended(works, flow)
    assert sent(works) == ["1,2,3", "4"]


async def test_what_people_put_right_knows_of_batches(works: Works) -> None:
    flow = gathering()
    deploy_listener(works, flow)
    first, second = (works.opened(flow, {"n": n}) for n in (1, 2))
    works.vendor.trouble.append(Trouble(Unreachable("POST /guarded: no answer")))
    for _ in range(2):
        await works.carry(flow)
    works.clock.now += 10 * MINUTE
    await works.carry(flow)
    with pytest.raises(corrections.Refusal, match=f"run {second}: its record was collected in run {first}"):
        works.ledger.write_now(corrections.retry, second, works.clock())
    assert works.ledger.write_now(corrections.replay, flow.name, 0, works.clock()) == Replayed(fired=0, open=2)
    await ended(works, flow)
    assert works.ledger.write_now(corrections.replay, flow.name, 0, works.clock()) == Replayed(fired=2, open=0)
    await ended(works, flow)
    assert sent(works) == ["1,2", "1,2"]


def deploy_listener(works: Works, flow: Automation) -> None:
    """The automation as one that listens to the feed of these runs."""
    row = {"digest": automation_digest(flow), "name": flow.name, "feed": "feed", "kinds": '["new"]', "since": 0}
    row |= {"definition": "{}", "connection": "acme", "active": True}
    works.ledger.write_now(lambda c: c.execute(AUTOMATIONS.insert().values(row)))
