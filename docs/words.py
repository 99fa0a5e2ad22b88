"""Markdown tables, and JSON Schema in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

Schema = Mapping[str, Any]
Lines = Iterator[str]

NOTICE = "<!-- Made by `make docs`; edit {source} instead. -->"
MOST_VALUES = 12
"""Of more values than this only the first few are listed."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Lines:
    """The lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(_cell(text) for text in row)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def listed(words: Iterable[str]) -> str:
    """The words as code, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)


def span(time: timedelta) -> str:
    """A span of time in words."""
    seconds = round(time.total_seconds())
    count, unit = (seconds // 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return unit if count == 1 else f"{count} {unit}s"


def sentence(words: str) -> str:
    """The words with a full stop."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def kind_of(schema: Schema, shared: Mapping[str, Schema]) -> str:
    """What a value must be, in words."""
    match schema:
        case {"$ref": str(reference)}:
            return kind_of(shared[reference.rsplit("/", 1)[-1]], shared)
        case {"anyOf": several} | {"oneOf": several}:
            return " or ".join(dict.fromkeys(kind_of(each, shared) for each in several))
        case {"const": _} | {"enum": _}:
            return _values([str(value) for value in schema.get("enum", [schema.get("const")])])
        case {"type": "array"}:
            return f"list of {kind_of(schema.get('items', {}), shared)}"
        case {"type": "object", "properties": properties}:
            return f"mapping: {listed(properties)}"
        case _:
            return _NAMES.get(schema.get("type", ""), "anything")


_NAMES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "null": "null",
}


def _values(values: Sequence[str]) -> str:
    if len(values) <= MOST_VALUES:
        return listed(values)
    return f"{listed(values[: MOST_VALUES // 2])}, ... ({len(values)} values)"


def told_of(schema: Schema, shared: Mapping[str, Schema]) -> str:
    """What the schema, or the first alternative that does, says about the value."""
    if schema.get("description"):
        return str(schema["description"])
    if "$ref" in schema:
        return told_of(shared[schema["$ref"].rsplit("/", 1)[-1]], shared)
    return next(filter(None, (told_of(each, shared) for each in schema.get("anyOf", ()))), "")


def fields(shape: TypeAdapter[Any], *, by_alias: bool = True) -> Lines:
    """A table of the fields of a shape."""
    schema = shape.json_schema(by_alias=by_alias)
    shared, needed = schema.get("$defs", {}), schema.get("required", ())
    rows = (
        (f"`{name}`", "yes" if name in needed else "", kind_of(field, shared), told_of(field, shared))
        for name, field in schema.get("properties", {}).items()
    )
    yield from table(("field", "needed", "what it is", "what it says"), rows)
