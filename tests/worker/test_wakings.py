"""Which feeds a webhook makes due: those whose row says so, at the account that it names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from connections.connection import Agency, Connection, Connections, Locations, PrivateToken
from tests.worker.clock import Clock
from tests.worker.rows import TRIGGERS, automation
from worker.deploy import deploy
from worker.ledger.store import Store
from worker.waking import concerned

ACME = Connection(
    name="acme",
    kind="toy",
    base_url="http://127.0.0.1:1",
    auth=PrivateToken(token=SecretStr("pit")),
    location_id="l1",
    company_id="c1",
)
GROUP = replace(ACME, name="clients", auth=Agency(connection="a"), location_id=None, locations=Locations())
ALIKE = replace(ACME, name="clients_", location_id="l9", company_id="c9")
ACCOUNTS = Connections({each.name: each for each in (ACME, GROUP, ALIKE, replace(ACME, name="alien", kind="other"))})
EVERYWHERE = ("acme", "clients/l1", "clients/l2", "clients_", "alien")
WAKING = {id_: replace(row, wakes=("Made",) if id_ == "toy.things.search" else ()) for id_, row in TRIGGERS.items()}


@pytest.mark.parametrize(
    ("told", "woken"),
    [
        (("toy", "Made", "l1"), {"acme", "clients/l1"}),
        (("toy", "Made", "l2"), {"clients/l2"}),
        (("toy", "Made", "c1"), {"acme", "clients/l1", "clients/l2"}),
        (("toy", "Made", None), {"acme", "clients/l1", "clients/l2", "clients_"}),
        (("toy", "Made", "l3"), set()),
        (("toy", "Gone", "l1"), set()),
        (("nobody", "Made", None), set()),
    ],
)
def test_a_webhook_wakes(told: tuple[str, str, str | None], woken: set[str], ledger: Store, clock: Clock) -> None:
    ledger.write_now(deploy, [automation(f"on {name}", connection=name) for name in EVERYWHERE], TRIGGERS, clock.now)
    ids = ledger.read_now(concerned, WAKING, ACCOUNTS, {told})
    assert {each.partition("@")[2].rpartition(".")[0] for each in ids} == woken
