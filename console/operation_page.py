"""The page about one operation: parameters in words, how it is polled or repeated, YAML that can be pasted."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
from ruamel.yaml import YAML

from actions.action import Action, Guarded, Natural, Probe, Unsafe
from config.parameters import Call, polled, sent
from connections.example import example, resolved
from connections.names import by_name
from connections.operation import inputs_of, parameters_of
from connections.vendors import GHL, Vendor
from console.known import kind_in
from triggers.samples import sample
from triggers.trigger import Availability, Object, Snapshot, Trigger, Watermark

Row = Trigger | Action
HOME = GHL.kind
Schema = Mapping[str, Any]

STRATEGIES = {
    Watermark: "by time: the vendor is asked for what is newer than what was seen",
    Snapshot: "by comparison: the whole list is read, and every record is compared with what is known of it",
    Object: "as one object: it is compared with what is known of it",
    Availability: "as a computed answer: what appears, changes or disappears in it counts",
}
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "date-time": "time",
    "date": "date",
    "email": "e-mail",
    "uri": "URL",
}
TOKENS = {
    "location": "a location's (sub-account's)",
    "agency": "an agency's",
    "either": "a location's or an agency's",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter, for people: its type in words, and the values it may have where they are listed."""

    name: str
    place: str
    type: str
    required: bool
    description: str | None = None
    values: tuple[Any, ...] = ()


def page(row: Row, vendor: Vendor | None = None) -> Iterator[str]:
    """The page, line by line."""
    operation = row.fetch if isinstance(row, Trigger) else row.send
    version = f", version {operation.version}" if operation.version else ""
    yield f"{row.id}: {row.summary}"
    yield f"{row.category}, {operation.method} {operation.path}{version}"
    if vendor and vendor.note:
        yield f"Mind: {vendor.note}."
    if row.warning:
        yield f"Mind: {row.warning}."
    yield ""
    yield from _trigger_words(row) if isinstance(row, Trigger) else _action_words(row)
    needed = [f"Token: {TOKENS[row.token]}."] if kind_in(row.id) == HOME else []
    needed += [f"Scopes: {', '.join(row.scopes)}."] if row.scopes else []
    if needed:
        yield " ".join(needed)
    yield ""
    yield from _parameter_lines(row)
    yield ""
    record = sample(row.id)
    if record is not None:
        yield "A record, as templates see it:"
        yield ""
        yield from orjson.dumps(record, option=orjson.OPT_INDENT_2).decode().split("\n")
        yield ""
    yield "YAML to paste:"
    yield ""
    yield from snippet(row).rstrip("\n").split("\n")


def page_json(row: Row) -> dict[str, Any]:
    """What `show --json` tells beside what the catalogue does."""
    call = polled(row) if isinstance(row, Trigger) else sent(row, {})
    return {
        "parameters": [asdict(parameter) for parameter in taken(row)],
        "sample": sample(row.id),
        "one_of": list(call.one_of),
        "only_one_of": list(call.only_one_of),
        "about": " ".join(_trigger_words(row) if isinstance(row, Trigger) else _action_words(row)),
        "yaml": snippet(row),
    }


def parameters(call: Call) -> list[Parameter]:
    """What a person may write under `with`: required ones first; what Hightide sets itself is left out."""
    schema = inputs_of(call.operation).json_schema()
    shared, fields = schema.get("$defs", {}), schema.get("properties", {})
    found = [
        Parameter(
            name=each.name,
            place=each.place,
            type=by_name(each.hint, in_words(fields[each.name], shared)),
            required=each.required and each.source is None and each.name not in call.supplied,
            description=fields[each.name].get("description"),
            values=tuple(resolved(fields[each.name], shared).get("enum", ())),
        )
        for each in parameters_of(call.operation)
        if each.name not in call.fixed
    ]
    return sorted(found, key=lambda each: not each.required)


def taken(row: Row) -> list[Parameter]:
    """What a person may write under `with` of a trigger or step, that which leads to another operation too."""
    if isinstance(row, Trigger):
        return parameters(polled(row))
    found = parameters(sent(row, {}))
    elsewhere = [each for name in row.instead for each in parameters(sent(row, {name})) if each.name == name]
    there = {each.name for each in found}
    return found + [replace(each, required=False) for each in elsewhere if each.name not in there]


def in_words(schema: Schema, shared: Mapping[str, Schema]) -> str:
    """A JSON Schema's type, for people."""
    if "$ref" in schema:
        return in_words(shared[schema["$ref"].rsplit("/", 1)[-1]], shared)
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if branches:
        return " or ".join(dict.fromkeys(in_words(branch, shared) for branch in branches))
    if "enum" in schema or "const" in schema:
        return "one of a list"
    match schema.get("type"):
        case "array":
            said = f"list of {in_words(schema.get('items', {}), shared)}"
        case "object":
            names = ", ".join(schema.get("properties", ()))
            said = f"object ({names})" if names else "object"
        case kind:
            said = TYPES.get(schema.get("format", ""), TYPES.get(str(kind), "any"))
    return said


