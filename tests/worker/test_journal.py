"""Group commit: what waits together is written together, and each hears of its own fate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.rows import automation
from worker.journal import Journal, LeaseLost
from worker.ledger import runs
from worker.ledger.runs import LEASE, Entry, StepRow
from worker.ledger.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
def works(ledger: Store, clock: Clock) -> Works:
    return Works(ledger, clock)


class Counted:
    """Writes entries of runs, and remembers how many came at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, connection: Connection, entries: Sequence[Entry]) -> list[bool]:
        self.sizes.append(len(entries))
        return runs.write(connection, entries)


def entries(works: Works, count: int) -> list[Entry]:
    """A word about each of so many claimed runs."""
    for _ in range(count):
        works.opened(automation())
    step = StepRow(number="1", name="a", action="toy.set", connection="acme", state="sent", attempts=1)
    now = works.clock()
    claimed = works.claimed(most=count)
    return [Entry(run=run.id, fence=run.fence, due_at=now + LEASE, step=step) for run in claimed]


async def written(journal: Journal[Entry, bool], given: Sequence[Entry]) -> list[bool | BaseException]:
    return await asyncio.gather(*(journal.write(each) for each in given), return_exceptions=True)


async def test_what_waits_together_is_one_commit(works: Works) -> None:
    counted = Counted()
    journal = Journal(works.ledger, counted)
    given = entries(works, 20)
    assert await written(journal, given) == [True] * 20
    assert sum(counted.sizes) == 20
    assert len(counted.sizes) <= 2
    assert all(works.steps(each.run)["1"].state == "sent" for each in given)


async def test_what_comes_during_a_commit_is_the_next_one(works: Works) -> None:
    counted = Counted()
    journal = Journal(works.ledger, counted)
    first, *rest = entries(works, 6)
    begun = asyncio.create_task(journal.write(first))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await written(journal, rest) == [True] * 5
    assert await begun
    assert counted.sizes == [1, 5]


async def test_only_those_whose_fence_has_moved_are_refused(works: Works) -> None:
    given = entries(works, 4)
    stale = [replace(each, fence=each.fence - 1) if number % 2 else each for number, each in enumerate(given)]
    fates = await written(works.journal, stale)
    assert [type(fate) for fate in fates] == [bool, LeaseLost, bool, LeaseLost]
    assert [bool(works.steps(each.run)) for each in given] == [True, False, True, False]


@pytest.mark.parametrize("number", [0, 2, 4])
async def test_what_cannot_be_written_does_not_take_the_others_down(works: Works, number: int) -> None:
    given = entries(works, 5)
    wrong = given[number]
    assert wrong.step is not None
    given[number] = replace(wrong, step=replace(wrong.step, action=None))  # type: ignore[arg-type]
    fates = await written(works.journal, given)
    assert [isinstance(fate, Exception) for fate in fates] == [at == number for at in range(5)]
    assert not isinstance(fates[number], LeaseLost)
    assert [bool(works.steps(each.run)) for each in given] == [at != number for at in range(5)]


async def test_a_ledger_that_is_away_is_heard_of_by_all_and_the_journal_goes_on_afterwards(works: Works) -> None:
    away = [True]

    def write(connection: Connection, given: Sequence[Entry]) -> list[bool]:
        if away:
            raise ConnectionError("the database is away")
        return runs.write(connection, given)

    journal = Journal(works.ledger, write)
    given = entries(works, 3)
    assert [str(fate) for fate in await written(journal, given)] == ["the database is away"] * 3
    away.clear()
    assert await written(journal, given) == [True] * 3


async def test_a_blink_of_the_ledger_loses_no_outcome(works: Works) -> None:
    blinks = [2]

    def write(connection: Connection, given: Sequence[Entry]) -> list[bool]:
        taken = runs.write(connection, given)
        if blinks[0]:
            blinks[0] -= 1
            raise OperationalError("COMMIT", None, Exception("server closed the connection unexpectedly"))
        return taken

    given = entries(works, 3)
    assert await written(Journal(works.ledger, write), given) == [True] * 3
    assert all(works.steps(each.run)["1"].state == "sent" for each in given)


async def test_one_who_does_not_wait_any_more_holds_up_nobody(works: Works) -> None:
    gone, *rest = entries(works, 3)
    waiting = asyncio.create_task(works.journal.write(gone))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await written(works.journal, rest) == [True] * 2


TEXTS: dict[str, Callable[[StepRow], StepRow]] = {
    "reason": lambda step: replace(step, reason="400 \0 is no name"),
    "result_id": lambda step: replace(step, result_id="a\0b"),
}


@pytest.mark.parametrize("place", TEXTS)
async def test_a_zero_character_in_a_vendor_s_words_does_not_stop_a_run(works: Works, place: str) -> None:
    [entry] = entries(works, 1)
    assert entry.step is not None
    odd = replace(entry, step=TEXTS[place](entry.step), reason="400 \0 is no name")
    assert await written(works.journal, [odd]) == [True]
    kept = works.steps(entry.run)["1"]
    assert {"reason": kept.reason, "result_id": kept.result_id}[place] in {"400 \ufffd is no name", "a\ufffdb"}
    assert works.run(entry.run).reason == "400 \ufffd is no name"


async def test_of_several_entries_about_one_run_the_last_counts(works: Works) -> None:
    [going_on] = entries(works, 1)
    assert going_on.step is not None
    done = replace(going_on, state="done", step=replace(going_on.step, state="done"))
    journal = Journal(works.ledger, runs.write)
    assert await written(journal, [going_on, going_on, done]) == [True] * 3
    assert works.run(going_on.run).state == "done"
    assert works.steps(going_on.run)["1"].state == "done"
