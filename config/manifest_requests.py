"""The requests of a manifest: from `GET /leads/{id}`, its parameters and its pages to the rows that are used."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from config.document import Place
from config.findings import Findings
from config.problems import close, listed, meant
from config.value_types import ValueType, read_types, shape, writer
from connections.operation import Method, Operation
from connections.paging import Keyset, Linked, Numbered, Offset, OnePage, Paging

METHODS: tuple[str, ...] = get_args(Method)
_SENDING = frozenset({"POST", "PUT", "PATCH"})
_OF_STYLE: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "offset": ("skip", "limit", "size", "as_text"),
    "pages": ("page", "limit", "size", "first"),
    "keyset": ("values", "limit", "size", "more"),
    "link": ("limit", "size"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request with the types of its parameters."""

    operation: Operation
    types: Mapping[str, ValueType]


def read_request(
    given: Mapping[str, Any], name: str, version: str, place: Place, found: Findings, *, constants: bool
) -> Asked:
    """The operation of a trigger or action; with `constants` what is `fixed` becomes part of what is written."""
    method, path = read_line(given.get("request", ""), (*place, "request"), found)
    in_path = re.findall(r"\{(\w+)\}", path)
    query = read_types(given.get("query", {}), (*place, "query"), found)
    body = read_types(given.get("body", {}), (*place, "body"), found)
    fixed = given.get("fixed", {}) if constants else {}
    has_body = "body" in given or bool(fixed and method in _SENDING)
    if "body" in given and method == "GET":
        found.fault((*place, "body"), "a GET has no body", "its parameters go under `query`", key=True)
    _check_names(in_path, query, body, place, found)
    query = _of_window(query, given)
    body = _of_window(body, given)
    if has_body:
        for each in [each for each, told in query.items() if told.place is not None or told.write is not None]:
            found.fault((*place, "query", each, "as"), "cannot be written otherwise where there is a body", key=True)
    title = "".join(word.title() for word in re.split(r"[._]", name))
    operation = Operation(
        method=method,  # type: ignore[arg-type]  # checked by read_line
        path=path,
        query=shape(f"{title}Query", query) if query else None,
        body=shape(f"{title}Body", body) if has_body else None,
        version=given.get("version", version),
        enums=_enums(given.get("path", {}), in_path, (*place, "path"), found),
        write=writer(body if has_body else query, fixed),
    )
    return Asked(operation=operation, types={**{each: ValueType(hint=str) for each in in_path}, **query, **body})


def read_line(line: str, place: Place, found: Findings) -> tuple[str, str]:
    """Method and path of `GET /leads/{id}`; a fault where it is something else."""
    method, _, path = " ".join(line.split()).partition(" ")
    if method not in METHODS or not path.startswith("/"):
        hint = close(method, METHODS) if path.startswith("/") else "expected such as `GET /leads/{id}`"
        hint = "the host stands in `base_url`" if "://" in line else hint
        if line:
            found.fault(place, f"`{line}` is no method and path", hint)
        return "POST", "/"  # of which nothing more can be wrong
    if re.search(r"[?#\s]", path) or re.sub(r"\{\w+\}", "", path).strip("/").count("{"):
        found.fault(place, f"`{path}` is no path", "names in braces, parameters of the query under `query`")
        return method, "/"
    return method, path


def _check_names(
    in_path: Collection[str], query: Mapping[str, Any], body: Mapping[str, Any], place: Place, found: Findings
) -> None:
    for part, names in (("query", query), ("body", body)):
        others = {*in_path, *(query if part == "body" else ())}
        for name in names:
            if name in others:
                found.fault((*place, part, name), f"there is a parameter `{name}` already", key=True)


def _of_window(types: dict[str, ValueType], given: Mapping[str, Any]) -> dict[str, ValueType]:
    """The types, the parameter that says how near a record must be sent nowhere unless the manifest says where."""
    snapshot = given.get("snapshot")
    within = snapshot.get("within") if isinstance(snapshot, Mapping) else None
    name = within.get("parameter") if isinstance(within, Mapping) else None
    if name not in types or types[name].place is not None:
        return types
    return {**types, name: replace(types[name], place="")}


def _enums(
    given: Mapping[str, Any], in_path: Collection[str], place: Place, found: Findings
) -> dict[str, tuple[str, ...]]:
    enums: dict[str, tuple[str, ...]] = {}
    for name, told in read_types(given, place, found).items():
        values = get_args(told.hint)
        if name not in in_path:
            found.fault((*place, name), f"`{{{name}}}` is not in the path", meant(name, in_path), key=True)
        elif not values or not all(isinstance(value, str) for value in values):
            found.fault((*place, name), "should be `one of [a, b]`", "other parameters of a path are texts anyway")
        else:
            enums[name] = values
    return enums


def read_paging(given: Mapping[str, Any] | None, otherwise: Paging, place: Place, found: Findings) -> Paging:
    """The paging that is described; `otherwise` where nothing is said."""
    if given is None or "style" not in given:
        return otherwise
    style, told = given["style"], {name: value for name, value in given.items() if name != "style"}
    for name in [name for name in told if name not in _OF_STYLE[style]]:
        hint = meant(name, _OF_STYLE[style]) if _OF_STYLE[style] else None
        found.fault((*place, name), f"`{name}` does not belong to the style `{style}`", hint, key=True)
    told = {name: value for name, value in told.items() if name in _OF_STYLE[style]}
    match style:
        case "offset":
            return Offset(**told)
        case "pages":
            return Numbered(**told)
        case "link":
            return Linked(**told)
        case "keyset" if "values" in told:
            values = {name: places(each) for name, each in told["values"].items()}
            return Keyset(**{**told, "values": values, "more": places(told.get("more", ()))})
        case "keyset":
            found.fault(place, "`values` is missing", "where the next page's parameters lie", key=True)
    return OnePage()


def places(given: str | Collection[str]) -> tuple[str, ...]:
    """One place or several as several."""
    return (given,) if isinstance(given, str) else tuple(given)


def check_path(given: str | Collection[str], place: Place, found: Findings) -> None:
    """Faults for what is no place in an answer."""
    for path in places(given):
        if path and re.search(r"[\[\]$*/\s{}]", path):
            found.fault(place, f"`{path}` is no place in an answer", "names with dots between them, as in `data.items`")


def check_known(names: Collection[str], types: Mapping[str, Any], place: Place, found: Findings) -> None:
    """Faults for names of parameters that there are none of."""
    for number, name in enumerate(names):
        if name not in types:
            found.fault((*place, number), f"there is no parameter `{name}`", meant(name, types))


def check_inputs(asks: Mapping[str, str], types: Mapping[str, Any], place: Place, found: Findings) -> None:
    """Faults for inputs, by dotted path, that the action does not have."""
    for name, source in asks.items():
        if source.partition(".")[0] not in types:
            hint = meant(source.partition(".")[0], types) or f"it has {listed(types)}"
            found.fault((*place, name), f"the action has no parameter `{source}`", hint)
