"""Rankr in the sandbox: tokens and scopes, lists and their pages, what is made of templates, what people sign."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.admin import Admin
from sandbox.gateway import Asked
from sandbox.rankr.access import SCOPES
from sandbox.server import new_sandbox
from tests.sandbox.conftest import Client, Got

CLIENT = {"name": "Ada Stone", "email": "Ada@Example.com"}


class Rankr(Client):
    """Calls Rankr with a token of its demo app."""

    def __post_init__(self) -> None:
        self.admin = Admin(self.sandbox)
        self.token = self.new_token()["access_token"]

    def new_token(self, **form: str) -> Got:
        app = {"client_id": "sandbox", "client_secret": "sandbox-rankr-secret"}
        given = {"grant_type": "client_credentials", **app, **form}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        path, content = "/rankr/oauth/token", urlencode(given).encode()
        return self.send(Asked(method="POST", path=path, pairs=[], headers=headers, content=content))

    def call(self, method: str, path: str, body: Any = None, query: Any = (), **more: Any) -> Got:
        return super().call(method, f"/rankr/v1/{path}", body, query, **more)

    def made(self, path: str, body: Any, **query: Any) -> dict[str, Any]:
        got = self.post(path, body, **query)
        assert got.status in {200, 201}, got.said
        return next(each for each in got.said.values() if isinstance(each, dict))

    def keys(self, path: str, **query: Any) -> list[str]:
        return [each["id"] for each in self.get(path, **query)["data"]]

    def lead(self, **fields: Any) -> str:
        return str(self.steer("records/rankr.leads", {"op": "create", "data": fields})["record"]["id"])

    def message(self, got: Got) -> str:
        return str(got["error"]["message"])


@pytest.fixture
def rankr() -> Iterator[Rankr]:
    """A fresh sandbox without limits."""
    sandbox = new_sandbox()
    sandbox.state.set(per_10s=None, per_day=None)
    return Rankr(sandbox, None)


# Tokens.


def test_a_token_lasts_for_as_long_as_it_says(rankr: Rankr) -> None:
    rankr.steer("tokens", {"rankr_lifetime": 60})
    got = rankr.new_token()
    assert (got["token_type"], got["expires_in"], got["scope"].split()) == ("Bearer", 60, list(SCOPES))
    rankr.token = got["access_token"]
    assert rankr.get("leads").status == 200
    rankr.steer("clock", {"advance": 61})
    refused = rankr.get("leads")
    assert (refused.status, refused["error"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("token", ["", "pit-one", "rankr-nope"])
def test_a_token_that_was_not_given_out_is_refused(rankr: Rankr, token: str) -> None:
    rankr.token = token
    assert rankr.get("leads").status == 401


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "leads:read everything"}, 400, "invalid_scope"),
    ],
)
def test_what_gets_no_token(rankr: Rankr, form: dict[str, str], status: int, error: str) -> None:
    got = rankr.new_token(**form)
    assert (got.status, got["error"]) == (status, error)
    assert got["error_description"]


def test_a_token_goes_as_far_as_its_scopes(rankr: Rankr) -> None:
    rankr.token = rankr.new_token(scope="clients:write leads:read")["access_token"]
    assert rankr.get("leads").status == 200
    assert rankr.get("clients").status == 200
    refused = rankr.get("documents")
    assert (refused.status, rankr.message(refused)) == (403, "The access token lacks the scope documents:read.")


def test_an_app_of_its_own_has_the_scopes_it_was_given(rankr: Rankr) -> None:
    app = {"client_id": "mine", "client_secret": "hush"}
    rankr.steer("apps", {**app, "vendor": "rankr", "scopes": ["leads:read"]})
    assert rankr.new_token(**app)["scope"] == "leads:read"


def test_highlevel_knows_nothing_of_it(client: Client) -> None:
    client.steer("apps", {"client_id": "mine", "client_secret": "hush", "vendor": "rankr"})
    assert client.get("/contacts/", locationId=client.location).status == 200


def test_an_address_that_there_is_not_is_not_found(rankr: Rankr) -> None:
    assert rankr.get("nothing").status == 404


# Lists.


def test_a_list_is_read_page_by_page_whatever_comes_meanwhile(rankr: Rankr) -> None:
    made = [rankr.lead(name=f"{number}") for number in range(5)]
    first = rankr.get("leads", limit=2)
    assert [each["id"] for each in first["data"]] == made[:2:-1]
    rankr.lead(name="meanwhile")
    second = rankr.get("leads", limit=2, cursor=first["next_cursor"])
    assert [each["id"] for each in second["data"]] == made[2:0:-1]
    rest = rankr.get("leads", limit=100, cursor=second["next_cursor"])
    assert [each["id"] for each in rest["data"]][:1] == made[:1]
    assert rest["next_cursor"] is None


def test_a_list_is_sorted_and_filtered_by_its_times(rankr: Rankr) -> None:
    old, new = rankr.lead(name="old"), rankr.lead(name="new")
    since = rankr.get("leads", limit=1)["data"][0]["created_at"]
    assert rankr.keys("leads", created_since=since) == [new]
    rankr.steer("records/rankr.leads", {"op": "patch", "id": old, "data": {"status": "lost"}})
    changed = {"updated_since": since, "sort": "updated_at"}
    assert rankr.keys("leads", **changed, order="asc") == [new, old]
    assert rankr.keys("leads", **changed, order="desc") == [old, new]
    assert rankr.keys("leads", status="lost") == [old]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 101}, 422),
        ({"limit": 0}, 422),
        ({"sort": "name"}, 422),
        ({"created_since": "soon"}, 422),
        ({"colour": "red"}, 422),
        ({"cursor": "nonsense"}, 400),
    ],
)
def test_what_a_list_does_not_take(rankr: Rankr, query: dict[str, Any], status: int) -> None:
    assert rankr.get("leads", **query).status == status


def test_a_cursor_belongs_to_one_order(rankr: Rankr) -> None:
    cursor = rankr.get("leads", limit=1)["next_cursor"]
    assert rankr.get("leads", cursor=cursor, order="asc").status == 400


# Clients and contacts.


@pytest.mark.parametrize("what", ["client", "contact"])
def test_an_upsert_finds_by_external_id_or_address_and_leaves_one(rankr: Rankr, what: str) -> None:
    path = f"{what}s/upsert"
    made = rankr.post(path, {"email": "Eve@Example.com", "fields": {"a": 1}})
    again = rankr.post(path, {"email": "eve@example.com", "external_id": "x1", "fields": {"b": 2}})
    assert (made.status, made["created"], again.status, again["created"]) == (201, True, 200, False)
    moved = rankr.post(path, {"external_id": "x1", "email": "eve@new.example.com"})[what]
    assert {made[what]["id"], again[what]["id"], moved["id"]} == {moved["id"]}
    assert (moved["email"], moved["fields"]) == ("eve@new.example.com", {"a": 1, "b": 2})
    assert made[what]["updated_at"] < again[what]["updated_at"] < moved["updated_at"]
    assert made[what]["created_at"] == moved["created_at"]
    assert rankr.post(path, {"name": "Nobody"}).status == 422


def test_a_lead_becomes_a_client(rankr: Rankr) -> None:
    lead = rankr.lead(name="Ada", email="ada@example.com")
    client = rankr.made("clients/upsert", {"email": "ada@example.com", "lead_id": lead})
    told = rankr.get("leads", email="ada@example.com")["data"][0]
    assert (told["client_id"], told["status"]) == (client["id"], "converted")
    assert rankr.post("clients/upsert", {"email": "a@example.com", "lead_id": "nope"}).status == 404


# Contracts and documents.


def test_a_contract_is_made_from_a_template_with_its_document(rankr: Rankr) -> None:
    body = {"template_id": "service-agreement", "client": CLIENT, "fields": {"service": "Roofing"}}
    contract = rankr.made("contracts", {**body, "ends_at": "2027-01-31", "external_id": "x"})
    assert (contract["status"], contract["ends_at"]) == ("draft", "2027-01-31T00:00:00.000Z")
    assert contract["client"]["email"] == "ada@example.com"
    document = rankr.get(f"documents/{contract['document_id']}")["document"]
    assert "Ada Stone books Roofing" in document["content"]
    assert rankr.keys("contracts", client_email="Ada@example.com", template_id="service-agreement") == [contract["id"]]
    again = rankr.made("contracts", body)
    assert again["client_id"] == contract["client_id"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"template_id": "nope"}, 404, "There is no template nope."),
        ({"fields": {}}, 422, "fields.service is required by the template service-agreement"),
        ({"fields": {"service": "a", "colour": "red"}}, 422, "fields.colour"),
        ({"fields": {"service": "a", "monthly_fee": "much"}}, 422, "fields.monthly_fee must be a number"),
        ({"fields": {"service": "a", "start_date": "soon"}}, 422, "fields.start_date must be a date"),
        ({"client": {"email": "a@example.com"}}, 422, "client.name should not be empty"),
        ({"starts_at": "2027-01-01", "ends_at": "2026-01-01"}, 422, "ends_at must be after starts_at"),
    ],
)
def test_what_makes_no_contract(rankr: Rankr, body: dict[str, Any], status: int, words: str) -> None:
    whole = {"template_id": "service-agreement", "client": CLIENT, "fields": {"service": "Roofing"}, **body}
    got = rankr.post("contracts", whole)
    assert got.status == status
    assert words in rankr.message(got)
    assert rankr.keys("clients", email="ada@example.com") == []


def test_a_document_goes_from_draft_to_signed_and_its_contract_becomes_active(rankr: Rankr) -> None:
    body = {"template_id": "nda", "client": CLIENT}
    contract = rankr.made("contracts", body)
    document = rankr.get(f"documents/{contract['document_id']}")["document"]
    assert rankr.keys("documents", status="draft") == [document["id"]]
    sent = rankr.made(f"documents/{document['id']}/send", {})
    assert (sent["status"], sent["signers"]) == ("sent", [{"name": "Ada Stone", "email": "ada@example.com"}])
    assert sent["status_changed_at"] > document["status_changed_at"]
    assert rankr.post(f"documents/{document['id']}/send", {}).status == 409
    for status in ("viewed", "signed"):
        rankr.steer("signatures", {"document": document["id"], "status": status})
    assert rankr.get("contracts", status="active", template_id="nda")["data"][0]["id"] == contract["id"]
    since = {"status_changed_since": sent["status_changed_at"], "sort": "status_changed_at"}
    assert rankr.keys("documents", **since) == [document["id"]]


def test_a_change_that_leaves_the_status_leaves_its_time(rankr: Rankr) -> None:
    document = rankr.made("documents", {"title": "Plan"})
    rankr.steer("records/rankr.documents", {"op": "patch", "id": document["id"], "data": {"title": "Plans"}})
    told = rankr.get(f"documents/{document['id']}")["document"]
    assert told["status_changed_at"] == document["status_changed_at"] < told["updated_at"]


def test_a_filled_template_is_a_document(rankr: Rankr) -> None:
    fill = {"client": CLIENT, "fields": {"amount": "EUR 900"}, "external_id": "o1"}
    document = rankr.made("templates/offer/fill", fill)
    assert (document["template_id"], document["status"]) == ("offer", "draft")
    assert "EUR 900" in document["content"]
    assert rankr.keys("documents", external_id="o1", client_email="ada@example.com") == [document["id"]]
    assert rankr.post("templates/offer/fill", {"client": CLIENT, "fields": {}}).status == 422
    assert rankr.post("templates/nope/fill", fill).status == 404


def test_attaching_twice_is_attaching_once(rankr: Rankr) -> None:
    document = rankr.made("documents", {"title": "Plan"})
    path = f"documents/{document['id']}/attachments"
    for _ in range(2):
        assert rankr.put(f"{path}/lead/lead_stone", {"note": "new"}).status == 200
        assert rankr.put(f"{path}/contact/c1", {"system": "highlevel"}).status == 200
    told = rankr.get(f"documents/{document['id']}")["document"]
    assert [(each["system"], each["record_id"]) for each in told["attachments"]] == [
        ("rankr", "lead_stone"),
        ("highlevel", "c1"),
    ]
    rankr.put(f"{path}/contact/c1", {"system": "highlevel"})
    assert rankr.get(f"documents/{document['id']}")["document"]["updated_at"] == told["updated_at"]
    assert rankr.put(f"{path}/lead/nope", {}).status == 404
    assert rankr.put(f"{path}/house/h1", {}).status == 422


def test_a_reminder_keeps_its_time(rankr: Rankr) -> None:
    made = rankr.made("reminders", {"at": "2026-12-24T10:00:00+01:00", "subject": "Call", "record_id": "con_rivers"})
    assert made["at"] == "2026-12-24T09:00:00.000Z"
    assert rankr.keys("reminders", record_id="con_rivers") == [made["id"]]


# What it has in common with the other vendors.


def test_the_account_is_furnished_from_the_start_and_after_a_reset(rankr: Rankr) -> None:
    for _ in range(2):
        rankr.token = rankr.new_token()["access_token"]
        assert {"nda", "service-agreement", "offer"} == set(rankr.keys("templates"))
        assert len(rankr.keys("leads")) == 3
        assert {"con_rivers", "con_fields"} == set(rankr.keys("contracts", status="active"))
        rankr.lead(name="x")
        rankr.steer("reset")


def test_leads_come_in_as_told(rankr: Rankr) -> None:
    ids = rankr.steer("leads", {"vendor": "rankr", "count": 2, "source": "fair"})["ids"]
    assert rankr.keys("leads", source="fair", order="asc") == ids


def test_faults_limits_and_effects_are_those_of_every_vendor(rankr: Rankr) -> None:
    rankr.steer("faults", {"match": {"method": "POST", "path": "/rankr/v1/reminders"}, "status": 500, "when": "after"})
    body = {"at": "2026-12-24", "subject": "Call"}
    got = rankr.post("reminders", body)
    assert (got.status, got["error"]["code"]) == (500, "server_error")
    assert rankr.told("effects", path="/rankr/v1/reminders", location="rankr")["total"] == 1
    rankr.steer("limits", {"location": "rankr", "per_10s": 1})
    assert rankr.get("leads").status == 429
    assert "traceId" not in rankr.get("leads").said
