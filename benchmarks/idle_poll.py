"""`python -m benchmarks.idle_poll`: what a poll that finds nothing asks of the vendor, by the size of the account.

Ends with 1 when an idle poll took more than one request, otherwise with 0.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.engine import PATIENCE, Engine, Hightide
from benchmarks.rounds import Stage, staged


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """An account that does not change: what a poll took on average, at first and later."""

    contacts: int
    first: float
    polls: int
    requests: float
    records: float


def main() -> int:
    """Measures each size and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle_poll", description="What an idle poll asks.")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 1_000_000], help="contacts in the account")
    parser.add_argument("--polls", type=int, default=5, help="idle polls of each account")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is ended
    with staged() as stage:
        found = [idle(stage, size, options.polls) for size in options.sizes]
    table = Table("contacts", "requests a first poll", "idle polls", "requests each", "records each")
    for one in found:
        table.add_row(
            f"{one.contacts:,}", f"{one.first:.2f}", str(one.polls), f"{one.requests:.2f}", f"{one.records:.1f}"
        )
    Console().print(table)
    return int(any(one.requests != 1 for one in found))


def idle(stage: Stage, contacts: int, polls: int) -> Idle:
    """Lets Hightide poll an account of this size, on SQLite, again and again."""
    stage.broker.client.flushall()
    stage.vendor.reset(contacts)
    with Hightide(store="sqlite").running(stage) as engine:
        before = counted(stage, engine)
        for number in range(polls):
            engine.command("nudge", "greet")
            engine.wait(partial(polled_more, before.polls + number))
        after = counted(stage, engine)
    made = after.polls - before.polls
    return Idle(
        contacts=contacts,
        first=before.requests / before.polls,
        polls=made,
        requests=(after.requests - before.requests) / made,
        records=(after.records - before.records) / made,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Polls by the ledger, requests and records by the vendor, so far."""

    polls: int
    requests: int
    records: int


def counted(stage: Stage, engine: Engine) -> Counted:
    """Both counts at a moment when no poll is under way: vendor and ledger agree on the requests."""
    deadline = time.monotonic() + PATIENCE
    while True:
        seen, feed = stage.vendor.counts(), engine.status()["feeds"][0]
        if seen["searches"] == feed["requests"]:
            return Counted(polls=feed["polls"], requests=seen["searches"], records=seen["shown"])
        assert time.monotonic() < deadline, f"the vendor saw {seen['searches']} requests, the ledger {feed['requests']}"


def polled_more(polls: int, status: Mapping[str, Any]) -> bool:
    """Whether the one feed was polled more often than that."""
    return bool(status["feeds"][0]["polls"] > polls)


if __name__ == "__main__":
    sys.exit(main())
