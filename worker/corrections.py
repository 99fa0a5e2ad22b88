"""What people put right in the ledger: runs taken up again or settled by hand, feeds that forget or go back."""

from __future__ import annotations

from sqlalchemy import Connection, select

from worker.ledger.tables import AUTOMATIONS, FEEDS


def feed_named(connection: Connection, name: str) -> str | None:
    """The id of the feed that is called so, or that the automation of that name listens to."""
    known = connection.scalar(select(FEEDS.c.id).where(FEEDS.c.id == name))
    if known is not None:
        return str(known)
    listened = select(AUTOMATIONS.c.feed).where(AUTOMATIONS.c.name == name)
    found = connection.scalar(listened.order_by(AUTOMATIONS.c.active.desc(), AUTOMATIONS.c.since.desc()).limit(1))
    return None if found is None else str(found)


def feed_names(connection: Connection) -> list[str]:
    """The automations that listen to a feed, by name."""
    named = select(AUTOMATIONS.c.name).where(AUTOMATIONS.c.active).order_by(AUTOMATIONS.c.name)
    return list(connection.scalars(named))
