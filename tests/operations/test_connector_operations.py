"""Rankr and 0CodeKit beyond what every operation does: thresholds, statuses, pages, tokens, broken connections."""

from __future__ import annotations

from typing import Any, Literal

import orjson
import pytest

from config.automation import Automation
from tests.operations.connector_deeds import CONTRACT, RANKR
from tests.operations.connectors import KitAccount, RankrAccount
from tests.operations.deeds import Deed
from tests.operations.engine import TRIGGERS, Engine, Errand, Killed, Watcher
from tests.operations.scenes import in_days
from tests.operations.test_action_operations import Doing
from triggers.trigger import Watch
from worker.ledger.runs import LEASE
from worker.orders import definition_of

pytestmark = pytest.mark.slow

DAY = 86_400


@pytest.fixture
def rankr(engine: Engine) -> RankrAccount:
    """Rankr, with an app of this test's own."""
    return RankrAccount(engine.vendor)


def watch(engine: Engine, account: RankrAccount, trigger: str, watched: Watch = "new", **params: Any) -> Watcher:
    """A feed that has had its baseline."""
    row = TRIGGERS[f"rankr.{trigger}"]
    watcher = Watcher(engine, engine.connection(account, "main"), row, params, watch=watched)
    assert watcher.poll().events == []
    return watcher


def ends(account: RankrAccount, contract: str, days: float) -> None:
    account.record("rankr.contracts", "patch", contract, ends_at=in_days(days))


# Contracts that near their end.


def test_a_contract_is_told_of_once_for_each_threshold(engine: Engine, rankr: RankrAccount) -> None:
    rankr.record("rankr.contracts", "delete", "con_rivers")
    month = watch(engine, rankr, "contracts.expiring", expires_within="30d")
    week = watch(engine, rankr, "contracts.expiring", expires_within="7d")
    contract = rankr.contract(in_days(40))
    assert (month.poll().events, week.poll().events) == ([], [])
    engine.wait(12 * DAY)
    assert (month.poll().events, week.poll().events) == ([("new", contract)], [])
    engine.wait(5 * DAY)
    assert (month.poll().events, week.poll().events) == ([], [])
    engine.wait(18 * DAY)
    assert [("new", contract)] == week.poll().events
    assert month.poll().events == []


def test_a_contract_whose_end_moves_away_is_told_of_when_it_comes_near_again(
    engine: Engine, rankr: RankrAccount
) -> None:
    contract = rankr.contract(in_days(40))
    watcher = watch(engine, rankr, "contracts.expiring", expires_within="30d")
    for days, events in (
        (20, [("new", contract)]),
        (25, []),
        (400, [("removed", contract)]),
        (10, [("new", contract)]),
    ):
        ends(rankr, contract, days)
        assert watcher.poll().events == events
        assert watcher.poll().events == []


def test_only_contracts_in_force_near_their_end(engine: Engine, rankr: RankrAccount) -> None:
    watcher = watch(engine, rankr, "contracts.expiring", expires_within="30d")
    rankr.contract(in_days(10), status="draft")
    rankr.contract(in_days(10), status="terminated")
    assert watcher.poll().events == []


def test_what_is_near_already_is_told_of_from_the_beginning(engine: Engine, rankr: RankrAccount) -> None:
    row = TRIGGERS["rankr.contracts.expiring"]
    connection = engine.connection(rankr, "main")
    watcher = Watcher(engine, connection, row, {"expires_within": "30d"}, start="beginning")
    assert watcher.poll().events == [("new", "con_rivers")]


# Documents.


def test_each_status_of_a_document_is_an_event_with_that_status(engine: Engine, rankr: RankrAccount) -> None:
    watcher = watch(engine, rankr, "documents.list", "updated")
    document = rankr.document()
    assert watcher.poll().events == [("new", document)]
    rankr.record("rankr.documents", "patch", document, title="Plans")
    assert watcher.poll().events == []
    rankr.record("rankr.documents", "patch", document, status="sent")
    for status in ("viewed", "declined"):
        rankr.answered(document, status)
        polled = watcher.poll()
        assert polled.events == [("updated", document)]
        assert [orjson.loads(record)["status"] for record in polled.records] == [status]


