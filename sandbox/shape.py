"""What a request may carry: fields with their types, written compactly and checked as the vendor checks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
SCOPE = re.compile(r"[\w-]+(/[\w-]+)*(\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class Kind:
    """A plain type: whether a value fits, the vendor's words when it does not, how a query string is read."""

    fits: Callable[[Any], bool]
    words: str
    read: Callable[[str], Any] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One name in a body or query: its type, and what else the document says about it."""

    name: str
    kind: Kind
    required: bool = False
    nullable: bool = False
    many: bool = False
    choices: tuple[Any, ...] = ()
    most: int | None = None
    inner: Shape | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of an object, by name; names beyond them are refused unless it is open."""

    fields: Mapping[str, Field]
    open: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """The names without which a request is refused."""
        return tuple(field.name for field in self.fields.values() if field.required)

    def without(self, *names: str) -> Shape:
        """The same, less some names."""
        return Shape({name: field for name, field in self.fields.items() if name not in names}, self.open)


def _number(text: str) -> Any:
    try:
        return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
    except ValueError:
        return text


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


KINDS = {
    "text": Kind(lambda value: isinstance(value, str), "must be a string"),
    "number": Kind(_is_number, "must be a number conforming to the specified constraints", _number),
    "count": Kind(lambda value: _is_whole(value, 1), "must be a whole number of 1 or more", _number),
    "offset": Kind(lambda value: _is_whole(value, 0), "must be a whole number of 0 or more", _number),
    "digits": Kind(lambda value: isinstance(value, str) and value.isdigit(), "must be a number string"),
    "bool": Kind(lambda value: isinstance(value, bool), "must be a boolean value", _boolean),
    "time": Kind(
        lambda value: isinstance(value, str) and ISO_TIME.fullmatch(value) is not None,
        "must be a valid ISO 8601 date string",
    ),
    "scope": Kind(
        lambda value: isinstance(value, str) and SCOPE.fullmatch(value) is not None, "must be the name of a scope"
    ),
    "truth": Kind(
        lambda value: isinstance(value, bool) or value in ("true", "false"), "must be a boolean value or its name"
    ),
    "object": Kind(lambda value: isinstance(value, dict), "must be an object"),
    "any": Kind(lambda _value: True, "must be given"),
}
TOKEN = re.compile(
    r"(?P<name>\w+)(?P<required>!)?(?P<nullable>\?)?"
    r"(:(?P<many>\[)?(?P<kind>[^\]\s<>]+)\]?(<=(?P<most>\d+))?)?"
)


def shape(text: str, *, open_: bool = False, **inner: Shape) -> Shape:
    """Reads fields written as `name! other?:bool tags:[text] state:open|won limit:number<=100`.

    `!` is required, `?` may be null, `[...]` is a list, `a|b` is an enumeration; a kind that is a keyword argument here
    is the shape of a nested object. Without a kind it is text. `<=` bounds a number, the length of a text or of a
    list.
    """
    fields = {}
    for token in text.split():
        match = TOKEN.fullmatch(token)
        if match is None:
            raise ValueError(f"cannot read the field {token!r}")
        kind = match["kind"] or "text"
        choices = _choices(kind)
        fields[match["name"]] = Field(
            name=match["name"],
            kind=KINDS["object" if kind in inner else _kind_of(choices) if choices else kind],
            required=match["required"] is not None,
            nullable=match["nullable"] is not None,
            many=match["many"] is not None,
            choices=choices,
            most=int(match["most"]) if match["most"] else None,
            inner=inner.get(kind),
        )
    return Shape(fields, open_)


def typed(names: str, kind: str) -> str:
    """Names, each with a kind: `a b` and `bool` give `a:bool b:bool`."""
    return re.sub(r"(\S+)", rf"\1:{kind}", names)


def _choices(kind: str) -> tuple[Any, ...]:
    parts = [part for part in kind.split("|") if part] if "|" in kind else []
    return tuple(_number(part) if part[0].isdigit() else part for part in parts)


def _kind_of(choices: tuple[Any, ...]) -> str:
    return "text" if isinstance(choices[0], str) else "number"


def joined(*shapes: Shape) -> Shape:
    """One shape with the fields of all, the later ones winning."""
    return Shape({name: field for each in shapes for name, field in each.fields.items()}, any(s.open for s in shapes))


def faults(shape: Shape, value: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """What is wrong with an object, in the vendor's words; nothing when it fits."""
    for name, given in value.items():
        field = shape.fields.get(name)
        if field is None:
            if not shape.open:
                yield f"{at}property {name} should not exist"
        elif not (given is None and field.nullable):
            yield from _field_faults(field, given, at + name)
    for field in shape.fields.values():
        if field.required and field.name not in value:
            yield f"{at}{field.name} should not be empty"
            yield f"{at}{field.name} {'must be an array' if field.many else field.kind.words}"


def _field_faults(field: Field, value: Any, at: str) -> Iterator[str]:
    if not field.many:
        yield from _item_faults(field, value, at, f"{at} ")
    elif not isinstance(value, list):
        yield f"{at} must be an array"
    elif field.most is not None and len(value) > field.most:
        yield f"{at} must contain no more than {field.most} elements"
    else:
        for number, item in enumerate(value):
            yield from _item_faults(field, item, f"{at}.{number}", f"each value in {at} ")


def _item_faults(field: Field, value: Any, at: str, subject: str) -> Iterator[str]:
    if not field.kind.fits(value):
        yield subject + field.kind.words
    elif field.choices and value not in field.choices:
        yield f"{subject}must be one of the following values: {', '.join(map(str, field.choices))}"
    elif field.required and value == "":
        yield f"{at} should not be empty"
    elif not field.many:
        yield from _bound_faults(field, value, at)
    elif field.inner is not None:
        yield from faults(field.inner, value, f"{at}.")


def _bound_faults(field: Field, value: Any, at: str) -> Iterator[str]:
    if field.inner is not None:
        yield from faults(field.inner, value, f"{at}.")
    if isinstance(value, str) and field.most is not None and len(value) > field.most:
        yield f"{at} must be shorter than or equal to {field.most} characters"
    if isinstance(value, int | float) and field.most is not None and value > field.most:
        yield f"{at} must not be greater than {field.most}"


def read_query(shape: Shape, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The query string as an object: numbers and booleans read, repeated names and `name[]` collected in lists.

    A name that is no list but is given twice keeps its last value.
    """
    query: dict[str, Any] = {}
    for written, text in pairs:
        name = written.removesuffix("[]")
        field = shape.fields.get(name)
        if field is None:
            query[written] = text
        elif field.many:
            query.setdefault(name, []).append(field.kind.read(text))
        else:
            query[name] = field.kind.read(text)
    return query
