"""What was used until now: the requests of a poll by feed, and those of actions by connection."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from worker.ledger.tables import FEEDS, STEPS
from worker.plan import Past

DAY = 86_400_000
LOOKED_BACK = 7 * DAY
"""How long (ms) actions are counted; of a younger ledger its own age, and an hour at least."""
ENOUGH = 3
"""Polls after which a feed's requests say something: the first one may read the whole account."""


def pages(connection: Connection) -> dict[str, float]:
    """Requests of one poll, by feed."""
    rows = connection.execute(select(FEEDS.c.id, FEEDS.c.requests, FEEDS.c.polls).where(FEEDS.c.polls >= ENOUGH))
    return {row.id: row.requests / row.polls for row in rows}


def past(connection: Connection, now: int) -> Past:
    """All that is known, actions as requests a day by connection."""
    first = connection.scalar(select(func.min(FEEDS.c.created_at))) or now
    since = max(now - LOOKED_BACK, min(first, now - 3_600_000))
    sent = func.sum(STEPS.c.attempts)
    counted = select(STEPS.c.connection, sent).where(STEPS.c.sent_at >= since).group_by(STEPS.c.connection)
    actions = {name: float(count) * DAY / (now - since) for name, count in connection.execute(counted).all()}
    return Past(pages=pages(connection), actions=actions)
