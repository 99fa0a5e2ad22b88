"""`hightide connect` against a vendor that is an OAuth server, and what follows from it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from tests.console.shell import HIGHTIDE, LOCATION, Vendor, environment, hightide, running
from worker.ledger.store import Store
from worker.ledger.tables import CREDENTIALS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NEEDED = {"contacts.readonly", "contacts.write"}


@contextmanager
def connecting(shop: Path, *words: str, name: str = "acme") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`hightide connect` under way, and the address that it tells people to open."""
    command = [*HIGHTIDE, "connect", name, *words]
    where = environment({"HIGHTIDE_PROJECT": str(shop), "BROWSER": "true"})
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=where, text=True, **pipes) as process:
        told = process.stdout if "--no-browser" in words else process.stderr
        assert told is not None
        lines = iter(told.readline, "")
        found = next((match for line in lines if (match := re.search(r"http\S+", line))), None)
        assert found is not None, process.communicate()
        try:
            yield process, found[0]
        finally:
            process.kill()


def visited(vendor: Vendor, address: str) -> str:
    """Where the consent page sends the browser."""
    return str(vendor.client.get(address).headers["location"])


def stored(shop: Path) -> Any:
    store = Store(f"sqlite:///{shop / '.hightide' / 'hightide.db'}")
    try:
        return store.read_now(lambda c: c.execute(select(CREDENTIALS)).mappings().all())
    finally:
        store.close()


def test_the_redirect_is_served_here_and_the_tokens_work(shop: Path, vendor: Vendor) -> None:
    vendor.ask("POST", "tokens", {"anyone": False, "consent": LOCATION, "enforce_scopes": True})
    with connecting(shop) as (process, address):
        asked = parse_qs(urlsplit(address).query)
        assert set(asked["scope"][0].split()) == NEEDED
        wrong = httpx.get(asked["redirect_uri"][0], params={"code": "x", "state": "guessed"}, trust_env=False)
        assert wrong.status_code == 400
        back = visited(vendor, address)
        page = httpx.get(back, trust_env=False)
        assert (page.status_code, "acme is connected" in page.text) == (200, True)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert f"connected to location {LOCATION}" in out
    [row] = stored(shop)
    assert "access-" not in row["access"]
    assert set(row["scope"].split()) == NEEDED
    vendor.leads(1)
    got = hightide("poll", "ghl.contacts.search", "-c", "acme", "--json", project=shop)
    assert (got.status, len(got.json)) == (0, 1), got.err
    assert (shop / ".hightide" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_where_the_web_process_listens_it_serves_the_redirect(shop: Path, vendor: Vendor) -> None:
    vendor.ask("POST", "tokens", {"consent": LOCATION})
    found = re.search(r"127\.0\.0\.1:\d+(?=/oauth/callback)", (shop / "connections.yaml").read_text())
    assert found is not None
    with running(shop, "web", env={"HIGHTIDE_WEB_ADDRESS": found[0]}) as web:
        web.wait(lambda: answers(f"http://{found[0]}/health"))
        with connecting(shop) as (process, address):
            page = httpx.get(visited(vendor, address), trust_env=False)
            assert (page.status_code, "acme is connected" in page.text) == (200, True), page.text
            out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert f"connected to location {LOCATION}" in out
        again = httpx.get(visited(vendor, address), trust_env=False)
        assert (again.status_code, "was used already" in again.text) == (400, True)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_without_a_browser_the_redirect_is_pasted_and_works_once(shop: Path, vendor: Vendor) -> None:
    vendor.ask("POST", "tokens", {"consent": LOCATION})
    with connecting(shop, "--no-browser", "--json") as (process, address):
        back = visited(vendor, address)
        out, err = process.communicate(back + "\n", timeout=30)
    assert process.returncode == 0, err
    assert f'"location_id": "{LOCATION}"' in out
    with connecting(shop, "--no-browser") as (process, _):
        _, err = process.communicate(back + "\n", timeout=30)
    assert process.returncode == 3
    assert "was used already" in err


def test_another_account_than_the_connection_s_is_refused(shop: Path, vendor: Vendor) -> None:
    other = vendor.client.post(
        f"{vendor.url}/oauth/token",
        data={"client_id": "app-1", "client_secret": "hush-hush", "grant_type": "client_credentials"},
    ).json()
    headers = {"authorization": f"Bearer {other['access_token']}", "version": "2021-07-28"}
    body = {"name": "Elsewhere", "companyId": other["companyId"]}
    made = vendor.client.post(f"{vendor.url}/locations/", json=body, headers=headers).raise_for_status().json()
    vendor.ask("POST", "tokens", {"consent": made["id"]})
    with connecting(shop, "--no-browser") as (process, address):
        _, err = process.communicate(visited(vendor, address) + "\n", timeout=30)
    assert process.returncode == 3
    assert "was chosen" in err
    assert stored(shop) == []


def test_a_scope_that_is_missing_is_named_before_anything_runs(shop: Path, vendor: Vendor) -> None:
    vendor.ask("POST", "tokens", {"consent": LOCATION})
    with connecting(shop, "--no-browser") as (process, address):
        less = address.replace("contacts.write", "")
        out, err = process.communicate(visited(vendor, less) + "\n", timeout=30)
    assert process.returncode == 0, err
    assert "was not given the scope contacts.write" in out
    got = hightide("check", project=shop)
    assert got.status == 1
    assert "contacts.write" in got.out
    assert "greet: ghl.contacts.tags.add" in got.out
    assert "contacts.write" in hightide("doctor", project=shop).out


def test_a_connection_that_was_never_connected_says_what_to_do(shop: Path, vendor: Vendor) -> None:
    got = hightide("poll", "ghl.contacts.search", "-c", "acme", project=shop)
    assert got.status == 3
    assert "hightide connect acme" in got.err
    assert "hightide connect acme" in hightide("doctor", project=shop).out
    with running(shop) as engine:
        [feed] = engine.wait(lambda: [each for each in _feeds(engine) if each["error"]])
    assert "hightide connect acme" in feed["error"]


def _feeds(engine: Any) -> list[dict[str, Any]]:
    done = hightide("status", "--json", project=engine.folder)
    return list(done.json["feeds"]) if done.status == 0 else []


def test_production_without_a_key_does_not_start(shop: Path, postgres_url: str) -> None:
    env = {"HIGHTIDE_DATABASE_URL": postgres_url, "HIGHTIDE_REDIS_URL": "redis://127.0.0.1:1/0"}
    for command in ("beat", "worker"):
        got = hightide(command, project=shop, env=env)
        assert got.status == 1
        assert "HIGHTIDE_SECRET_KEY is not set" in got.err
        assert "hightide keys new" in got.err
