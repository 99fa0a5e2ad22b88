"""What the examples owe those who come in at either vendor, worked out from the vendors' own records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from console.tally import OURS, Due

SOURCE = "demo"
"""What the leads say that they come from."""
VIP, OFFICE = "vip@example.com", "office@example.com"
OFFERED = "offered@example.com"
"""The contact that is to get an offer."""
CHANGED, COMPANY = "cli_fields", "Fields & Daughters"
"""The client whose company changes, and to what."""
NEARING = 30 * 86_400_000
"""How near its end (ms) a contract is reminded of."""

State = Mapping[str, Sequence[Mapping[str, Any]]]
"""The records of both vendors by table, as the sandbox shows them."""
Ids = frozenset[str]


def leads(state: State) -> Ids:
    """The leads that came in at HighLevel, by id."""
    found = (each for each in state["contacts"] if each.get("source") == SOURCE and "lead" in each["tags"])
    return frozenset(each["id"] for each in found)


def rankr_leads(state: State) -> Ids:
    """The leads that came in at Rankr, by e-mail address."""
    return frozenset(each["email"] for each in state["rankr.leads"] if each.get("source") == SOURCE)


def owed(state: State, now: int) -> list[Due]:
    """All that is due at both vendors; `now` in epoch ms."""
    return [Due(action=action, each=each) for action, each in (*_of_leads(state), *_of_papers(state, now)) if each]


def _of_leads(state: State) -> Iterator[tuple[str, Ids]]:
    """What whoever came in has met, and the contact that is watched."""
    here, there = leads(state), _contacts(state, rankr_leads(state))
    contracts = {each["id"] for each in state["rankr.contracts"] if each.get("external_id") in here}
    watched = any(each.get("email") == VIP for each in state["contacts"])
    office = _contacts(state, [OFFICE]) if watched else frozenset[str]()
    yield "ghl.contacts.tags.add", here | there
    yield "ghl.contacts.notes.create", here | office | {f"{OURS}contract {each}" for each in contracts}
    yield "ghl.contacts.tasks.create", here
    yield "ghl.contacts.update", here | there
    yield "ghl.contacts.upsert", there | office
    yield "rankr.contracts.create", here
    yield "rankr.clients.upsert", there


def _of_papers(state: State, now: int) -> Iterator[tuple[str, Ids]]:
    """What documents, contracts and clients in Rankr have led to."""
    papers = [each for each in state["rankr.documents"] if (each.get("client") or {}).get("email")]
    known = frozenset(f"{OURS}document {each['id']}" for each in papers)
    answered = frozenset(f"{OURS}document {each['id']}" for each in papers if each["status"] == "approved")
    asked = [each for each in state["contacts"] if each.get("email") == OFFERED]
    offers = {each["id"]: each for each in papers if each.get("template_id") == "offer"}
    wanted = frozenset(each["id"] for each in asked)
    changed = _contacts(state, [each["email"] for each in state["rankr.clients"] if each.get("company") == COMPANY])
    ending = [each for each in state["rankr.contracts"] if each["status"] == "active" and each["ends_at"]]
    renewed = _contacts(state, [each["client"]["email"] for each in ending if 0 <= each["ends_at"] - now <= NEARING])
    yield "ghl.contacts.upsert", _contacts(state, [each["client"]["email"] for each in papers]) | changed | renewed
    yield "ghl.contacts.notes.create", known | {f"{OURS}offer {each}" for each in offers}
    yield "ghl.contacts.notes.update", answered
    yield "ghl.contacts.tasks.create", renewed
    yield "ghl.contacts.tags.add", wanted | changed | renewed
    yield "ghl.contacts.tags.remove", wanted
    yield "rankr.documents.attach", frozenset(each["id"] for each in papers)
    yield "rankr.clients.upsert", changed
    made = frozenset(each["external_id"] for each in offers.values())
    yield "rankr.templates.fill", made or wanted
    yield "rankr.documents.send_for_signature", frozenset(offers) or wanted


def _contacts(state: State, addresses: Iterable[str]) -> Ids:
    """The contacts that have these e-mail addresses, by id; an address that has none stands for itself."""
    ids = {each["email"]: each["id"] for each in state["contacts"] if each.get("email")}
    return frozenset(ids.get(address, address) for address in addresses)
