"""Scopes: what a connection's token must be allowed, from the rows that the automations use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actions.action import Action, Natural, Probe
from config.automation import Automation
from config.project import Project
from connections.connection import Agency, Connection, OAuth
from connections.operation import Operation
from triggers.trigger import Trigger
from worker.names import LISTINGS, looked_up

AGENCY = ("oauth.readonly", "oauth.write")
"""What an agency's token needs besides, to list its installations and to be exchanged for location tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A scope that a connection's token does not have, and the first of those who need it: `AUTOMATION: OPERATION`."""

    connection: str
    scope: str
    needed_by: str

    def __str__(self) -> str:
        return (
            f"connection {self.connection} was not given the scope {self.scope}, which {self.needed_by} needs: add it "
            f"to the app at the vendor, then run `hightide connect {self.connection}`"
        )


def needed(project: Project, connection: Connection) -> dict[str, str]:
    """The scopes that a connection's token needs, each with the first who needs it, by name of scope.

    An agency's token needs what the connections need that take their tokens from it.
    """
    names = _names(project, connection)
    found: dict[str, str] = {}
    if len(names) > 1:
        found = {scope: f"the exchange for location tokens ({min(names - {connection.name})})" for scope in AGENCY}
    for automation in project.automations.values():
        for who, scopes in _uses(project, automation, names):
            for scope in scopes:
                found.setdefault(scope, f"{automation.name}: {who}")
    return dict(sorted(found.items()))


def is_used(project: Project, connection: Connection) -> bool:
    """Whether an automation needs a connection's token, itself or through an agency's connection."""
    names = _names(project, connection)
    return len(names) > 1 or any(any(_uses(project, each, names)) for each in project.automations.values())


def lacking(project: Project, granted: Mapping[str, str | None]) -> list[Lack]:
    """The scopes that are needed and were not given, where it is known what was given (by connection, in one text)."""
    found: list[Lack] = []
    for connection in project.connections.values():
        said = granted.get(connection.name)
        if not said or not isinstance(connection.auth, OAuth):
            continue
        given = set(said.replace(",", " ").split())
        for scope, who in needed(project, connection).items():
            if scope not in given:
                found.append(Lack(connection=connection.name, scope=scope, needed_by=who))
    return found


def _names(project: Project, connection: Connection) -> set[str]:
    return {connection.name, *(each.name for each in _takers(project, connection))}


def _takers(project: Project, agency: Connection) -> Iterator[Connection]:
    for each in project.connections.values():
        if isinstance(each.auth, Agency) and each.auth.connection == agency.name:
            yield each


def _uses(project: Project, automation: Automation, names: set[str]) -> Iterator[tuple[str, Iterable[str]]]:
    """Which operations of an automation use these connections, and the scopes of each."""
    asked = _questions(project.triggers)
    if automation.trigger.connection in names:
        trigger = project.triggers[automation.trigger.use]
        other = trigger.fallback.scopes if trigger.fallback else ()
        yield trigger.id, (*trigger.scopes, *other, *_naming(trigger.fetch, automation.trigger.with_))
        if automation.customs is not None:
            yield "custom", LISTINGS["custom field"].row.scopes
    for step in automation.steps:
        if step.connection in names:
            action = project.actions[step.use]
            yield (
                action.id,
                (*action.scopes, *_probing(action, asked), *_naming(action.operation(step.with_), step.with_)),
            )


def _questions(triggers: Mapping[str, Trigger]) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(row.fetch.method, row.fetch.path): row.scopes for row in triggers.values()}


def _probing(action: Action, asked: Mapping[tuple[str, str], tuple[str, ...]]) -> Iterator[str]:
    """The scopes of the questions by which an action is looked for, as far as a trigger asks the same."""
    probe = None if isinstance(action.repeat, Natural) else action.repeat.probe
    for each in _chain(probe):
        yield from asked.get((each.find.method, each.find.path), ())


def _chain(probe: Probe | None) -> Iterator[Probe]:
    if probe is not None:
        yield probe
        yield from _chain(probe.otherwise)
        yield from _chain(probe.more)


def _naming(operation: Operation, written: Mapping[str, Any]) -> Iterator[str]:
    """The scopes for looking up what is written by name, or may be."""
    for thing in sorted(looked_up(operation, written)):
        yield from LISTINGS[thing].row.scopes
