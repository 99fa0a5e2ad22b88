"""Automations over many locations: which ones, what becomes of feeds, and how quickly."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from pydantic import SecretStr

from config.automation import Step
from connections.connection import Agency, Connection, Connections, Locations, OAuth
from tests.worker.clock import Clock
from tests.worker.rows import TRIGGERS, automation, step
from worker.deploy import Deployed, deploy
from worker.ledger import installations
from worker.ledger.installations import Installation
from worker.ledger.store import Store
from worker.locations import expanded, followed, members

AGENCY = Connection(
    name="agency",
    kind="toy",
    base_url="http://127.0.0.1:1",
    auth=OAuth(client_id="app-1", client_secret=SecretStr("hush")),
    company_id="c1",
)
INSTALLED = {
    "agency": {
        "l1": Installation("Dental Vienna", installed=True),
        "l2": Installation("dental Graz", installed=True),
        "l3": Installation("Garage", installed=True),
        "l4": Installation("Dental Linz", installed=False),
    }
}


def clients(locations: Locations) -> Connection:
    return replace(
        AGENCY, name="clients", auth=Agency(connection="agency"), company_id=None, locations=locations, app="app-1"
    )


def over(*locations: Locations) -> Connections:
    return Connections({"agency": AGENCY, "clients": clients(*locations)})


def on_clients(name: str = "welcome", *more: Step) -> list[object]:
    return [automation(name, connection="clients", steps=(step(connection="clients"), *more))]


@pytest.mark.parametrize(
    ("locations", "expected"),
    [
        (Locations(), ["l1", "l2", "l3"]),
        (Locations(name="dental*"), ["l1", "l2"]),
        (Locations(name="DENTAL*", but=("l1",)), ["l2"]),
        (Locations(ids=("l9", "l4", "l1")), ["l9", "l1"]),
    ],
    ids=["all", "pattern", "pattern less some", "list, less what is known to be uninstalled"],
)
def test_a_connection_stands_for(locations: Locations, expected: list[str]) -> None:
    assert list(members(clients(locations), INSTALLED)) == expected


def test_each_location_has_its_own_feed_steps_and_quota() -> None:
    connections = over(Locations(name="dental*"))
    other = step("2", connection="agency")
    found = expanded(on_clients("welcome", other), connections, INSTALLED)  # type: ignore[arg-type]
    assert [each.trigger.connection for each in found] == ["clients/l1", "clients/l2"]
    assert [each.steps[0].connection for each in found] == ["clients/l1", "clients/l2"]
    assert [each.steps[1].connection for each in found] == ["agency", "agency"]
    assert {each.name for each in found} == {"welcome"}
    assert connections["clients/l1"].location_id == "l1"
    assert connections["clients/l1"].budget == "toy:app-1:l1"
    assert connections["clients/l1"] is connections["clients/l1"]
    assert connections["clients/l1"].locations is None


def test_only_groups_have_locations_in_them() -> None:
    connections = over(Locations())
    assert "agency/l1" not in connections
    assert "nobody/l1" not in connections
    assert "clients/" not in connections
    assert list(connections) == ["agency", "clients"]
    assert [each.name for each in followed(connections)] == ["agency"]


def put(ledger: Store, clock: Clock, connections: Connections) -> Deployed:
    known = ledger.read_now(installations.read)
    return ledger.write_now(deploy, expanded(on_clients(), connections, known), TRIGGERS, clock())  # type: ignore[arg-type]


def test_locations_come_and_go_and_come_back_with_their_cursor(ledger: Store, clock: Clock) -> None:
    connections = over(Locations())
    assert put(ledger, clock, connections) == Deployed()
    assert ledger.write_now(installations.replace, "agency", {"l1": "One", "l2": None}, clock()) == 2
    first = put(ledger, clock, connections)
    assert len(first.started) == 2
    before = ledger.read_now(installations.last_change)
    clock.advance(1000)
    assert ledger.write_now(installations.replace, "agency", {"l1": "One", "l2": None}, clock()) == 0
    assert ledger.read_now(installations.last_change) == before
    assert ledger.write_now(installations.replace, "agency", {"l1": "One"}, clock()) == 1
    assert ledger.read_now(installations.last_change) != before
    [gone] = put(ledger, clock, connections).stopped
    assert "clients/l2" in gone
    assert ledger.write_now(installations.note, "agency", "l2", "Two", clock(), installed=True)
    assert not ledger.write_now(installations.note, "agency", "l2", None, clock(), installed=True)
    again = put(ledger, clock, connections)
    assert (again.started, set(again.kept)) == ((), set(first.started))
    assert ledger.read_now(installations.read)["agency"]["l2"] == Installation("Two", installed=True)


def test_three_hundred_locations_are_deployed_quickly(ledger: Store, clock: Clock) -> None:
    found = {f"l{number:03}": f"Location {number}" for number in range(300)}
    ledger.write_now(installations.replace, "agency", found, clock())
    connections = over(Locations())
    started = time.perf_counter()
    assert len(put(ledger, clock, connections).started) == 300
    assert len(put(ledger, clock, connections).kept) == 300
    assert time.perf_counter() - started < 10
