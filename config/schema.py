"""JSON Schemas of the YAML files, for editors: every operation's parameters under `with:`, with their descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from actions.action import Action
from config.catalogues import catalogues
from config.connection_file import AUTHS
from config.manifest_shapes import ACTION as ACTION_OF_MANIFEST
from config.manifest_shapes import MANIFEST, TYPE
from config.manifest_shapes import TRIGGER as TRIGGER_OF_MANIFEST
from config.parameters import Call, polled, sent
from config.shapes import AUTOMATION, AUTOMATIONS, CONNECTION, CONNECTIONS, STEP, TRIGGER
from connections.operation import inputs_of
from connections.vendors import Vendor
from triggers.trigger import Trigger

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that the YAML language server knows best."""

_OPEN: Schema = {"$ref": "#/$defs/Template"}
_TEMPLATE: Schema = {
    "type": "string",
    "pattern": r"\{\{|\{%|\$\{",
    "description": "A template, such as {{ record.id }}, or an environment variable, ${NAME}.",
}
_EVERY: Schema = {
    "anyOf": [
        {"enum": ["auto", "1m", "2m", "5m", "10m", "15m"]},
        {"type": "string", "pattern": r"^(([1-9]|1[0-5])m|([6-9]\d|[1-8]\d\d|900)s|\$\{.*)$"},
    ],
    "description": "`1m` to `15m`, or `auto`.",
}


def schema(
    *,
    triggers: Mapping[str, Trigger] | None = None,
    actions: Mapping[str, Action] | None = None,
    vendors: Mapping[str, Vendor] | None = None,
) -> dict[str, Schema]:
    """The schemas of connections.yaml (`connections`), of the files in automations/, and of those in connectors/.

    By default with all that Hightide ships.
    """
    ours = catalogues()
    return {
        "connections": _connections(ours.vendors if vendors is None else vendors),
        "automations": _automations(
            ours.triggers if triggers is None else triggers, ours.actions if actions is None else actions
        ),
        "connectors": _connectors(),
    }


def _connectors() -> Schema:
    """What a manifest may hold: its triggers, actions and types by the shapes that they are checked against."""
    whole = _untitled(MANIFEST.json_schema())
    shared = whole.pop("$defs", {})
    named: dict[str, Schema] = {}
    for name, shape in {"Trigger": TRIGGER_OF_MANIFEST, "Action": ACTION_OF_MANIFEST, "Type": TYPE}.items():
        named[name] = _untitled(shape.json_schema())
        shared |= named[name].pop("$defs", {})
    for place, name in (("triggers", "Trigger"), ("actions", "Action")):
        whole["properties"][place]["additionalProperties"] = {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}]}
    a_type = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Type"}, {"type": "null"}]}
    for name in ("Trigger", "Action"):
        for place in ("path", "query", "body"):
            named[name]["properties"][place]["additionalProperties"] = a_type
    named["Type"]["properties"]["fields"]["additionalProperties"] = a_type
    named["Type"]["properties"]["list_of"] = {**a_type, "description": "A list of this type."}
    changing = {
        name: {**each, "required": [] if name in {"Trigger", "Action"} else each.get("required", [])}
        for name, each in named.items()
    }  # a manifest that extends another one says only what is different
    made: Schema = _or_reference({**whole, "$defs": {**shared, **changing}})
    return {"$schema": DRAFT, **made}


