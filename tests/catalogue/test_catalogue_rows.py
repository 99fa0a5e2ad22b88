"""Every row, whatever the vendor says: found by the catalogue, told in words, ready for tables and forms."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import actions.catalog
import actions.ghl
import triggers.catalog
import triggers.ghl
from actions.action import Action, Guarded, Natural, Probe, Unsafe
from connections.operation import Operation, inputs_of, parameters_of
from connections.paging import Keyset
from connections.rows import rows_of
from triggers.trigger import Trigger, Watermark

REPOSITORY = Path(__file__).parents[2]
TRIGGERS, ACTIONS = triggers.catalog.CATALOG, actions.catalog.CATALOG
ROWS: list[Trigger | Action] = [*TRIGGERS.values(), *ACTIONS.values()]
SHAPE = re.compile(r"ghl(\.[a-z][a-z0-9_]*)+")

each_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])


def operation(row: Trigger | Action) -> Operation:
    return row.fetch if isinstance(row, Trigger) else row.send


def test_there_are_55_triggers_and_71_actions():
    assert (len(TRIGGERS), len(ACTIONS)) == (55, 71)


def test_no_id_names_both_a_trigger_and_an_action():
    assert not set(TRIGGERS) & set(ACTIONS)


@each_row
def test_ids_are_dotted_lower_case_names(row):
    assert SHAPE.fullmatch(row.id)


@each_row
def test_summaries_are_short_sentences_without_a_full_stop(row):
    for told in (row.summary, row.warning):
        if told is not None:
            assert told[0].isupper() or told[0] == "`"
            assert not told.endswith(".")
            assert told == told.strip()
    assert 10 < len(row.summary) < 100


def test_no_two_rows_of_a_kind_have_the_same_summary():
    for rows in (TRIGGERS.values(), ACTIONS.values()):
        summaries = [row.summary for row in rows]
        assert len(summaries) == len(set(summaries))


@each_row
def test_every_field_can_be_told_in_a_json_schema(row):
    schema = inputs_of(operation(row)).json_schema()
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema.get("properties", {})) == {parameter.name for parameter in parameters_of(operation(row))}


@each_row
def test_no_name_stands_for_two_places_of_a_request(row):
    names = [parameter.name for parameter in parameters_of(operation(row))]
    assert len(names) == len(set(names))


@each_row
def test_names_in_rules_are_names_of_fields(row):
    known = {parameter.name for parameter in parameters_of(operation(row))}
    rules = {*row.one_of, *(() if isinstance(row, Trigger) else row.only_one_of)}
    if isinstance(row, Action):
        known |= {parameter.name for other in row.instead.values() for parameter in parameters_of(other)}
        assert set(row.instead) <= known
    assert rules <= known


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in TRIGGERS.values()])
def test_triggers_name_events_of_their_own(row):
    assert row.default_event in row.events
    assert len(set(row.events)) == len(row.events)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in TRIGGERS.values()])
def test_what_the_engine_sends_is_not_for_authors_to_write(row):
    engine = {*row.fixed, *row.paging.ask(None), *(row.paging.values if isinstance(row.paging, Keyset) else ())}
    window = getattr(row.strategy, "window", None)
    engine |= {window.start, window.end} if window else set()
    if isinstance(row.strategy, Watermark):
        engine |= {name for since in row.strategy.since for name in since("new", 0, False)}
    assert not (engine - {"filters"}) & {parameter.name for parameter in parameters_of(row.fetch)}


def probes(found: Probe | None) -> list[Probe]:
    return [] if found is None else [found, *probes(found.more), *probes(found.otherwise)]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ACTIONS.values()])
def test_probes_ask_with_inputs_that_the_action_has(row):
    match row.repeat:
        case Guarded(probe=first) | Unsafe(probe=first):
            found = probes(first)
        case Natural():
            found = []
    given = {parameter.name for parameter in parameters_of(row.send)}
    for probe in found:
        wanted = {parameter.name: parameter for parameter in parameters_of(probe.find)}
        assert set(probe.asks) <= set(wanted)
        assert {*probe.asks.values(), *probe.same.values()} <= given
        told = {*probe.asks, *([probe.more_as] if probe.more_as else [])}
        assert {name for name, one in wanted.items() if one.required and one.source is None} <= told


OF_MANIFESTS = REPOSITORY / "config" / "manifest_rows.py"
"""Makes rows of what manifests say; they are found where the manifests are."""


@pytest.mark.parametrize(("package", "kind"), [(triggers.ghl, "Trigger"), (actions.ghl, "Action")])
def test_rows_are_written_only_where_the_catalogue_looks(package: ModuleType, kind: str):
    walked = {Path(path).resolve() for folder in package.__path__ for path in Path(folder).glob("*.py")}
    folders = ("console", "worker", "config", "triggers", "actions", "connections")
    for path in (path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")):
        if path.resolve() not in walked and path != OF_MANIFESTS:
            assert not list(rows_in(path, kind)), f"{path} has rows that the catalogue does not find"


def rows_in(path: Path, kind: str) -> list[Any]:
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == kind]


ROW = """
from __future__ import annotations
from connections.operation import get
from triggers.trigger import Object, Trigger

CATEGORY = "Weather"
ROWS = (Trigger(id="{id}", summary="The weather", fetch=get("/weather/{{town}}"), strategy=Object()),)
"""


def package(folder: Path, name: str, **modules: str) -> ModuleType:
    (folder / name).mkdir()
    (folder / name / "__init__.py").touch()
    for module, row in modules.items():
        (folder / name / f"{module}.py").write_text(ROW.format(id=row))
    return importlib.import_module(name)


def test_a_row_in_a_new_module_is_found_without_another_edit(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    found = rows_of(package(tmp_path, "weather_rows", towns="ghl.weather.get"))
    assert list(found) == ["ghl.weather.get"]
    assert found["ghl.weather.get"].category == "Weather"


def test_two_rows_of_one_name_are_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    doubled = package(tmp_path, "doubled_rows", one="ghl.weather.get", two="ghl.weather.get")
    with pytest.raises(ValueError, match=r"two rows are called ghl\.weather\.get"):
        rows_of(doubled)
