"""A file of automations: what people write, checked against the catalogues and the connections, as values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from actions.action import Action
from config.automation import Automation, Cron, Every, OncePer, Schedule, Step, TriggerUse
from config.connection_file import check_name
from config.document import Place
from config.findings import Findings
from config.parameters import check_call, check_templates, polled, sent
from config.problems import close, listed, meant
from config.reads import reads_of
from config.references import CUSTOM, RECORDS, Scope, faults_of_expression
from config.schedule import Unclear, collecting, cron, interval, length, start, timezone
from config.shapes import AUTOMATION, AUTOMATIONS, STEP, TRIGGER
from connections.connection import Connection
from connections.vendors import Vendor
from triggers.trigger import Kind, Trigger

T = TypeVar("T")

RUN_ROOTS = ("record", "event", "automation", "connection", "now")
"""What every expression and template of an automation may start from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What automations refer to; a connection that is at fault is None, and not blamed twice."""

    triggers: Mapping[str, Trigger]
    actions: Mapping[str, Action]
    connections: Mapping[str, Connection | None]
    kinds: Mapping[str, str]
    """The kind of each connection, also of those at fault, as far as it can be told."""
    vendors: Mapping[str, Vendor]
    broken: Collection[str] = ()
    """The kinds whose connector is at fault: their operations are not known, and nobody is blamed for it."""
    complete: bool = True
    """Whether `connections` holds all there are; it does not where connections.yaml cannot be read."""


def read_automations(found: Findings, around: Around) -> dict[str, Automation | None]:
    """The automations of a file by name; None for those that are at fault, which is among the findings."""
    value = found.document.value
    if value is None or value == {"automations": None}:
        found.fault((), "there is no automation in the file", "write one beneath `automations:`, or remove the file")
        return {}
    if isinstance(value, dict) and "automations" in value and value["automations"] is None:
        for name in value.keys() - {"automations"}:
            found.fault((name,), f"`{name}` is not beneath `automations`", "indent it by two spaces", key=True)
        return {}
    top = found.sound(AUTOMATIONS, value, ())
    given: dict[str, Any] = top.get("automations", {})
    return {name: _automation(name, value, found, around) for name, value in given.items()}


def _automation(name: str, value: Any, found: Findings, around: Around) -> Automation | None:
    place: Place = ("automations", name)
    before = len(found.problems)
    check_name(name, place, found)
    found.check_variables(value, place)
    given = found.sound(AUTOMATION, value, place)
    trigger = _trigger(given["trigger"], (*place, "trigger"), found, around) if "trigger" in given else None
    home = found.filled(given.get("trigger", {}).get("connection"))
    scope = Scope(roots=_roots(home, around))
    _check_expression(given.get("when"), (*place, "when"), scope, found)
    once = _once_per(given.get("once_per"), (*place, "once_per"), scope, found)
    collect = _read(collecting, str(given["collect"]), (*place, "collect"), found) if "collect" in given else None
    roots = scope.roots if "collect" not in given else (*scope.roots, RECORDS)
    steps = _steps(given.get("steps", []), (*place, "steps"), _Home(home, roots), found, around)
    if len(found.problems) > before or trigger is None:
        return None
    automation = Automation(
        name=name,
        trigger=trigger,
        when=given.get("when"),
        once_per=once,
        echoes=given.get("echoes", "run"),
        collect=collect,
        steps=steps,
    )
    _warn_of_echoes(automation, (*place, "echoes"), found, around)
    return automation


def _warn_of_echoes(automation: Automation, place: Place, found: Findings, around: Around) -> None:
    if automation.echoes == "run":
        return
    trigger = around.triggers[automation.trigger.use]
    if reads_of(automation.with_environment(found.environ), trigger) is None:
        hint = "name the fields that matter, as in `record.email`"
        found.warn(place, "echoes are told by the fields that are read, and this may read any", hint)


def _roots(home: Any, around: Around) -> tuple[str, ...]:
    """What the expressions of an automation may start from, its trigger being on that connection."""
    connection = around.connections.get(home) if isinstance(home, str) else None
    vendor = None if connection is None else around.vendors.get(connection.kind)
    if connection is None:  # whatever is wrong with it is said elsewhere
        return (*RUN_ROOTS, CUSTOM)
    located = connection.location_id is not None or connection.locations is not None
    return (*RUN_ROOTS, CUSTOM) if vendor is not None and vendor.custom_fields and located else RUN_ROOTS


def _once_per(text: str | None, place: Place, scope: Scope, found: Findings) -> OncePer | None:
    if text is None:
        return None
    try:
        once = OncePer.read(text)
    except ValueError as exc:
        found.fault(place, f"`{text}` {exc}", "expected an expression and a span, such as `record.email per 1d`")
        return None
    _check_expression(once.expression, place, scope, found)
    return once


def _trigger(value: dict[str, Any], place: Place, found: Findings, around: Around) -> TriggerUse | None:
    given = found.sound(TRIGGER, found.filled(value), place)
    use, name = given.get("use", ""), given.get("connection", "")
    row = _row(use, around.triggers, around, (*place, "use"), found)
    connection = _connection(name, use if row else "", (*place, "connection"), found, around)
    schedule = _schedule(given, row, place, found)
    begin = _read(start, given.get("start", "now"), (*place, "start"), found)
    written = value["with"] if "with" in given else {}
    check_templates(written, (*place, "with"), None, found)
    if row is None:
        return None
    on = _events(given.get("on", row.default_event), row, (*place, "on"), found)
    check_call(polled(row), written, connection, place, found)
    _warn(row, place, found)
    if schedule is None or begin is None:
        return None
    return TriggerUse(use=use, connection=name, on=on, schedule=schedule, with_=written, start=begin)


@dataclass(frozen=True, slots=True)
class _Home:
    """What all steps stand on: the trigger's connection, and what their expressions may start from."""

    connection: Any
    roots: Collection[str]


