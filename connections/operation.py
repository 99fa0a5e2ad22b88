"""An operation: one HTTP endpoint of a vendor, described as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Required, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Token = Literal["location", "agency", "either"]


@dataclass(frozen=True, slots=True)
class FromConnection:
    """Marks a parameter that the connection fills in when the author leaves it out."""

    field: Literal["location_id", "company_id"]


LocationId = Annotated[
    str, FromConnection("location_id"), Field(description="The location; the connection's own by default.")
]
CompanyId = Annotated[
    str, FromConnection("company_id"), Field(description="The agency; the connection's own by default.")
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """One endpoint: where it is, what it takes, and who may call it.

    `query` and `body` are TypedDicts; a body that is declared is always sent, as `{}` when nothing is given.
    Parameters of the path are read from its braces and declared nowhere else, unless `enums` narrows them, or `named`
    gives the type of one that may be written by name. `write`
    turns the fields of query and body into the vendor's, where those are not what a person should have to write.
    """

    method: Method
    path: str
    query: type[Any] | None = None
    body: type[Any] | None = None
    body_is_array: bool = False
    version: str = "2021-07-28"
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    named: dict[str, Any] = field(default_factory=dict)
    path_from_connection: dict[str, FromConnection] = field(default_factory=dict)
    write: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None

    @property
    def path_params(self) -> tuple[str, ...]:
        """The names in the braces of the path, in order."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))


def get(path: str, query: type[Any] | None = None, **more: Any) -> Operation:
    """A GET, its parameters in the query string."""
    return Operation(method="GET", path=path, query=query, **more)


def post(path: str, body: type[Any] | None = None, **more: Any) -> Operation:
    """A POST with a JSON body."""
    return Operation(method="POST", path=path, body=body, **more)


def put(path: str, body: type[Any] | None = None, **more: Any) -> Operation:
    """A PUT with a JSON body."""
    return Operation(method="PUT", path=path, body=body, **more)


def delete(path: str, body: type[Any] | None = None, **more: Any) -> Operation:
    """A DELETE, with a JSON body where the vendor demands one."""
    return Operation(method="DELETE", path=path, body=body, **more)


class Empty(TypedDict, total=False):
    """A body that is declared but has no fields: `{}` is sent."""


class InLocation(TypedDict, total=False):
    """Nothing but the location."""

    locationId: Required[LocationId]


class InCompany(TypedDict, total=False):
    """Nothing but the agency."""

    companyId: Required[CompanyId]


AT_LOCATION = {"locationId": FromConnection("location_id")}
"""`path_from_connection` of a path with `{locationId}`."""
AT_COMPANY = {"companyId": FromConnection("company_id")}
"""`path_from_connection` of a path with `{companyId}`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameter:
    """One thing an operation takes: where it goes, its type with its marks, and whether the vendor demands it."""

    name: str
    place: Literal["path", "query", "body"]
    hint: Any
    required: bool
    source: FromConnection | None = None


@cache
def parameters_of(operation: Operation) -> tuple[Parameter, ...]:
    """Every parameter of an operation: those of its path, then of its query, then of its body."""
    in_path = (
        Parameter(name=name, place="path", hint=_kind(operation, name), required=True, source=source)
        for name in operation.path_params
        for source in (operation.path_from_connection.get(name),)
    )
    elsewhere = (
        Parameter(name=name, place=place, hint=hint, required=name in required, source=from_connection(hint))
        for place, shape in _shapes(operation)
        for required in (required_of(shape),)
        for name, hint in hints_of(shape).items()
    )
    return (*in_path, *elsewhere)


@cache
def inputs_of(operation: Operation) -> TypeAdapter[dict[str, Any]]:
    """What a person may write under `with:` for this operation, as one checked type.

    Path parameters are required strings; everything else is as its TypedDict says, surplus names are refused, also
    inside nested objects. Fields that the connection fills in are optional here.
    """
    fields: dict[str, Any] = {}
    for parameter in parameters_of(operation):
        wanted = parameter.required and parameter.source is None
        fields[parameter.name] = Required[parameter.hint] if wanted else parameter.hint
    shape: Any = TypedDict("Inputs", fields, total=False)  # type: ignore[misc]  # names known only at run time
    shape.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]  # pydantic's documented hook
    adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(shape)  # type: ignore[arg-type]  # as above
    return adapter


def hints_of(shape: type[Any]) -> dict[str, Any]:
    """The type of each field of a TypedDict, with its marks, without `Required[...]`."""
    return {name: _unwrapped(hint) for name, hint in get_type_hints(shape, include_extras=True).items()}


def required_of(shape: type[Any]) -> frozenset[str]:
    """The names of the fields of a TypedDict that must be there.

    `__required_keys__` alone does not know: under `from __future__ import annotations` it cannot see `Required[...]`.
    """
    hints = get_type_hints(shape, include_extras=True)
    marked = {name: get_origin(hint) for name, hint in hints.items()}
    stated: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
    return frozenset(
        name for name, mark in marked.items() if mark is Required or (name in stated and mark is not NotRequired)
    )


def _unwrapped(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint


def _kind(operation: Operation, name: str) -> Any:
    values = operation.enums.get(name)
    # ids are numbers in many an answer, and templates keep them so
    plain = operation.named.get(name, str)
    return Literal[values] if values else Annotated[plain, Field(min_length=1, coerce_numbers_to_str=True)]


def _shapes(operation: Operation) -> tuple[tuple[Literal["query", "body"], type[Any]], ...]:
    both: tuple[tuple[Literal["query", "body"], type[Any] | None], ...] = (
        ("query", operation.query),
        ("body", operation.body),
    )
    return tuple((place, shape) for place, shape in both if shape is not None)


def from_connection(hint: Any) -> FromConnection | None:
    """The mark on a parameter's type that says the connection fills it in, if there is one."""
    return next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, FromConnection)), None)
