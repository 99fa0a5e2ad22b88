"""Whatever is wrong with inputs is refused by us, before anything is sent, and told with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from actions.action import Action
from actions.catalog import CATALOG as ACTIONS
from connections.example import example, resolved
from connections.operation import Operation, inputs_of, parameters_of
from connections.request import InvalidInputs, check
from triggers.catalog import CATALOG as TRIGGERS
from triggers.trigger import Trigger

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

ROWS: list[Trigger | Action] = [*TRIGGERS.values(), *ACTIONS.values()]
WRONG = ({"no": 1}, "no", [5])
"""One of these is of the wrong type anywhere, and none can be taken for the right one written otherwise."""

each_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])


def operation_of(row: Trigger | Action) -> Operation:
    return row.fetch if isinstance(row, Trigger) else row.send


def rules(row: Trigger | Action) -> dict[str, tuple[str, ...]]:
    return {"one_of": row.one_of, "only_one_of": row.only_one_of if isinstance(row, Action) else ()}


def whole(row: Trigger | Action) -> dict[str, Any]:
    """All that may be written at once."""
    made = example(operation_of(row), whole=True)
    surplus = row.only_one_of[1:] if isinstance(row, Action) else ()
    return {name: value for name, value in made.items() if name not in surplus}


def nodes(schema: Schema, value: Any, shared: Mapping[str, Schema], path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Every place in the inputs, with what may stand there."""
    yield path, {**schema, "$defs": shared}
    schema = resolved(schema, shared)
    if isinstance(value, dict):
        for name, part in value.items():
            if name in schema.get("properties", {}):
                yield from nodes(schema["properties"][name], part, shared, (*path, name))
    if isinstance(value, list) and schema.get("items"):
        for number, part in enumerate(value):
            yield from nodes(schema["items"], part, shared, (*path, number))


def places(row: Trigger | Action) -> list[tuple[Path, Schema, Schema]]:
    """Every place in the inputs: its whole schema, and that of the value that stands there."""
    schema = inputs_of(operation_of(row)).json_schema()
    shared = schema.get("$defs", {})
    return [(path, found, resolved(found, shared)) for path, found in nodes(schema, whole(row), shared)]


def changed(inputs: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    result: Any = deepcopy(dict(inputs))
    parent = result
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    return result  # type: ignore[no-any-return]  # the copy of a dict


def refusal(row: Trigger | Action, inputs: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidInputs) as refused:
        check(operation_of(row), inputs, **rules(row))
    return dict(refused.value.problems)


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


@each_row
def test_all_that_a_row_takes_is_taken(row):
    inputs = whole(row)
    assert set(check(operation_of(row), inputs, **rules(row))) == set(inputs)


@each_row
def test_a_missing_field_is_refused(row):
    for path, _, schema in places(row):
        for name in schema.get("required", ()):
            inputs = whole(row)
            parent: Any = inputs
            for step in path:
                parent = parent[step]
            del parent[name]
            assert refusal(row, inputs) == {dotted((*path, name)): "is required"}


@each_row
def test_a_surplus_name_is_refused_at_every_depth(row):
    for path, _, schema in places(row):
        if schema.get("type") == "object" and "properties" in schema:
            where = (*path, "surplus")
            assert list(refusal(row, changed(whole(row), where, 1))) == [dotted(where)]


@each_row
def test_a_wrong_type_is_refused_at_every_depth(row):
    for path, schema, _ in places(row)[1:]:
        allowed = Draft202012Validator(schema)
        wrong = [value for value in WRONG if not allowed.is_valid(value)]
        assert wrong, f"{dotted(path)} takes anything"
        assert any(place.startswith(dotted(path)) for place in refusal(row, changed(whole(row), path, wrong[0])))


@each_row
def test_a_value_outside_its_list_is_refused_at_every_depth(row):
    for path, _, schema in places(row)[1:]:
        if "enum" in schema or "const" in schema:
            value = 99 if schema.get("type") in {"integer", "number"} else "no such value"
            assert dotted(path) in refusal(row, changed(whole(row), path, value))


@each_row
def test_limits_are_kept_at_every_depth(row):
    for path, _, schema in places(row)[1:]:
        for limit, value in (
            ("minimum", schema.get("minimum", 0) - 1),
            ("maximum", schema.get("maximum", 0) + 1),
            ("maxLength", "x" * (schema.get("maxLength", 0) + 1)),
            ("minLength", ""),
        ):
            if limit in schema:
                assert dotted(path) in refusal(row, changed(whole(row), path, value))


CHOOSING = [row for row in ROWS if row.one_of]
EXCLUSIVE = [row for row in ACTIONS.values() if row.only_one_of]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in CHOOSING])
def test_none_of_a_choice_is_refused(row):
    inputs = {name: value for name, value in whole(row).items() if name not in row.one_of}
    assert refusal(row, inputs)[row.one_of[0]] == f"one of {', '.join(row.one_of)} is required"


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in EXCLUSIVE])
def test_none_or_two_of_an_exclusive_choice_are_refused(row):
    rest = {name: value for name, value in whole(row).items() if name not in row.only_one_of}
    for inputs in (rest, {**rest, **dict.fromkeys(row.only_one_of, "text")}):
        assert refusal(row, inputs)[row.only_one_of[0]] == f"exactly one of {', '.join(row.only_one_of)} is required"


@each_row
def test_what_the_connection_fills_in_may_be_left_out(row):
    own = {one.name for one in parameters_of(operation_of(row)) if one.source}
    inputs = {name: value for name, value in whole(row).items() if name not in own}
    assert not own & set(check(operation_of(row), inputs, **rules(row)))
