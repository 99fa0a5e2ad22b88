"""An agency's locations: in which of them the app is installed, as the vendor said last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, or_, select

from worker.ledger import credentials
from worker.ledger.feeds import upsert
from worker.ledger.tables import INSTALLATIONS


@dataclass(frozen=True, slots=True)
class Installation:
    """A location of an agency; `name` is None where nobody has told it yet, `changed_at` is in epoch ms."""

    name: str | None
    installed: bool
    changed_at: int = field(default=0, compare=False)


Installations = Mapping[str, Mapping[str, Installation]]
"""By the agency's connection, then by location id."""


def note(connection: Connection, agency: str, location: str, name: str | None, now: int, *, installed: bool) -> bool:
    """Write down that the app was installed in a location, or uninstalled; whether that is news.

    The token of a location without it is forgotten.
    """
    if not installed:
        credentials.forget(connection, location)
    row = {"agency": agency, "location_id": location, "name": name, "installed": installed, "changed_at": now}
    inserted = upsert(connection, INSTALLATIONS).values(row)
    told = func.coalesce(inserted.excluded.name, INSTALLATIONS.c.name)
    news = or_(
        INSTALLATIONS.c.installed.is_distinct_from(inserted.excluded.installed),
        INSTALLATIONS.c.name.is_distinct_from(told),
    )
    written = inserted.on_conflict_do_update(
        index_elements=["agency", "location_id"],
        set_={"name": told, "installed": inserted.excluded.installed, "changed_at": inserted.excluded.changed_at},
        where=news,
    )
    return connection.scalars(written.returning(INSTALLATIONS.c.location_id)).first() is not None


def replace(
    connection: Connection, agency: str, found: Mapping[str, str | None], now: int, asked_at: int | None = None
) -> int:
    """Write down a complete list of the locations that have the app, with their names; how many are news.

    What was noted after the list was asked for (`asked_at`, epoch ms) is newer than it and stays.
    """
    since = now if asked_at is None else asked_at
    told = read(connection).get(agency, {})
    newer = {location for location, known in told.items() if known.changed_at > since}
    news = 0
    for location, name in found.items():
        known = told.get(location)
        same = known is not None and known.installed and (name is None or known.name == name)
        if not same and location not in newer:
            news += note(connection, agency, location, name, now, installed=True)
    gone = [location for location, known in told.items() if known.installed and location not in {*found, *newer}]
    for location in gone:
        note(connection, agency, location, None, now, installed=False)
    return news + len(gone)


def read(connection: Connection) -> dict[str, dict[str, Installation]]:
    """All locations that were ever heard of."""
    found: dict[str, dict[str, Installation]] = {}
    for row in connection.execute(select(INSTALLATIONS).order_by(INSTALLATIONS.c.location_id)):
        found.setdefault(row.agency, {})[row.location_id] = Installation(row.name, row.installed, row.changed_at)
    return found


def last_change(connection: Connection) -> tuple[int, int]:
    """What differs after every change, whosever clock is behind: the number of rows, and the sum of their times."""
    row = connection.execute(select(func.count(), func.sum(INSTALLATIONS.c.changed_at))).one()
    return row[0], int(row[1] or 0)
