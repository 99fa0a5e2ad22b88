"""Calls that are made at once, past the ledger: asking a trigger's question, carrying out an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
import typer

from actions.action import Action
from connections.client import Client
from connections.connection import ApiKey, Auth, Connection, NoAuth
from connections.request import InvalidInputs, build, masked
from connections.vendors import Vendor
from connections.wire import Answer
from console import output
from console.asking import Found, as_watched, ask, check_inputs
from console.calling import calling, connection_for, desk_of, given_inputs, unknown
from console.failures import Fault
from console.known import known
from console.options import Json, Project
from worker.lookups import Lookups
from worker.names import Names
from worker.outcomes import made

ConnectionName = Annotated[
    str, typer.Option("--connection", "-c", metavar="NAME", help="A connection of connections.yaml.")
]
With = Annotated[
    str | None, typer.Option("--with", metavar="JSON", help="Its parameters: a JSON object, or @FILE with one.")
]


def poll(
    trigger: Annotated[str, typer.Argument(metavar="TRIGGER", help="A trigger, such as ghl.contacts.search.")],
    connection: ConnectionName,
    with_: With = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="EVENT", help="For which kind of event; the trigger's own by default.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many records.")] = 10,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Ask a trigger's question once and print the records, the newest first where the vendor sorts by time.

    Nothing fires and no cursor moves.
    """
    rows = known(project)
    row = rows.triggers.get(trigger)
    if row is None:
        raise unknown(trigger, "trigger", rows)
    kind = on or row.default_event
    if kind not in row.events:
        raise Fault(f"{trigger} has no event `{kind}`; it has: {', '.join(row.events)}")
    given, watch = given_inputs(with_), as_watched(row, (kind,))
    check_inputs(row, given)
    desk = desk_of(project)
    home = connection_for(desk.project(), connection, trigger)

    async def asked(client: Client) -> list[Found]:
        wanted = await Names(Lookups(client)).resolved(row.fetch, given, home)
        return await ask(client, row, home, wanted, watch, limit)

    try:
        found = calling(desk, asked)
    except InvalidInputs as error:
        raise Fault(f"{trigger}: {error}") from None
    if as_json:
        output.json([each.record for each in found])
    else:
        output.table(("KEY", "TIME", "RECORD"), [_cells(each) for each in found])
        output.note(output.counted(len(found), "record", "records"))


def act(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="An action, such as ghl.contacts.tags.add.")],
    connection: ConnectionName,
    with_: With = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the request, and send nothing.")] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Carry out one action now and print the vendor's answer.

    It counts against the quota like any other, and stands in no ledger: sent twice it is done twice.
    """
    rows = known(project)
    row = rows.actions.get(action)
    if row is None:
        raise unknown(action, "action", rows)
    given = given_inputs(with_)
    desk = desk_of(project)
    home = connection_for(desk.project(), connection, action)

    async def sent(client: Client) -> Answer | None:
        inputs = await Names(Lookups(client)).checked(row, given, home)
        if row.bulk is not None and len(row.bulk.parts(inputs)) > 1:
            raise Fault(
                f"{action} takes {row.bulk.limit} `{row.bulk.field}` in one call; an automation sends more in several"
            )
        request = build(row.operation(inputs), inputs, home)
        if dry_run:
            output.json(request_json(row, home, inputs, rows.vendors.get(home.kind)))
            return None
        return await client.call(home, request, "action")

    try:
        answer = calling(desk, sent)
    except InvalidInputs as error:
        raise Fault(f"{action}: {error}") from None
    if answer is not None:
        _answered(row, answer, as_json=as_json)


def request_json(
    action: Action, connection: Connection, inputs: Mapping[str, Any], vendor: Vendor | None = None
) -> dict[str, Any]:
    """A request as it would be sent; it is made of the inputs with what is secret hidden, wherever that goes."""
    operation = action.operation(inputs)
    request = build(operation, masked(operation, inputs), connection)
    query = list(request.query)
    headers = {"accept": "application/json", **_credential(connection.auth, query)}
    if request.version:
        headers[((vendor and vendor.version_header) or "version").lower()] = request.version
    if request.body is not None:
        headers["content-type"] = "application/json"
    asked = f"?{urlencode(query, quote_via=quote, safe='*')}" if query else ""
    url = f"{connection.base_url}{request.path}{asked}"
    return {"action": action.id, "method": request.method, "url": url, "headers": headers, "body": request.body}


def _credential(auth: Auth, query: list[tuple[str, str]]) -> dict[str, str]:
    """The header of the credential, hidden; one that goes into the query is added there."""
    match auth:
        case NoAuth():
            return {}
        case ApiKey(header=header, query=name):
            if name:
                query.append((name, output.HIDDEN))
            return {header.lower(): output.HIDDEN} if header else {}
        case _:
            return {"authorization": output.HIDDEN}


def _answered(action: Action, answer: Answer, *, as_json: bool) -> None:
    id_ = made(action, answer.data)
    if as_json:
        output.json({"action": action.id, "status": answer.status, "id": id_, "answer": answer.data})
        return
    output.note(f"{action.id}: {answer.status}" + (f", id {id_}" if id_ else ""))
    if answer.data is not None:
        output.json(answer.data)


def _cells(found: Found) -> tuple[Any, ...]:
    text = orjson.dumps(found.record).decode()
    return (found.key, output.moment(found.at), text if len(text) <= 400 else f"{text[:400]}...")
