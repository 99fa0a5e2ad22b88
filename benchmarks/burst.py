"""`python -m benchmarks.burst`: Hightide, plain Celery and bare httpx handle the same burst, in turn, in one run.

Ends with 1 when any system lost or doubled an action, otherwise with 0.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from benchmarks import report
from benchmarks.bare_http import BareHttp
from benchmarks.engine import Hightide
from benchmarks.measurement import Round
from benchmarks.plain_celery import PlainCelery
from benchmarks.rounds import Stage, System, measured, staged

RESULTS = Path(__file__).parent / "results" / "burst.md"
CORES = os.cpu_count() or 1
POOLS = (CORES, 2 * CORES, 4 * CORES)
IN_FLIGHT = (32, 64, 128, 256)
WIDTH = 170

Kind = TypeVar("Kind", bound=System)


def celery(stage: Stage, options: argparse.Namespace) -> list[System]:
    """Plain Celery, with the size of pool that was fastest in a short trial, here and now."""
    best = fastest([PlainCelery(ack="early", pool=size) for size in options.pools], stage, options.records // 5)
    acks = (best, replace(best, ack="late"))
    return [*acks, *(replace(each, filled=True) for each in acks)]


def bare(stage: Stage, options: argparse.Namespace) -> list[System]:
    """Bare httpx, with as many requests in flight as were fastest in a short trial."""
    best = fastest([BareHttp(in_flight=count) for count in options.in_flight], stage, options.records // 5)
    return [best, replace(best, level="transport")]


def hightide(_: Stage, __: argparse.Namespace) -> list[System]:
    """Hightide on each database; there is nothing to try."""
    return [Hightide(store="sqlite"), Hightide(store="postgres")]


SYSTEMS = {"hightide": hightide, "celery": celery, "bare": bare}


def main() -> int:
    """Runs all, prints the table, saves it; the exit code."""
    options = read_options(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is ended
    with staged() as stage:
        systems = [system for name in options.only for system in SYSTEMS[name](stage, options)]
        rounds = [
            [run(system, stage, options.records) for system in turned(systems, number)]
            for number in range(options.rounds)
        ]
    names = [system.name for system in systems if isinstance(system, PlainCelery)]
    lines = report.lines(rounds, BareHttp().name, names)
    Console(width=WIDTH).print(report.table(lines, f"A burst of {options.records:,} new contacts"))
    publish(options, systems, rounds, lines)
    return int(any(line.lost or line.doubled for line in lines))


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst", description="One burst, several systems.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=10_000, help="new contacts in a burst")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--pools", nargs="+", type=int, default=POOLS, help="sizes of Celery's pool to try first")
    parser.add_argument("--in-flight", nargs="+", type=int, default=IN_FLIGHT, help="numbers to try with bare httpx")
    parser.add_argument("--json", type=Path, help="also write every round to this file")
    parser.add_argument("--save", type=Path, default=RESULTS, help="where the table goes (%(default)s)")
    return parser.parse_args(arguments)


def turned(systems: Sequence[System], number: int) -> list[System]:
    """The order of this round: each system goes first in its turn, so that a drift of the machine favours none."""
    start = number % len(systems)
    return [*systems[start:], *systems[:start]]


def fastest(candidates: Sequence[Kind], stage: Stage, records: int) -> Kind:
    """The candidate that is fastest in one short round; one alone needs none."""
    if len(candidates) == 1:
        return candidates[0]
    return max(candidates, key=lambda system: run(system, stage, records).rate)


def run(system: System, stage: Stage, records: int) -> Round:
    """One round, told as it ends."""
    one = measured(system, stage, records)
    told = f"{system}: {one.rate:,.0f}/s, {one.cpu['system'] / records * 1000:.3f} ms CPU, load before {one.load:.1f}"
    print(told, file=sys.stderr)
    return one


def publish(
    options: argparse.Namespace,
    systems: Sequence[System],
    rounds: Sequence[Sequence[Round]],
    lines: Sequence[report.Line],
) -> None:
    """Writes the table, with what one needs to judge it, and every round as JSON where that was asked for."""
    load = [one.load for together in rounds for one in together]
    facts = {
        "command": " ".join(["python -m benchmarks.burst", *sys.argv[1:]]),
        "measured": f"{datetime.now(UTC):%Y-%m-%d}, {options.rounds} rounds of {options.records:,} records, medians",
        "machine": report.machine(),
        "load average before a round": f"{min(load):.1f} to {max(load):.1f}",
        "versions": report.versions(),
        "systems": "; ".join(map(str, systems)),
    }
    options.save.parent.mkdir(parents=True, exist_ok=True)
    options.save.write_text(report.markdown(lines, [f"{name}: {fact}" for name, fact in facts.items()]))
    if options.json:
        every = [[asdict(one) for one in together] for together in rounds]
        found = {**facts, "lines": [asdict(line) for line in lines], "rounds": every}
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
