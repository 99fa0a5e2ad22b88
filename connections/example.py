"""Example inputs of an operation, made from its JSON Schema; the same every time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connections.operation import Operation, inputs_of

Schema = Mapping[str, Any]


def example(operation: Operation, *, whole: bool = False) -> dict[str, Any]:
    """Inputs that the operation accepts: only what is required, or the `whole` of what it takes."""
    schema = inputs_of(operation).json_schema()
    made: dict[str, Any] = example_of(schema, schema.get("$defs", {}), whole=whole)
    return made


def example_of(schema: Schema, shared: Mapping[str, Schema], *, whole: bool) -> Any:
    """A value that the schema accepts; `shared` holds what its references name."""
    schema = resolved(schema, shared)
    stated = [*schema.get("examples", ()), *schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    if stated:
        return stated[0]
    match schema.get("type"):
        case "object":
            return _object(schema, shared, whole=whole)
        case "array":
            return [example_of(schema.get("items", {}), shared, whole=whole)]
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            return "text"


def resolved(schema: Schema, shared: Mapping[str, Schema]) -> Schema:
    """The schema with its reference followed and the first of its alternatives taken."""
    if "$ref" in schema:
        return resolved({**shared[schema["$ref"].rsplit("/", 1)[-1]], **_without(schema, "$ref")}, shared)
    for kind in ("anyOf", "oneOf"):
        if kind in schema:
            return resolved({**schema[kind][0], **_without(schema, kind)}, shared)
    return schema


def _object(schema: Schema, shared: Mapping[str, Schema], *, whole: bool) -> dict[str, Any]:
    required = schema.get("required", ())
    fields = schema.get("properties", {})
    if not fields and isinstance(schema.get("additionalProperties"), dict):
        return {"name": example_of(schema["additionalProperties"], shared, whole=whole)}
    return {name: example_of(field, shared, whole=whole) for name, field in fields.items() if whole or name in required}


def _without(schema: Schema, name: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != name}
