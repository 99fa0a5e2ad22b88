"""Lists that are too long for one call: several calls of one step, each with its own record."""

from __future__ import annotations

from typing import Any

import pytest

from actions.action import Bulk
from actions.catalog import CATALOG
from config.automation import Automation
from tests.operations.engine import Engine, Errand, Killed
from tests.operations.vendor import Account
from worker.ledger.runs import LEASE
from worker.orders import definition_of

pytestmark = pytest.mark.slow

TAGS, BUSINESS = "ghl.contacts.tags.bulk_update", "ghl.contacts.business.bulk_update"
ROUTES = {action: f"POST {CATALOG[action].send.path}" for action in (TAGS, BUSINESS)}


def contacts(account: Account, count: int) -> list[str]:
    return [account.record("contacts", "create", firstName=f"C{number}") for number in range(count)]


def errand(engine: Engine, account: Account, *steps: dict[str, Any], **record: Any) -> Errand:
    """A run of these steps with that record."""
    connection = engine.connection(account, "owner")
    plain = {"connection": connection.name, "when": None, "for_each": None}
    ways = {"on_error": "stop", "on_uncertain": "hold"}
    definition = definition_of(steps[0]["use"], connection.name)
    definition["steps"] = [{"id": str(number), **plain, **ways, **step} for number, step in enumerate(steps, 1)]
    automation = Automation.from_definition("bulk", definition)
    return Errand(engine, connection, steps[0]["use"], record, automation)


def tagging(ids: str = "{{ record.ids }}", **more: Any) -> dict[str, Any]:
    return {"use": TAGS, "with": {"type": "add", "contacts": ids, "tags": ["vip"]}, **more}


def sizes(engine: Engine, field: str) -> list[int]:
    """How many items each bulk call carried."""
    return [len(request.body[field]) for request in engine.wire.sent if field in (request.body or {})]


def states(run: Errand) -> dict[str, tuple[str, int]]:
    return {number: (step["state"], step["attempts"]) for number, step in run.steps.items()}


@pytest.mark.parametrize(
    ("length", "parts"),
    [(0, [0]), (1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (5, [2, 2, 1])],
)
def test_a_list_is_cut_into_stretches_that_make_it_whole(length: int, parts: list[int]) -> None:
    bulk, given = Bulk(field="ids", limit=2), {"ids": list(range(length)), "x": 1}
    cut = [bulk.cut(given, part) for part in bulk.parts(given)]
    assert [len(each["ids"]) for each in cut] == parts
    assert [item for each in cut for item in each["ids"]] == given["ids"]
    assert all(each["x"] == 1 for each in cut)


@pytest.mark.parametrize("given", [{}, {"ids": "a"}, {"ids": None}, "text", None])
def test_what_is_no_list_goes_in_one_call_as_it_is(given: Any) -> None:
    bulk = Bulk(field="ids", limit=2)
    assert [bulk.cut(given, part) for part in bulk.parts(given)] == [given]


def test_a_long_list_goes_in_several_calls_of_one_step(engine: Engine, account: Account) -> None:
    ids = contacts(account, 250)
    note = {
        "use": "ghl.contacts.notes.create",
        "with": {"contactId": ids[0], "body": "{{ steps['1'] | length }} calls"},
    }
    run = errand(engine, account, tagging(), note, ids=ids)
    assert run.carry() == "done", run.row["reason"]
    assert sizes(engine, "contacts") == [100, 100, 50]
    assert account.effects(ROUTES[TAGS]) == 3
    assert all(contact["tags"] == ["vip"] for contact in account.held("contacts"))
    assert states(run) == dict.fromkeys(("1.1", "1.2", "1.3", "2"), ("done", 1))
    assert account.held("notes")[0]["body"] == "3 calls"


def test_the_vendors_own_limit_is_kept(engine: Engine, account: Account) -> None:
    ids, business = contacts(account, 120), account.post("/businesses/", name="Acme")["buiseness"]["id"]
    step = {"use": BUSINESS, "with": {"ids": "{{ record.ids }}", "businessId": business}}
    run = errand(engine, account, step, ids=ids)
    assert run.carry() == "done", run.row["reason"]
    assert sizes(engine, "ids") == [50, 50, 20]
    assert len(account.held("contacts", businessId=business)) == 120


def test_the_answers_are_a_list_however_short_it_is(engine: Engine, account: Account) -> None:
    [contact] = contacts(account, 1)
    body = "{{ steps['1'][0].responses | length }} of {{ steps['1'] | length }}"
    note = {"use": "ghl.contacts.notes.create", "with": {"contactId": contact, "body": body}}
    run = errand(engine, account, tagging(), note, ids=[contact])
    assert run.carry() == "done", run.row["reason"]
    assert states(run) == dict.fromkeys(("1.1", "2"), ("done", 1))
    assert account.held("notes")[0]["body"] == "1 of 1"


def test_after_a_crash_only_the_rest_is_sent(engine: Engine, account: Account) -> None:
    ids = contacts(account, 250)
    run = errand(engine, account, tagging(), ids=ids)
    account.fault("POST", "/contacts/bulk/tags/update/add", status=503, skip=1)
    assert run.carry() == "open"
    assert states(run) == {"1.1": ("done", 1), "1.2": ("waiting", 1)}
    engine.wait(60)
    engine.wire.dies = "after"
    with pytest.raises(Killed):
        run.carry()
    engine.wire.dies = None
    engine.wait(LEASE / 1000 + 1)
    assert run.end() == "done"
    assert sizes(engine, "contacts") == [100, 100, 100, 100, 50]
    assert (
        account.effects(ROUTES[TAGS]) == 4
    )  # the second, after which the worker was gone, is one that can be repeated
    assert all(contact["tags"] == ["vip"] for contact in account.held("contacts"))


def test_a_part_that_is_refused_ends_the_step(engine: Engine, account: Account) -> None:
    run = errand(engine, account, tagging(), ids=contacts(account, 250))
    account.fault("POST", "/contacts/bulk/tags/update/add", status=422, message=["too many"], skip=1)
    assert run.carry() == "failed"
    assert "422 too many" in run.row["reason"]
    assert states(run) == {"1.1": ("done", 1), "1.2": ("failed", 1)}
    assert sum(contact["tags"] == ["vip"] for contact in account.held("contacts")) == 100


def test_each_item_of_a_loop_has_its_own_parts(engine: Engine, account: Account) -> None:
    ids = contacts(account, 130)
    run = errand(engine, account, tagging("{{ item }}", for_each="record.groups"), groups=[ids[:120], ids[120:]])
    assert run.carry() == "done", run.row["reason"]
    assert sizes(engine, "contacts") == [100, 20, 10]
    assert states(run) == dict.fromkeys(("1.1.1", "1.1.2", "1.2.1"), ("done", 1))


def test_a_step_that_is_passed_over_has_one_record(engine: Engine, account: Account) -> None:
    run = errand(engine, account, tagging("{{ record.nothing.there }}", when="record.wanted"), wanted=False)
    assert run.carry() == "done", run.row["reason"]
    assert states(run) == {"1.1": ("skipped", 0)}
    assert engine.wire.sent == []
