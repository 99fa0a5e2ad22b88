"""Requests are built from inputs exactly as the vendor wants them, and never from inputs that do not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Required
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from typing_extensions import TypedDict

from connections.connection import Connection, NoAuth
from connections.fields import Comma, CustomFields, DateTime, Ms, Number, Sensitive
from connections.operation import (
    AT_LOCATION,
    CompanyId,
    Empty,
    InLocation,
    LocationId,
    delete,
    get,
    inputs_of,
    parameters_of,
    post,
    put,
)
from connections.request import InvalidInputs, build, check, masked
from connections.wire import Request

ACME = Connection(name="acme", kind="ghl", base_url="https://vendor.example", auth=NoAuth(), location_id="loc1")


class Search(TypedDict, total=False):
    locationId: Required[LocationId]
    companyId: CompanyId
    query: str
    ids: Comma
    kinds: list[str]
    open: bool
    from_: Number


class Address(TypedDict, total=False):
    street: Required[str]
    lines: list[int]


class Person(TypedDict, total=False):
    name: Required[str]
    nick: str | None
    address: Address
    born: DateTime
    since: Ms
    size: Literal["S", "M"]
    fields: CustomFields
    secret: Annotated[str, Sensitive()]


SEARCH = get("/people", Search)
LIST = post("/people/search", Search)
CREATE = post("/people", Person)
NOTE = put("/people/{id}/notes/{note}", Empty, version="2021-04-15")


def problems(operation: Any, inputs: dict[str, Any], **rules: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInputs) as refused:
        check(operation, inputs, **rules)
    return list(refused.value.problems)


def test_the_connection_fills_in_what_is_its_own():
    assert build(SEARCH, {}, ACME).query == (("locationId", "loc1"),)


def test_what_the_author_writes_goes_before_what_the_connection_knows():
    assert build(SEARCH, {"locationId": "other"}, ACME).query == (("locationId", "other"),)


def test_what_the_connection_does_not_know_is_left_out_where_the_vendor_does_not_demand_it():
    assert "companyId" not in dict(build(SEARCH, {}, ACME).query)
    assert ("companyId", "co") in build(SEARCH, {}, replace(ACME, company_id="co")).query


def test_a_connection_without_what_the_vendor_demands_is_named():
    with pytest.raises(InvalidInputs, match=r"locationId: is required; the connection 'acme' has no location_id"):
        build(SEARCH, {}, replace(ACME, location_id=None))


def test_the_connection_fills_in_a_path():
    fields = get("/locations/{locationId}/customFields", path_from_connection=AT_LOCATION)
    assert build(fields, {}, ACME).path == "/locations/loc1/customFields"
    assert check(fields, {}) == {}
    with pytest.raises(InvalidInputs, match="no location_id"):
        build(fields, {}, replace(ACME, location_id=None))


def test_a_path_takes_plain_ids_as_they_are_and_the_operations_version_is_sent():
    request = build(NOTE, {"id": "aB3", "note": "n1"}, ACME)
    assert request == Request(method="PUT", path="/people/aB3/notes/n1", body={}, version="2021-04-15")


@pytest.mark.parametrize("value", ["../x", "a/b?c", "a#b", "%2e%2e", "é ü", "a;b", "a\\b", "...", "a\nb", "x@y:z"])
def test_an_odd_id_stays_one_segment_of_the_path(value):
    path = build(NOTE, {"id": value, "note": "n"}, ACME).path
    assert path.count("/") == 4
    assert "?" not in path
    assert "#" not in path
    assert unquote(path.split("/")[2]) == value


@given(st.text(min_size=1).filter(lambda text: text.strip() and text not in {".", ".."} and text.isprintable()))
def test_any_id_stays_one_segment_of_the_path(value):
    segments = build(NOTE, {"id": value, "note": "n"}, ACME).path.split("/")
    assert len(segments) == 5
    assert segments[2].isascii()
    assert unquote(segments[2]) == value


@pytest.mark.parametrize("value", ["", "  ", None, ".", ".."])
def test_an_id_that_cannot_stand_in_a_path_is_refused(value):
    with pytest.raises(InvalidInputs, match="id:"):
        build(NOTE, {"id": value, "note": "n"}, ACME)


def test_a_missing_id_is_refused_before_anything_is_sent():
    with pytest.raises(InvalidInputs, match="note: is required"):
        build(NOTE, {"id": "a"}, ACME)


def test_query_values_are_written_as_text():
    inputs = {"open": True, "from_": 3, "query": "a&b=c", "ids": ["a", "b"], "kinds": ["x", "y"]}
    assert build(SEARCH, inputs, ACME).query == (
        ("open", "true"),
        ("from_", "3"),
        ("query", "a&b=c"),
        ("ids", "a,b"),
        ("kinds", "x"),
        ("kinds", "y"),
        ("locationId", "loc1"),
    )
    assert build(SEARCH, {"open": False, "query": None}, ACME).query == (("open", "false"), ("locationId", "loc1"))


def test_a_body_keeps_its_types_and_its_nulls():
    request = build(CREATE, {"name": "Ann", "nick": None, "address": {"street": "x", "lines": [1]}}, ACME)
    assert request.query == ()
    assert request.body == {"name": "Ann", "nick": None, "address": {"street": "x", "lines": [1]}}


def test_a_comma_list_is_joined_in_a_body_too():
    assert build(LIST, {"ids": ["a", "b"]}, ACME).body == {"ids": "a,b", "locationId": "loc1"}


def test_no_body_is_sent_where_none_is_declared_and_an_empty_one_where_one_is():
    assert build(delete("/people/{id}"), {"id": "a"}, ACME).body is None
    assert build(delete("/people/{id}", Empty), {"id": "a"}, ACME).body == {}


def test_a_delete_may_have_a_query_and_a_body():
    request = build(delete("/people", Person, query=InLocation), {"name": "Ann"}, ACME)
    assert (request.query, request.body) == ((("locationId", "loc1"),), {"name": "Ann"})


def test_a_body_that_is_a_list_holds_the_one_that_is_given():
    assert build(post("/people", Person, body_is_array=True), {"name": "Ann"}, ACME).body == [{"name": "Ann"}]


def test_extra_goes_into_the_query_where_there_is_no_body():
    assert build(SEARCH, {}, ACME, {"limit": 100, "skip": 0}).query == (
        ("locationId", "loc1"),
        ("limit", "100"),
        ("skip", "0"),
    )


def test_extra_goes_into_the_body_where_there_is_one():
    request = build(LIST, {}, ACME, {"pageLimit": 100, "sort": [{"field": "a"}]})
    assert request.body == {"locationId": "loc1", "pageLimit": 100, "sort": [{"field": "a"}]}
    assert request.query == ()


def test_lists_of_author_and_extra_are_joined_and_neither_is_changed():
    inputs, extra = {"kinds": ["mine"]}, {"kinds": ["ours"]}
    for _ in range(2):
        assert build(LIST, inputs, ACME, extra).body["kinds"] == ["mine", "ours"]
    assert (inputs, extra) == ({"kinds": ["mine"]}, {"kinds": ["ours"]})


def test_extra_wins_over_a_single_value():
    assert dict(build(SEARCH, {"query": "mine"}, ACME, {"query": "ours"}).query)["query"] == "ours"


def test_fields_that_are_written_otherwise_are_turned_into_the_vendors():
    shouted = get("/people", Search, write=lambda fields: {name.upper(): value for name, value in fields.items()})
    assert build(shouted, {"query": "a"}, ACME, {"limit": 1}).query == (
        ("QUERY", "a"),
        ("LOCATIONID", "loc1"),
        ("limit", "1"),
    )


def test_a_name_that_the_operation_does_not_have_is_refused_when_building():
    with pytest.raises(InvalidInputs, match=r"nmae: .*did you mean 'name'"):
        build(CREATE, {"nmae": "Ann"}, ACME)


def test_custom_fields_by_name_are_not_sent():
    with pytest.raises(InvalidInputs, match=r"fields: .*looked up"):
        build(CREATE, {"name": "Ann", "fields": {"Colour": "red"}}, ACME)


def test_required_names_are_seen_although_annotations_are_postponed():
    assert {one.name for one in parameters_of(CREATE) if one.required} == {"name"}
    assert inputs_of(CREATE).json_schema()["required"] == ["name"]


@pytest.mark.parametrize(("value", "what"), [(None, "null"), (["a"], "a list"), ({"a": 1}, "an object")])
def test_what_stands_in_place_of_text_is_told(value, what):
    assert dict(problems(CREATE, {"name": value})) == {"name": f"should be text, and is {what}"}


def test_all_faults_are_told_at_once_each_with_its_place():
    found = problems(CREATE, {"nmae": "Ann", "address": {"lines": ["x"], "stret": "y"}, "size": "L", "nick": 5})
    assert dict(found) == {
        "name": "is required",
        "nick": "should be text; put a number in quotes",
        "address.street": "is required",
        "address.lines.0": "should be a number",
        "address.stret": "is not a field of this object",
        "size": "should be 'S' or 'M'",
        "nmae": "is not a parameter of this operation: did you mean 'name'?",
    }


def test_messages_never_quote_values():
    inputs = {"name": ["hunter2"], "born": "hunter2", "size": "hunter2", "fields": [{"field_value": "hunter2"}]}
    with pytest.raises(InvalidInputs) as refused:
        check(CREATE, inputs)
    assert "hunter2" not in str(refused.value)


def test_choices_are_kept():
    assert check(SEARCH, {"query": "a"}, one_of=("query", "ids")) == {"query": "a"}
    assert problems(SEARCH, {}, one_of=("query", "ids")) == [("query", "one of query, ids is required")]
    exclusive = [("query", "exactly one of query, ids is required")]
    assert problems(SEARCH, {}, only_one_of=("query", "ids")) == exclusive
    assert problems(SEARCH, {"query": "a", "ids": ["b"]}, only_one_of=("query", "ids")) == exclusive


def test_checked_inputs_have_the_vendors_form():
    given = {"name": "Ann", "born": "1990-09-25T10:00:00+02:00", "since": "2026-03-01T00:00:00Z"}
    assert check(CREATE, given) == {**given, "since": 1772323200000}
    assert check(SEARCH, {"from_": 3, "open": "true"}) == {"from_": 3, "open": True}


def test_whole_numbers_stay_whole():
    assert dict(build(SEARCH, check(SEARCH, {"from_": 3}), ACME).query)["from_"] == "3"
    assert dict(build(SEARCH, check(SEARCH, {"from_": 2.5}), ACME).query)["from_"] == "2.5"


def test_passwords_and_keys_are_masked():
    assert masked(CREATE, {"name": "Ann", "secret": "hunter2"}) == {"name": "Ann", "secret": "***"}


def test_descriptions_reach_the_json_schema():
    described = post("/people", TypedDict("Described", {"a": Annotated[str, Field(description="What a is.")]}))
    assert inputs_of(described).json_schema()["properties"]["a"]["description"] == "What a is."
