"""The fields of every row against the vendor's documents, down into nested objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from actions.action import Action
from actions.catalog import CATALOG as ACTIONS
from connections.example import resolved
from connections.fields import Joined
from connections.operation import Operation, inputs_of, parameters_of
from connections.paging import Keyset
from triggers.catalog import CATALOG as TRIGGERS
from triggers.trigger import Trigger, Watermark

Schema = Mapping[str, Any]
LIMITS = ("minimum", "maximum", "maxItems", "maxLength")

LEFT_OUT = {
    # (id, field): why authors do not get it
    ("ghl.users.search", "sort"): "a snapshot has no order",
    ("ghl.users.search", "sortDirection"): "a snapshot has no order",
}

# rows that write their fields otherwise are held against the documents by what they send (test_catalogue_requests)
AS_WRITTEN = [row for row in TRIGGERS.values() if row.fetch.write is None]
each_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in (*AS_WRITTEN, *ACTIONS.values())])


def engines(row: Trigger | Action) -> set[str]:
    """What the engine fills in: paging, times, constants."""
    if isinstance(row, Action):
        return set()
    window = getattr(row.strategy, "window", None)
    names = {*row.fixed, *row.paging.ask(None), *((window.start, window.end) if window else ())}
    names |= set(row.paging.values) if isinstance(row.paging, Keyset) else set()
    if isinstance(row.strategy, Watermark):
        names |= {name for since in row.strategy.since for name in since("new", 0, False)}
    return names


def alternatives(schema: Schema, shared: Mapping[str, Schema]) -> list[Schema]:
    """What a value may be, references followed, null left out."""
    if "$ref" in schema:
        return alternatives(resolved(schema, shared), shared)
    told = schema.get("anyOf", schema.get("oneOf"))
    if told is None:
        return [] if schema.get("type") == "null" else [schema]
    above = {name: said for name, said in schema.items() if name == "enum"}
    return [{**found, **above} for one in told for found in alternatives(one, shared)]


def nullable(schema: Schema) -> bool:
    return any(one.get("type") == "null" for one in schema.get("anyOf", ()))


def kind(schema: Schema) -> str | None:
    return "number" if schema.get("type") == "integer" else schema.get("type")


def values(schema: Schema) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


class Comparison:
    """Our schema of an operation beside the vendor's."""

    def __init__(self, documents: Any, told: Mapping[str, Any], operation: Operation) -> None:
        self.documents, self.told = documents, told
        self.ours = inputs_of(operation).json_schema()
        self.shared = self.ours.get("$defs", {})

    def field(self, place: str, ours: Schema, theirs: Schema) -> Iterator[str]:
        theirs = self.documents.whole(self.told, theirs)
        if not theirs:
            return
        if nullable(ours) is not bool(theirs.get("nullable")):
            yield f"{place}: null is allowed by one of the two only"
        found = alternatives(ours, self.shared)
        ours = next((one for one in found if kind(one) == kind(theirs)), {})
        if not ours:
            yield f"{place}: {kind(theirs)} is wanted, ours is {[kind(one) for one in found]}"
            return
        if set(values(ours)) != set(values(theirs)):
            yield f"{place}: the values are {values(theirs)}"
        yield from (f"{place}: {limit}" for limit in LIMITS if limit in theirs and ours.get(limit) != theirs[limit])
        if kind(theirs) == "array":
            yield from self.field(f"{place}.0", ours["items"], theirs["items"])
        if kind(theirs) == "object" and "properties" in theirs:
            yield from self.object(place, ours, theirs)

    def object(self, place: str, ours: Schema, theirs: Schema, skipped: frozenset[str] = frozenset()) -> Iterator[str]:
        mine = ours.get("properties", {})
        told = {name: field for name, field in theirs.get("properties", {}).items() if not field.get("readOnly")}
        for name in sorted({*mine, *told} - skipped):
            where = f"{place}.{name}".removeprefix(".")
            if name not in mine or name not in told:
                yield f"{where} is only in {'the document' if name in told else 'the row'}"
                continue
            if place and (name in ours.get("required", ())) is not (name in theirs.get("required", ())):
                yield f"{where}: one of the two does not require it"
            yield from self.field(where, mine[name], told[name])


