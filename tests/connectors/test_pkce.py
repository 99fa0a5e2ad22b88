"""A manifest's vendor that demands PKCE (RFC 7636), connected in the browser and by hand, refreshed afterwards."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from tests.connectors.github import serving
from tests.console.shell import hightide
from tests.credentials.conftest import free_port
from tests.credentials.test_connect import connecting, stored

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
CHAIRS = """\
title: Chairs
auth: {oauth: {consent_page: URL/authorize, token_path: /token, pkce: true}}
triggers:
  chairs.list: {summary: A chair is new, request: GET /chairs, snapshot: {}}
actions:
  chairs.paint: {summary: Paint a chair, request: "PUT /chairs/{id}", scopes: [SCOPE]}
"""
PROJECT = """\
connections:
  chairs:
    kind: chairs
    base_url: URL
    auth: {type: oauth, client_id: app-1, client_secret: hush-hush, redirect_uri: "http://127.0.0.1:PORT/back"}
"""
PAINT = """\
automations:
  paint:
    trigger: {use: chairs.chairs.list, connection: chairs, on: new, every: 1m}
    steps: [{use: chairs.chairs.paint, with: {id: "{{ record.id }}"}}]
"""


@dataclass
class Chairs:
    """An authorization server that gives no token without the verifier of the consent, and an API behind it."""

    url: str = ""
    lasts: int = 3600
    codes: dict[str, str] = field(default_factory=dict)
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    grants: list[dict[str, str]] = field(default_factory=list)

    def authorized(self, query: dict[str, str]) -> tuple[int, dict[str, str]]:
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return 400, {}
        code = secrets.token_hex(8)
        self.codes[code] = query["code_challenge"]
        return 302, {"Location": f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"}

    def granted(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.grants.append(form)
        if (form["client_id"], form["client_secret"]) != ("app-1", "hush-hush"):
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            given = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            right = base64.urlsafe_b64encode(given).rstrip(b"=").decode() == self.codes.pop(form["code"], None)
        else:
            right = form["refresh_token"] in self.refresh
            self.refresh.discard(form.get("refresh_token", ""))
        if not right:
            return 400, {"error": "invalid_grant", "error_description": "the verifier or the token is wrong"}
        pair = secrets.token_hex(8), secrets.token_hex(8)
        self.access, self.refresh = {pair[0]}, {pair[1]}
        return 200, {
            "access_token": pair[0],
            "refresh_token": pair[1],
            "expires_in": self.lasts,
            "token_type": "Bearer",
        }

    def asked(self, credential: str | None) -> tuple[int, Any]:
        if (credential or "").removeprefix("Bearer ") not in self.access:
            return 401, {"message": "who are you?"}
        return 200, [{"id": "c1"}]


def _handler(chairs: Chairs) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                status, headers = chairs.authorized(dict(parse_qsl(parts.query)))
                self.say(status, {}, headers)
            else:
                self.say(*chairs.asked(self.headers["Authorization"]))

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.say(*chairs.granted(dict(parse_qsl(form))))

        def say(self, status: int, said: Any, headers: dict[str, str] | None = None) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler


@contextmanager
def vendor() -> Iterator[Chairs]:
    made = Chairs()
    with serving(lambda: _handler(made)) as url:
        made.url = url
        yield made


@pytest.fixture
def chairs() -> Iterator[Chairs]:
    with vendor() as made:
        yield made


@pytest.fixture
def shop(tmp_path: Path, chairs: Chairs) -> Path:
    """A project with this vendor's manifest."""
    for folder in ("connectors", "automations"):
        (tmp_path / folder).mkdir()
    manifest = CHAIRS.replace("URL", chairs.url).replace(", scopes: [SCOPE]", "")
    (tmp_path / "connectors" / "chairs.yaml").write_text(manifest)
    (tmp_path / "connections.yaml").write_text(PROJECT.replace("URL", chairs.url).replace("PORT", str(free_port())))
    (tmp_path / "automations" / "paint.yaml").write_text(PAINT)
    return tmp_path


def back_from(address: str, **other: str) -> str:
    """Where the consent page sends the browser, with some of what it was asked for replaced."""
    page, _, query = address.partition("?")
    asked = {name: values[0] for name, values in parse_qs(query).items()} | other
    answer = httpx.get(page, params=asked, trust_env=False)
    return str(answer.headers["location"])


def polled(shop: Path) -> Any:
    return hightide("poll", "chairs.chairs.list", "-c", "chairs", "--json", project=shop)


def test_the_redirect_is_served_here_and_the_pair_is_renewed(shop: Path, chairs: Chairs) -> None:
    chairs.lasts = 1
    with connecting(shop, name="chairs") as (process, address):
        asked = parse_qs(urlsplit(address).query)
        assert (asked["code_challenge_method"], "scope" in asked) == (["S256"], False)
        page = httpx.get(back_from(address), trust_env=False)
        assert (page.status_code, "chairs is connected" in page.text) == (200, True), page.text
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out.strip() == "connection chairs is connected; its token is renewed by itself"
    [grant] = chairs.grants
    assert 43 <= len(grant["code_verifier"]) <= 128
    assert grant["code_verifier"] not in address + out + err
    chairs.lasts = 3600
    for _ in range(2):
        got = polled(shop)
        assert (got.status, got.json) == (0, [{"id": "c1"}]), got.err
    assert [each["grant_type"] for each in chairs.grants] == ["authorization_code", "refresh_token"]
    assert "code_verifier" not in chairs.grants[1]


def test_without_a_browser_the_redirect_is_pasted(shop: Path, chairs: Chairs) -> None:
    manifest = CHAIRS.replace("URL", chairs.url).replace("SCOPE", "chairs.write")
    manifest = manifest.replace("token_path: /token", f"token_path: {chairs.url}/token")
    (shop / "connectors" / "chairs.yaml").write_text(manifest)
    with connecting(shop, "--no-browser", name="chairs") as (process, address):
        assert parse_qs(urlsplit(address).query)["scope"] == ["chairs.write"]
        out, err = process.communicate(back_from(address) + "\n", timeout=30)
    assert (process.returncode, "is connected" in out) == (0, True), err
    assert polled(shop).status == 0


def test_a_code_of_somebody_else_s_consent_gives_no_tokens(shop: Path, chairs: Chairs) -> None:
    with connecting(shop, "--no-browser", name="chairs") as (process, address):
        theirs = base64.urlsafe_b64encode(hashlib.sha256(b"their own verifier").digest()).rstrip(b"=").decode()
        _, err = process.communicate(back_from(address, code_challenge=theirs) + "\n", timeout=30)
    assert process.returncode == 3
    assert "the verifier or the token is wrong" in err
    assert "hush-hush" not in err
    assert stored(shop) == []
    assert "hightide connect chairs" in polled(shop).err
