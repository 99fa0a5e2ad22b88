"""From a webhook to the feeds that it makes due: through the rows' `wakes`, and the account that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from connections.connection import Connection as Account
from triggers.trigger import Trigger
from worker.ledger import feeds
from worker.ledger.tables import FEEDS

REST = 2000
"""A feed is polled no more often than that (ms) because of webhooks: a storm of them is one look at a time."""


def concerned(
    connection: Connection,
    triggers: Mapping[str, Trigger],
    accounts: Mapping[str, Account],
    told: Iterable[tuple[str, str, str | None]],
) -> list[str]:
    """The feeds that these notices, each (vendor, type, account), are about; without an account: all of the vendor."""
    told = set(told)
    found = []
    for row in connection.execute(select(FEEDS.c.id, FEEDS.c.trigger, FEEDS.c.connection).where(FEEDS.c.active)):
        trigger, account = triggers.get(row.trigger), accounts.get(row.connection)
        if trigger is None or account is None:
            continue
        places = (account.location_id, account.company_id, None)
        if any((account.kind, kind, place) in told for kind in trigger.wakes for place in places):
            found.append(row.id)
    return found


def wake(
    connection: Connection,
    triggers: Mapping[str, Trigger],
    accounts: Mapping[str, Account],
    told: Iterable[tuple[str, str, str | None]],
    now: int,
) -> list[str]:
    """Make the feeds due that these notices are about, and say which."""
    ids = concerned(connection, triggers, accounts, told)
    if ids:
        feeds.nudge(connection, ids, now, rest=REST)
    return ids