def _steps(values: list[Any], place: Place, home: _Home, found: Findings, around: Around) -> tuple[Step, ...]:
    before: dict[str, int] = {}
    ids = [value.get("id") if isinstance(value, dict) else None for value in values]
    steps = []
    for number, value in enumerate(values):
        given = found.sound(STEP, found.filled(value), (*place, number))
        written = {name: value[name] for name in given}
        name = given.get("id")
        later = tuple(each for each in ids[number + 1 :] if isinstance(each, str))
        others = _Others(number, home, tuple(before), later)
        step = _step(given, written, (*place, number), others, found, around)
        steps.append(step)
        if name in before:
            hint = f"the first is step {before[name] + 1}"
            found.fault((*place, number, "id"), f"there is a step `{name}` already", hint)
        elif name:
            before[name] = number
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class _Others:
    """What one step stands on: its place, what all do, and the ids of the steps before and after it."""

    number: int
    home: _Home
    before: tuple[str, ...]
    after: tuple[str, ...]

    def scope(self, roots: Collection[str]) -> Scope:
        """What a template of the step may name, beside what all may start from."""
        return Scope(roots=(*self.home.roots, "steps", *roots), steps=self.before, later=self.after)


def _step(
    given: dict[str, Any], written: dict[str, Any], place: Place, others: _Others, found: Findings, around: Around
) -> Step:
    """The step; where something is missing in it, which is among the findings, it is not usable."""
    use, home = given.get("use", ""), others.home.connection
    row = _row(use, around.actions, around, (*place, "use"), found)
    name = given.get("connection") or _default_connection(use if row else "", place, home, found, around)
    connection = _connection(name, use if row else "", (*place, "connection"), found, around)
    _check_locations(name, home, (*place, "connection"), found, around)
    _check_expression(written.get("for_each"), (*place, "for_each"), others.scope(()), found)
    scope = others.scope(("item",) if "for_each" in written else ())
    _check_expression(written.get("when"), (*place, "when"), scope, found)
    inputs = written.get("with", {})
    check_templates(inputs, (*place, "with"), scope, found)
    if row is not None:
        check_call(sent(row, inputs), inputs, connection, place, found)
        if not row.warned or any(name in inputs for name in row.warned):
            _warn(row, place, found)
    return Step(
        id=given.get("id") or str(others.number + 1),
        use=use,
        connection=name,
        with_=inputs,
        when=written.get("when"),
        for_each=written.get("for_each"),
        on_error=given.get("on_error", "stop"),
        on_uncertain=given.get("on_uncertain", "hold"),
        wait=_read(length, str(given["wait"]), (*place, "wait"), found) if "wait" in given else None,
    )


Row = TypeVar("Row", Trigger, Action)
_A = {"action": "an action", "trigger": "a trigger"}


