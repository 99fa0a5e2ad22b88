"""`hightide test`: an automation on a real or given record, with nothing sent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from config.automation import Automation, TriggerUse
from config.environment import names_in
from config.findings import strings
from config.problems import meant
from config.span import spelled
from connections.client import Client
from connections.connection import Connection
from connections.request import InvalidInputs
from console import output
from console.asking import as_watched, ask
from console.call_commands import request_json
from console.calling import calling, desk_of
from console.failures import Fault
from console.folder import ledger
from console.options import Json, Project
from console.rehearsal import Rehearsal, Rehearsed, absent, rehearse
from triggers.reading import Event, key_of
from triggers.trigger import Trigger
from worker.deploy import feed_of
from worker.desk import Desk
from worker.ledger import installations
from worker.locations import expanded
from worker.lookups import Lookups
from worker.names import Names

MOST = 1000
"""How many records are looked through for the one with a key."""


def rehearsal(
    automation: Annotated[str, typer.Argument(metavar="AUTOMATION", help="An automation of the project.")],
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="A record as JSON, `-` for stdin; else one is polled."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Of the records that are polled the one with this id.")
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show what an automation would do about one record: whether `when` holds, and what each step would send.

    Nothing is sent but questions: for a record, for what is written by name, and those of steps that only look
    something up. What another step's answer would hold is stood in for by its name in `<>`.
    """
    desk = desk_of(project)
    written = desk.project().automations.get(automation)
    if written is None:
        known = desk.project().automations
        raise Fault(f"unknown automation `{automation}` ({meant(automation, known) or 'there is none'})")
    environ = desk.project().environ
    filled = _located(desk, written.with_environment(environ))
    desk.mask.learn(environ[name] for name in variables(written))
    if record is not None and key is not None:
        raise typer.BadParameter("a record is given by --record or by --key, not by both", param_hint="--key")
    given = None if record is None else _given(record)
    found = calling(desk, lambda client: _rehearsed(client, desk, filled, given, key))
    connections = desk.project().connections
    if as_json:
        output.json(rehearsal_json(found, written, connections, desk))
    else:
        _shown(found, written, connections, desk)
    if not found.sound:
        raise typer.Exit(1)


def _located(desk: Desk, automation: Automation) -> Automation:
    """The automation at one of its locations, where it stands for many."""
    home = desk.project().connections.get(automation.trigger.connection)
    if home is None or home.locations is None:
        return automation
    with ledger(desk.settings.project) as store:
        at = expanded([automation], desk.project().connections, store.read_now(installations.read))
    if not at:
        raise Fault(f"connection {home.name} stands for no location that is known yet; `hightide run` asks the agency")
    output.note(f"rehearsed at {at[0].trigger.connection}, one of {len(at)} locations")
    return at[0]


async def _rehearsed(client: Client, desk: Desk, automation: Automation, given: Any, key: str | None) -> Rehearsal:
    project = desk.project()
    trigger = project.triggers[automation.trigger.use]
    use = automation.trigger
    if given is None:
        given = await _polled(client, trigger, use, project.connections[use.connection], key)
    event = Event(key=key_of(given, trigger.key) or "?", version="test", kind=use.on[0], record=given)
    feed = feed_of(automation, trigger).id
    now = datetime.now(UTC)
    return await rehearse(automation, event, feed, project.connections, client, now, project.actions)


async def _polled(client: Client, trigger: Trigger, use: TriggerUse, home: Connection, key: str | None) -> Any:
    """The first record that the trigger brings, or the one with that key.

    Raises:
        Fault: there is none.
    """
    try:
        asked = await Names(Lookups(client)).resolved(trigger.fetch, use.with_, home)
    except InvalidInputs as error:
        raise Fault(f"{trigger.id}: {error}") from None
    most = 1 if key is None else MOST
    found = await ask(client, trigger, home, asked, as_watched(trigger, use.on), most)
    wanted = [each.record for each in found if key in {None, each.key}]
    if not wanted:
        which = "no record" if key is None else f"no `{key}` among its first {most:,} records"
        raise Fault(f"{trigger.id} brings {which} at this moment; give one with `--record FILE`")
    return wanted[0]


