"""SIGTERM: what is under way is finished, what is not begun is given back, and whoever comes next goes on at once."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import House, house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LEADS = 400
"""More than two processes take up before they end."""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[House]:
    """A beat and a worker in the middle of a burst, at a slow vendor."""
    with house(tmp_path, redis=True) as (made, _):
        made.start("beat", "beat")
        made.start("worker", "worker", "--concurrency", "2")
        made.ready()
        made.vendor.slow(2.0)
        made.vendor.leads(LEADS)
        made.until_effects(30)
        yield made


def test_a_worker_that_is_asked_to_end_leaves_nothing_in_flight(busy: House) -> None:
    beat, worker = busy.processes.running["beat"], busy.processes.running["worker"]
    beat.send_signal(signal.SIGTERM)
    assert beat.wait(30) == 0
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(90) == 0, busy.told()
    assert busy.status().runs["open"] > 0  # it was in the middle
    assert (busy.sent(), busy.claimed()) == ([], 0), busy.told()
    before = busy.vendor.effects()
    time.sleep(1)
    assert busy.vendor.effects() == before
    for name in ("beat", "worker"):
        busy.processes.kill(name)  # they have ended; nothing of theirs is left
    busy.start("beat", "beat")
    busy.start("worker", "worker", "--concurrency", "2")
    busy.until_drained(LEADS, patience=50)  # less than a lease
    assert busy.held() == []
    busy.expect_once(LEADS)
