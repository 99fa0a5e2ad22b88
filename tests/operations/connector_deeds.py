"""What each action of Rankr and of 0CodeKit is to bring about."""

from __future__ import annotations

from typing import Any

from tests.operations.deeds import NOBODY, Deed, Inputs, Refused, changes, makes, same, unknown

CLIENT = {"name": "Eve Marsh", "email": "eve.marsh@example.com"}
NOT_THERE = "There is no"


def with_client(table: str) -> Any:
    """Gives the records of a kind that are with the client of the inputs."""
    return lambda a, inputs: [
        each for each in a.held(table) if (each["client"] or {}).get("name") == inputs["client"]["name"]
    ]


def for_client(action: str, table: str, given: dict[str, Any], **more: Any) -> Deed:
    """An action that makes one record for a client who is new."""
    found = with_client(table)
    return Deed(
        action=action,
        given=lambda _: given,
        seen=lambda a, inputs: len(found(a, inputs)),
        before=0,
        after=1,
        result=lambda a, inputs: str(found(a, inputs)[0]["id"]),
        words=NOT_THERE,
        **more,
    )


def draft(a: Any) -> dict[str, Any]:
    return {"document_id": a.document()}


def without(name: str) -> Refused:
    """One of the template's fields is not given."""
    return lambda _a, inputs: {**inputs, "fields": {key: each for key, each in inputs["fields"].items() if key != name}}


def links(a: Any, inputs: Inputs) -> list[tuple[str, str, str]]:
    found = a.one("rankr.documents", inputs["document_id"]).get("attachments", ())
    return [(each["system"], each["record_type"], each["record_id"]) for each in found]


CONTRACT = {"template_id": "nda", "client": CLIENT, "starts_at": "2026-12-01", "ends_at": "2027-12-01"}
OFFER = {"template_id": "offer", "client": CLIENT, "fields": {"amount": "EUR 900"}}
REMINDER = {"at": "2026-12-24T10:00:00+01:00", "subject": "Call", "record_type": "contract", "record_id": "con_rivers"}
RANKR = (
    makes(
        "rankr.contacts.upsert",
        "rankr.contacts",
        {"email": "email", "name": "name"},
        lambda _: {**CLIENT, "client_id": "cli_rivers"},
        refused=unknown("client_id"),
        words=NOT_THERE,
    ),
    makes(
        "rankr.clients.upsert",
        "rankr.clients",
        {"external_id": "external_id", "name": "name"},
        lambda _: {**CLIENT, "external_id": "x1", "address": {"city": "Bern"}, "lead_id": "lead_stone"},
        refused=unknown("lead_id"),
        words=NOT_THERE,
    ),
    Deed(
        action="rankr.clients.upsert",
        variant=" of a client that is there",
        given=lambda _: {"email": "Barbara.Rivers@example.com", "phone": "+15550199"},
        seen=lambda a, _: [each.get("phone") for each in a.held("rankr.clients", id="cli_rivers")],
        before=[None],
        after=["+15550199"],
        result=lambda _a, _i: "cli_rivers",
    ),
    for_client("rankr.contracts.create", "rankr.contracts", CONTRACT, refused=unknown("template_id")),
    for_client(
        "rankr.contracts.create",
        "rankr.contracts",
        {**CONTRACT, "external_id": "deal-1"},
        variant=" with an external id",
    ),
    for_client(
        "rankr.contracts.create",
        "rankr.contracts",
        {**CONTRACT, "client": {"name": "Eve Marsh"}},
        variant=" without an address",
    ),
    makes(
        "rankr.documents.create",
        "rankr.documents",
        {"title": "title", "client_id": "client_id"},
        lambda _: {"title": "Plan", "content": "<p>Dig</p>", "client_id": "cli_fields"},
        refused=unknown("client_id"),
        words=NOT_THERE,
    ),
    Deed(
        action="rankr.clients.get",
        given=lambda _: {"client_id": "cli_rivers"},
        seen=lambda a, _: len(a.held("rankr.clients")),
        before=2,
        after=2,
        result=same("client_id"),
        refused=unknown("client_id"),
        words=NOT_THERE,
    ),
    Deed(
        action="rankr.documents.find",
        given=lambda a: {"client_id": "cli_rivers", "status": a.one("rankr.documents", a.document())["status"]},
        seen=lambda a, _: len(a.held("rankr.documents")),
        before=1,
        after=1,
    ),
    Deed(
        action="rankr.documents.get",
        given=draft,
        seen=lambda a, _: len(a.held("rankr.documents")),
        before=1,
        after=1,
        result=same("document_id"),
        refused=unknown("document_id"),
        words=NOT_THERE,
    ),
    for_client("rankr.templates.fill", "rankr.documents", OFFER, refused=unknown("template_id")),
    Deed(
        action="rankr.templates.fill",
        variant=" without a field",
        given=lambda _: OFFER,
        seen=lambda a, inputs: len(with_client("rankr.documents")(a, inputs)),
        before=0,
        after=1,
        result=lambda a, inputs: str(with_client("rankr.documents")(a, inputs)[0]["id"]),
        refused=without("amount"),
        words="fields.amount is required by the template offer",
    ),
    changes(
        "rankr.documents.send_for_signature",
        "rankr.documents",
        "document_id",
        lambda a: {**draft(a), "purpose": "approval", "signers": [{"name": "Desk", "email": "desk@example.com"}]},
        field="status",
        before="draft",
        after="sent",
        result=same("document_id"),
        words=NOT_THERE,
    ),
    Deed(
        action="rankr.documents.attach",
        given=lambda a: {**draft(a), "record_type": "contact", "record_id": "c1", "system": "highlevel"},
        seen=links,
        before=[],
        after=[("highlevel", "contact", "c1")],
        refused=lambda _a, inputs: {**inputs, "system": "rankr", "record_id": NOBODY},
        words=NOT_THERE,
    ),
    makes(
        "rankr.reminders.create",
        "rankr.reminders",
        {"subject": "subject", "record_id": "record_id"},
        lambda _: REMINDER,
    ),
)