def snippet(row: Row) -> str:
    """A whole file of automations that uses the operation with what it needs, and can be loaded as it is."""
    if isinstance(row, Trigger):
        trigger = _trigger(row)
        step: dict[str, Any] = {
            "use": "ghl.contacts.notes.create",
            "with": {"contactId": _contact(row), "body": "{{ event.kind }}: {{ record | json }}"},
        }
        if trigger["connection"] != "acme":
            step["connection"] = "acme"
    else:
        trigger = {"use": "ghl.contacts.search", "connection": "acme", "on": "new", "every": "1m"}
        step = _step(row)
    name = row.id.replace("_", "-").replace(".", "-")
    whole = {"automations": {name: {"trigger": trigger, "steps": [step]}}}
    yaml, text = YAML(), io.StringIO()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 110
    yaml.dump(whole, text)
    return text.getvalue()


def _contact(row: Trigger) -> str:
    """The contact that a trigger's record is, or belongs to, as far as its sample tells."""
    record = sample(row.id) or {}
    is_one = row.id.startswith("ghl.contacts.") and "firstName" in record
    own = "id" if is_one else "contactId" if "contactId" in record else None
    return "CONTACT_ID" if own is None else f"{{{{ record.{own} }}}}"


def _connection(row: Row) -> str:
    """The connection in the YAML: `acme` is a location at HighLevel, others are called as their kind is."""
    if kind_in(row.id) != HOME:
        return kind_in(row.id)
    return "agency" if row.token == "agency" else "acme"


def _trigger(row: Trigger) -> dict[str, Any]:
    connection = _connection(row)
    minutes = int(row.every.total_seconds()) // 60
    made = {"use": row.id, "connection": connection, "on": row.default_event, "every": f"{minutes}m"}
    given = _given(polled(row))
    return {**made, "with": given} if given else made


def _step(row: Action) -> dict[str, Any]:
    given = _given(sent(row, {}))
    if "contactId" in given:
        given["contactId"] = "{{ record.id }}"
    made: dict[str, Any] = {"use": row.id}
    if _connection(row) != "acme":
        made["connection"] = _connection(row)
    return {**made, "with": given} if given else made


def _given(call: Call) -> dict[str, Any]:
    """The least that the call takes: what is required, and the first of those of which one must be given."""
    least = {name: each for name, each in example(call.operation).items() if name not in call.supplied}
    chosen = [names[0] for names in (call.one_of, call.only_one_of) if names and not set(names) & least.keys()]
    if chosen:
        whole = example(call.operation, whole=True)
        least |= {name: whole[name] for name in chosen}
    for surplus in [name for name in call.only_one_of if name in least][1:]:
        del least[surplus]
    own = "company_id" if call.token == "agency" else "location_id"
    foreign = [each.name for each in parameters_of(call.operation) if each.required and each.source]
    sources = {each.name: each.source.field for each in parameters_of(call.operation) if each.source}
    least |= {name: "text" for name in foreign if sources[name] != own and name not in call.fixed}
    return {name: _placeholder(name) if value == "text" else value for name, value in least.items()}


def _placeholder(name: str) -> str:
    """`contactId` as `CONTACT_ID`, so that it is seen that something has to be put there."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def _trigger_words(row: Trigger) -> Iterator[str]:
    yield f"Polled {STRATEGIES[type(row.strategy)]}."
    if isinstance(row.strategy, Watermark):
        yield f"What comes late is caught for {row.strategy.lookback.total_seconds():.0f} seconds."
    others = [event for event in row.events if event != row.default_event]
    yield f"Events: {row.default_event} (the default){''.join(f', {event}' for event in others)}."
    yield f"Every {int(row.every.total_seconds()) // 60}m where nothing else is said."
    if row.volatile and not isinstance(row.strategy, Watermark):
        yield f"No change of these counts: {', '.join(row.volatile)}."
    if row.wakes:
        yield f"Webhooks that make it due: {', '.join(row.wakes)}."


def _action_words(row: Action) -> Iterator[str]:
    match row.repeat:
        case Natural():
            yield "Done twice it leaves the same state: after a crash in the middle it is simply sent again."
        case Guarded(probe=probe):
            yield f"After a crash in the middle {_looks(probe)}, and sent again only where the first had no effect."
        case Unsafe(probe=None):
            yield "Never sent twice on a guess: after a crash in the middle it is held as uncertain, for a person."
        case Unsafe(probe=probe):
            assert probe is not None  # noqa: S101  # the case above took the others
            yield f"After a crash in the middle {_looks(probe)}; where that tells nothing, it is held for a person."
    if row.returns:
        yield "A later step has the id of what was made as {{ steps.NAME.id }}."
    if row.missing_is_done:
        yield "Where there is nothing to delete any more, that counts as done."


def _looks(probe: Probe) -> str:
    by = f" by {', '.join(probe.same)}" if probe.same else ""
    return f"it is looked for{by} ({probe.find.method} {probe.find.path})"


def _parameter_lines(row: Row) -> Iterator[str]:
    call = polled(row) if isinstance(row, Trigger) else sent(row, {})
    found = taken(row)
    if not found:
        yield "It takes no parameters."
        return
    yield "Parameters, under `with`:"
    width = max(len(each.name) for each in found)
    for each in found:
        demanded = " (required)" if each.required else ""
        about = f"; {each.description}" if each.description else ""
        values = f": {', '.join(str(value) for value in each.values)}" if each.values else ""
        yield f"  {each.name.ljust(width)}  {each.type}{values}{demanded}{about}"
    if call.one_of:
        yield f"  At least one of {', '.join(call.one_of)} must be given."
    if call.only_one_of:
        yield f"  Exactly one of {', '.join(call.only_one_of)} must be given."
    if isinstance(row, Action):
        for name, operation in row.instead.items():
            yield f"  With `{name}` it is {operation.method} {operation.path} that is called."
