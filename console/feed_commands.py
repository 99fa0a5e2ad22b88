"""Feeds: making one due now."""

from __future__ import annotations

from typing import Annotated

import typer

from console import output
from console.failures import Fault
from console.folder import ledger
from console.options import Project
from worker import corrections
from worker.ledger import feeds
from worker.ledger.database import now_ms
from worker.ledger.store import Store


def nudge(
    automation: Annotated[str, typer.Argument(help="An automation, or a feed by its id.")],
    project: Project = None,
) -> None:
    """Make an automation's feed due now; the poll under way, if there is one, is followed by another."""
    with ledger(project) as store:
        feed = _feed(store, automation)
        store.write_now(feeds.nudge, [feed], now_ms())
    output.note(f"{feed} is due now")


def _feed(store: Store, name: str) -> str:
    found = store.read_now(corrections.feed_named, name)
    if found is None:
        known = store.read_now(corrections.feed_names)
        listed = f"; there are: {', '.join(known)}" if known else "; the ledger has none yet: `hightide run` makes them"
        raise Fault(f"no automation or feed is called `{name}` in the ledger{listed}")
    return found
