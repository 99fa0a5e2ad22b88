"""Rankr and HighLevel in both directions: what happens at one is found at the other, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.acting import BOTH, Stage, acted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with acted(tmp_path_factory.mktemp("stage"), *BOTH) as made:
        yield made


def attached(stage: Stage, document: str) -> set[str]:
    """The HighLevel contacts that a document is attached to."""
    [paper] = stage.records("rankr.documents", id=document)
    return {each["record_id"] for each in paper["attachments"] if each["system"] == "highlevel"}


def test_a_lead_becomes_a_contact_with_its_documents_and_a_client(stage: Stage) -> None:
    client = {"name": "Iris West", "email": "iris@example.com"}
    paper = stage.create("rankr.documents", {"title": "Survey", "client": client})
    lead = stage.create("rankr.leads", {**client, "phone": "+15550123", "company": "West Ltd"})
    stage.until(lambda: [each for each in stage.records("contacts", email="iris@example.com") if each["tags"]])
    contact = stage.one("contacts", email="iris@example.com")
    told = {name: contact[name] for name in ("firstName", "lastName", "phone", "companyName", "tags")}
    assert told == {
        "firstName": "Iris",
        "lastName": "West",
        "phone": "+15550123",
        "companyName": "West Ltd",
        "tags": ["rankr"],
    }
    linked = stage.one("rankr.clients", email="iris@example.com")
    fields = {"Rankr lead": lead, "Rankr client": linked["id"], "Rankr documents": f"Survey: {paper}\n"}
    assert stage.fields(contact) == fields
    assert (linked["external_id"], linked["lead_id"], linked["company"]) == (contact["id"], lead, "West Ltd")
    assert attached(stage, paper) == {contact["id"]}
    stage.patch("rankr.leads", lead, phone="+15550124")
    stage.until(lambda: stage.records("contacts", email="iris@example.com", phone="+15550124"))
    stage.quiet()
    assert len(stage.records("contacts", email="iris@example.com")) == 1
    assert len(stage.records("rankr.clients", email="iris@example.com")) == 1
    assert len(stage.records("notes", title=f"Rankr document {paper}")) == 1


def test_a_lead_with_nothing_but_a_phone_number_is_enough(stage: Stage) -> None:
    lead = stage.create("rankr.leads", {"phone": "+15550177"})
    contact = stage.one("contacts", phone="+15550177")
    stage.one("rankr.clients", external_id=contact["id"])
    stage.quiet()
    [contact] = stage.records("contacts", phone="+15550177")
    assert stage.fields(contact)["Rankr lead"] == lead
    assert {contact.get("email"), contact.get("firstName"), contact.get("companyName")} == {None}


def test_what_a_lead_lacks_is_left_as_it_is_at_the_contact(stage: Stage) -> None:
    known = stage.contact(email="kim@example.com", firstName="Kim", phone="+15550188", companyName="Kim & Co")
    stage.create("rankr.leads", {"email": "kim@example.com"})
    stage.one("rankr.clients", external_id=known)
    stage.quiet()
    [contact] = stage.records("contacts", email="kim@example.com")
    assert [contact[name] for name in ("firstName", "phone", "companyName")] == ["Kim", "+15550188", "Kim & Co"]


def test_a_document_has_one_note_that_follows_its_status(stage: Stage) -> None:
    client = {"name": "Lena Hall", "email": "lena@example.com"}
    paper = stage.create("rankr.documents", {"title": "Lease", "client": client, "status": "sent"})
    title = f"Rankr document {paper}"
    note = stage.one("notes", title=title)
    assert note["body"].splitlines()[:2] == ["Lease", "Status: sent"]
    for status in ("viewed", "signed"):
        stage.vendor.ask("POST", "signatures", {"document": paper, "status": status})
        stage.until(lambda status=status: f"Status: {status}" in stage.one("notes", title=title)["body"])
    stage.until(lambda: stage.one("contacts", email="lena@example.com")["tags"] == ["document-signed"])
    stage.quiet()
    contact = stage.one("contacts", email="lena@example.com")
    assert stage.one("notes", title=title) | {"dateUpdated": 0} == {
        **note,
        "body": "Lease\nStatus: signed\n",
        "dateUpdated": 0,
    }
    assert note["contactId"] == contact["id"]
    assert attached(stage, paper) == {contact["id"]}


def test_a_client_and_its_contact_follow_each_other_without_an_echo(stage: Stage) -> None:
    client = stage.create("rankr.clients", {"name": "Mia Lund", "email": "mia@example.com"})
    stage.quiet()
    address = {"street": "1 Main St", "city": "Lund", "postal_code": "22100", "country": "SE"}
    stage.patch("rankr.clients", client, company="Lund AB", address=address)
    contact = stage.one("contacts", email="mia@example.com")
    stage.one("rankr.clients", external_id=contact["id"])
    stage.quiet()
    [contact] = stage.records("contacts", email="mia@example.com")
    told = {name: contact.get(name) for name in ("companyName", "address1", "city", "postalCode", "country", "tags")}
    assert told == {
        "companyName": "Lund AB",
        "address1": "1 Main St",
        "city": "Lund",
        "postalCode": "22100",
        "country": "SE",
        "tags": ["rankr"],
    }
    stage.patch("contacts", contact["id"], city="Malmö", firstName="Maria")
    stage.until(lambda: stage.one("rankr.clients", id=client)["address"]["city"] == "Malmö")
    assert stage.one("rankr.clients", id=client)["name"] == "Maria Lund"
    stage.patch("rankr.clients", client, email="maria@example.com")
    stage.until(lambda: stage.records("contacts", id=contact["id"], email="maria@example.com"))
    stage.quiet()
    writes = [stage.effects(path) for path in ("/contacts/upsert", "/rankr/v1/clients/upsert", "/contacts/*")]
    stage.quiet()
    assert [stage.effects(path) for path in ("/contacts/upsert", "/rankr/v1/clients/upsert", "/contacts/*")] == writes
    assert stage.records("contacts", email="mia@example.com") == []
    assert len(stage.records("contacts", email="maria@example.com")) == 1
    assert len(stage.records("rankr.clients", external_id=contact["id"])) == 1
