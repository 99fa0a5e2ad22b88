"""The catalogue: what can be polled, what can be done, and what each of them takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from actions.action import Action
from actions.catalog import CATALOG as ACTIONS
from actions.catalog import EXTRAS as MORE_ACTIONS
from config.catalogues import Catalogues
from config.problems import close
from console import output
from console.failures import Fault
from console.known import kind_in, known
from console.operation_page import Row, page, page_json
from console.options import Json, Project
from triggers.catalog import CATALOG as TRIGGERS
from triggers.catalog import EXTRAS as MORE_TRIGGERS
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
    whole: Annotated[
        bool, typer.Option("--all", "-a", help="Also what is beside the catalogue: documents, connectors.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List what can be polled (triggers) and what can be done (actions), by category.

    The catalogue is HighLevel's 55 triggers and 71 actions, and JSON holds just these. HighLevel's own documents, and
    what looks something up for a later step, are shown beside it. With `--all` they are in JSON, too, and the
    connectors that Hightide ships, and those of the project. These are also searched for a TEXT, where it is not JSON.
    """
    everywhere = whole or (text is not None and not as_json)
    rows = _rows(known(project) if everywhere else None, kind, beside=not as_json)
    found = [row for row in rows if text is None or text.casefold() in _words(row)]
    if as_json:
        output.json([row_json(row) for row in found])
        return
    groups = dict.fromkeys(sorted((not _counted(row), kind_in(row.id), row.category) for row in found))
    for extra, vendor, category in groups:
        inside = [
            row for row in found if (not _counted(row), kind_in(row.id), row.category) == (extra, vendor, category)
        ]
        title = f"{category} ({vendor}): {_count(inside)}" if extra else f"{category}: {_count(inside)}"
        output.table(("KIND", "ID", "WHAT"), [(_kind(row), row.id, row.summary) for row in inside], title)
        output.result("")
    counted = [row for row in found if _counted(row)]
    if counted or not found:
        output.note(f"{output.counted(len(counted), 'operation', 'operations')}: {_count(counted)}")
    if len(counted) < len(found):
        output.note(f"{len(found) - len(counted)} beside the catalogue")
    if not everywhere:
        output.note("`--all` adds the connectors: Rankr, 0CodeKit and the project's own")


def _rows(everything: Catalogues | None, kind: Kind | None, *, beside: bool) -> list[Row]:
    """All there is; or the catalogue, with what HighLevel has beside it where that is wanted."""
    triggers, actions = (TRIGGERS, ACTIONS)
    if everything is not None:
        triggers, actions = everything.triggers, everything.actions
    elif beside:
        triggers, actions = {**triggers, **MORE_TRIGGERS}, {**actions, **MORE_ACTIONS}
    rows: list[Row] = [*triggers.values()] if kind is not Kind.ACTION else []
    return rows + ([*actions.values()] if kind is not Kind.TRIGGER else [])


def _counted(row: Row) -> bool:
    """Whether it is one of the catalogue's."""
    return row.id in TRIGGERS or row.id in ACTIONS


def _count(rows: list[Row]) -> str:
    triggers = sum(isinstance(row, Trigger) for row in rows)
    actions = len(rows) - triggers
    return f"{output.counted(triggers, 'trigger', 'triggers')}, {output.counted(actions, 'action', 'actions')}"


def show(
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="A trigger or action by its id.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show one operation: its parameters, how it is polled or repeated, what it needs, and YAML to paste."""
    everything = known(project)
    row: Row | None = everything.triggers.get(operation) or everything.actions.get(operation)
    if row is None:
        hint = close(operation, [*everything.triggers, *everything.actions]) or "`hightide catalog --all` lists them"
        raise Fault(f"unknown operation `{operation}` ({hint})")
    if as_json:
        output.json({**row_json(row), **page_json(row)})
        return
    for line in page(row, everything.vendors.get(kind_in(row.id))):
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
        "extra": not _counted(row),
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
