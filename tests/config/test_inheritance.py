"""A manifest may change a single path or field of a shipped one, and state once what is not known for sure."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.document import parse
from config.findings import Findings
from config.inheritance import merged, stated
from config.manifest import Connector, read_manifest
from connections.operation import hints_of
from triggers.trigger import Snapshot, Watermark

BELOW = {
    "title": "Shop",
    "assumed": {"orders": "/orders", "changed": "updated_at", "size": 20, "order": "order"},
    "pagination": {"style": "pages", "size": "<size>"},
    "triggers": {
        "orders.list": {
            "summary": "An order is new, or has changed",
            "request": "GET <orders>",
            "query": {"state": "required text", "type": "text"},
            "records": "<order>s",
            "watermark": {"added": "at", "updated": "<changed>", "since": {"<order>_since": "{{ since }}"}},
        },
        "others.list": {"summary": "Another", "request": "GET /others", "snapshot": {}},
    },
}


def read(text: str, below: dict[str, object] = BELOW) -> tuple[Connector | None, Findings]:
    document, problems = parse(text, "connectors/shop.yaml")
    assert document is not None
    assert problems == ()
    found = Findings(document=document, environ={})
    return read_manifest(found, "shop", {"base": below}), found


def sound(text: str) -> Connector:
    connector, found = read(text)
    assert [str(problem) for problem in found.problems] == []
    assert connector is not None
    return connector


def test_what_is_not_changed_stays() -> None:
    connector = sound("extends: base\ntriggers: {orders.list: {every: 2m}}\n")
    row = connector.triggers["shop.orders.list"]
    assert (row.fetch.path, row.every.total_seconds(), connector.vendor.title) == ("/orders", 120, "Shop")
    assert set(connector.triggers) == {"shop.orders.list", "shop.others.list"}


def test_a_value_that_is_assumed_is_changed_everywhere_at_once() -> None:
    row = sound("extends: base\nassumed: {orders: /v2/sales, changed: moved_at, order: sale}\n").triggers[
        "shop.orders.list"
    ]
    assert isinstance(row.strategy, Watermark)
    assert (row.fetch.path, row.strategy.updated, row.records) == ("/v2/sales", "moved_at", "sales")
    assert row.strategy.since[0]("new", 0, False) == {"sale_since": "1970-01-01T00:00:00.000Z"}


def test_a_value_keeps_its_type() -> None:
    assert sound("extends: base\n").triggers["shop.orders.list"].paging.size == 20


def test_null_takes_away() -> None:
    connector = sound("extends: base\ntriggers: {others.list: null, orders.list: {query: {type: null}}}\n")
    assert set(connector.triggers) == {"shop.orders.list"}
    assert list(hints_of(connector.triggers["shop.orders.list"].fetch.query)) == ["state"]


def test_another_strategy_takes_the_place_of_the_first() -> None:
    row = sound("extends: base\ntriggers: {orders.list: {snapshot: {version: v}}}\n").triggers["shop.orders.list"]
    assert row.strategy == Snapshot(version="v")


def test_pages_are_replaced_as_a_whole() -> None:
    row = sound("extends: base\npagination: {style: offset, skip: from}\n").triggers["shop.orders.list"]
    assert row.paging.size == 100


def test_a_parameter_keeps_its_type_when_only_its_place_changes() -> None:
    row = sound("extends: base\ntriggers: {orders.list: {query: {state: {as: status, required: true}}}}\n")
    fetch = row.triggers["shop.orders.list"].fetch
    assert fetch.write is not None
    assert fetch.write({"state": "open"}) == {"status": "open"}


@pytest.mark.parametrize(
    ("above", "made"),
    [
        ({"type": "integer"}, {"type": "integer"}),
        ({"one_of": [1, 2]}, {"one_of": [1, 2]}),
        ({"description": "b"}, {"type": "text", "description": "b"}),
    ],
)
def test_of_a_type_only_one_kind_is_left(above: dict[str, object], made: dict[str, object]) -> None:
    below = {"query": {"type": {"type": "text"}, "fields": "text"}}
    assert merged(below, {"query": {"type": above}}) == {"query": {"type": made, "fields": "text"}}


def test_what_is_wrong_is_shown_in_the_file_that_changes_it() -> None:
    _, found = read("extends: base\ntriggers:\n  orders.list:\n    request: GTE /orders\n    evry: 1m\n")
    assert [str(problem) for problem in found.problems] == [
        "connectors/shop.yaml:5:5: unknown field `evry` (did you mean `every`?)",
        "connectors/shop.yaml:4:14: `GTE /orders` is no method and path (did you mean `GET`?)",
    ]


def test_a_name_that_is_not_assumed_is_told_where_it_stands() -> None:
    _, found = read(
        "extends: base\ntriggers:\n  more.list:\n    summary: More\n    request: GET <ordrs>/more\n    snapshot: {}\n"
    )
    assert [str(problem) for problem in found.problems] == [
        "connectors/shop.yaml:5:14: `<ordrs>` is not among `assumed` (did you mean `orders`?)"
    ]


def test_an_assumption_that_nothing_rests_on_is_a_warning() -> None:
    _, found = read("extends: base\nassumed:\n  ordrs: /v2\n")
    assert [str(warning) for warning in found.warnings] == ["connectors/shop.yaml:3:10: nothing refers to `<ordrs>`"]


def test_what_is_wrong_under_a_name_that_changed_is_shown_where_it_stands() -> None:
    document, _ = parse("assumed: {a: b}\ntriggers:\n  <a>.list: {x: y}\n", "f.yaml")
    assert document is not None
    found = stated(Findings(document=document, environ={}))
    assert found.value["triggers"] == {"b.list": {"x": "y"}}
    problem = found.problem(("triggers", "b.list", "x"), "wrong")
    assert (problem.line, problem.column) == (3, 17)


def test_a_regular_expression_is_no_reference() -> None:
    document, _ = parse("assumed: {a: b}\nnot_found: '(?P<a>x)(?<a>y)'\nrecords: <a>\n", "f.yaml")
    assert document is not None
    found = Findings(document=document, environ={})
    assert stated(found).value["not_found"] == "(?P<a>x)(?<a>y)"
    assert found.problems == []


def test_a_project_may_change_what_hightide_ships(tmp_path: Path) -> None:
    from config.project import load  # noqa: PLC0415  # the whole of it, for once

    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "rankr.yaml").write_text(
        "extends: rankr\nassumed: {leads: /api/v2/leads, hook.signature: X-Rankr}\nwebhooks: {time: null}\n"
    )
    (tmp_path / "connections.yaml").write_text("connections: {}\n")
    project = load(tmp_path, {})
    assert project.triggers["rankr.leads.list"].fetch.path == "/api/v2/leads"
    webhooks = project.vendors["rankr"].webhooks
    assert webhooks is not None
    assert (webhooks.signatures[0].header, webhooks.id, webhooks.time) == ("X-Rankr", "event_id", None)
    assert project.warnings == ()
