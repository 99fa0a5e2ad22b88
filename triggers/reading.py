"""What a poll reads and what follows from it, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

import orjson

from connections.paging import Position, at_path
from triggers.trigger import Kind, Trigger

Cursor = TypeVar("Cursor")
LAST = 253_402_300_799_999
"""The end of the year 9999 in epoch milliseconds."""
PLAIN = " @:+,;=()"
"""What stays as it is in a key of several fields; a `/` inside a field must not look like one between two."""


class PageRepeated(Exception):
    """The vendor served the same page for two positions; reading on would never end."""


class Disordered(Exception):
    """A list that should be sorted by time is not, so nothing can be said about what is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of a list: its records, where the next page starts, and the vendor's clock in epoch ms."""

    records: Sequence[Mapping[str, Any]]
    next: Position = None
    now: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A record that is new, updated, changed or removed; unique in its feed by key and version."""

    key: str
    version: str
    kind: Kind
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A record that cannot be judged, and why."""

    reason: str
    record: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[Cursor]):
    """What one page brought: its events in order, the records set aside, and the cursor after it."""

    events: tuple[Event, ...]
    cursor: Cursor
    aside: tuple[SetAside, ...] = ()


def key_of(record: Mapping[str, Any], fields: tuple[str, ...]) -> str | None:
    """What identifies a record: its key fields joined by `/` (`_id|id` takes the first that is there); None without."""
    found = [next((record[name] for name in field.split("|") if _names(record.get(name))), None) for field in fields]
    parts = [str(part) for part in found if part is not None]
    if len(parts) < len(fields):
        return None
    return parts[0] if len(parts) == 1 else "/".join(quote(part, safe=PLAIN) for part in parts)


def fields_of(key: str, fields: tuple[str, ...]) -> dict[str, str]:
    """The key fields of a record that is gone, as text: `key_of` backwards."""
    parts = [key] if len(fields) == 1 else [unquote(part) for part in key.split("/")]
    return {field.split("|")[0]: part for field, part in zip(fields, parts, strict=True)}


def _names(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def digest(record: Mapping[str, Any], trigger: Trigger) -> str:
    """Sixteen hex digits that change when the record does; volatile fields and the order of sets do not count."""
    plain = {name: value for name, value in record.items() if name not in trigger.volatile}
    for name in trigger.sets:
        if isinstance(plain.get(name), list):
            plain[name] = sorted(plain[name], key=_encoded)
    return fingerprint(plain)


def fingerprint(value: Any) -> str:
    """Sixteen hex digits for any JSON value, whatever the order of its names."""
    return blake2b(_encoded(value), digest_size=8).hexdigest()


def _encoded(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def moment(value: Any) -> int | None:
    """A vendor's time as epoch milliseconds: ISO 8601 (UTC without an offset) or a number; None if it is neither.

    A number that lies beyond the year 9999 is no time; it would not fit into a cursor either.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if abs(value) <= LAST else None
    if not isinstance(value, str):
        return None
    if value.isdecimal():
        return moment(int(value)) if len(value) <= len(str(LAST)) else None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return round((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def time_at(record: Mapping[str, Any], field: str | None) -> int | None:
    """The time in that field of a record, in epoch milliseconds."""
    return moment(at_path(record, field)) if field else None