def _or_reference(node: Any) -> Any:
    """The schema with `<name>`, a value that is assumed, allowed where a number or a truth value is."""
    if isinstance(node, list):
        return [_or_reference(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in ("integer", "boolean"):
        outer = {name: each for name, each in node.items() if name == "description"}
        plain = {name: each for name, each in node.items() if name != "description"}
        return {"anyOf": [plain, {"type": "string", "pattern": "^<[a-z][a-z0-9_.-]*>$"}], **outer}
    return {name: _or_reference(each) for name, each in node.items()}


def _connections(vendors: Mapping[str, Vendor]) -> Schema:
    connection = _untitled(CONNECTION.json_schema())
    definitions = connection.pop("$defs", {})
    fields = connection["properties"]
    fields["kind"] = {"enum": list(vendors), "description": fields["kind"]["description"]}
    fields["auth"]["oneOf"] = [_auth(kind, auth) for kind, auth in AUTHS.items()]
    whole = _untitled(CONNECTIONS.json_schema())
    whole["properties"]["connections"]["additionalProperties"] = {"$ref": "#/$defs/Connection"}
    return {"$schema": DRAFT, **whole, "$defs": {**definitions, "Connection": connection}}


def _auth(kind: str, auth: type[Any]) -> Schema:
    made = _untitled(TypeAdapter(auth).json_schema())
    made["properties"]["type"] = {"const": kind}
    return {**made, "required": ["type", *made.get("required", ())], "additionalProperties": False}


def _automations(triggers: Mapping[str, Trigger], actions: Mapping[str, Action]) -> Schema:
    polls = {name: (polled(row),) for name, row in triggers.items()}
    sends = {name: (sent(row, ()), *(sent(row, (other,)) for other in row.instead)) for name, row in actions.items()}
    inputs, definitions = _inputs([call for calls in (*polls.values(), *sends.values()) for call in calls])
    trigger, step = _untitled(TRIGGER.json_schema()), _untitled(STEP.json_schema())
    trigger["properties"] |= {"use": _uses(triggers), "every": _EVERY}
    trigger["allOf"] = [
        _where_used(name, calls, inputs, {"on": _events(triggers[name].events)}) for name, calls in polls.items()
    ]
    step["properties"]["use"] = _uses(actions)
    step["allOf"] = [_where_used(name, calls, inputs, {}) for name, calls in sends.items()]
    automation = _untitled(AUTOMATION.json_schema())
    automation["properties"]["trigger"] = {"$ref": "#/$defs/Trigger"}
    automation["properties"]["steps"]["items"] = {"$ref": "#/$defs/Step"}
    whole = _untitled(AUTOMATIONS.json_schema())
    whole["properties"]["automations"]["additionalProperties"] = {"$ref": "#/$defs/Automation"}
    own = {"Automation": automation, "Trigger": trigger, "Step": step, "Template": _TEMPLATE}
    return {"$schema": DRAFT, **whole, "$defs": {**definitions, **own}}


def _uses(rows: Mapping[str, Trigger | Action]) -> Schema:
    return {"anyOf": [{"const": name, "description": row.summary} for name, row in rows.items()]}


def _events(kinds: Sequence[str]) -> Schema:
    one = {"enum": list(kinds)}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _where_used(name: str, calls: Sequence[Call], inputs: Mapping[Call, Schema], more: Schema) -> Schema:
    """The rule that holds where `use` is this operation: what may stand under `with`, and whether it must."""
    ways = [_with(call, inputs[call]) for call in calls]
    then: Schema = {"properties": {"with": ways[0] if len(ways) == 1 else {"anyOf": ways}, **more}}
    if all(way.get("required") or "anyOf" in way or "oneOf" in way for way in ways):
        then["required"] = ["with"]
    return {"if": {"properties": {"use": {"const": name}}, "required": ["use"]}, "then": then}


def _with(call: Call, inputs: Schema) -> Schema:
    """The parameters of a call less what Hightide sets, with those of which one must be given."""
    names = {name: each for name, each in inputs.get("properties", {}).items() if name not in call.fixed}
    required = [name for name in inputs.get("required", ()) if name not in call.supplied]
    made = {**inputs, "properties": names, "required": required}
    if call.one_of:
        made["anyOf"] = [{"required": [name]} for name in call.one_of]
    if call.only_one_of:
        made["oneOf"] = [{"required": [name]} for name in call.only_one_of]
    return made


def _inputs(calls: Iterable[Call]) -> tuple[dict[Call, Schema], dict[str, Schema]]:
    """The parameters of each call, and the definitions they share; a template may stand for any value."""
    keyed = dict(enumerate(dict.fromkeys(calls)))
    made, whole = TypeAdapter.json_schemas(
        [(number, "validation", inputs_of(call.operation)) for number, call in keyed.items()]
    )
    definitions = {name: _opened(_untitled(each)) for name, each in whole.get("$defs", {}).items()}
    inputs = {}
    for number, call in keyed.items():
        found = made[number, "validation"]
        name = found.get("$ref", "").rpartition("/")[2]
        inputs[call] = definitions.pop(name) if name else _opened(_untitled(found))
    return inputs, definitions


def _opened(node: Schema) -> Schema:
    """The same schema with a template allowed for every value inside it."""
    opened = dict(node)
    if "properties" in node:
        opened["properties"] = {name: _or_template(each) for name, each in node["properties"].items()}
    for inner in ("items", "additionalProperties"):
        if isinstance(node.get(inner), dict):
            opened[inner] = _or_template(node[inner])
    for several in ("anyOf", "oneOf"):
        if several in node:
            opened[several] = [_opened(each) for each in node[several]]
    return opened


def _or_template(node: Schema) -> Schema:
    """The schema, or a template; plain text may be one anyway, and descriptions stay where editors look for them."""
    opened = _opened(node)
    if opened.get("type") == "string" and not opened.keys() & {"enum", "const", "pattern", "format", "maxLength"}:
        return opened
    outer: Schema = {name: opened.pop(name) for name in ("description", "default") if name in opened}
    return {"anyOf": [opened, _OPEN], **outer}


def _untitled(node: Any) -> Any:
    """The schema without pydantic's titles, which say less than the names do."""
    if isinstance(node, list):
        return [_untitled(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {name: each for name, each in node.items() if not (name == "title" and isinstance(each, str))}
    return {name: _untitled(each) for name, each in kept.items()}
