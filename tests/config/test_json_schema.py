"""The JSON Schemas accept what the loader accepts, and complete what an editor asks them about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from config.catalogues import SHIPPED, catalogues
from config.connection_file import AUTHS
from config.schema import schema

EXAMPLES = SHIPPED.parents[1] / "examples"
REAL = schema()


def faults(which: dict[str, Any], value: Any) -> list[str]:
    return [error.message for error in Draft7Validator(which).iter_errors(value)]


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("name", ["connections", "automations", "connectors"])
def test_a_schema_is_one_and_is_json(name: str) -> None:
    Draft7Validator.check_schema(REAL[name])
    assert json.loads(json.dumps(REAL[name])) == REAL[name]


def rules(kind: str) -> dict[str, Any]:
    return {
        rule["if"]["properties"]["use"]["const"]: rule["then"] for rule in REAL["automations"]["$defs"][kind]["allOf"]
    }


def test_every_operation_is_offered_with_its_summary_and_its_parameters() -> None:
    for kind, rows in (("Trigger", catalogues().triggers), ("Step", catalogues().actions)):
        offered = REAL["automations"]["$defs"][kind]["properties"]["use"]["anyOf"]
        assert {each["const"]: each["description"] for each in offered} == {
            row.id: row.summary for row in rows.values()
        }
        assert set(rules(kind)) == set(rows)


def test_what_hightide_fills_in_is_not_demanded() -> None:
    search = rules("Trigger")["ghl.contacts.search"]
    assert "required" not in search
    assert search["properties"]["with"]["required"] == []
    assert search["properties"]["on"]["anyOf"][0] == {"enum": list(catalogues().triggers["ghl.contacts.search"].events)}
    note = rules("Step")["ghl.contacts.notes.create"]
    assert note["required"] == ["with"]
    assert set(note["properties"]["with"]["required"]) == {"contactId", "body"}


def test_every_way_to_authenticate_is_offered() -> None:
    connection = REAL["connections"]["$defs"]["Connection"]
    assert [each["properties"]["type"]["const"] for each in connection["properties"]["auth"]["oneOf"]] == list(AUTHS)
    assert "ghl" in connection["properties"]["kind"]["enum"]


def test_every_reference_leads_somewhere_and_every_definition_is_used() -> None:
    for each in REAL.values():
        text = json.dumps(each)
        for name in each["$defs"]:
            assert f'"#/$defs/{name}"' in text
        for used in set(text.split('"#/$defs/')[1:]):
            assert used.split('"')[0] in each["$defs"]


def test_what_the_loader_accepts_the_schema_accepts(toy: Any) -> None:
    made = schema(triggers=toy.triggers, actions=toy.actions, vendors=toy.vendors)
    assert faults(made["connections"], read(toy.connections)) == []
    assert faults(made["automations"], read(toy.automations)) == []


STEP = "{use: toy.contracts.create, with: {template_id: a, client: {name: b}, %s}}"
TRIGGER = "{use: toy.leads.search, connection: acme}"


@pytest.mark.parametrize(
    ("trigger", "inputs", "sound"),
    [
        (TRIGGER, "pages: 3", True),
        (TRIGGER, "pages: '{{ record.n }}'", True),
        (TRIGGER, "pages: '${N}'", True),
        (TRIGGER, "pages: x", False),
        (TRIGGER, "tags: [a, '{{ record.t }}']", True),
        (TRIGGER, "tags: '{{ record.tags }}'", True),
        (TRIGGER, "tags: 5", False),
        (TRIGGER, "state: draft", True),
        (TRIGGER, "state: drafft", False),
        (TRIGGER, "surplus: 1", False),
        ("{use: toy.leads.search, connection: acme, on: [new, updated], every: 2m}", "pages: 3", True),
        ("{use: toy.leads.search, connection: acme, on: removed}", "pages: 3", False),
        ("{use: toy.leads.search, connection: acme, every: 20m}", "pages: 3", False),
        ("{use: toy.leads.search, connection: acme, every: 90s}", "pages: 3", True),
        ("{use: toy.leads.serach, connection: acme}", "pages: 3", False),
        ("{use: toy.leads.search, connection: acme, with: {qury: x}}", "pages: 3", False),
        ("{use: toy.leads.get, connection: acme}", "pages: 3", False),
        ("{use: toy.events.list, connection: acme, with: {calendarId: c}}", "pages: 3", True),
        ("{use: toy.events.list, connection: acme, with: {}}", "pages: 3", False),
        ("{use: toy.events.list, connection: acme, with: {calendarId: c, startTime: x}}", "pages: 3", False),
    ],
)
def test_schema_and_loader_agree(toy: Any, loaded: Any, trigger: str, inputs: str, *, sound: bool) -> None:
    text = f"automations: {{x: {{trigger: {trigger}, steps: [{STEP % inputs}]}}}}"
    made = schema(triggers=toy.triggers, actions=toy.actions, vendors=toy.vendors)["automations"]
    assert (faults(made, read(text)) == []) is sound
    environ = {"ACME_TOKEN": "t", "N": "3"}
    if sound:
        assert loaded(text, environ=environ).automations
    else:
        with pytest.raises(Exception, match=r"automations/a\.yaml:"):
            loaded(text, environ=environ)


MANIFESTS = sorted([*SHIPPED.glob("*.yaml"), *EXAMPLES.glob("*/connectors/*.yaml")])


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_shipped_manifests_are_as_the_schema_says(path: Any) -> None:
    assert faults(REAL["connectors"], read(path.read_text())) == []


@pytest.mark.parametrize(
    ("manifest", "sound"),
    [
        ("{extends: rankr, assumed: {leads: /x}}", True),
        ("{extends: rankr, triggers: {leads.list: null, clients.list: {every: 2m}}}", True),
        ("{triggers: {a.list: {summary: a, request: GET /a, query: {b: {list_of: {fields: {c: text}}}}}}}", True),
        ("{triggers: {a.list: {summry: a}}}", False),
        ("{triggers: {a.list: {query: {b: {tpe: text}}}}}", False),
        ("{actions: {a.do: {repeat: often}}}", False),
        ("{titel: a}", False),
    ],
)
def test_mistakes_in_a_manifest_are_seen_by_an_editor(manifest: str, *, sound: bool) -> None:
    assert (faults(REAL["connectors"], read(manifest)) == []) is sound
