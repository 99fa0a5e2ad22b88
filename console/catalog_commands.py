"""The catalogue: what can be polled, what can be done, and what each of them takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from actions.action import Action
from actions.catalog import CATALOG as ACTIONS
from config.problems import close
from console import output
from console.failures import Fault
from console.operation_page import Row, page, page_json
from console.options import Json
from triggers.catalog import CATALOG as TRIGGERS
from triggers.trigger import Trigger


class Kind(StrEnum):
    """The two kinds of operation."""

    TRIGGER = "trigger"
    ACTION = "action"


def catalog(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Only those whose id, words or path hold it.")
    ] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", "-k", metavar="trigger|action", help="Only these.")] = None,
    as_json: Json = False,
) -> None:
    """List what can be polled (triggers) and what can be done (actions), by category."""
    rows: list[Row] = [*TRIGGERS.values()] if kind is not Kind.ACTION else []
    rows += [*ACTIONS.values()] if kind is not Kind.TRIGGER else []
    found = [row for row in rows if text is None or text.casefold() in _words(row)]
    if as_json:
        output.json([row_json(row) for row in found])
        return
    categories = dict.fromkeys(sorted(row.category for row in found))
    for category in categories:
        inside = [row for row in found if row.category == category]
        count = sum(isinstance(row, Trigger) for row in inside)
        title = f"{category}: {count} triggers, {len(inside) - count} actions"
        output.table(("KIND", "ID", "WHAT"), [(_kind(row), row.id, row.summary) for row in inside], title)
        output.result("")
    triggers = sum(isinstance(row, Trigger) for row in found)
    output.note(f"{len(found)} operations: {triggers} triggers, {len(found) - triggers} actions")


def show(
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="A trigger or action by its id.")],
    as_json: Json = False,
) -> None:
    """Show one operation: its parameters, how it is polled or repeated, what it needs, and YAML to paste."""
    row: Row | None = TRIGGERS.get(operation) or ACTIONS.get(operation)
    if row is None:
        hint = close(operation, [*TRIGGERS, *ACTIONS]) or "`hightide catalog` lists them"
        raise Fault(f"unknown operation `{operation}` ({hint})")
    if as_json:
        output.json({**row_json(row), **page_json(row)})
        return
    for line in page(row):
        output.result(line)


def row_json(row: Row) -> dict[str, Any]:
    """An operation as `catalog --json` prints it."""
    operation = row.fetch if isinstance(row, Trigger) else row.send
    told = {
        "id": row.id,
        "kind": _kind(row),
        "category": row.category,
        "summary": row.summary,
        "method": operation.method,
        "path": operation.path,
        "version": operation.version,
        "scopes": list(row.scopes),
        "token": row.token,
        "warning": row.warning,
    }
    if isinstance(row, Trigger):
        every = int(row.every.total_seconds())
        strategy = type(row.strategy).__name__.lower()
        more = {"strategy": strategy, "events": list(row.events), "default_event": row.default_event, "every": every}
        return {**told, **more, "wakes": list(row.wakes)}
    return {**told, "repeat": type(row.repeat).__name__.lower()}


def _kind(row: Row) -> str:
    return "action" if isinstance(row, Action) else "trigger"


def _words(row: Row) -> str:
    operation = row.fetch if isinstance(row, Trigger) else row.send
    return f"{row.id} {row.summary} {row.category} {operation.path}".casefold()