def _row(use: str, rows: Mapping[str, Row], around: Around, place: Place, found: Findings) -> Row | None:
    row = rows.get(use)
    if row is None and use and use.partition(".")[0] not in around.broken:
        is_, wanted = ("action", "trigger") if use in around.actions else ("trigger", "action")
        if use in around.actions or use in around.triggers:  # what is spelled alike would do something else
            message = f"`{use}` is {_A[is_]}, and {_A[wanted]} is expected"
            found.fault(place, message, f"`hightide catalog --all --kind {wanted}` lists them")
        else:
            found.fault(place, f"unknown operation `{use}`", close(use, rows) or "`hightide catalog --all` lists them")
    return row


def _connection(name: str, use: str, place: Place, found: Findings, around: Around) -> Connection | None:
    """The connection of that name, a fault where there is none, or where it cannot carry the operation `use`."""
    if not name:
        return None
    connection = around.connections.get(name)
    if name not in around.connections and around.complete:
        found.fault(place, f"unknown connection `{name}`", meant(name, around.connections))
    elif use and around.kinds.get(name, _kind(use)) != _kind(use):
        hint = _of_kind(_kind(use), around)
        found.fault(place, f"`{name}` is a connection of kind {around.kinds[name]}, and `{use}` is not", hint)
        return None
    # what is said of it is said of each of its locations
    return connection.at("LOCATION") if connection is not None and connection.locations else connection


def _check_locations(name: str, home: Any, place: Place, found: Findings, around: Around) -> None:
    """A fault where a step's connection stands for many locations, and nothing says which one is meant."""
    connection = around.connections.get(name)
    if connection is not None and connection.locations and name != home:
        hint = "the trigger must be on it, too, so that the step goes to the location of the trigger"
        found.fault(place, f"`{name}` stands for many locations", hint)


def _default_connection(use: str, place: Place, home: Any, found: Findings, around: Around) -> str:
    """The trigger's connection, a fault where its kind is not the step's."""
    if not isinstance(home, str) or home not in around.connections or not use:
        return home if isinstance(home, str) and not around.complete else ""
    kind = around.kinds.get(home, _kind(use))
    if kind != _kind(use):
        hint = _of_kind(_kind(use), around)
        found.fault((*place, "connection"), f"`connection` is missing: the trigger's is of kind {kind}", hint)
        return ""
    return home


def _of_kind(kind: str, around: Around) -> str:
    names = [name for name, each in around.kinds.items() if each == kind]
    return f"of kind {kind}: {listed(names)}" if names else f"connections.yaml has none of kind {kind}"


def _kind(use: str) -> str:
    return use.partition(".")[0]


def _schedule(given: Mapping[str, Any], row: Trigger | None, place: Place, found: Findings) -> Schedule | None:
    if "every" in given and "cron" in given:
        found.fault((*place, "cron"), "`cron` and `every` exclude each other", "leave one of them out", key=True)
        return None
    if "timezone" in given and "cron" not in given:
        found.fault((*place, "timezone"), "`timezone` belongs to `cron`", key=True)
    zone = _read(timezone, given.get("timezone", "UTC"), (*place, "timezone"), found)
    if "cron" in given:
        expression = _read(cron, given["cron"], (*place, "cron"), found)
        return Cron(expression, zone) if expression and zone else None
    if "every" in given:
        return _read(interval, str(given["every"]), (*place, "every"), found)
    return Every(int(row.every.total_seconds())) if row else None


def _read(parse: Callable[[str], T], text: str, place: Place, found: Findings) -> T | None:
    try:
        return parse(text)
    except Unclear as exc:
        found.fault(place, str(exc), exc.hint)
        return None


def _events(given: Any, row: Trigger, place: Place, found: Findings) -> tuple[Kind, ...]:
    several = isinstance(given, list)
    events: list[Kind] = []
    for number, name in enumerate(given if several else [given]):
        event = next((each for each in row.events if each == name), None)
        if event is not None:
            events.append(event)
        else:
            where = (*place, number) if several else place
            found.fault(where, f"`{row.id}` has no event `{name}`", meant(name, row.events))
    return tuple(dict.fromkeys(events))


def _check_expression(source: str | None, place: Place, scope: Scope, found: Findings) -> None:
    if source is not None:
        found.check_text(source, place, partial(faults_of_expression, scope=scope))


def _warn(row: Trigger | Action, place: Place, found: Findings) -> None:
    if row.warning:
        found.warn((*place, "use"), f"`{row.id}`: {row.warning}")
