"""The recipes: a contract for each new lead, an offer that is approved first, a reminder before a contract ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.examples.acting import BOTH, Stage, acted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
DAY = 86_400


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with acted(tmp_path_factory.mktemp("stage"), *BOTH) as made:
        yield made


def in_days(days: int) -> str:
    return time.strftime("%Y-%m-%dT00:00:00.000Z", time.gmtime(time.time() + days * DAY))


@pytest.mark.parametrize(
    ("more", "name"),
    [({"firstName": "Nora", "lastName": "Vale"}, "Nora Vale"), ({"country": "AT", "source": "fair"}, None)],
)
def test_a_new_lead_gets_one_contract_and_its_document(stage: Stage, more: dict[str, Any], name: str | None) -> None:
    email = f"{name or 'nobody'}@example.com".replace(" ", ".").lower()
    lead = stage.contact(email=email, tags=["lead"], **more)
    contract = stage.one("rankr.contracts", external_id=lead)
    assert contract["client"]["name"] == (name or email)
    assert contract["fields"] == {"service": more.get("source", "Consulting"), "country": more.get("country", "US")}
    note = stage.one("notes", title=f"Rankr contract {contract['id']}")
    stage.quiet()
    assert note["contactId"] == lead
    assert len(stage.records("rankr.contracts", external_id=lead)) == 1
    [contact] = stage.records("contacts", id=lead)
    assert stage.fields(contact) == {"Rankr contract": contract["id"]}
    [paper] = stage.records("rankr.documents", contract_id=contract["id"])
    assert [each["record_id"] for each in paper["attachments"]] == [lead]
    assert len(stage.records("notes", contactId=lead)) == 2  # of the contract, and of its document


def test_a_contact_that_is_no_lead_gets_no_contract(stage: Stage) -> None:
    plain = stage.contact(email="plain@example.com", tags=["guest"])
    stage.quiet()
    assert stage.records("rankr.contracts", external_id=plain) == []


def test_an_offer_is_filled_once_and_sent_for_approval(stage: Stage) -> None:
    asked = stage.contact(email="otto@example.com", firstName="Otto", city="Graz", tags=["send-offer"])
    stage.until(lambda: stage.records("contacts", id=asked, tags=["offer-in-approval"]))
    stage.patch("contacts", asked, tags=["offer-in-approval", "send-offer"])  # again within the day
    stage.quiet()
    [offer] = [
        each for each in stage.records("rankr.documents", template_id="offer") if each["client"]["name"] == "Otto"
    ]
    assert (offer["status"], offer["purpose"]) == ("sent", "approval")
    assert offer["signers"] == [{"name": "Sales desk", "email": "approvals@example.com"}]
    assert offer["fields"] | {"valid_until": ""} == {"amount": "€950.00", "city": "Graz", "valid_until": ""}
    stage.vendor.ask("POST", "signatures", {"document": offer["id"], "status": "approved"})
    stage.until(lambda: "approved" in stage.one("notes", title=f"Rankr document {offer['id']}")["body"])


def test_a_contract_that_nears_its_end_is_reminded_of_at_each_threshold(stage: Stage) -> None:
    client = {"id": "cli_fields", "name": "Donald Fields", "email": "donald.fields@example.com"}
    contract = stage.create(
        "rankr.contracts",
        {"title": "Cleaning", "client": client, "status": "active", "ends_at": in_days(60), "value": 800},
    )
    stage.quiet()
    assert stage.records("tasks", title="Renew Cleaning") == []
    stage.patch("rankr.contracts", contract, ends_at=in_days(20))
    task = stage.one("tasks", title="Renew Cleaning")
    stage.patch("rankr.contracts", contract, ends_at=in_days(5))
    stage.until(lambda: len(stage.records("tasks", contactId=task["contactId"])) == 2)
    stage.quiet()
    [later] = [each for each in stage.records("tasks", contactId=task["contactId"]) if each["id"] != task["id"]]
    assert later["title"].startswith("Last call: Cleaning ends on ")
    assert "$800.00" in later["body"]
    assert stage.one("contacts", id=task["contactId"])["tags"] == ["renewal-due"]


def test_a_contract_that_was_near_its_end_before_is_reminded_of_too(stage: Stage) -> None:
    [rivers] = stage.records("rankr.contracts", id="con_rivers")
    stage.one("tasks", title=f"Renew {rivers['title']}")
