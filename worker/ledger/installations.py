"""An agency's locations: in which of them the app is installed, as the vendor said last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select, update

from worker.ledger.feeds import upsert
from worker.ledger.tables import INSTALLATIONS


@dataclass(frozen=True, slots=True)
class Installation:
    """A location of an agency; `name` is None where nobody has told it yet."""

    name: str | None
    installed: bool


Installations = Mapping[str, Mapping[str, Installation]]
"""By the agency's connection, then by location id."""


def note(connection: Connection, agency: str, location: str, name: str | None, now: int, *, installed: bool) -> bool:
    """Write down that the app was installed in a location, or uninstalled; whether that is news."""
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


def replace(connection: Connection, agency: str, found: Mapping[str, str | None], now: int) -> int:
    """Write down a complete list of the locations that have the app, with their names; how many are news."""
    before = read(connection).get(agency, {})
    news = 0
    for location, name in found.items():
        known = before.get(location)
        if known is None or not known.installed or (name is not None and known.name != name):
            news += note(connection, agency, location, name, now, installed=True)
    gone = [location for location, known in before.items() if known.installed and location not in found]
    for location in gone:
        mine = update(INSTALLATIONS).where(INSTALLATIONS.c.agency == agency, INSTALLATIONS.c.location_id == location)
        connection.execute(mine.values(installed=False, changed_at=now))
    return news + len(gone)


def read(connection: Connection) -> dict[str, dict[str, Installation]]:
    """All locations that were ever heard of."""
    found: dict[str, dict[str, Installation]] = {}
    for row in connection.execute(select(INSTALLATIONS).order_by(INSTALLATIONS.c.location_id)):
        found.setdefault(row.agency, {})[row.location_id] = Installation(row.name, row.installed)
    return found


def last_change(connection: Connection) -> tuple[int, int]:
    """What differs after every change: how many rows there are, and when one last changed."""
    row = connection.execute(select(func.count(), func.max(INSTALLATIONS.c.changed_at))).one()
    return row[0], row[1] or 0