def test_a_status_that_goes_and_comes_back_is_two_events(engine: Engine, rankr: RankrAccount) -> None:
    document = rankr.document()
    watcher = watch(engine, rankr, "documents.list", "updated")
    for status in ("sent", "draft", "sent"):
        rankr.record("rankr.documents", "patch", document, status=status)
        assert watcher.poll().events == [("updated", document)]


def test_only_what_is_asked_for_is_told(engine: Engine, rankr: RankrAccount) -> None:
    signed = watch(engine, rankr, "documents.list", "updated", status="signed", client_id="cli_rivers")
    ours, theirs = rankr.document(), rankr.document("cli_fields")
    for document in (ours, theirs):
        rankr.record("rankr.documents", "patch", document, status="sent")
    assert signed.poll().events == []
    for document in (ours, theirs):
        rankr.answered(document, "signed")
    assert [key for _, key in signed.poll().events] == [ours]


# Pages.


@pytest.mark.parametrize("watched", ["new", "updated"])
def test_many_at_once_come_page_by_page_each_once(engine: Engine, rankr: RankrAccount, watched: Watch) -> None:
    watcher = watch(engine, rankr, "leads.list", watched)
    made = engine.vendor.steer("leads", {"vendor": "rankr", "count": 230})["ids"]
    polled = watcher.poll()
    assert polled.events == [("new", key) for key in made]
    assert polled.requests == 3
    assert watcher.poll().events == []


@pytest.mark.parametrize("count", [100, 200])
def test_a_last_page_that_is_full_ends_the_list(engine: Engine, rankr: RankrAccount, count: int) -> None:
    watcher = watch(engine, rankr, "leads.list")
    engine.wait(600)
    made = engine.vendor.steer("leads", {"vendor": "rankr", "count": count})["ids"]
    assert watcher.poll().events == [("new", key) for key in made]


@pytest.mark.parametrize("how", ["insert", "delete", "touch"])
@pytest.mark.parametrize("trigger", ["leads.list", "templates.list"])
def test_a_list_that_shifts_between_two_pages_loses_nothing(
    engine: Engine, rankr: RankrAccount, trigger: str, how: str
) -> None:
    table = f"rankr.{trigger.partition('.')[0]}"
    watcher = watch(engine, rankr, trigger)
    made = [rankr.record(table, "create", name=f"{number}") for number in range(130)]
    path = f"/rankr/v1/{trigger.partition('.')[0]}"
    engine.vendor.steer("faults", {"match": {"path": path}, "page": "shift", "how": how, "count": 1})
    events = watcher.poll().events + watcher.poll().events
    new = [key for kind, key in events if kind == "new"]
    assert set(made) <= set(new)
    assert len(new) == len(set(new)) == len(made) + (how == "insert")


def test_leads_of_one_instant_are_each_told_once(engine: Engine, rankr: RankrAccount) -> None:
    watcher = watch(engine, rankr, "leads.list")
    engine.vendor.steer("clock", {"equal_times": 150})
    made = [rankr.lead(name=f"{number}", email=None) for number in range(150)]
    assert sorted(watcher.poll().events) == sorted(("new", key) for key in made)
    assert watcher.poll().events == []


# Crashes.


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_another_run_made_is_not_taken_for_ones_own(
    engine: Engine, rankr: RankrAccount, when: Literal["before", "after"]
) -> None:
    connection = engine.connection(rankr, "main")
    first, second = (Errand(engine, connection, "rankr.contracts.create", CONTRACT) for _ in range(2))
    assert first.carry() == "done"
    engine.wire.dies = when
    with pytest.raises(Killed):
        second.carry()
    engine.wire.dies = None
    engine.wait(LEASE / 1000 + 1)
    assert second.end() == "done"
    made = [each["id"] for each in rankr.held("rankr.contracts", template_id="nda")]
    assert sorted(made) == sorted([first.step["result_id"], second.step["result_id"]])


