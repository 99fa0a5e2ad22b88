"""The engine at work under `hightide run`, and every command that looks at it or puts it right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.console.shell import GREET, TOKEN, Done, Engine, Vendor, hightide, running, sandbox, write_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NOTES = "/contacts/{contactId}/notes"
CAMPAIGN = """\
  campaign:
    trigger: {use: ghl.contacts.search, connection: acme, on: new, every: 1m}
    when: "'campaign' in record.tags"
    steps:
      - id: added
        use: ghl.contacts.campaigns.add
        with: {contactId: "{{ record.id }}", campaignId: "${CAMPAIGN}"}
      - use: ghl.contacts.notes.create
        with: {contactId: "{{ record.id }}", body: "added {{ steps.added.id | default('it') }}"}
"""


class Shop:
    """A project whose engine is at work, and its vendor."""

    def __init__(self, engine: Engine, vendor: Vendor) -> None:
        self.engine, self.vendor = engine, vendor

    def run(self, *words: str) -> Done:
        return hightide(*words, project=self.engine.folder)

    def lead(self, *tags: str) -> str:
        """A new contact, and the feed due."""
        [contact] = self.vendor.leads(1, *tags)
        assert self.run("nudge", "greet").status == 0
        return contact

    def run_of(self, contact: str, automation: str, *states: str) -> Any:
        """The run of an automation for a contact, once it is in one of these states."""

        def found() -> Any:
            runs = self.run("runs", "--automation", automation, "--json", "--limit", "1000").json
            return next((run for run in runs if run["key"] == contact and run["state"] in states), None)

        return self.engine.wait(found)

    def notes(self, contact: str) -> list[str]:
        return [each["body"]["body"] for each in self.vendor.effects(NOTES) if contact in each["path"]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The tests of this file share it; each has contacts of its own."""
    folder = tmp_path_factory.mktemp("work") / "shop"
    with sandbox() as vendor:
        write_project(folder, vendor.url, GREET + CAMPAIGN)
        with (folder / ".env").open("a") as env:
            env.write(f"CAMPAIGN={vendor.campaign()}\n")
        with running(folder) as engine:
            engine.ready()
            yield Shop(engine, vendor)


def test_the_status_shows_processes_feeds_and_runs(shop: Shop) -> None:
    shop.engine.wait(lambda: len(shop.engine.status()["processes"]) == 2)
    told = shop.engine.status()
    assert {(each["role"], each["state"]) for each in told["processes"]} == {("beat", "running"), ("worker", "running")}
    [feed] = told["feeds"]
    assert (feed["state"], feed["automations"], feed["interval"]) == ("ok", ["campaign", "greet"], 60.0)
    assert set(told["runs"]) == {"open", "done", "failed", "uncertain", "skipped"}
    assert told["breakers"] == []
    shown = shop.run("status")
    assert "beat" in shown.out
    assert feed["id"] in shown.out


def test_a_lead_is_greeted_once_and_its_run_tells_how(shop: Shop) -> None:
    contact = shop.lead("lead")
    run = shop.run_of(contact, "greet", "done")
    assert len(shop.notes(contact)) == 1
    told = shop.run("show-run", str(run["id"]), "--json").json
    assert [(step["name"], step["state"], step["attempts"]) for step in told["steps"]] == [
        ("tag", "done", 1),
        ("note", "done", 1),
    ]
    assert told["record"]["id"] == contact
    assert told["steps"][1]["inputs"]["contactId"] == contact
    assert told["next"] == "Nothing is left to do."
    assert contact in shop.run("show-run", str(run["id"])).out


def test_a_failed_run_is_shown_with_the_vendors_words_and_taken_up_again(shop: Shop) -> None:
    fault = {"match": {"method": "POST", "path": "/contacts/*/notes"}, "status": 400, "message": "No notes today"}
    shop.vendor.ask("POST", "faults", {**fault, "count": 1})
    contact = shop.lead("lead")
    run = shop.run_of(contact, "greet", "failed")
    told = shop.run("show-run", str(run["id"]))
    assert "No notes today" in told.out
    assert f"hightide retry {run['id']}" in told.out
    assert str(run["id"]) in shop.run("runs", "--state", "failed").out
    assert shop.run("retry", str(run["id"])).status == 0
    shop.run_of(contact, "greet", "done")
    assert len(shop.notes(contact)) == 1
    again = shop.run("retry", str(run["id"]), "9999")
    assert again.status == 1
    assert "it is done" in again.err
    assert "there is no run 9999" in again.err


