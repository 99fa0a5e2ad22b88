"""What Rankr's account has from the start: an app, templates, a few leads and clients, contracts of which one ends."""

from __future__ import annotations

from typing import Any

from sandbox.rankr.access import HOME, register
from sandbox.rankr.people import party
from sandbox.state import Record, State
from sandbox.tables import TABLES

APP = {"client_id": "sandbox", "client_secret": "sandbox-rankr-secret"}
DAY = 86_400_000


def _field(name: str, label: str, kind: str = "text", *, required: bool = False) -> Record:
    return {"name": name, "label": label, "type": kind, "required": required}


TEMPLATES: dict[str, Record] = {
    "nda": {
        "name": "Non-disclosure agreement",
        "kind": "contract",
        "fields": [_field("purpose", "Purpose"), _field("effective_date", "Effective date", "date")],
        "content": "<p>{client_name} keeps secret what it learns about {purpose}.</p>",
    },
    "service-agreement": {
        "name": "Service agreement",
        "kind": "contract",
        "fields": [
            _field("service", "Service", required=True),
            _field("country", "Country"),
            _field("start_date", "Start date", "date"),
            _field("monthly_fee", "Monthly fee", "number"),
        ],
        "content": "<p>{client_name} books {service} in {country} from {start_date}.</p>",
    },
    "offer": {
        "name": "Offer",
        "kind": "document",
        "fields": [
            _field("amount", "Amount", required=True),
            _field("city", "City"),
            _field("valid_until", "Valid until"),
        ],
        "content": "<p>An offer to {client_name} in {city}: {amount}, valid until {valid_until}.</p>",
    },
}
PEOPLE: dict[str, dict[str, Record]] = {
    "rankr.leads": {
        "lead_harbour": {"name": "Ada Harbour", "email": "ada.harbour@example.com", "phone": "+15550101"},
        "lead_meadow": {"name": "Grace Meadow", "email": "grace.meadow@example.com", "company": "Meadow Ltd"},
        "lead_stone": {"name": "Alan Stone", "phone": "+15550103", "source": "referral"},
    },
    "rankr.clients": {
        "cli_rivers": {"name": "Barbara Rivers", "email": "barbara.rivers@example.com", "company": "Rivers & Sons"},
        "cli_fields": {"name": "Donald Fields", "email": "donald.fields@example.com", "phone": "+15550105"},
    },
}
CONTRACTS = {"con_rivers": ("cli_rivers", 20), "con_fields": ("cli_fields", 200)}
"""Contract -> its client, and in how many days it ends."""


def furnish(state: State) -> None:
    """Makes what the account has, unless it has it."""
    if state.find("rankr.apps", APP["client_id"]):
        return
    register(state, APP)
    for key, fields in TEMPLATES.items():
        _put(state, "rankr.templates", key, fields, 90)
    for table, people in PEOPLE.items():
        for key, fields in people.items():
            _put(state, table, key, fields, 30)
    today = _now(state) // DAY * DAY
    for key, (client, days) in CONTRACTS.items():
        ends = {"status": "active", "starts_at": today + (days - 365) * DAY, "ends_at": today + days * DAY}
        who = PEOPLE["rankr.clients"][client] | {"id": client}
        more: dict[str, Any] = {"client_id": client, "client": party(who), "value": 1200, "currency": "USD"}
        _put(state, "rankr.contracts", key, {"title": "Service agreement", **ends, **more}, 30)


def _now(state: State) -> int:
    return int(state.clock.now() * 1000)


def _put(state: State, table: str, key: str, fields: Record, days: int) -> None:
    """A record that has been there for some days; the clock of changes is not moved by it."""
    row = TABLES[table]
    times = dict.fromkeys(filter(None, (row.added, row.updated, *row.follows.values())), _now(state) - days * DAY)
    state.put(table, HOME, {"id": key, **row.blank, **fields, **times})
