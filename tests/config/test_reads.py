"""Which fields of a record an automation reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from config.automation import Automation, Every, OncePer, Step, TriggerUse
from config.reads import reads_of, unread
from connections.operation import get
from triggers.trigger import Snapshot, Trigger, Watermark

TRIGGER = Trigger(
    id="toy.leads.search",
    summary="A lead",
    fetch=get("/leads"),
    key=("_id|id",),
    strategy=Watermark(added="dates.added", updated="dateUpdated"),
)


def automation(*texts: str, **more: Any) -> Automation:
    step = Step(id="1", use="toy.set", connection="a", with_={"deep": [{"x": text} for text in texts]})
    use = TriggerUse(use=TRIGGER.id, connection="a", on=("new",), schedule=Every(60))
    return Automation(name="x", trigger=use, steps=(step,), **more)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("{{ record.email }}", {"email"}),
        ("Dear {{ record.firstName }} {{ record['lastName'] }}", {"firstName", "lastName"}),
        ("{{ record.address.city | default | upper }}", {"address.city"}),
        ("{{ record.address.city }} {{ record.address }}", {"address.city", "address"}),
        ("{{ record.tags[0] }}{{ record.tags | first }}", {"tags"}),
        ("{{ record.email.lower() }}", {"email"}),
        ("{{ record.address.get('city') }}", {"address"}),
        ("{% for tag in record.tags %}{{ tag.name }}{% endfor %}", {"tags"}),
        ("{{ record.a if record.b is defined else (record.c ~ record.d) }}", {"a", "b", "c", "d"}),
        ("{{ custom('Size') }} {{ record.email }}", {"customFields", "email"}),
        ("{{ record.email }} {{ record.id }} {{ record._id }} {{ record.dateUpdated }}", {"email"}),
        ("{{ record.dates.added }} {{ record.dates.born }}", {"dates.born"}),
        ("{{ record.email }} {{ event.key }} {{ steps.a.id }} {{ now }}", {"email"}),
        ("{{ record.email }} {% for each in records %}{{ each.phone }}{% endfor %}", {"email", "phone"}),
    ],
)
def test_fields_are_found_in_templates(text: str, paths: set[str]) -> None:
    assert reads_of(automation(text), TRIGGER) == frozenset(tuple(path.split(".")) for path in paths)


@pytest.mark.parametrize(
    "text",
    [
        "{{ record }}",
        "{{ record.email }} {{ record | json }}",
        "{{ record.get('email') }}",
        "{% for name, value in record.items() %}{{ value }}{% endfor %}",
        "{{ record[steps.name.value] }}",
        "{{ [record] | map(attribute='email') | list }}",
        "{{ (record or {}).email }}",
        "{% for each in records %}{{ each | json }}{% endfor %}",
        "{{ records[0].email }}",
        "{{ record.email }} {{ records[0].email }}",
        "{{ record.email }} {{ records | length }}",
        "{{ record.id }}",
        "nothing",
    ],
)
def test_where_any_field_may_count_there_is_no_list_of_them(text: str) -> None:
    assert reads_of(automation(text), TRIGGER) is None


def test_every_expression_of_an_automation_counts() -> None:
    steps = (
        Step(id="1", use="toy.set", connection="a", when="record.b", for_each="record.c", with_={"x": "record.d"}),
        Step(id="2", use="toy.set", connection="a", with_={"x": "{{ record.e }}"}),
    )
    flow = automation(when="'lead' in record.a", once_per=OncePer("record.f", timedelta(days=1)))
    flow = Automation(
        name="x", trigger=flow.trigger, steps=steps, when=flow.when, once_per=flow.once_per, echoes="skip"
    )
    assert reads_of(flow, TRIGGER) == {("a",), ("b",), ("c",), ("e",), ("f",)}


@pytest.mark.parametrize(
    ("for_each", "paths"),
    [("records", {("email",), ("address", "city")}), ("record.people", {("people",)}), ("records[:5]", None)],
)
def test_an_item_of_records_is_a_record(for_each: str, paths: set[tuple[str, ...]] | None) -> None:
    given = {"x": "{{ item.email | upper }}"}
    step = Step(id="1", use="toy.set", connection="a", when="item.address.city", for_each=for_each, with_=given)
    assert reads_of(replace(automation(), steps=(step,)), TRIGGER) == paths


def test_keys_times_and_what_changes_by_itself_are_not_read() -> None:
    assert unread(TRIGGER) == {("_id",), ("id",), ("dates", "added"), ("dateUpdated",), ("traceId",)}
    other = Trigger(id="toy.x", summary="x", fetch=get("/x"), key=("a", "b"), strategy=Snapshot(version="at"))
    assert unread(other) == {("a",), ("b",), ("at",), ("traceId",)}
