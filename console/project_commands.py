"""Projects: making one, checking one, and the schemas that help to write one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from config.problems import ConfigError, Problem
from config.project import Project as Loaded
from config.project import load
from config.schema import schema as schemas
from console import output
from console.failures import Fault
from console.feed_changes import Change, Present, changes, present
from console.folder import environment, granted
from console.known import known
from console.options import Json, Project
from console.plan_commands import planned, verdicts
from console.starter import FILES
from worker.ledger import installations
from worker.ledger.database import versions
from worker.ledger.store import Store
from worker.locations import expanded
from worker.place import place_of
from worker.scopes import lacking


class File(StrEnum):
    """The kinds of file that have a schema."""

    CONNECTIONS = "connections"
    AUTOMATIONS = "automations"
    CONNECTORS = "connectors"


def init(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Where; the current folder by default.")] = None,
    project: Project = None,
) -> None:
    """Make a project: connections.yaml, an automation, .env.example and .gitignore. What is there is never touched."""
    home = (folder or Path(environment(project)["HIGHTIDE_PROJECT"])).absolute()
    there = [name for name in FILES if (home / name).exists()]
    if there:
        raise Fault(f"{home} has {', '.join(there)} already; nothing was written")
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
        output.result(str(home / name))
    output.note("next: copy .env.example to .env and fill it in, then `hightide check` and `hightide run`")


def check(project: Project = None, as_json: Json = False) -> None:
    """Check everything the project's files say, without asking any vendor.

    Every problem is told with file, line and column. Feeds are compared with the ledger, where there is one: a new feed
    begins with a baseline, a kept one goes on where it was, a stopped one is listened to by nobody any more.
    """
    environ = environment(project)
    home = Path(environ["HIGHTIDE_PROJECT"])
    try:
        loaded = load(home, environ)
    except ConfigError as error:
        if as_json:
            output.json(_check_json(error.problems, None, None))
        for problem in () if as_json else error.problems:
            output.result(str(problem))
        raise typer.Exit(1) from None
    changed, (warnings, faults) = _changes(loaded), _foreseen(loaded)
    if as_json:
        output.json(_check_json((), loaded, changed, warnings, faults))
    else:
        _checked(loaded, changed, warnings, faults)
    if faults:
        raise typer.Exit(1)


def _checked(loaded: Loaded, changed: list[Change] | None, warnings: Sequence[str], faults: Sequence[str]) -> None:
    for warning in (*loaded.warnings, *warnings):
        output.note(f"warning: {warning}")
    for change in changed or ():
        _change_shown(change)
    for fault in faults:
        output.result(fault)
    if faults:
        return
    output.result(f"ok: {inventory(loaded)}")


def _foreseen(loaded: Loaded) -> tuple[list[str], list[str]]:
    """What will go wrong although the files are right: warnings and faults about quotas, faults about scopes."""
    try:
        warnings, faults = verdicts(planned(loaded))
        return warnings, faults + [str(each) for each in lacking(loaded, granted(loaded.settings))]
    except SQLAlchemyError:
        return [], []  # that the ledger cannot be read was told


def _changes(loaded: Loaded) -> list[Change] | None:
    """What becomes of the feeds; None where there is a ledger that cannot be looked at."""
    settings = loaded.settings
    if settings.database_url is None and not (settings.state_dir / "hightide.db").exists():
        return changes(
            expanded(loaded.automations.values(), loaded.connections, {}), Present(listening={}), loaded.triggers
        )
    store = Store(place_of(settings).database_url)
    try:
        before, newest = versions(store.engine)
        there = store.read_now(present) if before == newest else Present(listening={})
        installed = store.read_now(installations.read) if before == newest else {}
        return changes(expanded(loaded.automations.values(), loaded.connections, installed), there, loaded.triggers)
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
        output.note(f"warning: feeds are not compared, the ledger cannot be read: {cause}")
        return None
    finally:
        store.close()


def _change_shown(change: Change) -> None:
    heard = f" ({', '.join(change.automations)})" if change.automations else ""
    output.result(f"{change.change:7} {change.feed}{heard}")
    for name in change.moved:
        output.result(
            f"        `{name}` listened to another feed: its trigger, connection, parameters or start changed"
        )


def inventory(loaded: Loaded) -> str:
    """How much a project has: `1 connection, 2 automations`."""
    return ", ".join(
        output.counted(len(there), noun, f"{noun}s")
        for there, noun in ((loaded.connections, "connection"), (loaded.automations, "automation"))
    )


def _check_json(
    problems: Iterable[Problem],
    loaded: Loaded | None,
    changed: list[Change] | None,
    warnings: Sequence[str] = (),
    faults: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "ok": loaded is not None and not faults,
        "foreseen": {"warnings": list(warnings), "faults": list(faults)},
        "problems": [asdict(problem) for problem in problems],
        "warnings": [asdict(warning) for warning in (loaded.warnings if loaded else ())],
        "connections": sorted(loaded.connections) if loaded else [],
        "automations": sorted(loaded.automations) if loaded else [],
        "feeds": None if changed is None else [asdict(change) for change in changed],
    }


def schema(
    file: Annotated[
        File | None,
        typer.Argument(metavar="connections|automations|connectors", help="Of which file; of all without."),
    ] = None,
    project: Project = None,
) -> None:
    """Print the JSON Schema of the YAML files, for editors.

    Save it beside the project and begin a file with `# yaml-language-server: $schema=automations.schema.json`.
    """
    rows = known(project)
    made = schemas(triggers=rows.triggers, actions=rows.actions, vendors=rows.vendors)
    output.json(made if file is None else made[file.value])
