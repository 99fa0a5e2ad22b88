"""What is under `with:`, checked against the operation it goes to and the connection it goes through."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from actions.action import Action
from config.document import Place
from config.environment import names_in
from config.findings import Findings, strings
from config.inputs import faults
from config.problems import listed
from config.references import Scope, faults_of_template
from config.templates import is_template
from connections.connection import Connection
from connections.operation import Operation, Token, inputs_of, parameters_of
from triggers.trigger import Availability, Snapshot, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a trigger or action asks of those who use it; `supplied` names are not missed, `fixed` ones not wanted."""

    id: str
    operation: Operation
    token: Token
    one_of: tuple[str, ...] = ()
    only_one_of: tuple[str, ...] = ()
    supplied: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()


def polled(row: Trigger) -> Call:
    """The call that polls a trigger: pages, windows of time and constants are Hightide's."""
    window = row.strategy.window if isinstance(row.strategy, (Snapshot, Availability)) else None
    fixed = frozenset(row.fixed) | ({window.start, window.end} if window else set())
    return Call(
        id=row.id,
        operation=row.fetch,
        token=row.token,
        one_of=row.one_of,
        supplied=fixed | frozenset(row.paging.ask(None)),
        fixed=fixed,
    )


def sent(row: Action, given: Collection[str]) -> Call:
    """The call that carries out an action with these parameters: some lead to another operation."""
    return Call(
        id=row.id, operation=row.operation(given), token=row.token, one_of=row.one_of, only_one_of=row.only_one_of
    )


def check_call(
    call: Call, given: Mapping[str, Any], connection: Connection | None, place: Place, found: Findings
) -> None:
    """Faults for what is missing, surplus or of the wrong type under `with:` of the trigger or step at a place."""
    inside: Place = (*place, "with")
    for name in call.fixed & given.keys():
        found.fault((*inside, name), f"`{name}` is set by Hightide", "leave it out", key=True)
    wanted = {name: value for name, value in found.filled(given).items() if name not in call.fixed}
    for each in faults(inputs_of(call.operation), wanted, "parameter", templates=True):
        supplied = each.about == "missing" and each.place[0] in call.supplied
        excluded = each.about == "unknown" and each.place[0] in call.only_one_of
        if not supplied and not excluded:
            found.fault((*inside, *each.place), each.message, each.hint, key=each.about != "value")
    if call.one_of and not any(name in given for name in call.one_of):
        found.fault(inside, f"one of {listed(call.one_of)} is missing", key=True)
    if call.only_one_of and sum(name in given for name in call.only_one_of) != 1:
        found.fault(inside, f"exactly one of {listed(call.only_one_of)} must be given", key=True)
    if connection is not None:
        _check_reach(call, given, connection, place, found)


def check_templates(given: Any, place: Place, scope: Scope | None, found: Findings) -> None:
    """Faults for the templates in the strings of a value; without a scope there can be none."""
    for where, text in strings(given, place):
        for name in names_in(text):
            if is_template(found.environ.get(name, "")):
                found.fault(where, f"the value of `{name}` holds {{{{ or {{%, which would be taken for a template")
        if is_template(text) and scope is None:
            found.fault(where, "a trigger's parameters cannot be templates", "there is no record yet when it is polled")
        elif is_template(text) and scope is not None:
            found.check_text(text, where, partial(faults_of_template, scope=scope))


def _check_reach(call: Call, given: Mapping[str, Any], connection: Connection, place: Place, found: Findings) -> None:
    """A fault where the connection lacks the location or company that the operation is about."""
    for parameter in parameters_of(call.operation):
        source = parameter.source
        if source and parameter.required and parameter.name not in given and not getattr(connection, source.field):
            hint = f"give it a `{source.field}`, or `{parameter.name}` under `with`"
            found.fault((*place, "use"), f"connection `{connection.name}` has no `{source.field}`", hint)
            return
    if call.token == "agency" and connection.company_id is None:
        hint = f"`{call.id}` takes an agency's token: use a connection with a `company_id`"
        found.fault((*place, "use"), f"connection `{connection.name}` is no agency's", hint)
    if call.token == "location" and connection.location_id is None and connection.company_id is not None:
        hint = f"`{call.id}` takes a location's token: use a connection with a `location_id`"
        found.fault((*place, "use"), f"connection `{connection.name}` is an agency's", hint)