def rehearsal_json(found: Rehearsal, automation: Automation, connections: Any, desk: Desk) -> dict[str, Any]:
    """What `test --json` prints."""
    event = found.event
    return {
        "event": {"kind": event.kind, "key": event.key, "record": event.record},
        "when": found.when,
        "once_per": found.once,
        "collect": None if automation.collect is None else spelled(automation.collect),
        "error": found.error,
        "missing": absent(automation, found),
        "steps": [
            {
                "number": each.number,
                "id": each.step.id,
                "action": each.step.use,
                "connection": each.step.connection,
                "wait": None if each.step.wait is None else spelled(each.step.wait),
                "skipped": each.skipped,
                "error": each.error,
                "request": _request(each, connections[each.step.connection], desk),
            }
            for each in found.steps
        ],
        "ok": found.sound,
    }


def variables(automation: Automation) -> set[str]:
    """The names of the environment variables that an automation stands on."""
    found = strings(automation.definition(), ())
    return {name for _, text in found for name in names_in(text)}


def _request(each: Rehearsed, connection: Connection, desk: Desk) -> dict[str, Any] | None:
    if each.inputs is None:
        return None
    project = desk.project()
    vendor = project.vendors.get(connection.kind)
    shown = request_json(project.actions[each.step.use], connection, each.inputs, vendor)
    # what stands in for an answer is no id, and is better read as it is
    shown["url"] = shown["url"].replace("%3C", "<").replace("%3E", ">")
    hidden: dict[str, Any] = orjson.loads(desk.mask(orjson.dumps(shown).decode()))
    return hidden


def _shown(found: Rehearsal, automation: Automation, connections: Any, desk: Desk) -> None:
    event = found.event
    output.result(f"event   {event.kind} {event.key}")
    output.result(f"record  {orjson.dumps(event.record).decode()[:1000]}")
    for said in absent(automation, found):
        output.result(f"mind    {said}")
    for line in _conditions(found, automation):
        output.result(line)
    waits = {each.step.id: each.step.wait for each in found.steps if not each.skipped}
    for each in found.steps:
        output.result("")
        wait = None if each.skipped else waits.pop(each.step.id, None)  # once before the first item
        if wait is not None:
            output.result(f"wait    {spelled(wait)}")
        output.result(f"step {each.number}  {each.step.id}: {each.step.use} on {each.step.connection}")
        for line in _lines(each, connections[each.step.connection], desk):
            output.result(f"  {line}")


def _conditions(found: Rehearsal, automation: Automation) -> Iterator[str]:
    """What decides whether a run begins at all."""
    if automation.when is not None and found.when is not None:
        yield f"when    {automation.when}: {str(found.when).lower()}"
    if found.when is False:
        yield "        the event would be passed over; what follows would not be sent, nor its errors count"
    if automation.once_per is not None and found.error is None:
        value = "no value, so no limit" if found.once in (None, "") else orjson.dumps(found.once).decode()
        yield f"once    {automation.once_per.text}: {value}"
    if automation.collect is not None:
        yield f"collect {spelled(automation.collect)}: `records` is this one record here"
    if found.error is not None:
        yield f"error   {found.error}"


def _lines(each: Rehearsed, connection: Connection, desk: Desk) -> list[str]:
    if each.error is not None:
        return [f"error: {each.error}"]
    request = _request(each, connection, desk)
    if request is None:
        return ["left out: its `when` is false"]
    line = f"{request['method']} {request['url']}"
    if request["body"] is None:
        return [line]
    return [line, *orjson.dumps(request["body"], option=orjson.OPT_INDENT_2).decode().split("\n")]


def _given(file: Path) -> Any:
    """The record in a file.

    Raises:
        Fault: it cannot be read, or holds no JSON object.
    """
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        found = orjson.loads(text)
    except OSError as error:
        raise Fault(f"{file} cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise Fault(f"{file} holds no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Fault(f"{file}: expected one record, a JSON object")
    return found
