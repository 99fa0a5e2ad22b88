"""`hightide explain`: why a record fired, or did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from connections.client import Client
from console import output, run_page
from console.asking import Found, ask
from console.calling import calling, connection_for, desk_of
from console.failures import Fault
from console.feed_commands import Feed, feed_named
from console.folder import ledger, mask_of
from console.known import known
from console.options import Json, Project
from console.report_commands import run_json
from worker import histories
from worker.admission import PASSED_OVER
from worker.histories import EventLine, FeedParts, RecordHistory, RunHistory, RunLine
from worker.ledger.store import Store

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
        passed = _passed_over(store, found)
    about = found if name == feed else only(found, feed)
    mask = mask_of(project) if passed else str
    ledgers = [mask(line) for line in why(about, passed, ask=not ask_vendor)]
    if not as_json:  # what the ledger knows is said although the vendor may be out of reach
        output.result(f"{key} in {name}")
        _said(ledgers)
    seen = _asked(project, parts, key) if ask_vendor else None
    vendors = [mask(line) for line in at_vendor(about, seen, passed)] if ask_vendor else []
    if as_json:
        output.json(_json(found, seen, ledgers + vendors))
    else:
        _said(vendors)


def _said(lines: Iterable[str]) -> None:
    for line in lines:
        output.result(line)


def only(found: RecordHistory, automation: str) -> RecordHistory:
    """The same as far as it is about one automation."""
    events = [
        replace(each, runs=tuple(run for run in each.runs if run.automation == automation)) for each in found.events
    ]
    kinds = {name: kinds for name, kinds in found.kinds.items() if name == automation}
    return replace(found, events=tuple(events), kinds=kinds)


def _passed_over(store: Store, found: RecordHistory) -> dict[int, RunHistory]:
    """The runs that did nothing by their automation's `when`, by number, with all that is known of them."""
    wanted = [run.id for event in found.events for run in event.runs if run.reason == PASSED_OVER]
    read = (store.read_now(histories.run, run) for run in wanted)
    return {each.run.id: each for each in read if each is not None}


def why(found: RecordHistory, passed: Mapping[int, RunHistory], *, ask: bool = True) -> Iterator[str]:
    """What the ledger says, in words; `passed` are the runs that did nothing by their `when`.

    `ask` points to `--ask` where the ledger does not know the record.
    """
    for event in found.events:
        yield from _event(event, found, passed)
    for reason in found.aside:
        yield f"A record with this key was set aside: {reason}."
    if not found.events:
        yield from _silent(found)
        if ask and found.seen is None:
            yield "KEY is the record's key, most often its id; `--ask` looks whether the vendor has it."


def _event(event: EventLine, found: RecordHistory, passed: Mapping[int, RunHistory]) -> Iterator[str]:
    """What became of an event."""
    yield f"It is an event: {event.kind}, version {event.version}, found {output.moment(event.found_at)}."
    for run in event.runs:
        yield f"  run {run.id} of {run.automation}{_became(run, found.leaders)}"
        condition = run_page.condition(passed[run.id]) if run.id in passed else None
        yield from [f"    when: {condition}"] if condition else []
    heard = {run.automation for run in event.runs}
    for name, kinds in found.kinds.items():
        if name not in heard:
            listens = "listens to it only since later" if event.kind in kinds else f"listens to {', '.join(kinds)}"
            yield f"  {name} has no run: it {listens}"


def _became(run: RunLine, leaders: Mapping[int, str]) -> str:
    again = f" (replay {run.replay})" if run.replay else ""
    if run.batch is not None and run.batch != run.id:
        return f"{again} is collected in run {run.batch}, which is {leaders.get(run.batch, 'gone')}"
    return f"{again} is {run.state}" + (f": {run.reason}" if run.reason else "")


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


def at_vendor(found: RecordHistory, seen: Found | None, passed: Mapping[int, RunHistory]) -> Iterator[str]:
    """What follows from what the vendor says; `seen` is the record as it has it now, where it has it."""
    if seen is None:
        yield "The vendor has no record with this key in what the feed asks for."
        return
    at = output.moment(seen.at)
    yield "The vendor has it" + (f", at {at}." if at else ".")
    if found.events:
        yield from _changed(found, seen.record, passed)
    if found.events or found.seen is not None or found.baseline:
        return
    if found.floor is not None and seen.at is not None and seen.at < found.floor:
        yield f"That is before {output.moment(found.floor)}: it was there before the feed began, and does not fire."
    else:
        yield "It was not there at the last poll; the next one will find it (`hightide nudge` makes that soon)."


def _changed(found: RecordHistory, record: Any, passed: Mapping[int, RunHistory]) -> Iterator[str]:
    """That a `when` which was false would go by other values now, of which its automation is not told."""
    for run in [run for event in found.events[-1:] for run in event.runs if run.id in passed]:
        when, listens = passed[run.id].definition.get("when") or "", found.kinds.get(run.automation, ())
        now = list(run_page.values(when, record))
        if now != list(run_page.values(when, passed[run.id].record)):
            yield f"It has changed since: {'; '.join(now)}."
            if listens and "updated" not in listens:
                yield f"  {run.automation} listens to {', '.join(listens)}, so this change starts no run."


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