def small(action: str, inputs: dict[str, Any], wrong: dict[str, Any] | None = None, words: str = "") -> Deed:
    """An operation of 0CodeKit, which changes nothing; with `wrong` it is refused."""
    refused: Refused | None = None if wrong is None else lambda _a, given: {**given, **wrong}
    return Deed(
        action=f"0codekit.{action}",
        given=lambda _: inputs,
        seen=lambda _a, _i: None,
        before=None,
        after=None,
        refused=refused,
        words=words,
    )


ZONES = {"inputTimeZone": "Europe/Berlin", "destinationTimeZone": "America/New_York"}
MONEY = {"amount": 10, "sourceCurrency": "EUR", "targetCurrency": "USD"}
KIT = (
    small("name.split", {"name": "Ada Lovelace"}),
    small("iban.validate", {"iban": "DE02120300000000202051"}),
    small("email.validate", {"email": "ada@example.com"}),
    small("vat.validate", {"vatId": "DE123456789"}, {"vatId": "XX1"}, "400 countryCode must be one of"),
    small("vat.rates", {"countryCode": "DE"}, {"countryCode": "XX"}, "400 countryCode must be one of"),
    small("text.contains", {"text": "A red roof", "keywordList": ["red"]}),
    small("country.convert", {"iso": "DE"}, {"iso": "XX"}, "400 There is no country XX"),
    small("currency.convert", MONEY, {"targetCurrency": "ZZZ"}, "400 targetCurrency must be one of"),
    small("time.convert", {"inputTime": "08-12-2024 12:00", **ZONES}, {"inputTime": "noon"}, "inputTime must be"),
    small("qrcode.encode", {"data": "https://example.com", "width": 200}),
)
