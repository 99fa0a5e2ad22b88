"""Showing records: which of their fields, and their times as the vendor writes them."""

from __future__ import annotations

from functools import cache

from sandbox.clock import iso
from sandbox.state import Record


@cache
def names(text: str) -> tuple[str, ...]:
    """The names in a text, apart by spaces."""
    return tuple(text.split())


def pick(record: Record, text: str) -> Record:
    """The named fields of a record, as far as it has them."""
    return {name: record[name] for name in names(text) if record.get(name) is not None}


def times(record: Record, text: str) -> Record:
    """The named times of a record, as the vendor writes them, as far as it has them."""
    return {name: iso(record[name]) for name in names(text) if record.get(name) is not None}


def full_name(contact: Record) -> str:
    """First and last name of a contact, as far as it has them."""
    return f"{contact.get('firstName', '')} {contact.get('lastName', '')}".strip()