def whole(documents: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """All that the document lets an operation take, as one object."""
    operation = documents.operation(told)
    taken = [one for one in operation.get("parameters", ()) if one["in"] in {"path", "query"}]
    enums = {name: {"enum": values} for name, values in told.get("path_enum", {}).items()}
    in_path = {name: {"type": "string", **enums.get(name, {})} for name in told["path_params"]}
    properties = {**in_path, **{one["name"]: one["schema"] for one in taken}}
    required = {*in_path, *(one["name"] for one in taken if one.get("required"))}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = documents.whole(told, body)
    body = documents.whole(told, body["items"]) if body.get("type") == "array" else body
    return {
        "type": "object",
        "properties": {**properties, **body.get("properties", {})},
        "required": [*required, *body.get("required", ())],
    }


def operation_of(row: Trigger | Action, files: Mapping[str, Any]) -> tuple[Operation, Mapping[str, Any]]:
    operation = row.fetch if isinstance(row, Trigger) else row.send
    kind = "triggers" if isinstance(row, Trigger) else "actions"
    return operation, files["operations"][files[kind][row.id]["operation_key"]]


@each_row
def test_fields_have_the_types_values_and_limits_of_the_document(row, files, documents):
    operation, told = operation_of(row, files)
    texts = {one.name for one in parameters_of(operation) if any(isinstance(m, Joined) for m in marks(one.hint))}
    left_out = {name for id_, name in LEFT_OUT if id_ == row.id}
    comparison = Comparison(documents, told, operation)
    theirs = whole(documents, told)
    skipped = frozenset(texts | engines(row) - set(comparison.ours["properties"]) | left_out)
    assert list(comparison.object("", comparison.ours, theirs, skipped)) == []


@each_row
def test_joined_lists_are_texts_with_the_values_of_the_document(row, files, documents):
    operation, told = operation_of(row, files)
    theirs = whole(documents, told)["properties"]
    shared = inputs_of(operation).json_schema().get("$defs", {})
    for name, schema in inputs_of(operation).json_schema().get("properties", {}).items():
        hint = next(one.hint for one in parameters_of(operation) if one.name == name)
        if any(isinstance(mark, Joined) for mark in marks(hint)):
            assert theirs[name]["type"] == "string"
            assert set(resolved(schema["items"], shared).get("enum", ())) == set(theirs[name].get("enum", ()))


@each_row
def test_what_the_document_requires_is_required_or_filled_in(row, files, documents):
    operation, told = operation_of(row, files)
    required = {one.name for one in parameters_of(operation) if one.required}
    assert set(whole(documents, told)["required"]) - engines(row) == required


def marks(hint: Any) -> tuple[Any, ...]:
    return getattr(hint, "__metadata__", ())


def test_every_known_fault_is_still_in_the_documents(documents):
    assert documents.unmended == ()


def test_nothing_is_left_out_that_the_documents_do_not_have(files, documents):
    for id_, name in LEFT_OUT:
        row = TRIGGERS.get(id_) or ACTIONS[id_]
        assert name in whole(documents, operation_of(row, files)[1])["properties"]


@each_row
def test_lists_in_a_query_are_repeated_as_the_document_says(row, files, documents):
    """`form` and `explode` are OpenAPI's defaults; a list in any other style would need a mark of its own."""
    operation, told = operation_of(row, files)
    for one in documents.operation(told).get("parameters", ()):
        if one["in"] == "query" and one.get("schema", {}).get("type") == "array":
            assert (one.get("style", "form"), one.get("explode", True)) == ("form", True)
            hint = next(mine.hint for mine in parameters_of(operation) if mine.name == one["name"])
            assert not any(isinstance(mark, Joined) for mark in marks(hint))
