"""Runs as a worker carries them out: the real ledger and journal, a vendor in memory, a clock that is told to move."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from actions.action import Action
from config.automation import Automation
from connections.connection import Connection
from connections.request import check
from tests.worker.clock import Clock
from tests.worker.rows import ACME, ACTIONS, TRIGGERS
from tests.worker.toy import Border, Toy
from triggers.reading import Event
from triggers.trigger import Kind
from worker.carry import carry_out
from worker.collecting import Batches
from worker.deploy import automation_digest
from worker.echoes import Echoes
from worker.journal import Journal
from worker.kit import Kit
from worker.ledger import feeds, runs, turns
from worker.ledger.runs import ClaimedRun, Entry
from worker.ledger.store import Store
from worker.ledger.tables import RUNS, STEPS
from worker.lookups import Lookups
from worker.names import Names

_numbers = itertools.count(1)


@dataclass
class Works:
    """One ledger, one vendor; runs are opened, carried out, and looked at."""

    ledger: Store
    clock: Clock
    environ: Mapping[str, str] = field(default_factory=dict)
    connections: Mapping[str, Connection] = field(default_factory=lambda: {"acme": ACME})
    closing: bool = False

    def __post_init__(self) -> None:
        self.vendor = Toy(self.clock)
        self.journal: Journal[Entry, bool] = Journal(self.ledger, runs.write)

    def opened(
        self,
        automation: Automation,
        record: Mapping[str, Any] | None = None,
        account: str = "acme",
        kind: Kind = "new",
    ) -> int:
        """A new run of the automation for a record, which is another one each time unless it is given with its id."""
        number = next(_numbers)
        whole = {"id": f"r{number}", **(record or {})}
        event = Event(key=whole["id"], version=str(number), kind=kind, record=whole)

        def written(connection: Any) -> int:
            added = feeds.add_event(connection, "feed", event, self.clock())
            assert added is not None
            digest, name = automation_digest(automation), automation.name
            now = self.clock()
            return runs.open_run(connection, event=added, automation=name, digest=digest, account=account, now=now)

        return self.ledger.write_now(written)

    def claimed(self, account: str = "acme", most: int = 1) -> list[ClaimedRun]:
        return self.ledger.write_now(runs.claim, {account: most}, self.clock())

    def kit(self, border: Border | None = None, **more: Any) -> Kit:
        """What a worker works with; `border` is where it dies."""
        border = border or Border()
        mine = Crossing(self.vendor, border)
        batches = Batches(self.ledger)
        plain: dict[str, Any] = {
            "actions": ACTIONS,
            "connections": self.connections,
            "client": mine,
            "write": border.around(self.journal.write),
            "inputs": _checked,
            "customs": Names(Lookups(mine)).values,
            "taken": self.taken,
            "turn": border.around(Journal(self.ledger, turns.write).write),
            "echo": border.around(Echoes(self.ledger, TRIGGERS, ACTIONS).reason),
            "wait": border.around(batches.wait),
            "gather": border.around(batches.gather),
            "gathered": border.around(batches.records),
            "clock": self.clock,
            "closing": lambda: self.closing,
        }
        return Kit(**{**plain, **more})

    async def taken(self, action: str, ids: Collection[str], run: int, number: str) -> Collection[str]:
        return await self.ledger.read(runs.made_elsewhere, action, list(ids), run, number)

    async def carry(self, automation: Automation, kit: Kit | None = None, account: str = "acme") -> ClaimedRun | None:
        """Take up one due run, and carry it out as far as it goes."""
        found = self.claimed(account)
        if not found:
            return None
        await carry_out(found[0], automation.with_environment(self.environ), kit or self.kit())
        return found[0]

    async def finished(self, run: int, automation: Automation, kit: Kit | None = None) -> str:
        """Carry out this run to its end, waiting whenever it waits; its last state."""
        for _ in range(60):
            row = self.run(run)
            if row.state != "open":
                return str(row.state)
            self.clock.now = max(self.clock.now, row.due_at)
            await self.carry(automation, kit, row.connection)
        raise AssertionError(f"the run does not end: {self.run(run)} {self.steps(run)}")

    def run(self, run: int) -> Any:
        return self.ledger.read_now(lambda c: c.execute(select(RUNS).where(RUNS.c.id == run)).one())

    def steps(self, run: int) -> dict[str, Any]:
        """The steps of a run by their numbers."""
        wanted = select(STEPS).where(STEPS.c.run == run)
        return {row.number: row for row in self.ledger.read_now(lambda c: c.execute(wanted).all())}


@dataclass
class Crossing:
    """The way to the vendor across a border at which the process may die."""

    vendor: Toy
    border: Border

    async def call(self, *args: Any) -> Any:
        return await self.border.around(self.vendor.call)(*args)

    async def download(self, *args: Any) -> Any:
        return await self.border.around(self.vendor.download)(*args)


async def _checked(action: Action, given: Any, connection: Connection) -> dict[str, Any]:
    return check(action.operation(given), given, one_of=action.one_of, only_one_of=action.only_one_of)