# Tokens.


def test_a_token_that_has_ended_is_replaced_while_polling_and_while_acting(engine: Engine, rankr: RankrAccount) -> None:
    watcher = watch(engine, rankr, "leads.list")
    engine.wait(3600)
    lead = rankr.lead()
    assert watcher.poll().events == [("new", lead)]
    engine.wait(3600)
    inputs = {"email": "eve@example.com", "name": "Eve"}
    errand = Errand(engine, watcher.connection, "rankr.clients.upsert", inputs)
    assert errand.carry() == "done"
    assert errand.step["attempts"] == 1
    assert len(rankr.held("rankr.clients", email="eve@example.com")) == 1


def test_a_wrong_secret_fails_in_the_vendors_words_and_is_not_shown(engine: Engine, rankr: RankrAccount) -> None:
    rankr.app["client_secret"] = "guessed-wrong"
    errand = Errand(engine, engine.connection(rankr, "main"), "rankr.clients.upsert", {"email": "eve@example.com"})
    assert errand.carry() == "failed"
    assert "The client id or the client secret is wrong." in errand.row["reason"]
    assert "guessed-wrong" not in errand.row["reason"]


def test_without_its_scope_a_poll_fails_in_the_vendors_words(engine: Engine, rankr: RankrAccount) -> None:
    engine.vendor.steer("apps", {**rankr.app, "vendor": "rankr", "scopes": ["clients:read"]})
    row = TRIGGERS["rankr.leads.list"]
    polled = Watcher(engine, engine.connection(rankr, "main"), row, {}).poll()
    assert polled.failed is not None
    assert "The client may not have leads:read" in polled.failed


# Connections that break.


@pytest.mark.parametrize("deed", RANKR, ids=[deed.name for deed in RANKR])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_is_cut_is_settled(engine: Engine, deed: Deed, when: Literal["before", "after"]) -> None:
    doing = Doing(deed, engine)
    doing.fault(cut=True, when=when)
    doing.errand.end()
    doing.assert_done()


# 0CodeKit.


def test_a_result_is_the_next_steps_input(engine: Engine, rankr: RankrAccount) -> None:
    kit, other = engine.connection(KitAccount(engine.vendor), "key"), engine.connection(rankr, "main")
    plain: dict[str, Any] = {"when": None, "for_each": None, "on_error": "stop", "on_uncertain": "hold"}
    steps = [
        {"id": "name", "use": "0codekit.name.split", "with": {"name": "{{ record.name }}"}, "connection": kit.name},
        {
            "id": "land",
            "use": "0codekit.country.convert",
            "with": {"iso": "{{ record.country }}"},
            "connection": kit.name,
        },
        {
            "id": "client",
            "use": "rankr.clients.upsert",
            "connection": other.name,
            "with": {
                "email": "{{ record.email }}",
                "name": "{{ steps.name.data.lastName }}, {{ steps.name.data.firstName }}",
                "address": {"country": "{{ steps.land.data.nation }}"},
            },
        },
    ]
    definition = definition_of("0codekit.name.split", kit.name) | {"steps": [{**plain, **step} for step in steps]}
    record = {"name": "Ada King Lovelace", "country": "GB", "email": "ada@example.com"}
    run = Errand(engine, kit, "0codekit.name.split", record, Automation.from_definition("kit", definition), (other,))
    assert run.end() == "done", run.row["reason"]
    [client] = rankr.held("rankr.clients", email="ada@example.com")
    assert (client["name"], client["address"]) == ("Lovelace, Ada King", {"country": "United Kingdom"})


def test_a_wrong_key_fails_in_the_vendors_words(engine: Engine) -> None:
    account = KitAccount(engine.vendor)
    account.key = "wrong-key"
    connection = engine.connection(account, "key")
    errand = Errand(engine, connection, "0codekit.name.split", {"name": "Ada"})
    assert errand.carry() == "failed"
    assert "401 The API key is missing or wrong." in errand.row["reason"]
    assert "wrong-key" not in errand.row["reason"]
