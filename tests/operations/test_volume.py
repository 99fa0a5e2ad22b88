"""Large accounts: what a feed takes of memory and of requests does not grow with them, or no more than it must."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.operations.engine import Engine, Polled, Watcher
from tests.operations.vendor import Account
from triggers.catalog import CATALOG

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REPOSITORY = Path(__file__).parents[2]
MANY = 10_000
MEBIBYTE = 2**20


def leads(account: Account, count: int) -> list[str]:
    made: Sequence[str] = account.vendor.steer("leads", {"location": account.location, "count": count})["ids"]
    return list(made)


def traced(watcher: Watcher) -> tuple[Polled, int]:
    """A poll, and how much memory it took at its peak."""
    tracemalloc.start()
    polled = watcher.poll()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert polled.failed is None
    return polled, peak


def test_a_list_of_ten_thousand_is_read_whole_and_remembered_in_little(engine: Engine, account: Account) -> None:
    business = account.post("/businesses/", name="Acme")["buiseness"]["id"]
    members = leads(account, MANY)
    for start in range(0, MANY, 50):
        account.post("/contacts/bulk/business", ids=members[start : start + 50], businessId=business)
    connection = engine.connection(account, "owner")
    watcher = Watcher(engine, connection, CATALOG["ghl.contacts.by_business"], {"businessId": business})
    for _ in range(2):
        polled, peak = traced(watcher)
        assert polled.events == []
        assert 100 <= polled.requests <= 103  # pages overlap by a record
        assert peak < 30 * MEBIBYTE
    assert len(watcher.row["cursor"]) < 60 * MANY
    changed, gone, new = members[5000], members[2500], account.contact()
    account.put(f"/contacts/{changed}", tags=["vip"])
    account.post("/contacts/bulk/business", ids=[gone], businessId=None)
    account.post("/contacts/bulk/business", ids=[new], businessId=business)
    assert sorted(watcher.poll().events) == sorted([("updated", changed), ("new", new)])
    assert watcher.poll().events == [("removed", gone)]
    assert watcher.poll().events == []


@pytest.mark.parametrize("trigger", ["ghl.contacts.search", "ghl.contacts.list"])
def test_ten_thousand_at_once_are_ten_thousand_events_and_then_one_request(
    engine: Engine, account: Account, trigger: str
) -> None:
    leads(account, 200)
    engine.wait(600)
    watcher = Watcher(engine, engine.connection(account, "owner"), CATALOG[trigger], {})
    assert watcher.poll().events == []
    made = leads(account, MANY)
    polled, peak = traced(watcher)
    assert polled.events == [("new", id_) for id_ in made]
    assert peak < 150 * MEBIBYTE
    for seconds in (60, 600):  # until nothing can show up late among them any more
        engine.wait(seconds)
        assert watcher.poll().events == []
    idle = watcher.poll()
    assert (idle.events, idle.requests) == ([], 1)
    assert len(watcher.row["cursor"]) < 2000


def test_a_million_contacts_take_no_more_memory_than_the_first_ones() -> None:
    command = [sys.executable, "-m", "tests.operations.million", "1000000"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["events"] == 1_000_001
    assert told["requests"] <= 10_001
    assert told["idle"] == [1, 1, 1]
    assert told["end"] < 1.1 * told["early"]
    assert told["cursor"] < 2000