@pytest.mark.parametrize("how", ["done", "skip"])
def test_an_uncertain_run_waits_for_a_person(shop: Shop, how: str) -> None:
    fault = {"match": {"method": "POST", "path": "/contacts/*/campaigns/*"}, "status": 500, "when": "after", "count": 1}
    shop.vendor.ask("POST", "faults", fault)
    contact = shop.lead("campaign")
    run = shop.run_of(contact, "campaign", "uncertain")
    assert f"hightide resolve {run['id']}" in shop.run("show-run", str(run["id"])).out
    words = ["--id", "c-1"] if how == "done" else []
    assert shop.run("resolve", str(run["id"]), how, *words).status == 0
    shop.run_of(contact, "campaign", "done")
    assert shop.notes(contact) == ["added c-1" if how == "done" else "added it"]
    refused = shop.run("resolve", str(run["id"]), "skip")
    assert refused.status == 1


def test_what_came_from_a_variable_is_stored_as_it_was_written(shop: Shop) -> None:
    contact = shop.lead("campaign")
    run = shop.run_of(contact, "campaign", "done")
    told = shop.run("show-run", str(run["id"]), "--json").json
    assert told["steps"][0]["inputs"]["campaignId"] == "${CAMPAIGN}"


def test_a_replay_fires_again(shop: Shop) -> None:
    contact = shop.lead("lead")
    first = shop.run_of(contact, "greet", "done")
    counted = shop.run("replay", "greet", "--since", first["created_at"], "--dry-run", "--json").json
    assert counted["fired"] >= 1
    assert shop.run("replay", "greet", "--since", first["created_at"]).status == 0
    shop.engine.wait(lambda: len(shop.notes(contact)) == 2)
    unknown = shop.run("replay", "gret", "--since", "1h")
    assert unknown.status == 1
    assert "there are: campaign, greet" in unknown.err


def test_it_is_explained_why_a_record_fired_or_did_not(shop: Shop) -> None:
    contact = shop.lead("neither")
    shop.run_of(contact, "greet", "skipped")
    told = shop.run("explain", "greet", contact, "--json").json
    [event] = told["events"]
    assert {run["automation"]: run["state"] for run in event["runs"]} == {"greet": "skipped", "campaign": "skipped"}
    assert any("its `when` is false" in line for line in told["why"])
    [old, *_] = [each["id"] for each in shop.vendor.ask("GET", "state?table=contacts")["contacts"]]
    known = shop.run("explain", "greet", old, "--ask")
    # it is still within the look-back, or has become too old for it meanwhile
    assert "from its first poll" in known.out or "it was there before the feed began" in known.out
    assert "The vendor has it" in known.out
    nobody = shop.run("explain", "greet", "nobody", "--ask")
    assert "The feed has not met it." in nobody.out
    assert "The vendor has no record with this key" in nobody.out


def test_a_cursor_is_shown_turned_back_and_begun_anew(shop: Shop) -> None:
    began = datetime.now(UTC).isoformat()  # what was there at the first poll is not met again
    contact = shop.lead("lead")
    shop.run_of(contact, "greet", "done")
    assert "a watermark feed" in shop.run("cursor", "show", "greet").out

    def turned(*words: str) -> bool:
        done = shop.run("cursor", *words)
        assert done.status == 0 or "being polled" in done.err, done.err
        return done.status == 0

    shop.engine.wait(lambda: turned("rewind", "greet", "--to", began))
    polls = shop.engine.status()["feeds"][0]["polls"]
    shop.engine.wait(lambda: shop.engine.status()["feeds"][0]["polls"] > polls)
    shop.engine.wait(lambda: not shop.engine.status()["runs"]["open"])
    assert len(shop.notes(contact)) == 1  # what had fired does not fire again
    shop.engine.wait(lambda: turned("reset", "greet"))
    shop.engine.wait(lambda: shop.run("cursor", "show", "greet", "--json").json["cursor"]["phase"] == "steady")
    assert shop.run("cursor", "show", "nothing").status == 1


def test_names_that_the_ledger_does_not_know_are_told_with_those_it_does(shop: Shop) -> None:
    for words in (["nudge", "gret"], ["explain", "gret", "x"]):
        done = shop.run(*words)
        assert done.status == 1
        assert "there are: campaign, greet" in done.err


def test_a_second_run_in_the_same_project_is_refused(shop: Shop) -> None:
    done = shop.run("run")
    assert done.status == 1
    assert "is running in" in done.err


def test_everything_that_is_said_is_a_line_of_ours_or_json_and_holds_no_secret(shop: Shop) -> None:
    said = shop.engine.said
    assert TOKEN not in said
    for line in said.splitlines():
        assert line.startswith(("hightide: ", "warning: ")) or json.loads(line)["event"], line
