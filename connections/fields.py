"""The types that the fields of operations share: what may be written, and how it goes over the wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Required

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from connections.names import Names, found, names


@dataclass(frozen=True, slots=True)
class Joined:
    """Marks a list that the vendor takes as one text, its items joined by a comma."""


@dataclass(frozen=True, slots=True)
class ByName:
    """Marks custom fields of contacts or opportunities: written by name, key or id, sent as a list by id."""

    model: Literal["contact", "opportunity"] = "contact"


@dataclass(frozen=True, slots=True)
class Sensitive:
    """Marks what is never shown or logged: passwords and keys."""


@dataclass(frozen=True, slots=True)
class Among:
    """Allows these values only; for enumerations that would not fit into a `Literal`."""

    values: tuple[str | int | float, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.values)}

    def _check(self, value: Any) -> Any:
        if value in self.values:
            return value
        near = get_close_matches(str(value), map(str, self.values), n=1)
        raise ValueError(f"did you mean {near[0]!r}?" if near else f"should be one of {_some(self.values)}")


def _some(values: Sequence[Any]) -> str:
    listed = ", ".join(str(value) for value in values[:10])
    return f"{listed}, ..." if len(values) > 10 else listed


def _written(value: Any) -> Any:
    # YAML knows times and dates of its own: an unquoted 2026-03-01 arrives as a date
    return value.isoformat() if isinstance(value, date) else value


def _moment(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("should be a time with its offset, such as 2026-03-01T09:00:00+01:00")
    return value


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("should be a date, such as 2026-03-01") from None
    return value


def _like(pattern: str, example: str) -> Callable[[str], str]:
    shape = re.compile(pattern)

    def check(value: str) -> str:
        if not shape.fullmatch(value):
            raise ValueError(f"should look like {example}")
        return value

    return check


_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """The length of time that `90s`, `10m`, `2h` or `30d` is.

    Raises:
        ValueError: it is none of these.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError("should be a length of time, such as 90s, 10m, 2h or 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _span(value: str) -> str:
    span(value)
    return value


def _milliseconds(value: Any) -> Any:
    if isinstance(value, str) and not value.isdigit():
        return int(datetime.fromisoformat(_moment(value)).timestamp() * 1000)
    return value


def _milliseconds_text(value: Any) -> Any:
    moment = _milliseconds(value)
    return str(moment) if isinstance(moment, int) else moment


Number = int | float
DateTime = Annotated[
    str,
    BeforeValidator(_written),
    AfterValidator(_moment),
    Field(
        description="A time with its offset, as in 2026-03-01T09:00:00+01:00.",
        examples=["2026-03-01T09:00:00+01:00"],
        json_schema_extra={"format": "date-time"},
    ),
]
Date = Annotated[
    str,
    BeforeValidator(_written),
    AfterValidator(_day),
    Field(description="A date, as in 2026-03-01.", examples=["2026-03-01"], json_schema_extra={"format": "date"}),
]
Duration = Annotated[
    str,
    AfterValidator(_span),
    Field(
        description="A length of time, as in 30d: seconds (s), minutes (m), hours (h) or days (d).",
        examples=["30d"],
        json_schema_extra={"pattern": r"^\d{1,6}[smhd]$"},
    ),
]
_MOMENT = WithJsonSchema(
    {
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": 0}],
        "description": "A time with its offset, as in 2026-03-01T09:00:00+01:00, or milliseconds since 1970.",
        "examples": ["2026-03-01T09:00:00+01:00"],
    }
)
Ms = Annotated[int, BeforeValidator(_milliseconds), BeforeValidator(_written), _MOMENT]
MsText = Annotated[str, BeforeValidator(_milliseconds_text), BeforeValidator(_written), _MOMENT]
BirthDate = Annotated[
    str,
    BeforeValidator(_written),
    AfterValidator(_like(r"[0-9]{4}([-/._])[0-9]{2}\1[0-9]{2}|[0-9]{2}([-/._])[0-9]{2}\2[0-9]{4}", "1990-09-25")),
    Field(description="A date of birth, as in 1990-09-25 or 09/25/1990.", examples=["1990-09-25"]),
]
Email = Annotated[
    str,
    AfterValidator(_like(r"[^@\s]+@[^@\s]+\.[^@\s]+", "ann@example.com")),
    Field(description="An e-mail address.", examples=["ann@example.com"], json_schema_extra={"format": "email"}),
]
Phone = Annotated[
    str, Field(description="A phone number with its country code, as in +14155550100.", examples=["+14155550100"])
]
Url = Annotated[
    str,
    AfterValidator(_like(r"https?://\S+", "https://example.com/page")),
    Field(description="A web address.", examples=["https://example.com/page"], json_schema_extra={"format": "uri"}),
]
Comma = Annotated[list[str], Joined(), Field(description="A list; the vendor gets it joined by commas.")]


def _value(value: Any) -> Any:
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(value, bool) or not (texts or isinstance(value, str | int | float | dict)):
        raise ValueError("should be text, a number, a list of texts or, for files, an object")
    return value


CustomValue = Annotated[
    Any,
    AfterValidator(_value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "number"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "object"},
            ],
            "description": "Text, a number, or a list of texts where several may be chosen.",
        }
    ),
]


