"""Rehearsing: what each step would send, answers stood in for, errors with step and field."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from actions.action import Action
from actions.catalog import CATALOG as ACTIONS
from config.automation import Automation, Every, Step, TriggerUse
from config.catalogues import read_connectors
from connections.connection import Connection, NoAuth, PrivateToken
from connections.errors import NotFound
from connections.quota import Precedence
from connections.wire import Answer, Request
from console.call_commands import request_json
from console.rehearsal import Rehearsal, absent, rehearse, stand_in
from triggers.reading import Event

ACME = Connection(
    name="acme",
    kind="ghl",
    base_url="http://127.0.0.1:1",
    location_id="somewhere",
    auth=PrivateToken(token=SecretStr("secret")),
)
RECORD = {
    "id": "c1",
    "firstName": "Ada",
    "tags": ["lead", "vip"],
    "customFields": [{"id": "f1", "value": "2000"}],
}


class Vendor:
    """A vendor that only lists custom fields, and the notes of one contact."""

    async def call(self, _connection: Connection, request: Request, _precedence: Precedence) -> Answer:
        if request.path == "/contacts/c1/notes":
            notes = [{"id": "n1", "title": "Ours"}, {"id": "n2", "title": "Theirs"}]
            return Answer(status=200, data={"notes": notes}, headers={}, at=0)
        if request.path.startswith("/contacts/"):
            raise NotFound("there is no such contact", status=404)
        assert request.path == "/locations/somewhere/customFields"
        listed = [{"id": "f1", "name": "Budget", "fieldKey": "contact.budget", "dataType": "TEXT"}]
        return Answer(status=200, data={"customFields": listed}, headers={}, at=0)


def step(use: str, with_: Mapping[str, Any], id_: str = "1", **more: Any) -> Step:
    return Step(id=id_, use=use, connection="acme", with_=with_, **more)


def greet(*steps: Step, when: str | None = None, collect: timedelta | None = None) -> Automation:
    use = TriggerUse(use="ghl.contacts.search", connection="acme", on=("new",), schedule=Every(60))
    return Automation(name="greet", trigger=use, steps=steps, when=when, collect=collect)


def rehearsed(*steps: Step, **more: Any) -> Rehearsal:
    automation = greet(*steps, **more)
    event = Event(key="c1", version="test", kind="new", record=RECORD)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return asyncio.run(rehearse(automation, event, "feed", {"acme": ACME}, Vendor(), now))


def note(body: str, **more: Any) -> Step:
    return step("ghl.contacts.notes.create", {"contactId": "{{ record.id }}", "body": body}, **more)


def test_a_step_shows_the_request_that_it_would_send() -> None:
    [only] = rehearsed(note("{{ event.kind }} {{ record.firstName }} {{ automation.name }}")).steps
    assert only.request is not None
    assert (only.request.method, only.request.path) == ("POST", "/contacts/c1/notes")
    assert only.request.body == {"body": "new Ada greet"}


def test_later_steps_see_the_ids_of_earlier_ones_by_name() -> None:
    update = {"contactId": "{{ record.id }}", "id": "{{ steps.first.id }}", "body": "{{ steps.first.note.dateAdded }}"}
    found = rehearsed(note("x", id_="first"), step("ghl.contacts.notes.update", update))
    assert found.sound
    last = found.steps[1].request
    assert last is not None
    assert last.path == "/contacts/c1/notes/%3Csteps.first.id%3E"
    assert last.body == {"body": "<steps.first.note.dateAdded>"}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.id)
def test_every_action_has_an_answer_to_stand_in(action: Action) -> None:
    assert stand_in("x", action)["id"] == "<steps.x.id>"
    assert stand_in("x", action)["whatever"] == "<steps.x.whatever>"


def test_a_step_for_each_item_is_rehearsed_for_each() -> None:
    found = rehearsed(note("{{ item }}", for_each="record.tags"))
    assert [each.number for each in found.steps] == ["1.1", "1.2"]
    assert [each.request.body for each in found.steps if each.request] == [{"body": "lead"}, {"body": "vip"}]


def test_a_step_that_only_looks_something_up_is_carried_out() -> None:
    ours = "steps.found.notes | selectattr('title', 'equalto', 'Ours') | list"
    find = step("ghl.contacts.notes.find", {"contactId": "{{ record.id }}"}, id_="found")
    update = step("ghl.contacts.notes.update", {"contactId": "c1", "id": "{{ item.id }}"}, for_each=ours)
    found = rehearsed(find, update, note("new", when=f"not ({ours})"))
    assert [each.request.path for each in found.steps if each.request] == [
        "/contacts/c1/notes",
        "/contacts/c1/notes/n1",
    ]
    assert found.steps[2].skipped


def test_a_look_up_of_what_is_not_made_yet_is_stood_in_for() -> None:
    made = step("ghl.contacts.upsert", {"email": "a@example.com"}, id_="made")
    find = step("ghl.contacts.notes.find", {"contactId": "{{ steps.made.id }}"}, id_="found")
    update = step("ghl.contacts.notes.update", {"contactId": "c1", "id": "{{ item.id }}"}, for_each="steps.found.notes")
    found = rehearsed(made, find, update)
    assert found.sound, found.steps
    assert found.steps[2].request is not None
    assert found.steps[2].request.path == "/contacts/c1/notes/%3Csteps.found.notes.item.id%3E"


def test_a_look_up_that_fails_is_an_error_of_its_step() -> None:
    [only] = rehearsed(step("ghl.contacts.notes.find", {"contactId": "c2"})).steps
    assert only.error == "there is no such contact"


def test_what_a_skipped_step_would_answer_is_missing() -> None:
    find = step("ghl.contacts.notes.find", {"contactId": "c1"}, id_="found", when="record.phone")
    found = rehearsed(find, note("x", for_each="steps.found.notes | default([])"))
    assert [each.number for each in found.steps] == ["1"]


def test_a_list_too_long_for_one_call_is_rehearsed_in_parts() -> None:
    ids = [f"c{number}" for number in range(120)]
    many = step("ghl.contacts.business.bulk_update", {"ids": ids, "businessId": None}, id_="many")
    found = rehearsed(many, note("{{ steps.many[0].success }}"))
    assert found.sound
    assert [each.number for each in found.steps] == ["1.1", "1.2", "1.3", "2"]
    bodies = [each.request.body for each in found.steps if each.request is not None]
    assert [len(body["ids"]) for body in bodies[:3]] == [50, 50, 20]
    assert bodies[3]["body"] == "<steps.many[0].success>"


def test_a_batch_is_rehearsed_with_the_one_record() -> None:
    found = rehearsed(note("{{ item.firstName }}", for_each="records"), collect=timedelta(minutes=10))
    assert [each.request.body for each in found.steps if each.request] == [{"body": "Ada"}]


def test_custom_fields_are_read_by_name() -> None:
    get = step("ghl.contacts.update", {"contactId": "{{ record.id }}"}, id_="it")
    later = note(
        "{{ custom('budget') }}, {{ custom('Budget', of=steps.it.contact) }}, {{ custom('Budget', steps.it) }}"
    )
    found = rehearsed(get, later, when="custom('Budget') == '2000'")
    assert found.when is True
    assert found.sound, found.steps
    assert [each.request.body for each in found.steps[1:] if each.request] == [
        {"body": "2000, <steps.it.contact: Budget>, <steps.it: Budget>"}
    ]


def test_a_custom_field_that_the_location_does_not_have_is_an_error() -> None:
    [only] = rehearsed(note("{{ custom('Budgt', of=steps) }}")).steps
    assert only.error == "body: the location has no custom field 'Budgt': did you mean 'Budget'?"


def test_a_step_whose_when_is_false_is_left_out() -> None:
    [only] = rehearsed(note("x", when="'cold' in record.tags")).steps
    assert only.skipped
    assert only.request is None


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (note("{{ record.surname }}"), "body: `record.surname` is not there"),
        (note("x", for_each="record.id"), "for_each: expected a list"),
        (step("ghl.contacts.notes.create", {"contactId": "{{ record.id }}", "body": 7}), "with: body: should be text"),
        (step("ghl.contacts.notes.create", {"contactId": "..", "body": "x"}), "contactId"),
    ],
)
def test_an_error_names_the_step_and_the_field(broken: Step, said: str) -> None:
    found = rehearsed(note("fine"), broken)
    assert not found.sound
    assert found.steps[0].error is None
    assert said in str(found.steps[1].error)


def test_an_event_that_is_passed_over_makes_its_steps_errors_harmless() -> None:
    found = rehearsed(note("{{ record.surname }}"), when="'cold' in record.tags")
    assert found.when is False
    assert found.sound


def test_a_condition_that_fails_is_an_error_of_the_automation() -> None:
    found = rehearsed(note("x"), when="record.id > 5")
    assert not found.sound
    assert str(found.error).startswith("when: ")


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("'vip' in record.tgas", ["`record.tgas` is not there (did you mean `tags`?)"]),
        ("'vip' in record.tags or record.email", []),  # contacts have one, only this one has none
        ("'vip' in (record.tgas | default([]))", ["`record.tgas` is not there (did you mean `tags`?)"]),
        ("record.tgas > 5", []),  # that is an error, which says so
        (None, []),
    ],
)
def test_a_slip_of_the_pen_that_counts_as_false_is_told(when: str | None, said: list[str]) -> None:
    automation = greet(note("{{ record.firstName }}"), when=when)
    assert absent(automation, rehearsed(*automation.steps, when=when)) == said


def test_what_is_secret_is_hidden_wherever_it_goes(tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "zed.yaml").write_text(
        "kind: zed\ntitle: Zed\nbase_url: https://zed.example\nauth: {none: {}}\nactions:\n"
        "  users.create: {summary: Create a user, request: POST /users, body: {email: required email,"
        " password: {type: text, secret: true, as: auth.password}}}\n"
        "  users.find: {summary: Find a user, request: GET /users, query: {pin: {type: text, secret: true}}}\n"
    )
    [zed] = read_connectors(tmp_path, {}).connectors
    connection = Connection(name="zed", kind="zed", base_url="https://zed.example", auth=NoAuth())
    made = request_json(zed.actions["zed.users.create"], connection, {"email": "a@b.cd", "password": "hunter2"})
    assert made["body"] == {"email": "a@b.cd", "auth": {"password": "***"}}
    found = request_json(zed.actions["zed.users.find"], connection, {"pin": "1234"})
    assert found["url"] == "https://zed.example/users?pin=***"
