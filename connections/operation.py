"""An operation: one HTTP endpoint of a vendor, described as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, Required, get_args, get_origin, get_type_hints

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
    Parameters of the path are read from its braces and declared nowhere else, unless `enums` narrows them.
    """

    method: Method
    path: str
    query: type[Any] | None = None
    body: type[Any] | None = None
    body_is_array: bool = False
    version: str = "2021-07-28"
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    path_from_connection: dict[str, FromConnection] = field(default_factory=dict)

    @property
    def path_params(self) -> tuple[str, ...]:
        """The names in the braces of the path, in order."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def query_params(self) -> tuple[str, ...]:
        """The names that go into the query string."""
        return tuple(get_type_hints(self.query)) if self.query else ()

    @property
    def body_params(self) -> tuple[str, ...]:
        """The names that go into the JSON body."""
        return tuple(get_type_hints(self.body)) if self.body else ()


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


@cache
def inputs_of(operation: Operation) -> TypeAdapter[dict[str, Any]]:
    """What a person may write under `with:` for this operation, as one checked type.

    Path parameters are required strings; everything else is as its TypedDict says, surplus names are refused.
    Fields that the connection fills in are optional here.
    """
    fields: dict[str, Any] = {}
    for source in (operation.query, operation.body):
        if source is None:
            continue
        required: frozenset[str] = getattr(source, "__required_keys__", frozenset())
        for name, hint in hints_of(source).items():
            wanted = name in required and from_connection(hint) is None
            fields[name] = Required[hint] if wanted else hint
    for name in operation.path_params:
        values = operation.enums.get(name)
        kind: Any = Literal[values] if values else Annotated[str, Field(min_length=1)]
        fields[name] = kind if name in operation.path_from_connection else Required[kind]
    shape: Any = TypedDict("Inputs", fields, total=False)  # type: ignore[misc]  # names known only at run time
    shape.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]  # pydantic's documented hook
    adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(shape)  # type: ignore[arg-type]  # as above
    return adapter


def hints_of(shape: type[Any]) -> dict[str, Any]:
    """The type of each field of a TypedDict, with its marks, without `Required[...]`."""
    hints = get_type_hints(shape, include_extras=True)
    return {name: get_args(hint)[0] if get_origin(hint) is Required else hint for name, hint in hints.items()}


def from_connection(hint: Any) -> FromConnection | None:
    """The mark on a parameter's type that says the connection fills it in, if there is one."""
    return next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, FromConnection)), None)
