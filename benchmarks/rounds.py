"""One round: one system handles one burst while it is metered."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.measurement import Round
from benchmarks.processes import metered
from benchmarks.services import Broker, Burst, Postgres, VendorControl, postgres, valkey, vendor

WARMING = 100
"""Contacts that each system handles before the clock starts, so that connections are open and code is loaded."""

PATIENCE = 30.0
"""Seconds without any effect after which the rest counts as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the systems share, and a folder for their files."""

    vendor: VendorControl
    broker: Broker
    postgres: Postgres
    folder: Path

    @property
    def services(self) -> dict[str, list[int]]:
        """The roots of the process trees of the services, by name."""
        return {"vendor": [self.vendor.pid], "valkey": [self.broker.pid], "postgres": [self.postgres.pid]}


@contextmanager
def staged() -> Iterator[Stage]:
    """All services, each started anew, in a folder that is gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        yield Stage(
            vendor=stack.enter_context(vendor()),
            broker=stack.enter_context(valkey(folder)),
            postgres=stack.enter_context(postgres(folder)),
            folder=folder,
        )


class Running(Protocol):
    """A system that was started."""

    @property
    def pids(self) -> list[int]:
        """The roots of its process trees."""

    def prepare(self, burst: Burst) -> None:
        """Does what is not measured."""

    def begin(self, burst: Burst) -> float:
        """Sets it on these contacts; returns when it was told, by `time.monotonic()`."""

    def settle(self) -> None:
        """Waits until its own books are closed."""


class System(Protocol):
    """Something that carries out one action per new contact."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def running(self, stage: Stage) -> AbstractContextManager[Running]:
        """Starts it, and ends it and all its processes."""


def measured(system: System, stage: Stage, records: int) -> Round:
    """Runs one round. Losses and doubles are counted after the system has ended, so that late ones are seen."""
    load = os.getloadavg()[0]
    stage.broker.client.flushall()
    stage.vendor.reset()
    with system.running(stage) as running:
        warming = stage.vendor.burst(WARMING)
        running.prepare(warming)
        running.begin(warming)
        stage.vendor.wait(WARMING, PATIENCE)
        running.settle()
        burst = stage.vendor.burst(records)
        running.prepare(burst)
        with metered({"system": running.pids, **stage.services}) as usage:
            stage.vendor.mark()
            begun = running.begin(burst)
            stage.vendor.wait(WARMING + records, PATIENCE)
            running.settle()
    counts = stage.vendor.counts()
    asked = counts["asked"] or begun
    return Round(
        system=system.name,
        records=records,
        seconds=counts["last"] - asked,
        waited=asked - begun,
        cpu=usage.cpu,
        memory=usage.memory,
        lost=WARMING + records - counts["distinct"],
        doubled=counts["doubled"],
        load=load,
    )
