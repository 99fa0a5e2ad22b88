"""Keeping the state in a file: a snapshot, and beside it a journal of what changed since, a line for each request."""

from __future__ import annotations

from io import FileIO
from pathlib import Path
from typing import Any

import orjson

from sandbox.state import State
from sandbox.tables import TABLES


class UnreadableState(Exception):
    """The state file holds something else."""


class Journal:
    """Writes changes as they happen, so that a killed sandbox goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.beside = path.with_name(path.name + ".journal")
        self._file: FileIO | None = None

    def load(self, state: State) -> None:
        """Reads snapshot and journal into an empty state, then starts a fresh journal.

        Raises:
            UnreadableState: the file was not written by a sandbox.
        """
        if self.path.exists():
            try:
                _restore(state, orjson.loads(self.path.read_bytes()))
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise UnreadableState(
                    f"{self.path} holds no state of a sandbox; name another file or remove it"
                ) from exc
        if self.beside.exists():
            for line in self.beside.read_bytes().splitlines():
                _replay(state, line)
        state.touched.clear()
        for table, row in TABLES.items():
            for name in filter(None, (row.added, row.updated)):
                state.clock.seen(max((record.get(name, 0) for record in state.every(table)), default=0))
        self.snapshot(state)

    def snapshot(self, state: State) -> None:
        """Writes the whole state in place of the file, at once or not at all, and empties the journal."""
        told = {
            "tables": {
                t: {home: list(rows.values()) for home, rows in homes.items()} for t, homes in state.tables.items()
            },
            "effects": state.effects,
        }
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_bytes(orjson.dumps(told))
        fresh.replace(self.path)
        if self._file:
            self._file.close()
        self._file = self.beside.open("wb", buffering=0)
        state.touched.clear()

    def write(self, state: State, effect: dict[str, Any] | None) -> None:
        """Adds what changed since the last call, as one line and one write."""
        changes = [
            (table, home, key, state.tables[table].get(home, {}).get(key))
            for table, home, key in dict.fromkeys(state.touched)
        ]
        state.touched.clear()
        if self._file and (changes or effect):
            self._file.write(orjson.dumps({"changes": changes, "effect": effect}) + b"\n")


def _restore(state: State, told: dict[str, Any]) -> None:
    for table, homes in told["tables"].items():
        for home, rows in homes.items():
            for record in rows:
                state.put(table, home, record)
    state.effects.extend(told["effects"])


def _replay(state: State, line: bytes) -> None:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return  # the last line of a sandbox that was killed while writing it: its request was never answered
    for table, home, key, record in told["changes"]:
        if record is None:
            state.remove(table, key)
        else:
            state.put(table, home, record)
    effect = told["effect"]
    if effect and effect["n"] > len(state.effects):  # less: the snapshot was written, the journal not yet emptied
        state.effects.append(effect)
