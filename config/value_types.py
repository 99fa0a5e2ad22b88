"""The types of parameters as manifests write them: `required list of email`, `{fields: {name: text}}`.

A type becomes the same kind of annotation that the built-in rows use, so that a manifest's parameters are checked,
shown and put into JSON Schema like any others; and a writer, where the vendor calls things otherwise than the author.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, Required

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from config.document import Place
from config.findings import Findings
from config.manifest_shapes import TYPE, TypeShape
from config.problems import close, listed
from connections.fields import Date, DateTime, Duration, Email, Joined, Number, Phone, Sensitive, Url
from connections.operation import FromConnection

Write = Callable[[Any], Any]
"""What an author wrote, as the vendor takes it."""

WORDS: Mapping[str, Any] = MappingProxyType(
    {
        "text": str,
        "number": Number,
        "integer": int,
        "true/false": bool,
        "time": DateTime,
        "date": Date,
        "duration": Duration,
        "email": Email,
        "phone": Phone,
        "url": Url,
        "mapping": dict[str, Any],
        "any": Any,
    }
)
"""The words for types; `list of`, `mapping of` and `one of [...]` are made from them."""
_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("string", "str"), "text"),
    **dict.fromkeys(("bool", "boolean"), "true/false"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("float", "decimal"), "number"),
    **dict.fromkeys(("datetime", "date-time", "timestamp"), "time"),
    **dict.fromkeys(("object", "dict", "map"), "mapping"),
}
_HINT = f"{listed(WORDS)}, `list of ...`, `mapping of ...` or `one of [...]`; `required` may stand in front"
_KINDS = ("type", "one_of", "list_of", "fields")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """One parameter: its annotation, whether it must be given, and where and how it goes to the vendor.

    `place` is a dotted path in the request (the parameter's own name by default, "" for nowhere), `write` makes the
    vendor's value of the author's.
    """

    hint: Any
    required: bool = False
    place: str | None = None
    write: Write | None = None


def read_types(given: Mapping[str, Any], place: Place, found: Findings) -> dict[str, ValueType]:
    """The parameters under `query`, `body` or `fields`, by name; what cannot be read is a fault, and any value."""
    return {name: read_type(value, (*place, name), found) for name, value in given.items()}


def read_type(given: Any, place: Place, found: Findings) -> ValueType:
    """One type, in words or as a mapping; what cannot be read is a fault, and any value."""
    if isinstance(given, str):
        required, hint = _in_words(given, place, found)
        return ValueType(hint=hint, required=required)
    if not isinstance(given, dict):
        several = isinstance(given, list) and all(isinstance(each, str | int) for each in given)
        hint = f"`one of [{', '.join(map(str, given))}]`?" if several else f"expected {_HINT}"
        found.fault(place, "should be a type", f"did you mean {hint}" if several else hint)
        return ValueType(hint=Any)
    before = len(found.problems)
    kinds = [name for name in _KINDS if name in given]
    if (
        not kinds
        and not given.keys() & TypeShape.__annotations__.keys()
        and not any(close(str(name), _KINDS) for name in given)
    ):
        found.fault(place, f"needs one of {listed(_KINDS)}", "those of an object stand under `fields`", key=True)
        return ValueType(hint=Any)
    told = found.sound(TYPE, given, place)
    if len(kinds) != 1 and len(found.problems) == before:
        found.fault(place, f"has both {listed(kinds)}" if kinds else f"needs one of {listed(_KINDS)}", key=True)
    if len(kinds) != 1 or kinds[0] not in told:
        return ValueType(hint=Any)
    return _described(_of_kind(kinds[0], told[kinds[0]], place, found), told, place, found)


def shape(name: str, types: Mapping[str, ValueType]) -> type[Any]:
    """A TypedDict of these parameters."""
    fields = {key: Required[each.hint] if each.required else each.hint for key, each in types.items()}
    made: Any = TypedDict(name, fields, total=False)  # type: ignore[misc]  # names known only at run time
    found: type[Any] = made
    return found


def writer(types: Mapping[str, ValueType], fixed: Mapping[str, Any]) -> Write | None:
    """What makes the vendor's object of an author's, with what is `fixed` in it; None where they are the same."""
    changed = {name: each for name, each in types.items() if each.place is not None or each.write is not None}
    if not changed and not fixed:
        return None

    def write(given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        made = _copied(fixed)
        for name, value in given.items():
            each = changed.get(name)
            where = name if each is None or each.place is None else each.place
            if where:
                _put(made, where.split("."), value if each is None or each.write is None else each.write(value))
        return made

    return write


def _copied(value: Any) -> Any:
    return {name: _copied(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        inner = target.get(name)
        target[name] = inner if isinstance(inner, dict) else {}
        target = target[name]
    target[path[-1]] = value


def _in_words(text: str, place: Place, found: Findings) -> tuple[bool, Any]:
    """Whether `required` stands in front, and the annotation of the rest."""
    words = " ".join(text.split())
    core = words.removeprefix("required ")
    return core != words, _hint(core, place, found)


def _hint(core: str, place: Place, found: Findings) -> Any:
    if core in WORDS:
        return WORDS[core]
    if core.startswith("list of "):
        return list[_hint(core.removeprefix("list of "), place, found)]  # type: ignore[misc]  # made at run time
    if core.startswith("mapping of "):
        return dict[str, _hint(core.removeprefix("mapping of "), place, found)]  # type: ignore[misc]  # as above
    chosen = re.fullmatch(r"one of \[(.+)\]", core)
    if chosen:
        return Literal[tuple(each.strip() for each in chosen[1].split(","))]
    found.fault(place, f"`{core}` is no type", _meant(core) or close(core, WORDS) or f"expected {_HINT}")
    return Any


def _meant(core: str) -> str | None:
    """The hint for a type as other languages call it, or whose words stand in another order."""
    bare = core.removesuffix(" required").removeprefix("optional ")
    word = _ELSEWHERE.get(bare.casefold(), bare)
    required = "required " if core.endswith(" required") else ""
    return f"did you mean `{required}{word}`?" if word in WORDS else None


def _of_kind(kind: str, value: Any, place: Place, found: Findings) -> ValueType:
    inside = (*place, kind)
    match kind:
        case "type":
            required, hint = _in_words(value, inside, found)
            return ValueType(hint=hint, required=required)
        case "one_of":
            return ValueType(hint=Literal[tuple(value)])
        case "list_of":
            each = read_type(value, inside, found)
            many: Any = list[each.hint]  # type: ignore[name-defined]  # known only at run time
            return ValueType(hint=many, write=_for_each(each.write))
        case _:
            types = read_types(value, inside, found)
            return ValueType(hint=shape(str(place[-1]).title(), types), write=writer(types, {}))


def _for_each(write: Write | None) -> Write | None:
    if write is None:
        return None
    return lambda items: [write(item) for item in items] if isinstance(items, list) else items


def _described(core: ValueType, told: Mapping[str, Any], place: Place, found: Findings) -> ValueType:
    """The type with what else the mapping says about it."""
    marks: list[Any] = []
    if told.get("comma"):
        marks.append(Joined())
    if told.get("secret"):
        marks.append(Sensitive())
    if "from" in told:
        marks.append(FromConnection(told["from"]))
    if "description" in told or "example" in told:
        examples = [told["example"]] if "example" in told else None
        marks.append(Field(description=told.get("description"), examples=examples))
    hint = core.hint
    for mark in marks:
        hint = Annotated[hint, mark]
    if "example" in told and not _fits(core.hint, told["example"]):
        found.fault((*place, "example"), "the example is not of the type")
    return ValueType(
        hint=hint, required=core.required or told.get("required", False), place=told.get("as"), write=core.write
    )


def _fits(hint: Any, value: Any) -> bool:
    try:
        TypeAdapter(hint).validate_python(value)
    except ValidationError:
        return False
    return True
