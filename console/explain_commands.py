"""`hightide explain`: why a record fired, or did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from connections.client import Client
from console import output
from console.asking import Found, ask
from console.calling import calling, connection_for, desk_of
from console.failures import Fault
from console.feed_commands import Feed, feed_named
from console.folder import ledger
from console.known import known
from console.options import Json, Project
from console.report_commands import run_json
from worker import histories
from worker.histories import FeedParts, RecordHistory

MOST = 5_000
"""So many of the vendor's records are looked through with `--ask`."""


def explain(
    feed: Feed,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The record's key: its id, most often.")],
    project: Project = None,
    ask_vendor: Annotated[bool, typer.Option("--ask", help="Look for the record at the vendor too.")] = False,
    as_json: Json = False,
) -> None:
    """Say why a record fired, or why it did not: its events and their runs, or what keeps it from being one.

    It looks into the ledger only, unless `--ask` is given; no cursor moves.
    """
    with ledger(project) as store:
        name = feed_named(store, feed)
        found = store.read_now(histories.record, name, key, known(project).triggers)
        parts = store.read_now(histories.parts, name)
    if found is None or parts is None:
        raise Fault(f"the ledger has no feed {name} any more")
    seen = _asked(project, parts, key) if ask_vendor else None
    reasons = list(why(found, seen, asked=ask_vendor))
    if as_json:
        output.json(_json(found, seen, reasons))
        return
    output.result(f"{key} in {name}")
    for line in reasons:
        output.result(line)


def why(found: RecordHistory, seen: Found | None, *, asked: bool = False) -> Iterator[str]:
    """The reasons, in words; `seen` is the record as the vendor has it now, where it was asked and has it."""
    for event in found.events:
        yield f"It is an event: {event.kind}, version {event.version}, found {output.moment(event.found_at)}."
        for run in event.runs:
            because = f": {run.reason}" if run.reason else ""
            again = f" (replay {run.replay})" if run.replay else ""
            yield f"  run {run.id} of {run.automation}{again} is {run.state}{because}"
        heard = {run.automation for run in event.runs}
        for name, kinds in found.kinds.items():
            if name not in heard:
                listens = "listens to it only since later" if event.kind in kinds else f"listens to {', '.join(kinds)}"
                yield f"  {name} has no run: it {listens}"
    for reason in found.aside:
        yield f"A record with this key was set aside: {reason}."
    if not found.events:
        yield from _silent(found)
    if asked:
        yield from _at_vendor(found, seen)


def _silent(found: RecordHistory) -> Iterator[str]:
    """Why there is no event."""
    if found.baseline:
        yield "The feed has not read yet what was there at its start: until then nothing fires."
    elif found.seen is not None:
        yield f"The feed knows it (version {found.seen}) from its first poll: what is there at the start fires nothing."
    elif found.floor is not None:
        at = output.moment(found.floor)
        yield f"The feed has not met it. It reads what lies at or after {at}; what is older was there before."
    else:
        yield "The feed has not met it: it was in no answer of the vendor's so far."


def _at_vendor(found: RecordHistory, seen: Found | None) -> Iterator[str]:
    if seen is None:
        yield "The vendor has no record with this key in what the feed asks for."
        return
    at = output.moment(seen.at)
    yield "The vendor has it" + (f", at {at}." if at else ".")
    if found.events or found.seen is not None or found.baseline:
        return
    if found.floor is not None and seen.at is not None and seen.at < found.floor:
        yield f"That is before {output.moment(found.floor)}: it was there before the feed began, and does not fire."
    else:
        yield "It was not there at the last poll; the next one will find it (`hightide nudge` makes that soon)."


def _asked(project: Path | None, parts: FeedParts, key: str) -> Found | None:
    trigger = known(project).triggers.get(parts.trigger)
    if trigger is None:
        raise Fault(f"no trigger is called {parts.trigger} any more")
    desk = desk_of(project)
    connection = connection_for(desk.project(), parts.connection, parts.trigger)

    async def looked(client: Client) -> Found | None:
        records = await ask(client, trigger, connection, parts.params, parts.watch, MOST)
        return next((each for each in records if each.key == key), None)

    return calling(desk, looked)


def _json(found: RecordHistory, seen: Found | None, reasons: list[str]) -> dict[str, Any]:
    events = [
        {
            **asdict(event),
            "found_at": output.moment(event.found_at),
            "runs": [run_json(run) for run in event.runs],
        }
        for event in found.events
    ]
    return {
        "feed": found.feed,
        "key": found.key,
        "events": events,
        "set_aside": list(found.aside),
        "known": found.seen,
        "baseline": found.baseline,
        "floor": output.moment(found.floor),
        "at_vendor": None if seen is None else seen.record,
        "why": reasons,
    }