class CustomField(TypedDict, total=False):
    """One custom field and its value, named by `id` or by `key`."""

    id: Annotated[str, Field(description="The field's id.")]
    key: Annotated[str, Field(description="The field's key, without `contact.` or `opportunity.` in front.")]
    field_value: Required[CustomValue]


def _named(entry: CustomField) -> CustomField:
    if "id" not in entry and "key" not in entry:
        raise ValueError("needs an `id` or a `key`")
    return entry


SLOTS = 10
_CustomFields = Annotated[
    Annotated[list[Annotated[CustomField, AfterValidator(_named)]], Field(max_length=SLOTS), Tag("list")]
    | Annotated[dict[str, CustomValue], Field(max_length=SLOTS), Tag("mapping")],
    Discriminator(lambda value: "mapping" if isinstance(value, Mapping) else "list"),
    Field(description="Custom fields: `{name: value}`, or a list of `{id, field_value}`; ten at most."),
]
CustomFields = Annotated[_CustomFields, ByName()]
OpportunityFields = Annotated[_CustomFields, ByName("opportunity")]


class Known(TypedDict, total=False):
    """A location's custom field, as the vendor lists it."""

    id: Required[str]
    name: str
    fieldKey: str


def custom_fields(
    given: Sequence[CustomField] | Mapping[str, Any], known: Sequence[Known], model: str = "contact"
) -> list[CustomField]:
    """The vendor's list of custom fields, by id, from what an author wrote and what the location has.

    A name is found in any case, among the fields of that model; the key with or without the model in front.

    Raises:
        UnknownName: the location has no such field, or more than one.
    """
    known_names = _names([field for field in known if _model(field, model) == model])
    if isinstance(given, Mapping):
        return [CustomField(id=_id_of(name, known_names), field_value=value) for name, value in given.items()]
    return [entry if "id" in entry else {"id": _id_of(entry["key"], known_names), **entry} for entry in given]


def field_ids(name: str, known: Sequence[Known]) -> list[str]:
    """The ids that a name, key or id stands for: one for each model (contact, opportunity) that has such a field.

    Raises:
        UnknownName: the location has no such field, or more than one of the same model.
    """
    models = dict.fromkeys(_model(field) for field in known)
    named = [_names([field for field in known if _model(field) == model]) for model in models]
    having = [names for names in named if name.strip().casefold() in names]
    return [_id_of(name, names) for names in having or [_names(known)]]


def _model(field: Known, unless_told: str = "contact") -> str:
    return field.get("fieldKey", unless_told).partition(".")[0]


def _names(known: Sequence[Known]) -> Names:
    """What the fields may be called: by id, by name, by key, and by the key without its model."""
    return names(
        (field["id"], name)
        for field in known
        for key in (field.get("fieldKey", ""),)
        for name in (field["id"], key, key.partition(".")[2], field.get("name", ""))
    )


def _id_of(name: str, known: Names) -> str:
    return found(name, known, "custom field", "ghl.locations.custom_fields.list")
