"""A refresh token works once: many processes race for it, and some of them are killed on the way."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import update

from tests.credentials.conftest import Account
from worker.ledger.tables import CREDENTIALS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RACERS = 8


def outcome(process: Any) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=100)
    return process.returncode, out.strip().rpartition("\n")[2], err


@pytest.mark.parametrize(
    ("stale", "told"),
    [({"expires_at": 1}, {}), ({}, {"refused": True})],
    ids=["the token has ended", "the vendor answers 401"],
)
def test_of_eight_processes_one_refreshes(account: Account, stale: dict[str, Any], told: dict[str, Any]) -> None:
    account.age(**stale)
    before, at = account.asked(), time.time() + 12
    racers = [account.racer(at=at, **told) for _ in range(RACERS)]
    done = [outcome(each) for each in racers]
    assert [status for status, _, _ in done] == [0] * RACERS, done
    assert len({header for _, header, _ in done}) == 1
    assert account.asked() - before == 1
    assert account.row().version == 2
    header = {"authorization": done[0][1], "version": "2021-07-28"}
    got = account.vendor.client.get(f"{account.vendor.url}/locations/{account.row().location_id}", headers=header)
    assert got.status_code == 200


@pytest.mark.parametrize(
    ("step", "refreshes", "reconnects"),
    [("before", 1, 0), ("answered", 3, 1), ("stored", 1, 0)],
)
def test_a_process_killed_on_the_way_costs_no_connection(
    account: Account, step: str, refreshes: int, reconnects: int
) -> None:
    account.age(expires_at=1)
    before = account.asked()
    status, _, err = outcome(account.racer(step=step))
    assert status == -9, err
    left = account.row()
    assert left.spending is (step != "stored")
    # nobody waits for the dead: the lease ends by itself
    account.store.write_now(lambda c: c.execute(update(CREDENTIALS).values(lease_until=0)))
    status, header, err = outcome(account.racer())
    assert status == 0, err
    assert account.asked() - before == refreshes
    assert account.asked("POST /oauth/reconnect") == reconnects
    assert not account.row().spending
    assert header.startswith("Bearer access-")


def test_what_cannot_be_recovered_is_told_with_what_to_do(account: Account) -> None:
    account.age(expires_at=1)
    status, _, err = outcome(account.racer(step="answered"))
    assert status == -9, err
    account.store.write_now(lambda c: c.execute(update(CREDENTIALS).values(lease_until=0)))
    account.vendor.ask("POST", "faults", {"match": {"path": "/oauth/reconnect"}, "status": 401, "message": "gone"})
    status, _, err = outcome(account.racer())
    assert status == 1
    assert "hightide connect acme" in err
    reason = account.row().reason
    assert reason is not None
    assert "the vendor's answer is lost" in reason
    assert "hightide connect acme" in reason
    assert account.lease_until() == 0
