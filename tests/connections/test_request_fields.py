"""The types of fields: what may be written, what it becomes, and what is said when it does not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from connections.example import example_of
from connections.fields import (
    Among,
    BirthDate,
    Comma,
    CustomFields,
    Date,
    DateTime,
    Email,
    Ms,
    MsText,
    Phone,
    Url,
    custom_fields,
)
from connections.names import UnknownName

KNOWN: list[Any] = [
    {"id": "f1", "name": "Favourite colour", "fieldKey": "contact.favourite_colour"},
    {"id": "f2", "name": "Budget", "fieldKey": "contact.budget"},
    {"id": "f3", "name": "budget", "fieldKey": "contact.budget_2"},
    {"id": "f4", "fieldKey": "contact.nameless"},
]


@pytest.mark.parametrize(
    ("kind", "written", "sent"),
    [
        (DateTime, "2026-03-01T09:00:00+01:00", "2026-03-01T09:00:00+01:00"),
        (DateTime, "2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
        (DateTime, datetime(2026, 3, 1, 9, tzinfo=UTC), "2026-03-01T09:00:00+00:00"),
        (Date, "2026-03-01", "2026-03-01"),
        (Date, date(2026, 3, 1), "2026-03-01"),
        (BirthDate, "09/25/1990", "09/25/1990"),
        (BirthDate, date(1990, 9, 25), "1990-09-25"),
        (Ms, 1772323200000, 1772323200000),
        (Ms, "1772323200000", 1772323200000),
        (Ms, "2026-03-01T01:00:00+01:00", 1772323200000),
        (Ms, datetime(2026, 3, 1, tzinfo=UTC), 1772323200000),
        (MsText, "2026-03-01T01:00:00+01:00", "1772323200000"),
        (MsText, 1772323200000, "1772323200000"),
        (Email, "ann@example.com", "ann@example.com"),
        (Phone, "+1 888-888-8888", "+1 888-888-8888"),
        (Url, "https://example.com/a?b=c", "https://example.com/a?b=c"),
        (Comma, ["a", "b"], ["a", "b"]),
    ],
)
def test_what_may_be_written_becomes_what_is_sent(kind, written, sent):
    assert TypeAdapter(kind).validate_python(written) == sent


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        (DateTime, "2026-03-01T09:00:00", "should be a time with its offset, such as"),
        (DateTime, "tomorrow", "should be a time with its offset, such as"),
        (DateTime, date(2026, 3, 1), "should be a time with its offset, such as"),
        (Date, "01.03.2026", "should be a date, such as"),
        (BirthDate, "1990-09/25", "should look like 1990-09-25"),
        (Ms, "yesterday", "should be a time with its offset, such as"),
        (Email, "ann", "should look like ann@example.com"),
        (Email, "a b@example.com", "should look like ann@example.com"),
        (Url, "example.com", "should look like https://example.com/page"),
        (Url, "javascript:alert(1)", "should look like https://example.com/page"),
        (Comma, "a,b", "should be a valid list"),
    ],
)
def test_what_does_not_fit_is_told_with_an_example(kind, written, said):
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(kind).validate_python(written)


@pytest.mark.parametrize("kind", [DateTime, Date, BirthDate, Ms, MsText, Email, Phone, Url, Comma, CustomFields])
def test_the_json_schema_describes_a_type_and_its_example_is_accepted(kind):
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    schema = adapter.json_schema()
    assert schema["description"].endswith(".")
    adapter.validate_python(example_of(schema, schema.get("$defs", {}), whole=True))


def test_a_long_list_of_values_is_in_the_schema_and_near_misses_are_told():
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[str, Among(("contacts.readonly", "contacts.write"))])
    assert adapter.json_schema()["enum"] == ["contacts.readonly", "contacts.write"]
    assert adapter.validate_python("contacts.write") == "contacts.write"
    with pytest.raises(ValidationError, match=r"did you mean 'contacts\.write'"):
        adapter.validate_python("contact.write")
    with pytest.raises(ValidationError, match=r"should be one of contacts\.readonly, contacts\.write"):
        adapter.validate_python("xyz")


@pytest.mark.parametrize("name", ["f1", "Favourite colour", "favourite COLOUR ", "contact.favourite_colour"])
def test_a_custom_field_is_found_by_id_name_or_key(name):
    assert custom_fields({name: "red"}, KNOWN) == [{"id": "f1", "field_value": "red"}]


def test_the_key_may_be_written_without_its_model():
    assert custom_fields({"budget_2": 5, "nameless": ["a"]}, KNOWN) == [
        {"id": "f3", "field_value": 5},
        {"id": "f4", "field_value": ["a"]},
    ]


def test_a_list_as_the_vendor_wants_it_stays_and_its_keys_get_their_ids():
    given: list[Any] = [{"id": "any", "field_value": 1}, {"key": "favourite_colour", "field_value": "red"}]
    assert custom_fields(given, KNOWN) == [
        {"id": "any", "field_value": 1},
        {"id": "f1", "key": "favourite_colour", "field_value": "red"},
    ]


def test_an_unknown_custom_field_is_told_with_the_nearest_name():
    with pytest.raises(UnknownName, match=r"no custom field 'Favorite color': did you mean 'Favourite colour'\?"):
        custom_fields({"Favorite color": "red"}, KNOWN)
    with pytest.raises(UnknownName, match=r"see ghl\.locations\.custom_fields\.list"):
        custom_fields({"zzz": "red"}, [])


def test_a_name_of_two_custom_fields_is_refused():
    with pytest.raises(UnknownName, match="2 custom fields of the location are called 'Budget'"):
        custom_fields({"Budget": 5}, KNOWN)


@pytest.mark.parametrize(
    "given", [dict.fromkeys("abcdefghijk", "x"), [{"id": c, "field_value": 1} for c in "abcdefghijk"]]
)
def test_there_are_ten_slots(given):
    with pytest.raises(ValidationError, match="at most 10"):
        TypeAdapter(CustomFields).validate_python(given)


@pytest.mark.parametrize("value", [None, True, [1], object()])
def test_a_value_that_no_custom_field_holds_is_refused(value):
    with pytest.raises(ValidationError, match="should be text, a number, a list of texts"):
        TypeAdapter(CustomFields).validate_python({"a": value})


def test_a_custom_field_without_id_and_key_is_refused():
    with pytest.raises(ValidationError, match="needs an `id` or a `key`"):
        TypeAdapter(CustomFields).validate_python([{"field_value": 1}])
