"""Two accounts that mirror one record, as a model: people edit, feeds are polled, runs are judged and carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connections.operation import get
from triggers.trigger import Snapshot, Trigger
from worker.echoes import View, judged
from worker.ledger.echoes import Before, Past, Write

FIELDS = ("first", "last")
VIEW = View(
    trigger=Trigger(id="toy.things.list", summary="A thing", fetch=get("/things"), strategy=Snapshot(version="at")),
    reads=frozenset((name,) for name in FIELDS),
)
Spelling = Callable[[str], str]


@dataclass
class Run:
    """A run of the automation that listens to one side."""

    id: int
    side: str
    found_at: int
    kind: str
    record: Mapping[str, Any]
    state: str = "open"
    judged: bool = False


@dataclass
class Mirror:
    """Both sides of the mirror, neither of which has the record at first.

    `spelling` is how each side keeps a text, `telling` whether its answers say so; `omitting` leaves out what is empty.
    """

    spelling: Mapping[str, Spelling] = field(default_factory=dict)
    telling: bool = True
    omitting: bool = False
    now: int = 0
    runs: list[Run] = field(default_factory=list)
    writes: list[tuple[int, str, Write]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {side: {"id": side, "at": 0} for side in "ab"}
        self.seen = dict.fromkeys("ab", 0)

    def edit(self, side: str, **values: str) -> None:
        """A person changes something."""
        self._put(side, values)

    def poll(self, side: str) -> None:
        """The feed of that side is polled: what has changed is an event, and opens a run."""
        self.now += 1
        record = self.records[side]
        if record["at"] != self.seen[side]:
            kind = "updated" if self.seen[side] else "new"
            self.seen[side] = record["at"]
            self.runs.append(Run(len(self.runs) + 1, side, self.now, kind, dict(record)))

    def judge(self, side: str) -> None:
        """The oldest run of that side is asked whether it goes on."""
        run = next((run for run in self.runs if run.side == side and run.state == "open" and not run.judged), None)
        if run is None:
            return
        run.judged = True
        before = [
            Before(run=each.id, kind=each.kind, state=each.state, digest="d", record=each.record)
            for each in reversed(self.runs)
            if each.side == side and each.id < run.id
        ]
        writes = [write for at, to, write in reversed(self.writes) if to == side and at <= run.found_at]
        if judged(run.record, run.kind, Past(writes=writes, runs=before), VIEW, "d"):
            run.state = "skipped"

    def send(self, side: str) -> None:
        """The oldest run of that side that goes on writes to the other side."""
        run = next((run for run in self.runs if run.side == side and run.state == "open" and run.judged), None)
        if run is None:
            return
        to = "b" if side == "a" else "a"
        given = {name: run.record.get(name, "") for name in FIELDS}
        given = {name: value for name, value in given.items() if value or not self.omitting}
        stored = self._put(to, {name: self.spelling.get(to, str)(value) for name, value in given.items()})
        answer = dict(stored) if self.telling else {"id": to}
        self.writes.append((self.now, to, Write(run=run.id, action="toy.set", given=given, answer=answer)))
        run.state = "done"

    def settle(self, rounds: int = 12) -> int:
        """Go on until nothing happens any more; how many writes that took."""
        before = len(self.writes)
        for _ in range(rounds):
            opened = len(self.runs)
            for side in "ab":
                self.poll(side)
                for _ in range(len(self.runs)):
                    self.judge(side)
                    self.send(side)
            if len(self.runs) == opened:
                return len(self.writes) - before
        raise AssertionError("it goes on and on")

    def shown(self, side: str) -> tuple[str, ...]:
        return tuple(self.records[side].get(name, "") for name in FIELDS)

    def _put(self, side: str, values: Mapping[str, str]) -> dict[str, Any]:
        self.now += 1
        self.records[side] |= {**values, "at": self.now}
        return self.records[side]
