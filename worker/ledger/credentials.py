"""Tokens in the ledger: sealed, versioned, and refreshed by one process at a time.

A refresh token works once. Whoever wants to use it takes the lease on its row first and reads the row again under it;
the new pair is stored before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from worker.ledger.feeds import upsert
from worker.ledger.tables import CREDENTIALS

LEASE = 45_000
"""How long (ms) one process may take to refresh a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token as the ledger has it: `access` and `refresh` are sealed, times in epoch ms.

    `spending` says that somebody set out to use the refresh token and never came back: it may be used up.
    """

    name: str
    version: int
    access: str
    refresh: str | None
    expires_at: int
    scope: str | None
    user_type: str | None
    location_id: str | None
    company_id: str | None
    spending: bool
    reason: str | None
    updated_at: int


def read(connection: Connection, name: str) -> StoredToken | None:
    """The token of this name."""
    row = connection.execute(select(*_COLUMNS).where(CREDENTIALS.c.name == name)).mappings().first()
    return None if row is None else StoredToken(**row)


def lease(connection: Connection, name: str, version: int, now: int) -> StoredToken | None:
    """Take the right to refresh this version; None while another process has it, or when the version has moved on.

    `spending` in what is given back tells whether the one before us was cut off in the middle.
    """
    free = (CREDENTIALS.c.name == name, CREDENTIALS.c.version == version, CREDENTIALS.c.lease_until <= now)
    row = select(CREDENTIALS.c.name).where(*free)
    if connection.dialect.name == "postgresql":
        row = row.with_for_update(skip_locked=True)
    if connection.scalar(row) is None:
        return None
    before = read(connection, name)
    connection.execute(
        update(CREDENTIALS).where(*free).values(lease_until=now + LEASE, spending=CREDENTIALS.c.refresh.is_not(None))
    )
    return before


def store(connection: Connection, token: dict[str, Any], now: int, version: int | None = None) -> int | None:
    """Store a new token under its name; its version.

    With `version` it takes that version's place, and only that: None when another process has stored a newer one.
    """
    row = {**token, "version": 1, "lease_until": 0, "spending": False, "reason": None, "updated_at": now}
    inserted = upsert(connection, CREDENTIALS).values(row)
    changed = {name: inserted.excluded[name] for name in row if name not in {"name", "version", "refresh"}}
    changed["version"] = CREDENTIALS.c.version + 1
    if version is None:
        changed["refresh"] = inserted.excluded.refresh
        place = None
    else:  # a vendor that sends no new refresh token means that the old one stays good
        changed["refresh"] = func.coalesce(inserted.excluded.refresh, CREDENTIALS.c.refresh)
        place = CREDENTIALS.c.version == version
    stored = inserted.on_conflict_do_update(index_elements=["name"], set_=changed, where=place)
    return connection.scalars(stored.returning(CREDENTIALS.c.version)).first()


def forget(connection: Connection, location: str) -> None:
    """Forget the tokens of a location that were exchanged for an agency's: one that was uninstalled is no good."""
    exchanged = (CREDENTIALS.c.location_id == location, CREDENTIALS.c.refresh.is_(None))
    connection.execute(delete(CREDENTIALS).where(*exchanged))


def release(connection: Connection, name: str, version: int, *, reason: str | None, spent: bool) -> None:
    """Give the lease back without a new token: `spent` when the refresh token may be used up, with the reason."""
    row = update(CREDENTIALS).where(CREDENTIALS.c.name == name, CREDENTIALS.c.version == version)
    connection.execute(row.values(lease_until=0, spending=spent, reason=reason))


def reseal(connection: Connection, again: Callable[[str], str]) -> int:
    """Seal every token anew; how many rows there are. A refresh under way goes on: versions stay as they are."""
    rows = connection.execute(select(CREDENTIALS.c.name, CREDENTIALS.c.access, CREDENTIALS.c.refresh)).all()
    for row in rows:
        values = {"access": again(row.access), "refresh": row.refresh and again(row.refresh)}
        # what was stored meanwhile is sealed with a key that is good
        mine = update(CREDENTIALS).where(CREDENTIALS.c.name == row.name, CREDENTIALS.c.access == row.access)
        connection.execute(mine.values(**values))
    return len(rows)


def everything(connection: Connection) -> list[StoredToken]:
    """All tokens, by name."""
    rows = connection.execute(select(*_COLUMNS).order_by(CREDENTIALS.c.name)).mappings()
    return [StoredToken(**row) for row in rows]


_COLUMNS = tuple(CREDENTIALS.c[name] for name in StoredToken.__dataclass_fields__)
