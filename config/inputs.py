"""What a type says against a value, in words for people, with templates left out of account."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from config.document import Place
from config.problems import guess, meant
from config.templates import is_template


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a value: something is missing, something is unknown, or what it holds is wrong."""

    place: Place
    about: Literal["missing", "unknown", "value"]
    message: str
    hint: str | None = None


def faults(adapter: TypeAdapter[Any], value: Any, noun: str = "field", *, templates: bool) -> list[Fault]:
    """Everything that is wrong with a value; `noun` is what the names of its mappings are called.

    Where there can be templates, a text that holds one could become anything, and is not blamed.
    """
    try:
        adapter.validate_python(value)
    except ValidationError as exc:
        schema: dict[str, Any] = {}
        found = _placed(exc.errors(include_url=False, include_input=False), value, templates=templates)
        if any(detail["type"] == "extra_forbidden" for _, detail in found):
            schema = adapter.json_schema()
        return _once(_joined(_fault(place, detail, value, schema, noun) for place, detail in found))
    return []


Found = tuple[Place, ErrorDetails]


def _placed(details: Iterable[ErrorDetails], value: Any, *, templates: bool) -> list[Found]:
    """The errors that no template explains; of the branches of a union only those that come closest."""
    plain: list[Found] = []
    unions: dict[Place, dict[str, list[Found | None]]] = {}
    for detail in details:
        place, union = _place(detail["loc"], value, at_key=detail["type"] in _ABOUT_NAMES)
        found = None if templates and _explained_by_template(place, detail, value) else (place, detail)
        if union is None:
            plain += [found] if found else []
        else:
            unions.setdefault(union[0], {}).setdefault(union[1], []).append(found)
    return plain + [found for branches in unions.values() for found in _closest(branches)]


def _closest(branches: Mapping[str, Sequence[Found | None]]) -> list[Found]:
    rest = [[found for found in branch if found] for branch in branches.values()]
    if not all(rest):
        return []
    deepest = max(max(len(place) for place, _ in branch) for branch in rest)
    return [found for branch in rest if max(len(place) for place, _ in branch) == deepest for found in branch]


def _place(loc: Sequence[str | int], value: Any, *, at_key: bool) -> tuple[Place, tuple[Place, str] | None]:
    """Where in the value an error lies, and the union (its place and branch) that it is part of.

    Pydantic puts names of its own for the branches of a union between those of the value.
    """
    place: Place = ()
    union: tuple[Place, str] | None = None
    for number, step in enumerate(loc):
        last = number == len(loc) - 1
        inside = (
            step in value or (last and at_key)
            if isinstance(value, dict)
            else isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if inside:
            place = (*place, step)
            value = value.get(step) if isinstance(value, dict) else value[int(step)]
        elif union is None:
            union = (place, str(step))
    return place, union


_ABOUT_NAMES = frozenset({"missing", "extra_forbidden"})
_OF_THE_WHOLE = frozenset({"value_error", "assertion_error", "union_tag_invalid", "union_tag_not_found"})


def _explained_by_template(place: Place, detail: ErrorDetails, value: Any) -> bool:
    if detail["type"] in _ABOUT_NAMES:
        return False
    value = _at(place, value)
    return _holds_template(value) if detail["type"] in _OF_THE_WHOLE else _is_template(value)


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and is_template(value)


def _holds_template(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_template(each) for each in value.values())
    if isinstance(value, list):
        return any(_holds_template(each) for each in value)
    return _is_template(value)


def _joined(found: Iterable[Fault]) -> list[Fault]:
    """One fault for each place: the branches of a union that fail there become alternatives."""
    by_place: dict[tuple[Place, str], list[Fault]] = {}
    for fault in found:
        by_place.setdefault((fault.place, fault.about), []).append(fault)
    return [_either(group) for group in by_place.values()]


def _once(found: Sequence[Fault]) -> list[Fault]:
    """The same faults, but for a name that is missing only because it is there misspelled."""
    misspelled = {(each.place[:-1], each.hint) for each in found if each.about == "unknown"}
    return [
        each
        for each in found
        if each.about != "missing" or (each.place[:-1], guess(str(each.place[-1]))) not in misspelled
    ]


def _either(group: Sequence[Fault]) -> Fault:
    words = dict.fromkeys([group[0].message, *(_after_name(each.message) for each in group[1:])])
    same = len({each.message for each in group}) == 1
    hint = next((each.hint for each in group if each.hint), None)
    return group[0] if same else replace(group[0], message=" or ".join(words), hint=hint)


def _after_name(message: str) -> str:
    return re.sub(r"^`[^`]*` (should be )?", "", message)


def _fault(place: Place, detail: ErrorDetails, whole: Any, schema: Mapping[str, Any], noun: str) -> Fault:
    name = named(place)
    match detail["type"]:
        case "missing":
            return Fault(place=place, about="missing", message=f"{name} is missing")
        case "extra_forbidden":
            hint = meant(str(place[-1]), _names_at(schema, place[:-1]))
            return Fault(place=place, about="unknown", message=f"unknown {noun} {name}", hint=hint)
        case "literal_error" | "enum" | "union_tag_invalid":
            context = detail.get("ctx", {})
            expected = str(context.get("expected", context.get("expected_tags", "")))
            return Fault(place=place, about="value", message=f"{name} should be {expected.replace(chr(39), '`')}")
        case kind:
            said = _WORDS.get(kind) or re.sub(r"^(Value error, |Input )", "", detail["msg"])
            return Fault(place=place, about="value", message=f"{name} {said}", hint=_instead(kind, _at(place, whole)))


def _at(place: Place, value: Any) -> Any:
    for step in place:
        value = value[step]
    return value


def _instead(kind: str, value: Any) -> str | None:
    """The hint that says what is there instead, where what should be there does not say it all."""
    match value:
        case None:
            return "it is null"
        case list() | dict() if kind == "string_type":
            return "it is a list" if isinstance(value, list) else "it is a mapping"
        case _:
            return "text that looks like something else needs quotes" if kind == "string_type" else None


def named(place: Place) -> str:
    """A place as people write it: `client.emails[0]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return f"`{text.lstrip('.')}`" if text else "this"


_WORDS = {
    "string_type": "should be text",
    "string_too_short": "should not be empty",
    "too_short": "should not be empty",
    "string_pattern_mismatch": "should be letters, digits and underscores, with no digit first",
    "list_type": "should be a list",
    "dict_type": "should be a mapping of names to values",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "none_required": "should be null",
}


def _names_at(schema: Mapping[str, Any], place: Place) -> list[str]:
    """The names that a JSON Schema knows at a place."""
    branches = list(_branches(schema, schema))
    for step in place:
        inner = [each.get("items") if isinstance(step, int) else _property(each, step) for each in branches]
        branches = [leaf for each in inner if isinstance(each, Mapping) for leaf in _branches(each, schema)]
    return list(dict.fromkeys(name for each in branches for name in each.get("properties", ())))


def _property(schema: Mapping[str, Any], name: str) -> Any:
    return schema.get("properties", {}).get(name, schema.get("additionalProperties"))


def _branches(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in schema:
        yield from _branches(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
        return
    yield schema
    for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _branches(alternative, whole)
