"""Processes killed in the middle of a burst: nothing is lost, nothing is done twice, what is unknown is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import Broker, House, house, kill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

LEADS, RATE = 200, 20.0
SOME = 40
"""So many effects come about between two kills."""
UNDER_WAY = 60
"""More attempts than this are not under way at one time, as slow as the vendor is and as fast as leads come in."""


def recovered(house: House, kills: int) -> None:
    """After all kills: every lead has had what it was due once, some of it after a person's word."""
    house.until_drained(LEADS)
    house.expect_never_twice()
    held = house.settle()
    print("HELD", held, house.status().runs)
    assert held <= kills * UNDER_WAY
    assert house.status().runs["uncertain"] == 0
    house.until_drained(LEADS)
    assert house.status().runs["failed"] == 0
    assert house.held() == []
    house.expect_once(LEADS)
    assert house.vendor.greeted() == set(house.vendor.lead_ids())


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[House]:
    """`hightide run` with its own Valkey and SQLite; it starts again what dies."""
    with house(tmp_path) as (made, _):
        made.start("run", "run", "--no-web", "--concurrency", "2")
        made.ready()
        yield made


def test_with_its_own_parts_it_survives_every_kill(embedded: House) -> None:
    embedded.vendor.slow(0.4)
    embedded.vendor.leads(LEADS, RATE)
    embedded.until_effects(SOME)
    kill(embedded.busiest(embedded.family("console worker").pid))
    embedded.until_effects(SOME)
    worker = embedded.family("console worker")
    for each in [worker, *worker.children(recursive=True)]:
        kill(each)
    embedded.until_effects(SOME)
    kill(embedded.family("console beat"))
    embedded.until_effects(SOME)
    kill(embedded.family("valkey-server"))
    embedded.until_effects(SOME)
    recovered(embedded, 2)


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str) -> Iterator[tuple[House, Broker]]:
    """Two beats and two workers on PostgreSQL and a Valkey on TCP."""
    with house(tmp_path, database_url=postgres_url, redis=True) as (made, broker):
        for name in ("beat-1", "beat-2"):
            made.start(name, "beat")
        for name in ("worker-1", "worker-2"):
            made.start(name, "worker", "--concurrency", "2")
        made.ready()
        yield made, broker


def test_on_shared_parts_two_beats_and_two_workers_survive_every_kill(shared: tuple[House, Broker]) -> None:
    house, broker = shared
    house.vendor.slow(0.4)
    house.vendor.leads(LEADS, RATE)
    house.until_effects(SOME)
    kill(house.busiest(house.processes.running["worker-1"].pid))
    house.until_effects(SOME)
    house.processes.kill("beat-1")
    broker.flush()
    house.until_effects(SOME)
    house.processes.kill("worker-1")
    house.until_effects(SOME)  # the other one carries on alone
    broker.restart()
    house.start("worker-1", "worker", "--concurrency", "2")
    house.until_effects(SOME)
    recovered(house, 2)
