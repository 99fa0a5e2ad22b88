"""From checked inputs to one HTTP request: pure, and quick, as it is done for every call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote

from pydantic import ValidationError

from connections.connection import Connection
from connections.fields import ByName, Joined, Sensitive
from connections.operation import Operation, Parameter, inputs_of, parameters_of
from connections.wire import Request

Encode = Callable[[str, Any], Any]
NOTHING: Mapping[str, Any] = MappingProxyType({})


class InvalidInputs(ValueError):
    """What was given does not fit the operation; `problems` lists each (path, message).

    Paths are dotted, as in `customFields.0.id`; messages never quote the values.
    """

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {message}" for path, message in self.problems))


def check(
    operation: Operation,
    inputs: Mapping[str, Any],
    *,
    one_of: Sequence[str] = (),
    only_one_of: Sequence[str] = (),
) -> dict[str, Any]:
    """The inputs as the operation takes them: checked, numbers and times brought into the vendor's form.

    Raises:
        InvalidInputs: something is missing, surplus, or of the wrong type; every such fault is listed.
    """
    checked: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    try:
        checked = inputs_of(operation).validate_python(dict(inputs))
    except ValidationError as error:
        problems = _problems(error, inputs, operation)
    problems += _choice(inputs, one_of, only_one_of)
    if problems:
        raise InvalidInputs(problems)
    return checked


def build(
    operation: Operation,
    inputs: Mapping[str, Any],
    connection: Connection,
    extra: Mapping[str, Any] = NOTHING,
    link: str | None = None,
) -> Request:
    """The request that carries out an operation with these checked inputs.

    `extra` holds what is not the author's: paging, times, constants. It goes into the body where there is one, else
    into the query; where both give a list under one name (filters), the lists are joined, otherwise `extra` wins.
    A `link` from the vendor, path and query, takes the place of both.

    Raises:
        InvalidInputs: a name the operation does not have, an id that cannot stand in a path, custom fields still by
            name, or a field that neither the inputs nor the connection fill in.
    """
    plan = _plan(operation)
    values = {**inputs, **_own(plan, inputs, connection)} if plan.own else dict(inputs)
    path = plan.path % tuple([_segment(name, values.pop(name, None)) for name in plan.path_names])
    body, query = _placed(operation, plan, values)
    target = body if plan.has_body else query
    for name, value in extra.items():
        own = target.get(name)
        target[name] = own + value if isinstance(own, list) and isinstance(value, list) else value
    pairs = [pair for name, value in query.items() for pair in _pairs(name, value)]
    if link is not None:
        path, _, linked = link.partition("?")
        pairs = parse_qsl(linked, keep_blank_values=True)
    return Request(
        method=operation.method,
        path=path,
        query=tuple(pairs),
        body=([body] if operation.body_is_array else body) if plan.has_body else None,
        version=operation.version,
        secret=tuple(_texts([inputs.get(name) for name in plan.secret])) if plan.secret else (),
    )


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    match value:
        case str():
            yield value
        case Mapping():
            yield from _texts(list(value.values()))
        case list() | tuple():
            for each in value:
                yield from _texts(each)


def masked(operation: Operation, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as they may be shown to people and written to logs: passwords and keys are `***`."""
    secret = _plan(operation).secret
    return {name: "***" if name in secret else value for name, value in inputs.items()}


