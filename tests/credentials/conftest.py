"""A sandbox that gives tokens, a ledger that keeps them, and processes that race for them."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select, update

from tests.console.shell import LOCATION, Vendor, sandbox, write_project
from worker.credentials import sealed
from worker.exchange import Granted
from worker.ledger import credentials
from worker.ledger.database import migrate
from worker.ledger.store import Store
from worker.ledger.tables import CREDENTIALS
from worker.vault import Vault

REPOSITORY = Path(__file__).parents[2]
APP = {"client_id": "app-1", "client_secret": "hush-hush"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Vendor]:
    with sandbox() as vendor:
        yield vendor


@pytest.fixture
def vendor(_sandbox: Vendor) -> Vendor:
    """An empty sandbox that knows one app, and lets in no token but those that it gives."""
    _sandbox.ask("POST", "reset")
    _sandbox.ask("POST", "apps", APP)
    _sandbox.ask("POST", "tokens", {"anyone": False})
    return _sandbox


@pytest.fixture(scope="session")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def ledger_url(request: pytest.FixtureRequest, _empty: Path, tmp_path: Path) -> str:
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        migrate(url)
        return url
    shutil.copy(_empty, tmp_path / "ledger.db")
    return f"sqlite:///{tmp_path / 'ledger.db'}"


def consented(vendor: Vendor, **query: str) -> dict[str, Any]:
    """The first pair of tokens, as after a consent."""
    asked = {"response_type": "code", "client_id": APP["client_id"], "redirect_uri": "http://127.0.0.1:9/cb", **query}
    back = vendor.client.get(f"{vendor.url}/oauth/chooselocation", params=asked)
    code = httpx.URL(back.headers["location"]).params["code"]
    form = {**APP, "grant_type": "authorization_code", "code": code}
    given: dict[str, Any] = vendor.client.post(f"{vendor.url}/oauth/token", data=form).raise_for_status().json()
    return given


@dataclass(slots=True)
class Account:
    """A connection's token in the ledger, and how often the vendor was asked for another."""

    vendor: Vendor
    url: str
    key: str
    store: Store

    def row(self) -> credentials.StoredToken:
        found = self.store.read_now(credentials.read, "acme")
        assert found is not None
        return found

    def age(self, **values: Any) -> None:
        """Make the stored token what time would make of it."""
        past = {"updated_at": 0, **values}
        self.store.write_now(lambda c: c.execute(update(CREDENTIALS).values(**past)))

    def lease_until(self) -> int:
        found = self.store.read_now(lambda c: c.scalar(select(CREDENTIALS.c.lease_until)))
        return int(found or 0)

    def asked(self, route: str = "POST /oauth/token") -> int:
        counts: dict[str, int] = self.vendor.ask("GET", "stats")["by_route"]
        return counts.get(route, 0)

    def racer(self, **told: Any) -> subprocess.Popen[str]:
        """A process that takes the connection's header."""
        words = {"url": self.vendor.url, "ledger": self.url, "key": self.key, "at": time.time(), **told}
        command = [sys.executable, "-m", "tests.credentials.racer", json.dumps(words)]
        return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def account(vendor: Vendor, ledger_url: str) -> Iterator[Account]:
    """A connection that was consented to, its tokens in the ledger."""
    store, key = Store(ledger_url), Fernet.generate_key().decode()
    given = consented(vendor, locationId=LOCATION)
    granted = Granted(
        access=given["access_token"],
        refresh=given["refresh_token"],
        lasts=given["expires_in"],
        user_type=given["userType"],
        location_id=given["locationId"],
        company_id=given["companyId"],
    )
    row = sealed(Vault([SecretStr(key)]), "acme", granted, time.time())
    store.write_now(credentials.store, row, round(time.time() * 1000))
    yield Account(vendor, ledger_url, key, store)
    store.close()


COMPANY = "5DP41231LkQsiKESj6rh"
OAUTH = """\
connections:
  acme:
    kind: ghl
    location_id: {location}
    base_url: {url}
    auth:
      type: oauth
      client_id: app-1
      client_secret: "${{ACME_SECRET}}"
      consent_page: {url}/v2/oauth/chooselocation
      redirect_uri: http://127.0.0.1:{port}/oauth/callback
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def shop(tmp_path: Path, vendor: Vendor) -> Path:
    """A project that greets new leads, on a connection that needs a consent."""
    folder = write_project(tmp_path / "shop", vendor.url)
    text = OAUTH.format(location=LOCATION, url=vendor.url, port=free_port())
    (folder / "connections.yaml").write_text(text)
    (folder / ".env").write_text(f"ACME_SECRET={APP['client_secret']}\n")
    return folder
