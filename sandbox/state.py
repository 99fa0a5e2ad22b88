"""Everything the sandbox knows: records by table and home, found by id, by value and by time, and what was done."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.clock import Clock
from sandbox.ids import new_hex, new_id
from sandbox.refusal import missing
from sandbox.tables import TABLES

Record = dict[str, Any]
Rows = dict[str, Record]
DEFAULT_COMPANY = "sandboxCompany000001"
SETTINGS: Record = {
    "id": "settings",
    "anyone": True,  # any bearer token is welcome
    "per_10s": 100,
    "per_day": 200_000,
    "own": {},  # limits of single locations
    "documented": False,  # answers take the documents' form where clients report another
    "lifetime": 86_399,  # of access tokens, in seconds
    "enforce_scopes": False,  # of the access tokens that are given out
    "consent": "sandboxLocation00001",  # the location that is chosen on the consent page
    "uninstalled": [],  # locations without the app
    "webhooks": [],  # where they are sent
    "rankr_lifetime": 900,  # of Rankr's tokens, in seconds
    "leads": 0,  # how many came in by themselves
}


class State:
    """All records. They are replaced, never changed in place, so that every change passes through here."""

    def __init__(self, seed: Callable[[State, str, str], None]) -> None:
        self.clock = Clock()
        self.effects: list[dict[str, Any]] = []
        self.touched: list[tuple[str, str, str]] = []
        self.last_used_at: dict[str, str] = {}
        self.watchers: list[Callable[[str, Record | None, Record | None], None]] = []
        self._seed = seed
        self._clear()

    def _clear(self) -> None:
        self.tables: dict[str, dict[str, Rows]] = {name: {} for name in TABLES}
        self.settings = SETTINGS
        self._owners: dict[str, str] = {}
        self._times: dict[tuple[str, str, str], list[tuple[int, str]]] = {}
        self._values: dict[tuple[str, str, str, Any], dict[str, None]] = {}
        self._hidden: dict[str, float] = {}
        self._lag = (0.0, 0)

    def reset(self) -> None:
        """Forgets everything."""
        self._clear()
        self.effects.clear()
        self.touched.clear()
        self.last_used_at.clear()
        self.clock = Clock()

    # What the sandbox is told to be like, kept with its records.

    def set(self, **settings: Any) -> None:
        """Changes settings."""
        self.put("settings", "sandbox", {**self.settings, **settings})

    @property
    def documented(self) -> bool:
        """Whether answers take the documents' form where clients report another."""
        return bool(self.settings["documented"])

    # Locations are made when they are first named, so that any number of accounts can be played.

    def location(self, key: str, company: str | None = None) -> Record:
        """The location of that id, made and furnished on first use."""
        if self.find("locations", key) is None:
            with self.clock.apart():
                self._seed(self, key, company or DEFAULT_COMPANY)
        return self.get("locations", key)

    def owner(self, key: str) -> str | None:
        """The location or company that a record of that id belongs to."""
        return self._owners.get(key)

    # Reading.

    def rows(self, table: str, home: str) -> Iterable[Record]:
        """The records of a table in one home, oldest first, less those that are not indexed yet."""
        rows = self.tables[table].get(home, {}).values()
        return [row for row in rows if self.visible(row["id"])] if self._hidden else rows

    def every(self, table: str) -> Iterable[Record]:
        """The records of a table in all homes."""
        return (row for rows in self.tables[table].values() for row in rows.values())

    def find(self, table: str, key: str) -> Record | None:
        """The record of that id, if there is one."""
        return self.tables[table].get(self._owners.get(key, ""), {}).get(key)

    def get(self, table: str, key: str) -> Record:
        """The record of that id.

        Raises:
            Refusal: there is none; the vendor's 400.
        """
        found = self.find(table, key)
        if found is None:
            raise missing(TABLES[table].word, key)
        return found

    def by_value(self, table: str, home: str, field: str, value: Any) -> list[Record]:
        """The records whose field holds that value, oldest first."""
        rows = self.tables[table].get(home, {})
        return [rows[key] for key in self._values.get((table, home, field, value), ())]

    def by_time(self, table: str, home: str, field: str, since: int | None, until: int | None) -> list[tuple[int, str]]:
        """(time, id) of the records whose time lies in the closed range, oldest first, less those not indexed yet."""
        times = self._times.get((table, home, field), [])
        low = 0 if since is None else bisect_left(times, (since, ""))
        high = len(times) if until is None else bisect_left(times, (until + 1, ""))
        part = times if high - low == len(times) else times[low:high]  # not copied: there may be a million
        return [entry for entry in part if self.visible(entry[1])] if self._hidden else part

    # Writing.

    def create(self, table: str, home: str, fields: Record, key: str | None = None) -> Record:
        """Stores a new record with an id and its times, and returns it."""
        row = TABLES[table]
        stamp = self.clock.stamp()
        key = key or row.prefix + (new_hex() if row.hexadecimal else new_id())
        times = {name: stamp for name in (row.added, row.updated, *row.follows.values()) if name}
        record = {"id": key, **row.blank, **fields, **times}
        if row.home == "location":
            record["locationId"] = home
        if row.sorted_by and self._lag[1] > 0:
            self._hidden[key] = self.clock.now() + self._lag[0]
            self._lag = (self._lag[0], self._lag[1] - 1)
        self.put(table, home, record)
        return record

    def update(self, table: str, record: Record, changes: Record) -> Record:
        """Stores a record with changes and a later time of change; a change to None takes the field away."""
        changed = {name: value for name, value in {**record, **changes}.items() if value is not None}
        row = TABLES[table]
        moved = [time for field, time in row.follows.items() if changed.get(field) != record.get(field)]
        if row.updated:
            changed |= dict.fromkeys((row.updated, *moved), self.clock.stamp())
        self.put(table, self._owners[record["id"]], changed)
        return changed

    def put(self, table: str, home: str, record: Record) -> None:
        """Stores a record as it is, in place of the one with its id."""
        key = record["id"]
        before = self.tables[table].get(home, {}).get(key)
        self._index(table, home, before, record)
        self.tables[table].setdefault(home, {})[key] = record
        self._owners[key] = home
        self.touched.append((table, home, key))
        if table == "settings":
            self.settings = {**SETTINGS, **record}  # a state file may be older than a setting
        for told in self.watchers:
            told(table, before, record)

    def remove(self, table: str, key: str) -> None:
        """Takes a record away, if it is there."""
        home = self._owners.get(key, "")
        if key not in self.tables[table].get(home, {}):
            return
        before = self.tables[table][home].pop(key)
        self._index(table, home, before, None)
        self._owners.pop(key, None)
        self.touched.append((table, home, key))
        for told in self.watchers:
            told(table, before, None)

    def _index(self, table: str, home: str, before: Record | None, after: Record | None) -> None:
        row = TABLES[table]
        key = (before or after or {})["id"]
        for field in row.lookups:
            old, new = (record and record.get(field) for record in (before, after))
            if old != new and old is not None:
                self._values[table, home, field, old].pop(key)
            if old != new and new is not None:
                self._values.setdefault((table, home, field, new), {})[key] = None
        for field in row.sorted_by:
            times = self._times.setdefault((table, home, field), [])
            if before is not None and field in before:
                del times[bisect_left(times, (before[field], key))]
            if after is not None and field in after:
                insort(times, (after[field], key))

    # Records that lists and searches see late.

    def lag(self, seconds: float, count: int) -> None:
        """The next `count` new records of sorted tables are seen by lists and searches only after that many seconds."""
        self._lag = (seconds, count)

    def visible(self, key: str) -> bool:
        """Whether lists and searches see a record by now."""
        until = self._hidden.get(key)
        if until is None:
            return True
        if until > self.clock.now():
            return False
        del self._hidden[key]
        return True
