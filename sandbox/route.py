"""A route: one operation of the vendor as a row, and finding the row for a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from sandbox.refusal import bad_request
from sandbox.shape import Shape
from sandbox.state import Record, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token may do: its app (which shares a quota), its location or company, its scopes, until when.

    None is "no restriction" throughout. A company without a location is an agency's token.
    """

    app: str
    location: str | None = None
    company: str | None = None
    scopes: frozenset[str] | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passed all checks: the parameters of its path, its query and its body, read."""

    state: State
    route: Route
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    grant: Grant
    location: str

    def record(self, table: str, name: str) -> Record:
        """The record whose id is the path parameter `name`."""
        return self.state.get(table, self.path[name])

    def whole(self, name: str, default: int) -> int:
        """A query parameter that is a whole number, whether the document types it as number or as string.

        Raises:
            Refusal: it is no whole number of 0 or more.
        """
        return whole(self.query, name, default)


def whole(source: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number of 0 or more out of a query or body, where it may be written as text.

    Raises:
        Refusal: it is none.
    """
    value = str(source.get(name, default))
    if not value.isdecimal():
        raise bad_request(f"{name} must be a number")
    return int(value)


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON: a recording, a text file, a redirect."""

    content: bytes
    type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose status is not the route's usual one."""

    status: int
    body: Any


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation: where it is, what it takes, what scope it asks for, and the function that carries it out.

    `ok` is the status of success. `query` and `body` are checked before the handler is called; a declared body must be
    sent. `reads` marks a POST that changes nothing. `lists` names the table a listing shows, for page faults.
    `access` is the kind of token; `open` routes take none, `form` routes take a form instead of JSON.
    """

    method: str
    path: str
    answer: Handler
    ok: int = 200
    query: Shape | None = None
    body: Shape | None = None
    array: bool = False
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scope: str | None = None
    version: str | None = "2021-07-28"
    reads: bool = False
    lists: str = ""
    access: Literal["location", "agency", "either", "open"] = "location"
    form: bool = False

    @property
    def name(self) -> str:
        """Method and path, as the vendor's documents write them."""
        return f"{self.method} {self.path}"


def get(path: str, answer: Handler, **more: Any) -> Route:
    """A GET."""
    return Route(method="GET", path=path, answer=answer, reads=True, **more)


def post(path: str, answer: Handler, **more: Any) -> Route:
    """A POST."""
    return Route(method="POST", path=path, answer=answer, **more)


def put(path: str, answer: Handler, **more: Any) -> Route:
    """A PUT."""
    return Route(method="PUT", path=path, answer=answer, **more)


def delete(path: str, answer: Handler, **more: Any) -> Route:
    """A DELETE."""
    return Route(method="DELETE", path=path, answer=answer, **more)


class Router:
    """Finds the route of a request; letter case and trailing slashes count, as they do at the vendor."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root: dict[Any, Any] = {}
        for route in routes:
            node = self._root
            for part in [route.method, *route.path.split("/")[1:]]:
                node = node.setdefault("{}" if part.startswith("{") else part, {})
            if None in node:
                raise ValueError(f"two routes for {route.name}")
            node[None] = route  # the leaf; no part of a path is None

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters, or None. `path` is still percent-encoded."""
        parts = path.split("/")[1:]
        found = _walk(self._root.get(method, {}), parts, 0, [])
        if found is None:
            return None
        route, values = found
        names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
        return route, dict(zip(names, map(unquote, values), strict=True))


def _walk(node: dict[Any, Any], parts: list[str], at: int, values: list[str]) -> tuple[Route, list[str]] | None:
    if at == len(parts):
        return (node[None], values) if None in node else None
    part = parts[at]
    if part in node:
        found = _walk(node[part], parts, at + 1, values)
        if found is not None:
            return found
    if part and "{}" in node:
        return _walk(node["{}"], parts, at + 1, [*values, part])
    return None
