"""Consents under way: what was asked for, until the person comes back from the vendor's page, or does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import Connection, delete, insert

from worker.ledger.tables import CONSENTS

LASTS = 900_000
"""How long (ms) a person may take at the vendor's page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A consent that was begun: for which connection, where the person comes back to, and what was asked for."""

    connection: str
    redirect_uri: str
    scope: str
    verifier: str | None = field(default=None, repr=False)


def begin(connection: Connection, state: str, begun: Begun, now: int) -> None:
    """Remember it by its state, of which only a digest is kept; the verifier is given sealed."""
    connection.execute(delete(CONSENTS).where(CONSENTS.c.ends_at <= now))
    row = {name: getattr(begun, name) for name in ("connection", "redirect_uri", "scope", "verifier")}
    connection.execute(insert(CONSENTS).values(state=_digest(state), ends_at=now + LASTS, **row))


def finish(connection: Connection, state: str, now: int) -> Begun | None:
    """What was begun with this state, once: it is forgotten by this. None when nothing was, or too long ago."""
    mine = delete(CONSENTS).where(CONSENTS.c.state == _digest(state), CONSENTS.c.ends_at > now)
    columns = (CONSENTS.c.connection, CONSENTS.c.redirect_uri, CONSENTS.c.scope, CONSENTS.c.verifier)
    row = connection.execute(mine.returning(*columns)).mappings().first()
    return None if row is None else Begun(**row)


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()
