"""From a webhook to the feeds that it makes due: through the rows' `wakes`, and the account that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from sqlalchemy import ColumnElement, Connection, or_, select

from connections.connection import Connection as Account
from triggers.trigger import Trigger
from worker.ledger import feeds
from worker.ledger.tables import FEEDS

REST = 1500
"""A feed is polled no more often than that (ms) because of webhooks: a storm of them is one look at a time.

The action that follows comes within two seconds also where a webhook arrives just after a poll.
"""


def concerned(
    connection: Connection,
    triggers: Mapping[str, Trigger],
    accounts: Mapping[str, Account],
    told: Iterable[tuple[str, str, str | None]],
) -> list[str]:
    """The feeds that these notices, each (vendor, type, account), are about; without an account: all of the vendor."""
    told = set(told)
    kinds = {kind for _, kind, _ in told}
    woken = [trigger.id for trigger in triggers.values() if not kinds.isdisjoint(trigger.wakes)]
    near = or_(*_on(accounts, {(vendor, place) for vendor, _, place in told}))
    wanted = select(FEEDS.c.id, FEEDS.c.trigger, FEEDS.c.connection)
    found = []
    for row in connection.execute(wanted.where(FEEDS.c.active, FEEDS.c.trigger.in_(woken), near)):
        account = accounts[row.connection]
        places = (account.location_id, account.company_id, None)
        if any((account.kind, kind, place) in told for kind in triggers[row.trigger].wakes for place in places):
            found.append(row.id)
    return found


def _on(accounts: Mapping[str, Account], told: Set[tuple[str, str | None]]) -> Iterator[ColumnElement[bool]]:
    """What the connections are called whose accounts are among these (vendor, account); None is all of a vendor's."""
    names: set[str] = set()
    for name, account in accounts.items():
        whole = not told.isdisjoint((account.kind, place) for place in (account.company_id, None))
        if account.locations is None:
            names |= {name} if whole or (account.kind, account.location_id) in told else set()
        elif whole:
            yield FEEDS.c.connection.startswith(f"{name}/", autoescape=True)
        else:
            names |= {f"{name}/{place}" for vendor, place in told if vendor == account.kind}
    yield FEEDS.c.connection.in_(names)


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
