"""The examples with workers that are killed in the middle, and vendors that refuse for a while: all once."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.examples.acting import BOTH, Stage, acted
from tests.faults.house import kill
from worker import corrections
from worker.ledger.database import now_ms
from worker.ledger.tables import RUNS, STEPS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
PEOPLE = range(5)
SOON = time.strftime("%Y-%m-%dT00:00:00.000Z", time.gmtime(time.time() + 20 * 86_400))


def busy(stage: Stage) -> None:
    """Something for each of the examples."""
    for number in PEOPLE:
        client = {"name": f"Rae {number}", "email": f"rae-{number}@example.com"}
        stage.create("rankr.documents", {"title": f"Paper {number}", "client": client, "status": "sent"})
        stage.create("rankr.leads", client)
        stage.contact(email=f"lead-{number}@example.com", tags=["lead"])
        stage.contact(email=f"offered-{number}@example.com", tags=["send-offer"])
        contract = {"title": f"Contract {number}", "client": client, "status": "active", "ends_at": SOON}
        stage.create("rankr.contracts", contract)
    stage.patch("rankr.clients", "cli_fields", company="Fields & Daughters")


def change(stage: Stage) -> None:
    """What there is changes at Rankr."""
    for paper in stage.records("rankr.documents", status="sent", template_id=None):
        stage.vendor.ask("POST", "signatures", {"document": paper["id"], "status": "signed"})
    for lead in stage.records("rankr.leads"):
        if (lead.get("email") or "").startswith("rae-"):
            stage.patch("rankr.leads", lead["id"], company="Rae & Co")


def settle(stage: Stage) -> int:
    """Do what a person would about attempts that nobody can tell of: look at HighLevel, and say so; how many."""
    wanted = select(STEPS).join(RUNS, RUNS.c.id == STEPS.c.run).where(RUNS.c.state == "uncertain")
    held = stage.house.store.read_now(lambda c: c.execute(wanted.where(STEPS.c.state == "uncertain")).all())
    for step in held:
        inputs = json.loads(step.inputs)
        table = "tasks" if "tasks" in step.action else "notes"
        there = stage.records(table, contactId=inputs["contactId"], title=inputs["title"])
        how: corrections.Settlement = "done" if there else "retry"
        stage.house.store.write_now(corrections.resolve, step.run, how, now_ms())
    return len(held)


def once(stage: Stage, table: str, name: str, **fields: Any) -> list[dict[str, Any]]:
    """The records with these values, of which no two have the same under that name."""
    found = stage.records(table, **fields)
    assert max(Counter(json.dumps(each[name]) for each in found).values(), default=1) == 1, found
    return found


def expect_all_once(stage: Stage) -> None:
    """Whatever the examples owe is there, and nothing is there twice."""
    contacts = {each["email"]: each for each in once(stage, "contacts", "email")}
    clients = {each["email"]: each for each in once(stage, "rankr.clients", "email")}
    papers = [each for each in stage.records("rankr.documents") if each.get("client")]
    bodies = {each["title"]: each["body"] for each in once(stage, "notes", "title")}
    titles = [each["title"] for each in stage.records("tasks")]
    contracts = {each["external_id"]: each for each in once(stage, "rankr.contracts", "id") if each.get("external_id")}
    offers = [each for each in papers if each.get("template_id") == "offer"]
    for number in PEOPLE:
        rae, lead = contacts[f"rae-{number}@example.com"], contacts[f"lead-{number}@example.com"]
        assert {"rankr", "document-signed", "renewal-due"} <= set(rae["tags"])
        assert (rae["companyName"], clients[rae["email"]]["external_id"]) == ("Rae & Co", rae["id"])
        assert titles.count(f"Renew Contract {number}") == 1
        assert stage.fields(lead) == {"Rankr contract": contracts[lead["id"]]["id"]}
        assert f"Rankr contract {contracts[lead['id']]['id']}" in bodies
        assert contacts[f"offered-{number}@example.com"]["tags"] == ["offer-in-approval"]
    assert Counter(each["client"]["email"] for each in offers) == {f"offered-{n}@example.com": 1 for n in PEOPLE}
    assert len(contracts) == len(PEOPLE)
    for paper in papers:
        assert f"Status: {paper['status']}" in bodies[f"Rankr document {paper['id']}"]
        assert contacts[paper["client"]["email"]]["id"] in {each["record_id"] for each in paper["attachments"]}
    assert contacts["donald.fields@example.com"]["companyName"] == "Fields & Daughters"


def test_workers_that_are_killed_in_the_middle_leave_nothing_out_and_do_nothing_twice(tmp_path: Path) -> None:
    with acted(tmp_path, *BOTH) as stage:
        house = stage.house
        for path in ("/contacts/*", "/rankr/v1/*"):
            for method in ("POST", "PUT"):
                slow = {"match": {"method": method, "path": path}, "delay": 0.4, "when": "after"}
                stage.vendor.ask("POST", "faults", slow)
        busy(stage)
        house.until_effects(5)
        kill(house.busiest(house.family("console worker").pid))
        house.until_effects(5)
        worker = house.family("console worker")
        for each in [worker, *worker.children(recursive=True)]:
            kill(each)
        house.until_effects(5)
        change(stage)
        stage.vendor.ask("DELETE", "faults")
        stage.quiet()
        while settle(stage):
            stage.quiet()
        expect_all_once(stage)


def test_vendors_that_refuse_for_a_while_are_waited_for(tmp_path: Path) -> None:
    with acted(tmp_path, *BOTH) as stage:
        for path, status in (("/contacts/*", 429), ("/rankr/*", 503)):
            stage.vendor.ask("POST", "faults", {"match": {"path": path}, "status": status, "rate": 0.6, "seed": 1})
        busy(stage)
        stage.until(lambda: stage.vendor.ask("GET", "stats")["by_status"].get("503", 0) >= 10)
        change(stage)
        stage.until(lambda: stage.vendor.ask("GET", "stats")["by_status"].get("429", 0) >= 10)
        stage.vendor.ask("DELETE", "faults")
        stage.quiet()
        while settle(stage):
            stage.quiet()
        expect_all_once(stage)
