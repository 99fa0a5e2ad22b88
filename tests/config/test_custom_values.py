"""`custom('Name')`: a record's custom field by its name, in every expression and template."""

from __future__ import annotations

from typing import Any

import pytest

from config.automation import Automation
from config.custom_values import CustomValues
from config.references import custom_names
from config.templates import TemplateError, evaluate, holds, items, render
from tests.worker.rows import automation, step

KNOWN: Any = [
    {"id": "b1", "name": "Budget", "fieldKey": "contact.budget"},
    {"id": "i1", "name": "Interests ", "fieldKey": "contact.interests"},
    {"id": "s1", "name": "Source", "fieldKey": "contact.source_1"},
    {"id": "s2", "name": "Source", "fieldKey": "opportunity.source_2"},
    {"id": "t1", "name": "Twin", "fieldKey": "contact.twin"},
    {"id": "t2", "name": "twin", "fieldKey": "contact.twin_2"},
    {"id": "n1"},
]
CONTACT = {
    "id": "c1",
    "customFields": [
        {"id": "b1", "value": 1200},
        {"id": "i1", "value": ["roofs", "doors"]},
        {"id": "s1", "value": "fair"},
        {"id": "gone", "value": "left behind"},
    ],
}


def context(record: Any = CONTACT, **more: Any) -> dict[str, Any]:
    return {"record": record, "custom": CustomValues(KNOWN), "steps": {}, **more}


@pytest.mark.parametrize("name", ["Budget", "budget", " BUDGET ", "contact.budget", "b1"])
def test_a_field_is_found_by_name_key_or_id(name: str) -> None:
    assert render(f"{{{{ custom('{name}') }}}}", context()) == 1200


def test_values_keep_their_type() -> None:
    assert render("{{ custom('Interests') }}", context()) == ["roofs", "doors"]
    assert render("For {{ custom('Budget') | money('EUR') }}", context()) == "For €1,200.00"
    assert items("custom('interests')", context()) == ["roofs", "doors"]
    assert evaluate("custom('Source')", context()) == "fair"
    assert holds("custom('Budget') > 1000 and 'roofs' in custom('Interests')", context())


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "s2", "fieldValue": "web"},
        {"id": "s2", "type": "string", "fieldValueString": "web"},
        {"id": "s2", "value": None, "fieldValueString": "web"},
        {"id": "s2", "field_value": "web"},
    ],
)
def test_each_kind_of_record_has_a_shape_of_its_own(entry: dict[str, Any]) -> None:
    assert evaluate("custom('Source')", context({"customFields": [entry]})) == "web"


def test_the_record_may_be_another_one() -> None:
    other = {"customFields": [{"id": "b1", "value": 7}]}
    seen = context(item=other, records=[CONTACT, other])
    assert render("{{ custom('Budget', of=item) }}", seen) == 7
    assert render("{% for each in records %}{{ custom('Budget', each) }};{% endfor %}", seen) == "1200;7;"


def test_what_the_record_does_not_have_is_missing_like_anything_else() -> None:
    empty = context({"customFields": []})
    assert evaluate("custom('Budget')", empty) is None
    assert not holds("custom('Budget')", empty)
    assert render("{{ custom('Budget') | default('none') }}", empty) == "none"
    with pytest.raises(TemplateError, match=r"^custom field 'Budget' is not there: the record has none$"):
        render("{{ custom('Budget') }}", empty)
    with pytest.raises(TemplateError, match=r"^custom field 'Budget' is not there: the record has none$"):
        items("custom('Budget')", empty)


def test_a_record_without_custom_fields_says_so() -> None:
    with pytest.raises(TemplateError, match="the record has no `customFields`"):
        render("a {{ custom('Budget') }}", context({"id": "a1"}))
    with pytest.raises(TemplateError, match=r"`(steps\.)?x` is not there"):
        render("a {{ custom('Budget', of=steps.x.contact) }}", context())


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ custom('Budgte') }}", "the location has no custom field 'Budgte': did you mean 'Budget'?"),
        ("{{ custom('Zz') | default('x') }}", "the location has no custom field 'Zz': see ghl.locations.custom_fields"),
        ("{{ custom('Twin') }}", "2 custom fields of the location are called 'Twin': write the id instead"),
        ("{{ custom(5) }}", "`custom` wants the name of a custom field, a text"),
        ("{{ custom }}", "found a method: call it with ()"),
    ],
)
def test_a_name_that_says_nothing_is_an_error(template: str, said: str) -> None:
    with pytest.raises(TemplateError) as error:
        render(template, context())
    assert said in str(error.value)


def flow(**more: Any) -> Automation:
    return automation(steps=(step("1", "toy.set", with_=more.pop("with_", {}), **more),))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (flow(), None),
        (flow(with_={"a": "my custom('X') is no template"}), None),
        (flow(with_={"a": ["{{ record.custom }}"], "custom": "{{ custom_ }}"}), None),
        (flow(with_={"a": {"b": ["x {{ custom('Budget') }}"]}}), {"Budget"}),
        (flow(when="custom('A', of=item)", for_each="custom(name='B')"), {"A", "B"}),
        (flow(when="custom(record.name)"), set()),
        (automation(when="not custom('A')"), {"A"}),
        (Automation.from_definition("x", {**automation().definition(), "once_per": "custom('A') per 1d"}), {"A"}),
    ],
)
def test_an_automation_knows_the_names_that_it_asks_for(found: Automation, expected: set[str] | None) -> None:
    assert found.customs == expected
    assert found.with_environment({}).customs == expected


def test_a_name_from_the_environment_is_known_once_it_is_filled_in() -> None:
    assert flow(when="custom('${FIELD}')").with_environment({"FIELD": "Budget"}).customs == {"Budget"}


def test_what_does_not_parse_is_passed_over() -> None:
    assert custom_names(["custom('A", None], ["{{ custom('B') }}"]) == {"B"}
