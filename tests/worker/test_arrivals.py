"""Webhooks about installations: which agencies they are about, what is noted, what only the list can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from connections.connection import Agency, Connection, Connections, Locations, OAuth
from connections.vendors import GHL
from connections.webhooks import Notice
from tests.worker.clock import Clock
from worker.arrivals import Arrival, arrival, note
from worker.ledger import credentials, installations
from worker.ledger.store import Store

AGENCY = Connection(
    name="agency",
    kind="ghl",
    base_url="http://127.0.0.1:1",
    auth=OAuth(client_id="app-1", client_secret=SecretStr("hush")),
    company_id="c1",
)
ACCOUNTS = Connections(
    {
        "agency": AGENCY,
        "other": replace(AGENCY, name="other", company_id="c2"),
        "clients": replace(AGENCY, name="clients", auth=Agency(connection="agency"), locations=Locations()),
        "more": replace(AGENCY, name="more", auth=Agency(connection="other"), locations=Locations()),
    }
)


def said(type_: str = "INSTALL", **payload: Any) -> Arrival:
    found = arrival(GHL, Notice(type=type_, account=None, id=None, payload={"appId": "app", **payload}))
    assert found is not None
    return found


def there(ledger: Store) -> dict[str, list[str]]:
    known = ledger.read_now(installations.read)
    return {agency: [place for place, each in places.items() if each.installed] for agency, places in known.items()}


def test_other_webhooks_say_nothing_about_installations() -> None:
    assert arrival(GHL, Notice(type="ContactCreate", account="l1", id=None, payload={})) is None


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        ([said(companyId="c1", locationId="l9")], True, {"agency": ["l1", "l2", "l9"], "other": ["m1"]}),
        ([said("UNINSTALL", locationId="l1")], True, {"agency": ["l2"], "other": ["m1"]}),
        ([said("UNINSTALL", companyId="c1")], True, {"agency": [], "other": ["m1"]}),
        ([said(companyId="c1")], True, {"agency": ["l1", "l2"], "other": ["m1"]}),
        ([said(locationId="l9")], True, {"agency": ["l1", "l2"], "other": ["m1"]}),
        ([said(companyId="c9", locationId="l9")], False, {"agency": ["l1", "l2"], "other": ["m1"]}),
        ([said("UNINSTALL", appId="foe", locationId="l1")], False, {"agency": ["l1", "l2"], "other": ["m1"]}),
        ([said("UNINSTALL", appId=None, locationId="l1")], False, {"agency": ["l1", "l2"], "other": ["m1"]}),
    ],
    ids=[
        "a new location",
        "a known one that left, its company unsaid",
        "a company that left takes its locations along",
        "what a company that came brings only its list says",
        "so it is with a new location whose company is unsaid",
        "somebody else's company",
        "somebody else's app, signed by the same vendor",
        "no app at all",
    ],
)
def test_what_is_certain_is_noted_and_the_agency_asked(
    small_ledger: Store, clock: Clock, given: list[Arrival], asked: bool, expected: dict[str, list[str]]
) -> None:
    small_ledger.write_now(installations.replace, "agency", {"l1": "One", "l2": "Two"}, clock())
    small_ledger.write_now(installations.replace, "other", {"m1": "More"}, clock())
    assert small_ledger.write_now(note, ACCOUNTS, given, clock()) is asked
    assert there(small_ledger) == expected


def test_the_token_of_a_location_that_left_is_forgotten(small_ledger: Store, clock: Clock) -> None:
    row = {"access": "sealed", "refresh": None, "expires_at": clock() + 9, "scope": None, "user_type": "Location"}
    for name, refresh in (("clients/l1", None), ("clients/l2", None), ("by-itself", "sealed")):
        token = {**row, "name": name, "refresh": refresh, "location_id": name[-2:], "company_id": None}
        token["location_id"] = "l2" if name == "clients/l2" else "l1"
        small_ledger.write_now(credentials.store, token, clock())
    small_ledger.write_now(note, ACCOUNTS, [said("UNINSTALL", companyId="c1", locationId="l1")], clock())
    assert [each.name for each in small_ledger.read_now(credentials.everything)] == ["by-itself", "clients/l2"]


def test_a_list_that_was_asked_for_before_does_not_undo_what_was_noted(small_ledger: Store, clock: Clock) -> None:
    small_ledger.write_now(installations.replace, "agency", {"l1": "One", "l2": "Two"}, clock())
    asked_at = clock()
    clock.advance(100)
    arrivals = [said(companyId="c1", locationId="l9"), said("UNINSTALL", companyId="c1", locationId="l1")]
    small_ledger.write_now(note, ACCOUNTS, arrivals, clock())
    clock.advance(100)
    stale = {"l1": "One", "l2": "Two"}
    assert small_ledger.write_now(installations.replace, "agency", stale, clock(), asked_at) == 0
    assert there(small_ledger) == {"agency": ["l2", "l9"]}
    assert small_ledger.write_now(installations.replace, "agency", stale, clock(), clock()) == 2
    assert there(small_ledger) == {"agency": ["l1", "l2"]}
