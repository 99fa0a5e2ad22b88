"""`python -m benchmarks.idle_poll`: what a poll that finds nothing asks of the vendor, by the size of the account.

Ends with 1 when an idle poll took more than one request, otherwise with 0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.engine import Engine, Hightide
from benchmarks.rounds import Stage, staged


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """An account that does not change: what its first poll took, and each later one on average."""

    contacts: int
    first: int
    polls: int
    requests: float
    records: float


def main() -> int:
    """Measures each size and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle_poll", description="What an idle poll asks.")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 1_000_000], help="contacts in the account")
    parser.add_argument("--polls", type=int, default=5, help="idle polls of each account")
    options = parser.parse_args()
    with staged() as stage:
        found = [idle(stage, size, options.polls) for size in options.sizes]
    table = Table("contacts", "requests of the first poll", "idle polls", "requests of each", "records in each")
    for one in found:
        table.add_row(f"{one.contacts:,}", str(one.first), str(one.polls), f"{one.requests:.2f}", f"{one.records:.1f}")
    Console().print(table)
    return int(any(one.requests != 1 for one in found))


def idle(stage: Stage, contacts: int, polls: int) -> Idle:
    """Lets Hightide poll an account of this size, on SQLite, again and again."""
    stage.broker.client.flushall()
    stage.vendor.reset(contacts)
    with Hightide(store="sqlite").running(stage) as engine:
        before, start = stage.vendor.counts(), polls_of(engine)
        for number in range(polls):
            engine.command("nudge", "greet")
            engine.wait(partial(polled_more, start + number))
        counts, made = stage.vendor.counts(), polls_of(engine) - start
    return Idle(
        contacts=contacts,
        first=before["searches"],
        polls=made,
        requests=(counts["searches"] - before["searches"]) / made,
        records=(counts["shown"] - before["shown"]) / made,
    )


def polled_more(polls: int, status: Mapping[str, Any]) -> bool:
    """Whether the one feed was polled more often than that."""
    return bool(status["feeds"][0]["polls"] > polls)


def polls_of(engine: Engine) -> int:
    """How many polls of its one feed the ledger knows."""
    polls: int = engine.status()["feeds"][0]["polls"]
    return polls


if __name__ == "__main__":
    sys.exit(main())
