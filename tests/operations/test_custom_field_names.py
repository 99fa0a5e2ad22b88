"""Custom fields that authors write by name: looked up in the location, and sent by id."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from config.automation import Automation, Every, OncePer, Step, TriggerUse
from tests.operations.engine import Engine, Errand
from tests.operations.vendor import Account
from worker.lookups import Lookups
from worker.names import Names

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


def asking(connection: str, **more: Any) -> Automation:
    """An automation that writes a note with the budget of a contact."""
    trigger = TriggerUse(use="ghl.contacts.search", connection=connection, on=("new",), schedule=Every(300))
    body = more.pop("body", "{{ custom('Budget') }}")
    inputs = {"contactId": "{{ record.id }}", "body": body}
    loop = more.pop("for_each", None)
    note = Step(id="note", use="ghl.contacts.notes.create", connection=connection, with_=inputs, for_each=loop)
    return Automation(name="note", trigger=trigger, steps=(note,), **more)


def read(engine: Engine, account: Account, **more: Any) -> Errand:
    """A run of such an automation for a contact whose budget is 1200, as the vendor gives it."""
    fields = [{"id": field(account, "Budget"), "field_value": 1200}]
    contact = account.get(f"/contacts/{account.contact(customFields=fields)}")["contact"]
    connection = engine.connection(account, "owner")
    return Errand(engine, connection, "note", contact, asking(connection.name, **more))


def bodies(account: Account) -> list[str]:
    return [note["body"] for note in account.held("notes")]


def test_templates_read_custom_fields_by_name(engine: Engine, account: Account) -> None:
    more = {"when": "custom('Budget') > 1000", "for_each": "[custom('contact.budget'), 2]"}
    once = OncePer("custom('budget')", timedelta(days=1))
    run = read(engine, account, body="{{ item }} of {{ custom('Budget') }}", once_per=once, **more)
    assert run.end() == "done", run.row["reason"]
    assert sorted(bodies(account)) == ["1200 of 1200", "2 of 1200"]
    assert account.effects(f"GET {LISTED.format(account.location)}") <= 1


def test_templates_read_those_of_opportunities(engine: Engine, account: Account) -> None:
    given = [{"id": field(account, "Source detail", "opportunity"), "field_value": "fair"}]
    made = account.get(f"/opportunities/{account.opportunity(customFields=given)}")["opportunity"]
    connection = engine.connection(account, "owner")
    inputs = {"contactId": "{{ record.contactId }}", "body": "{{ custom('source detail') }}"}
    flow = asking(connection.name)
    flow = replace(flow, steps=(replace(flow.steps[0], with_=inputs),))
    run = Errand(engine, connection, "note", made, flow)
    assert run.end() == "done", run.row["reason"]
    assert bodies(account) == ["fair"]


def test_a_template_with_a_name_that_is_not_there_fails_its_run(engine: Engine, account: Account) -> None:
    run = read(engine, account, body="{{ custom('Budgte') | default('none') }}")
    assert run.end() == "failed"
    assert "the location has no custom field 'Budgte': did you mean 'Budget'?" in run.row["reason"]
    assert bodies(account) == []


def test_the_run_waits_while_the_names_cannot_be_had_and_its_when_is_asked_then(
    engine: Engine, account: Account
) -> None:
    account.fault("GET", LISTED.format(account.location), status=500)
    run = read(engine, account, when="custom('Budget') < 1000")
    assert run.carry() == "open"
    assert run.row["reason"].startswith("custom fields could not be looked up: ")
    assert run.steps == {}
    assert run.end() == "skipped"


def test_a_run_that_may_not_look_fails(engine: Engine, account: Account) -> None:
    account.fault("GET", LISTED.format(account.location), status=403)
    run = read(engine, account)
    assert run.carry() == "failed"
    assert run.row["reason"].startswith("custom fields could not be looked up: ")


def test_automations_that_do_not_ask_look_nothing_up(engine: Engine, account: Account) -> None:
    account.fault("GET", LISTED.format(account.location), status=403, count=10)
    run = read(engine, account, body="no budget")
    assert run.carry() == "done", run.row["reason"]


def test_a_field_that_was_just_made_is_found(engine: Engine, account: Account) -> None:
    connection = engine.connection(account, "owner")
    names = Names(Lookups(engine.client, lambda: engine.clock() / 1000))
    assert not engine.do(names.values(connection, {"Budget"})).knows("Brand new")
    account.record("customFields", "create", name="Brand new", fieldKey="contact.brand_new")
    engine.wait(2)
    assert engine.do(names.values(connection, {"Brand new"})).knows("Brand new")
    assert engine.do(names.values(connection, ())) is engine.do(names.values(connection, {"Brand new"}))
