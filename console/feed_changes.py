"""What a project's files would change in the ledger: which feeds begin, go on, or stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select

from config.automation import Automation
from config.catalogues import catalogues
from triggers.trigger import Trigger
from worker.deploy import feed_of
from worker.ledger.tables import AUTOMATIONS, FEEDS

NEW, KEPT, STOPPED = "new", "kept", "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The ledger's feeds: all that are known, those that are polled, and those an automation listens to."""

    known: frozenset[str] = frozenset()
    polled: frozenset[str] = frozenset()
    listening: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of a feed. `moved` are those of its automations that listened to another feed until now."""

    feed: str
    change: Literal["new", "kept", "stopped"]
    automations: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()


def present(connection: Connection) -> Present:
    """The feeds as the ledger has them; those that applications poll by order are none of an automation's."""
    rows = connection.execute(select(FEEDS.c.id, FEEDS.c.active, FEEDS.c.schedule)).all()
    heard: dict[str, set[str]] = {}
    for row in connection.execute(select(AUTOMATIONS.c.name, AUTOMATIONS.c.feed).where(AUTOMATIONS.c.active)):
        heard.setdefault(row.name, set()).add(row.feed)
    return Present(
        known=frozenset(row.id for row in rows),
        polled=frozenset(row.id for row in rows if row.active and row.schedule != "[]"),
        listening={name: frozenset(feeds) for name, feeds in heard.items()},
    )


def changes(
    automations: Iterable[Automation], now: Present, triggers: Mapping[str, Trigger] | None = None
) -> list[Change]:
    """What these automations would make of the ledger: by feed, new ones first, stopped ones last.

    An automation has moved when all that it listened to until now is left: one over many locations goes on elsewhere.
    """
    rows = catalogues().triggers if triggers is None else triggers
    wanted: dict[str, list[str]] = {}
    listening: dict[str, set[str]] = {}
    for automation in automations:
        feed = feed_of(automation, rows[automation.trigger.use])
        wanted.setdefault(feed.id, []).append(automation.name)
        listening.setdefault(automation.name, set()).add(feed.id)
    left = {name for name, feeds in now.listening.items() if not feeds & listening.get(name, set())}
    found = [
        Change(
            feed=feed,
            change="kept" if feed in now.known else "new",
            automations=tuple(names),
            moved=tuple(name for name in names if name in left),
        )
        for feed, names in wanted.items()
    ]
    found += [Change(feed=feed, change="stopped") for feed in now.polled - wanted.keys()]
    order = (NEW, KEPT, STOPPED)
    return sorted(found, key=lambda each: (order.index(each.change), each.feed))
