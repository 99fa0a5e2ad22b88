"""The catalogue on the command line: every operation's page, and YAML that can be pasted as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions.catalog import CATALOG as ACTIONS
from config.parameters import polled, sent
from config.project import load
from console.catalog_commands import row_json
from console.operation_page import page, page_json, parameters, snippet
from triggers.catalog import CATALOG as TRIGGERS

ROWS = [*TRIGGERS.values(), *ACTIONS.values()]
CONNECTIONS = """\
connections:
  acme: {kind: ghl, location_id: somewhere, auth: {type: private_token, token: "${TOKEN}"}}
  agency: {kind: ghl, company_id: someone, auth: {type: private_token, token: "${TOKEN}"}}
"""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_is_to_be_pasted_can_be_loaded_as_it_is(row: object, tmp_path: Path) -> None:
    (tmp_path / "automations").mkdir()
    (tmp_path / "connections.yaml").write_text(CONNECTIONS)
    (tmp_path / "automations" / "pasted.yaml").write_text(snippet(row))  # type: ignore[arg-type]  # one of the two
    loaded = load(tmp_path, {"TOKEN": "pit-1"})
    [automation] = loaded.automations.values()
    assert row.id in {automation.trigger.use, automation.steps[0].use}  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_page_tells_each_parameter_and_how_it_is_repeated_or_polled(row: object) -> None:
    lines = "\n".join(page(row))  # type: ignore[arg-type]  # one of the two
    told = page_json(row)  # type: ignore[arg-type]  # as above
    for parameter in told["parameters"]:
        assert parameter["name"] in lines
        assert parameter["type"] != "any" or parameter["name"] in {"field_value", "value"}
    assert "Polled" in lines or "crash" in lines or "leaves the same state" in lines


def test_required_parameters_come_first_and_what_hightide_sets_does_not_come_at_all() -> None:
    search = {each.name: each for each in parameters(polled(TRIGGERS["ghl.contacts.search"]))}
    assert "filters" in search
    assert not {"pageLimit", "searchAfter", "sort"} & search.keys()
    assert not search["locationId"].required
    note = parameters(sent(ACTIONS["ghl.contacts.notes.create"], {}))
    assert [each.name for each in note[:2]] == ["contactId", "body"]
    assert all(each.required for each in note[:2])
    assert not any(each.required for each in note[2:])


def test_values_that_are_listed_are_shown() -> None:
    [kind] = [each for each in parameters(sent(ACTIONS["ghl.contacts.tags.bulk_update"], {})) if each.name == "type"]
    assert kind.values == ("add", "remove")


def test_values_stand_beside_their_type() -> None:
    lines = list(page(ACTIONS["ghl.contacts.tags.bulk_update"]))
    assert any(line.split(None, 1)[1:] == ["one of a list: add, remove (required)"] for line in lines), lines


def test_what_leads_to_another_operation_is_a_parameter_too() -> None:
    told = page_json(ACTIONS["ghl.contacts.find"])
    assert set(told["one_of"]) <= {each["name"] for each in told["parameters"]}
    assert not any(each["required"] for each in told["parameters"])


@pytest.mark.parametrize(
    ("trigger", "contact"),
    [
        ("ghl.contacts.search", "{{ record.id }}"),
        ("ghl.opportunities.search", "{{ record.contactId }}"),
        ("ghl.users.search", "CONTACT_ID"),
    ],
)
def test_the_contact_to_paste_is_that_of_the_record(trigger: str, contact: str) -> None:
    assert contact in snippet(TRIGGERS[trigger])


def test_repeating_is_told_in_words() -> None:
    assert "simply sent again" in "\n".join(page(ACTIONS["ghl.contacts.tags.add"]))
    assert "only where the first had no effect" in "\n".join(page(ACTIONS["ghl.contacts.create"]))
    assert "held for a person" in "\n".join(page(ACTIONS["ghl.contacts.notes.create"]))
    assert "Never sent twice on a guess" in "\n".join(page(ACTIONS["ghl.contacts.campaigns.add"]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_of_the_catalogue_as_json_has_always_the_same_fields(row: object) -> None:
    told = row_json(row)  # type: ignore[arg-type]  # one of the two
    common = {"id", "kind", "category", "summary", "method", "path", "version", "scopes", "token", "warning"} | {
        "extra"
    }
    own = {"strategy", "events", "default_event", "every", "wakes"} if told["kind"] == "trigger" else {"repeat"}
    assert set(told) == common | own
    assert told["category"]
