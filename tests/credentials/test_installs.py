"""Webhooks about installations, through web, beat, worker and sandbox: long before the census comes round."""

from __future__ import annotations

import base64
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.console.shell import GREET, Engine, Vendor, running
from tests.credentials.conftest import APP, free_port
from tests.credentials.test_agency import COMPANY, CONNECTIONS, branches, connecting_agency
from tests.credentials.test_connect import visited
from worker.census import EVERY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PRIVATE = ed25519.Ed25519PrivateKey.from_private_bytes(b"7" * 32)
KEY = base64.b64encode(PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
POLLED = "POST /contacts/search"


@pytest.fixture
def agency(tmp_path: Path, vendor: Vendor) -> Path:
    """An agency's project that has consented; each new location is polled every fifteen minutes."""
    folder = tmp_path / "agency"
    (folder / "automations").mkdir(parents=True)
    (folder / "automations" / "greet.yaml").write_text(GREET.replace("every: 1m", "every: 15m"))
    text = CONNECTIONS.format(company=COMPANY, url=vendor.url, port=free_port())
    (folder / "connections.yaml").write_text(text)
    (folder / ".env").write_text(f"ACME_SECRET={APP['client_secret']}\n")
    return folder


class Desk:
    """The vendor as it tells of installations, and what comes of that."""

    def __init__(self, vendor: Vendor, engine: Engine, web: str) -> None:
        self.vendor, self.engine, self.web = vendor, engine, web
        self.number = 0

    def tell(self, type_: str, key: ed25519.Ed25519PrivateKey = PRIVATE, **more: Any) -> int:
        """Send a webhook; the status of the answer."""
        self.number += 1
        plain = {"type": type_, "appId": "app", "timestamp": time.time() * 1000, "webhookId": f"w{self.number}"}
        body = orjson.dumps(plain | more)
        proof = {"x-ghl-signature": base64.b64encode(key.sign(body)).decode()}
        return httpx.post(f"{self.web}/webhooks/ghl", content=body, headers=proof).status_code

    def requests(self, location: str) -> int:
        """How many requests the vendor has had for a location."""
        usage = self.vendor.ask("GET", "stats")["usage"]
        return sum(each["today"] for each in usage if each["location"] == location)

    def feeds(self) -> set[str]:
        return {each["connection"].partition("/")[2] for each in self.engine.status()["feeds"]}


def test_locations_come_and_go_within_seconds(agency: Path, vendor: Vendor) -> None:
    first, second, *others = branches(vendor)
    vendor.ask("POST", "tokens", {"uninstalled": [first, second]})
    with connecting_agency(agency) as (process, address):
        _, err = process.communicate(visited(vendor, address) + "\n", timeout=30)
    assert process.returncode == 0, err
    port = free_port()
    env = {"HIGHTIDE_WEB_ADDRESS": f"127.0.0.1:{port}", "HIGHTIDE_WEBHOOK_KEY_GHL": KEY}
    with running(agency, "run", "--concurrency", "2", env=env) as engine:
        desk = Desk(vendor, engine, f"http://127.0.0.1:{port}")
        engine.wait(lambda: all(map(desk.requests, others)))
        engine.wait(lambda: _healthy(desk.web))

        foe = ed25519.Ed25519PrivateKey.from_private_bytes(b"8" * 32)
        where = {"companyId": COMPANY, "locationId": first, "installType": "Location"}
        assert desk.tell("UNINSTALL", foe, **{**where, "locationId": others[0]}) == 401
        assert desk.tell("UNINSTALL", **{**where, "locationId": others[0]}, timestamp=1) == 400
        assert desk.tell("UNINSTALL", **{**where, "locationId": others[0]}, appId="somebody-elses") == 200

        vendor.ask("POST", "tokens", {"uninstalled": [second]})
        began = time.monotonic()
        assert desk.tell("INSTALL", **where) == 200
        engine.wait(lambda: desk.requests(first))
        took = time.monotonic() - began
        assert took < EVERY / 30, f"{took:.1f} s"
        assert desk.feeds() == {*others, first}

        vendor.ask("POST", "tokens", {"uninstalled": [first, second]})
        assert desk.tell("UNINSTALL", locationId=first) == 200  # HighLevel does not say whose it is
        engine.wait(lambda: desk.feeds() == set(others))
        assert f"acme/{first}" not in _tokens(agency)

        # the wrong way round: the app is not there, whatever came last
        assert desk.tell("UNINSTALL", **where) == 200
        assert desk.tell("INSTALL", **where) == 200
        engine.wait(lambda: desk.feeds() == set(others))

        # for the whole company, with its locations to come
        vendor.ask("POST", "tokens", {"uninstalled": []})
        assert desk.tell("INSTALL", companyId=COMPANY, installType="Company") == 200
        engine.wait(lambda: desk.requests(second))
        assert desk.feeds() == {*others, first, second}


def _healthy(web: str) -> bool:
    try:
        return httpx.get(f"{web}/health").status_code == 200
    except httpx.TransportError:
        return False


def _tokens(folder: Path) -> set[str]:
    """The connections that have a token in the ledger."""
    with sqlite3.connect(folder / ".hightide" / "hightide.db") as ledger:
        return {name for (name,) in ledger.execute("SELECT name FROM credentials")}
