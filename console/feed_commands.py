"""Feeds: what they remember, why a record fired or did not, and making one due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from console import output
from console.failures import Fault
from console.folder import ledger, settings_of
from console.known import known
from console.options import Json, Project
from console.times import moment
from worker import corrections, histories
from worker.corrections import Refusal
from worker.histories import Memory
from worker.ledger import breakers, feeds
from worker.ledger.breakers import OpenBreaker
from worker.ledger.database import now_ms
from worker.ledger.retention import DAY
from worker.ledger.store import Store

Feed = Annotated[str, typer.Argument(metavar="FEED", help="A feed by its id, or an automation that listens to it.")]

cursor = typer.Typer(
    help="What a feed remembers between polls: show it, make it go back, or begin anew.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)


def nudge(
    automation: Feed,
    project: Project = None,
) -> None:
    """Make an automation's feed due now; the poll under way, if there is one, is followed by another.

    Where it stands for many locations, the feeds of all of them are.
    """
    with ledger(project) as store:
        named = feeds_named(store, automation)
        if not store.write_now(feeds.nudge, named, now_ms()):
            raise Fault(f"{named[0]} is stopped: no automation listens to it")
        held = store.read_now(left_alone, named, now_ms())
    output.note(f"{named[0]} is due now" if len(named) == 1 else f"{len(named)} feeds are due now")
    for each in held:
        until = datetime.fromtimestamp(each.retry_at / 1000, UTC)
        output.note(f"connection {each.connection} is left alone until {until:%H:%M:%S} UTC, because {each.reason}")


def left_alone(connection: Connection, named: Collection[str], now: int) -> list[OpenBreaker]:
    """Why these feeds are not polled although they are due: connections whose pause is not over."""
    parts = (histories.parts(connection, each) for each in named)
    asked = {each.connection for each in parts if each is not None}
    return [each for each in breakers.known(connection, now) if each.connection in asked and each.retry_at > now]


@cursor.command()
def show(feed: Feed, project: Project = None, as_json: Json = False) -> None:
    """Show what a feed remembers, in words, or as it is stored."""
    with ledger(project) as store:
        name = feed_named(store, feed)
        found = store.read_now(histories.memory, name, known(project).triggers)
    if found is None:
        raise Fault(f"the ledger has no feed {name} any more")
    if as_json:
        output.json({"feed": found.feed, "trigger": found.trigger, "strategy": found.strategy, "cursor": found.cursor})
        return
    output.result(f"{found.feed}, a {found.strategy} feed")
    for line in words(found):
        output.result(line)


@cursor.command()
def rewind(
    feed: Feed,
    to: Annotated[str, typer.Option(metavar="TIME", help="ISO 8601, or how long ago: 90s, 2h, 3d.")],
    project: Project = None,
    again: Annotated[
        bool, typer.Option("--again", help="Go back further than events are kept: what is forgotten fires again.")
    ] = False,
) -> None:
    """Make a feed read again what lies at or after a time of the vendor's.

    Events that are known do not fire again; what was there before the feed began fires now. Events are known for
    HIGHTIDE_KEEP_DAYS, and a feed goes back no further, unless `--again` says that they may fire again.
    """
    now, kept = now_ms(), settings_of(project).keep_days
    at = moment(to, now, "--to")
    if at < now - kept * DAY and not again:
        raise Fault(
            f"events are forgotten after {kept} days (HIGHTIDE_KEEP_DAYS), and older ones would fire again: choose a "
            "later time, or add `--again` if they may"
        )
    _turned(project, feed, corrections.rewind, at, now)
    output.note("what it reads again fires only where nothing is known of its having fired before")


@cursor.command()
def reset(feed: Feed, project: Project = None) -> None:
    """Make a feed forget what it knows: its next poll takes note of what there is, and fires nothing.

    Changes since its last poll are then part of what was there, and never fire.
    """
    _turned(project, feed, corrections.reset, now_ms())


def feed_named(store: Store, name: str) -> str:
    """The id of a feed, from its id or from the name of an automation.

    Raises:
        Fault: the ledger knows neither, or the automation has many.
    """
    found = feeds_named(store, name)
    if len(found) > 1:
        raise Fault(f"`{name}` stands for {len(found)} locations; name one of its feeds, such as {found[0]}")
    return found[0]


def feeds_named(store: Store, name: str) -> list[str]:
    """The id of a feed, or those of the feeds of an automation.

    Raises:
        Fault: the ledger knows neither.
    """
    found = store.read_now(corrections.feeds_named, name)
    if not found:
        known = store.read_now(corrections.feed_names)
        listed = f"; there are: {', '.join(known)}" if known else "; the ledger has none yet: `hightide run` makes them"
        raise Fault(f"no automation or feed is called `{name}` in the ledger{listed}")
    return found


def words(found: Memory) -> list[str]:
    """What a cursor says, for people."""
    kept = found.cursor
    if kept is None:
        return ["It was never polled and remembers nothing."]
    reading = " It is in the middle of a list." if kept.get("walk") or kept.get("listing") else ""
    if kept["phase"] == "baseline":
        return [f"It has not read yet what was there at its start.{reading}"]
    if found.strategy == "watermark":
        since, floor = output.moment(kept.get("since")), output.moment(kept.get("floor"))
        return [
            f"The latest time it has seen is {since or '-'}; nothing older than {floor or 'ever'} fires.{reading}",
            f"Of what lies after that it knows {output.counted(len(kept['seen']), 'record', 'records')}.",
        ]
    over = " It has had its one event, and is over." if kept.get("over") else ""
    absent = f" {len(kept['absent'])} of them were missing lately." if kept.get("absent") else ""
    return [
        f"It knows {output.counted(len(kept['known']), 'record', 'records')}.{absent}{reading}{over}",
        f"It has numbered {output.counted(kept['count'], 'change', 'changes')}.",
    ]


def _turned(project: Path | None, name: str, turn: Any, *more: Any) -> None:
    with ledger(project) as store:
        feed = feed_named(store, name)
        try:
            store.write_now(turn, feed, known(project).triggers, *more)
        except Refusal as error:
            raise Fault(str(error)) from None
    output.note(f"{feed} is due now")