@dataclass(frozen=True, slots=True)
class _Place:
    body: bool
    encode: Encode | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What `build` needs of an operation, worked out once; `path` is a %-template."""

    path: str
    path_names: tuple[str, ...]
    places: Mapping[str, _Place]
    own: tuple[Parameter, ...]
    secret: frozenset[str]
    has_body: bool


@cache
def _plan(operation: Operation) -> _Plan:
    parameters = parameters_of(operation)
    return _Plan(
        path=re.sub(r"\{\w+\}", "%s", operation.path),
        path_names=operation.path_params,
        places={
            parameter.name: _Place(parameter.place == "body", _encoding(parameter))
            for parameter in parameters
            if parameter.place != "path"
        },
        own=tuple(parameter for parameter in parameters if parameter.source),
        secret=frozenset(parameter.name for parameter in parameters if _marked(parameter, Sensitive)),
        has_body=operation.body is not None,
    )


def _placed(operation: Operation, plan: _Plan, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    body: dict[str, Any] = {}
    query: dict[str, Any] = {}
    for name, value in values.items():
        place = plan.places.get(name)
        if place is None:
            raise InvalidInputs([(name, _surplus(name, operation))])
        (body if place.body else query)[name] = place.encode(name, value) if place.encode else value
    if operation.write is None:
        return body, query
    return (operation.write(body), query) if plan.has_body else (body, operation.write(query))


def _own(plan: _Plan, inputs: Mapping[str, Any], connection: Connection) -> dict[str, str]:
    """The fields that the connection fills in, as far as it knows them.

    Raises:
        InvalidInputs: the vendor demands one that the connection does not have.
    """
    found: dict[str, str] = {}
    for parameter in plan.own:
        if parameter.source is None or parameter.name in inputs:
            continue
        value: str | None = getattr(connection, parameter.source.field)
        if value:
            found[parameter.name] = value
        elif parameter.required:
            field = parameter.source.field
            message = f"is required; the connection {connection.name!r} has no {field}: give it there, or here"
            raise InvalidInputs([(parameter.name, message)])
    return found


def _encoding(parameter: Parameter) -> Encode | None:
    if _marked(parameter, Joined):
        return _joined
    return _looked_up if _marked(parameter, ByName) else None


def _marked(parameter: Parameter, mark: type[Any]) -> bool:
    return any(isinstance(found, mark) for found in getattr(parameter.hint, "__metadata__", ()))


def _joined(_name: str, value: Any) -> Any:
    return ",".join(map(_plain, value)) if isinstance(value, list) else value


def _looked_up(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        raise InvalidInputs([(name, "custom fields by name are to be looked up before they are sent")])
    return value


def _segment(name: str, value: Any) -> str:
    if isinstance(value, str) and value.isascii() and value.isalnum():
        return value
    text = "" if value is None else str(value)
    if not text.strip():
        raise InvalidInputs([(name, "is required, and is empty")])
    if text in {".", ".."}:  # a URL parser would take these for steps between folders, encoded or not
        raise InvalidInputs([(name, f"{text!r} cannot be an id")])
    return quote(text, safe="")


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [(name, _plain(item)) for item in value]
    return [] if value is None else [(name, _plain(value))]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _choice(inputs: Mapping[str, Any], one_of: Sequence[str], only_one_of: Sequence[str]) -> list[tuple[str, str]]:
    problems = []
    if one_of and not any(name in inputs for name in one_of):
        problems.append((one_of[0], f"one of {_listed(one_of)} is required"))
    if only_one_of and sum(name in inputs for name in only_one_of) != 1:
        problems.append((only_one_of[0], f"exactly one of {_listed(only_one_of)} is required"))
    return problems


def _problems(error: ValidationError, inputs: Mapping[str, Any], operation: Operation) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_context=False):
        path = _path(detail["loc"], inputs)
        if detail["type"] == "extra_forbidden" and len(detail["loc"]) == 1:
            message = _surplus(path, operation)
        elif detail["type"] == "string_type":
            message = _no_text(detail["input"])
        else:
            message = _WORDS.get(detail["type"], detail["msg"].removeprefix("Value error, ").replace("Input ", ""))
        found.setdefault(path, []).append(message)
    return [(path, " or ".join(dict.fromkeys(messages))) for path, messages in found.items()]


_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this object",
    "string_too_short": "should not be empty",
    "list_type": "should be a list",
    "dict_type": "should be an object",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "int_type": "should be a number",
    "int_parsing": "should be a number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
}


def _no_text(value: Any) -> str:
    match value:
        case None:
            return "should be text, and is null"
        case list() | dict():
            return "should be text, and is a list" if isinstance(value, list) else "should be text, and is an object"
        case _:
            return "should be text; put a number in quotes"


def _path(loc: tuple[int | str, ...], inputs: Any) -> str:
    """Where in the inputs a fault lies; pydantic's own names for the branches of a union are left out."""
    steps: list[str] = []
    data = inputs
    for position, step in enumerate(loc):
        inside = isinstance(data, list) if isinstance(step, int) else isinstance(data, Mapping) and step in data
        if inside:
            data = data[step]
        if inside or (isinstance(data, Mapping) and position == len(loc) - 1):
            steps.append(str(step))
    return ".".join(steps)


def _surplus(name: str, operation: Operation) -> str:
    known = [parameter.name for parameter in parameters_of(operation)]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {_listed(known)}" if known else "there are none"
    return f"is not a parameter of this operation: {hint}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
