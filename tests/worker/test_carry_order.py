"""Runs of one automation about the same record follow each other, so that older data never come after newer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connections.errors import RateLimited, Refused
from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.rows import automation, step
from tests.worker.toy import Trouble
from worker.ledger.store import Store

pytestmark = pytest.mark.anyio

COPY = automation(on=("new", "updated"), steps=(step(with_={"id": "{{ record.id }}", "value": "{{ record.name }}"}),))


@pytest.fixture
def works(ledger: Store, clock: Clock) -> Works:
    return Works(ledger, clock)


async def test_newer_data_wait_for_older_that_are_tried_again(works: Works) -> None:
    works.vendor.trouble.append(Trouble(RateLimited("later", status=429)))
    old = works.opened(COPY, {"id": "a", "name": "old"})
    await works.carry(COPY)
    new = works.opened(COPY, {"id": "a", "name": "new"}, kind="updated")
    await works.carry(COPY)
    assert works.vendor.set == {}
    assert (works.run(new).state, works.run(new).reason) == ("open", f"waits for run {old}")
    assert await works.finished(old, COPY) == "done"
    assert await works.finished(new, COPY) == "done"
    assert works.vendor.set == {"a": "new"}
    assert works.run(new).reason is None


async def test_another_record_and_another_automation_do_not_wait(works: Works) -> None:
    works.vendor.trouble.append(Trouble(RateLimited("later", status=429)))
    works.opened(COPY, {"id": "a", "name": "old"})
    await works.carry(COPY)
    other = automation("other", on=("updated",), steps=COPY.steps)
    for flow, record in ((COPY, "b"), (other, "a")):
        run = works.opened(flow, {"id": record, "name": flow.name}, kind="updated")
        await works.carry(flow)
        assert works.run(run).state == "done"
    assert works.vendor.set == {"b": COPY.name, "a": "other"}


async def test_an_earlier_run_that_failed_or_is_in_a_wait_keeps_nobody(works: Works) -> None:
    works.vendor.trouble.append(Trouble(Refused("no", status=422)))
    failed = works.opened(COPY, {"id": "a", "name": "old"})
    assert await works.finished(failed, COPY) == "failed"
    slow = automation(on=("new", "updated"), steps=(step(wait=timedelta(days=2), with_=COPY.steps[0].with_),))
    waiting = works.opened(slow, {"id": "a", "name": "older"})
    await works.carry(slow)
    new = works.opened(COPY, {"id": "a", "name": "new"}, kind="updated")
    await works.carry(COPY)
    assert (works.run(waiting).state, works.run(new).state) == ("open", "done")
