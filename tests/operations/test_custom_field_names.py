"""Custom fields that authors write by name: looked up in the location, and sent by id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.engine import Engine, Errand
from tests.operations.vendor import Account

pytestmark = pytest.mark.slow

LISTED = "/locations/{}/customFields"


def field(account: Account, name: str, model: str = "contact") -> str:
    """The id of one of the location's custom fields."""
    return str(account.held("customFields", name=name, model=model)[0]["id"])


def errand(engine: Engine, account: Account, action: str, **inputs: Any) -> Errand:
    return Errand(engine, engine.connection(account, "owner"), action, inputs)


@pytest.mark.parametrize("written", ["Deal size", "deal SIZE", "deal_size", "contact.deal_size"])
def test_a_field_is_found_by_name_and_by_key(engine: Engine, account: Account, written: str) -> None:
    run = errand(engine, account, "ghl.contacts.create", firstName="Ada", customFields={written: 1200})
    assert run.carry() == "done", run.row["reason"]
    [contact] = account.held("contacts")
    assert contact["customFields"] == [{"id": field(account, "Deal size"), "value": 1200}]


@pytest.mark.parametrize("action", ["ghl.contacts.update", "ghl.contacts.upsert"])
def test_ten_slots_are_written_at_once(engine: Engine, account: Account, action: str) -> None:
    contact = account.contact(email="ada@example.com")
    given = {f"Custom {number}": f"value {number}" for number in range(1, 11)}
    named = {"contactId": contact} if action == "ghl.contacts.update" else {"email": "ada@example.com"}
    run = errand(engine, account, action, customFields=given, **named)
    assert run.carry() == "done", run.row["reason"]
    kept = {each["id"]: each["value"] for each in account.one("contacts", contact)["customFields"]}
    assert kept == {field(account, name): value for name, value in given.items()}


@pytest.mark.parametrize("action", ["ghl.opportunities.create", "ghl.opportunities.update"])
def test_opportunities_have_fields_of_their_own(engine: Engine, account: Account, action: str) -> None:
    account.record("customFields", "create", name="Source detail", fieldKey="contact.source_detail")
    made = action == "ghl.opportunities.create"
    plain = {"pipelineId": account.first("pipelines"), "contactId": account.contact(), "name": "Roof", "status": "open"}
    given = plain if made else {"id": account.opportunity()}
    run = errand(engine, account, action, customFields={"Source detail": "fair"}, **given)
    assert run.carry() == "done", run.row["reason"]
    [opportunity] = account.held("opportunities")
    assert opportunity["customFields"] == [{"id": field(account, "Source detail", "opportunity"), "value": "fair"}]


def test_a_name_that_is_not_there_ends_the_step_before_anything_is_sent(engine: Engine, account: Account) -> None:
    run = errand(engine, account, "ghl.contacts.create", firstName="Ada", customFields={"Deal sise": 1})
    assert run.carry() == "failed"
    assert "no custom field 'Deal sise': did you mean 'Deal size'?" in run.row["reason"]
    assert engine.wire.sent == []
    assert account.held("contacts") == []


def test_two_fields_of_one_name_are_told_apart_by_id_only(engine: Engine, account: Account) -> None:
    account.record("customFields", "create", name="Budget", fieldKey="contact.budget_2")
    run = errand(engine, account, "ghl.contacts.create", firstName="Ada", customFields={"Budget": 1})
    assert run.carry() == "failed"
    assert "2 custom fields of the location are called 'Budget': write the id instead" in run.row["reason"]


def test_what_is_written_by_id_is_not_looked_up(engine: Engine, account: Account) -> None:
    given = [{"id": field(account, "Budget"), "field_value": 1}]
    account.fault("GET", LISTED.format(account.location), status=404, count=10)
    run = errand(engine, account, "ghl.contacts.create", firstName="Ada", customFields=given)
    assert run.carry() == "done", run.row["reason"]


def test_a_list_that_cannot_be_had_now_is_asked_for_later(engine: Engine, account: Account) -> None:
    account.fault("GET", LISTED.format(account.location), status=500)
    run = errand(engine, account, "ghl.contacts.create", firstName="Ada", customFields={"Budget": 1})
    assert run.carry() == "open"
    assert run.end() == "done"
    assert account.effects("POST /contacts/") == 1
