"""Secrets are planted everywhere; after a busy run with errors of many kinds none of them can be read anywhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from celery import Celery
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from tests.console.shell import HIGHTIDE, LOCATION, Engine, Vendor, environment, running
from tests.credentials.conftest import free_port
from tests.security.conftest import (
    Watch,
    canary,
    command_lines,
    everything_in_database,
    everything_in_files,
    everything_in_redis,
    forms,
    waited,
)
from worker.ledger import credentials
from worker.ledger.store import Store
from worker.vault import Vault

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
COMPANY = "sandboxCompany000001"
CONNECTIONS = """\
connections:
  acme:
    kind: ghl
    location_id: {location}A
    base_url: {url}
    auth: {{type: private_token, token: "${{ACME_TOKEN}}"}}
  filed:
    kind: ghl
    location_id: {location}F
    base_url: {url}
    auth: {{type: private_token, token: "file:{file}"}}
  keyed:
    kind: ghl
    location_id: {location}
    base_url: {url}
    auth: {{type: api_key, query: api_key, header: null, key: "${{API_KEY}}"}}
  apart:
    kind: ghl
    location_id: {location}
    base_url: {url}
    auth: {{type: client_credentials, client_id: app-1, client_secret: "${{APP_SECRET}}"}}
  open:
    kind: ghl
    location_id: {location}
    base_url: {url}
    auth:
      type: oauth
      client_id: app-1
      client_secret: "${{APP_SECRET}}"
      consent_page: {url}/v2/oauth/chooselocation
      redirect_uri: http://127.0.0.1:{port}/oauth/callback
  agency:
    kind: ghl
    company_id: {company}
    base_url: {url}
    auth: {{type: private_token, token: "${{AGENCY_TOKEN}}"}}
"""
TRIGGER = "trigger: {{use: ghl.contacts.search, connection: {connection}, on: new, every: 1m}}"
NOTE = 'use: ghl.contacts.notes.create\n        with: {contactId: "{{ record.id }}", body: hello}'
AUTOMATIONS = f"""\
automations:
  noted:
    {TRIGGER.format(connection="acme")}
    steps:
      - {NOTE}
  filed:
    {TRIGGER.format(connection="filed")}
    steps:
      - {NOTE}
  keyed:
    {TRIGGER.format(connection="keyed")}
    steps:
      - {NOTE}
  apart:
    {TRIGGER.format(connection="apart")}
    steps:
      - {NOTE}
  open:
    {TRIGGER.format(connection="open")}
    steps:
      - {NOTE}
  hired:
    {TRIGGER.format(connection="acme")}
    steps:
      - use: ghl.users.create
        connection: agency
        with:
          firstName: "{{{{ record.firstName }}}}"
          lastName: Canary
          email: "u{{{{ record.id }}}}@example.com"
          password: "${{USER_PASSWORD}}"
          type: account
          role: user
          locationIds: [{LOCATION}]
          permissions: {{}}
          scopes: []
          scopesAssignedToOnly: []
"""
USER = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": "ada@example.com",
    "password": canary("order-password"),
    "type": "account",
    "role": "user",
    "locationIds": [LOCATION],
    "permissions": {},
    "scopes": [],
    "scopesAssignedToOnly": [],
}


@pytest.fixture
def watch(postgres_url: str, redis_url: str, tmp_path: Path) -> Watch:
    names = ("acme-token", "filed-token", "api-key", "app-secret", "agency-token", "user-password", "database-password")
    secrets = {name: canary(name) for name in (*names, "web-password", "order-password", "redis-password")}
    return Watch({**secrets, "key": Fernet.generate_key().decode()})


@pytest.fixture
def env(watch: Watch, postgres_url: str, redis_url: str) -> dict[str, str]:
    known = watch.secrets
    database = make_url(postgres_url).set(password=known["database-password"]).render_as_string(hide_password=False)
    return {
        "HIGHTIDE_DATABASE_URL": database,
        "HIGHTIDE_REDIS_URL": redis_url,
        "HIGHTIDE_SECRET_KEY": known["key"],
        "HIGHTIDE_WEB_ADDRESS": f"127.0.0.1:{free_port()}",
        "HIGHTIDE_WEB_PASSWORD": known["web-password"],
        "ACME_TOKEN": known["acme-token"],
        "API_KEY": known["api-key"],
        "APP_SECRET": known["app-secret"],
        "AGENCY_TOKEN": known["agency-token"],
        "USER_PASSWORD": known["user-password"],
    }


@pytest.fixture
def project(watch: Watch, vendor: Vendor, tmp_path: Path) -> Path:
    vendor.ask("POST", "reset")
    vendor.ask("POST", "apps", {"client_id": "app-1", "client_secret": watch.secrets["app-secret"]})
    vendor.ask("POST", "tokens", {"consent": LOCATION, "lifetime": 20})
    folder, file = tmp_path / "shop", tmp_path / "token"
    file.write_text(watch.secrets["filed-token"] + "\n")
    (folder / "automations").mkdir(parents=True)
    text = CONNECTIONS.format(url=vendor.url, location=LOCATION, company=COMPANY, file=file, port=free_port())
    (folder / "connections.yaml").write_text(text)
    (folder / "automations" / "all.yaml").write_text(AUTOMATIONS)
    return folder


def trouble(vendor: Vendor, secrets: dict[str, str]) -> None:
    """Errors of many kinds; each says back a secret that it was sent."""
    acme, filed, app = secrets["acme-token"], secrets["filed-token"], secrets["app-secret"]
    notes, users = {"path": "/contacts/*/notes", "location": f"{LOCATION}A"}, {"method": "POST", "path": "/users/"}
    user, order = f"no: {secrets['user-password']}", f"no: {secrets['order-password']} {secrets['agency-token']}"
    faults: list[dict[str, Any]] = [
        {"match": notes, "status": 401, "message": f"no: {acme}", "count": 2},
        {"match": notes, "status": 422, "message": f"no: {acme}", "count": 2, "skip": 2},
        {"match": notes, "status": "html", "count": 1, "skip": 4},
        {"match": notes, "cut": True, "when": "after", "count": 1, "skip": 5},
        {"match": {**notes, "location": f"{LOCATION}F"}, "status": 400, "message": f"no: {filed}", "count": 3},
        {"match": users, "status": 500, "message": user, "count": 1},
        {"match": users, "status": 400, "message": user, "count": 3, "skip": 1},
        {"match": {"method": "PUT", "path": "/users/*"}, "status": 400, "message": order},
        {"match": {"path": "/contacts/search", "location": f"{LOCATION}A"}, "status": 500, "message": acme, "count": 2},
        {"match": {"path": "/oauth/token"}, "status": 401, "message": f"no: {app}", "count": 2, "skip": 2},
    ]
    for each in faults:
        vendor.ask("POST", "faults", each)


@contextmanager
def at_work(project: Path, env: dict[str, str]) -> Iterator[Engine]:
    with running(project, "run", "--concurrency", "2", env=env) as engine:
        # the other feeds are refused by the vendor, which is one of the errors to tell of
        engine.wait(lambda: {"acme", "filed", "open"} <= succeeded(engine))
        yield engine


def succeeded(engine: Engine) -> set[str]:
    return {each["connection"] for each in engine.status()["feeds"] if each["succeeded_at"]}


def test_no_secret_can_be_read_anywhere(watch: Watch, project: Path, env: dict[str, str], vendor: Vendor) -> None:
    connected(watch, project, env, vendor)
    with at_work(project, env) as engine:
        trouble(vendor, watch.secrets)
        for place in ("", "A", "F"):
            vendor.ask("POST", "leads", {"location": f"{LOCATION}{place}", "count": 3})
        watch.command(project, env, "nudge", "noted")
        send_orders(env)
        for name in ("filed", "keyed", "apart", "open"):
            watch.command(project, env, "nudge", name)
        waited(45, lambda: settled(engine))
        engine.wait(lambda: answers(f"http://{env['HIGHTIDE_WEB_ADDRESS']}/health"))
        pages(watch, env)
        all_commands(watch, project, env)
        watch.places["command lines"] = command_lines([each.pid for each in engine.family()])
        watch.places["redis"] = everything_in_redis(env["HIGHTIDE_REDIS_URL"])
    runs = watch.places["hightide runs --json"]
    assert runs.count('"failed"') > 3, "nothing failed, so that there was nothing to tell"
    tokens = stored_tokens(watch, env)
    watch.places["database"] = everything_in_database(env["HIGHTIDE_DATABASE_URL"])
    watch.places["logs"] = engine.said
    assert "feed.failing" in engine.said
    watch.places["state"] = everything_in_files(project / ".hightide") if (project / ".hightide").exists() else ""
    assert len(tokens) == 2
    assert watch.found() == []


def connected(watch: Watch, project: Path, env: dict[str, str], vendor: Vendor) -> None:
    """`hightide connect`, once refused, once granted."""
    watch.command(project, env, "connect", "open", "--no-browser", given="http://127.0.0.1/?code=c&state=s\n")
    where = environment({"HIGHTIDE_PROJECT": str(project), "HIGHTIDE_DEBUG": "1", **env})
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([*HIGHTIDE, "connect", "open", "--no-browser"], env=where, text=True, **pipes) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http"), process.communicate()
        back = vendor.client.get(address).headers["location"]
        out, err = process.communicate(back + "\n", timeout=60)
    assert process.returncode == 0, err
    watch.places["hightide connect"] = address + out + err


def stored_tokens(watch: Watch, env: dict[str, str]) -> list[str]:
    """The tokens in the ledger, from now on secrets to be searched for."""
    store = Store(env["HIGHTIDE_DATABASE_URL"])
    [row] = store.read_now(credentials.everything)
    store.close()
    vault = Vault([SecretStr(watch.secrets["key"])])
    assert row.refresh is not None
    watch.secrets |= {"access token": vault.open(row.access), "refresh token": vault.open(row.refresh)}
    return [vault.open(row.access), vault.open(row.refresh)]


def send_orders(env: dict[str, str]) -> None:
    """Orders of another application: one with a password, one that is refused for what it says."""
    with Celery(broker=env["HIGHTIDE_REDIS_URL"], set_as_current=False) as app:
        order = {"userId": "u1", "password": USER["password"]}
        for given in (order, {**order, "userId": 7}):
            app.send_task("actions.ghl.users.update", kwargs={"connection": "agency", "with": given}, queue="act")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def settled(engine: Engine) -> bool:
    counts = engine.status()["runs"]
    return counts["failed"] >= 2 and counts["open"] == 0


def all_commands(watch: Watch, project: Path, env: dict[str, str]) -> None:
    """Every command that shows something, some of them at fault."""
    listed = watch.command(project, env, "runs", "--json", "--limit", "100")
    told = {(run["state"], run["automation"]): str(run["id"]) for run in json.loads(listed.stdout)}
    watch.places["hightide runs --json"] = listed.stdout
    plain = (
        "check", "check --json", "status", "status --json", "runs", "plan", "plan --json", "doctor", "doctor --json",
        "catalog", "show ghl.users.create", "schema", "cursor show noted", "explain noted nobody", "test noted",
        "test hired", "nudge nobody", "poll ghl.contacts.search -c acme", "poll ghl.contacts.search -c open",
        "poll ghl.contacts.search -c keyed", "poll ghl.contacts.search -c apart", "keys rotate",
        "replay noted --since 2020-01-01 --dry-run", "connect acme",
    )  # fmt: skip
    for words in plain:
        watch.command(project, env, *words.split())
    for run in told.values():
        watch.command(project, env, "show-run", run, "--json")
    watch.command(project, env, "show-run", next(iter(told.values())))
    watch.command(project, env, "retry", next(iter(told.values())))
    given = json.dumps({**USER, "companyId": COMPANY})
    watch.command(project, env, "act", "ghl.users.create", "-c", "agency", "--dry-run", "--with", given)
    broken = {**env, "HIGHTIDE_REDIS_URL": f"redis://:{watch.secrets['redis-password']}@127.0.0.1:1/0"}
    for words in ("doctor", "poll ghl.contacts.search -c acme", "status"):
        watch.command(project, broken, *words.split())
    nowhere = f"postgresql://me:{watch.secrets['database-password']}@127.0.0.1:1/none"
    for words in ("doctor", "status", "worker"):
        watch.command(project, {**env, "HIGHTIDE_DATABASE_URL": nowhere}, *words.split())


def pages(watch: Watch, env: dict[str, str]) -> None:
    """What the web process shows, with and without its password."""
    base = f"http://{env['HIGHTIDE_WEB_ADDRESS']}"
    for auth in (None, ("me", watch.secrets["web-password"])):
        for path in ("/", "/health", "/ready", "/metrics", "/oauth/callback?code=x&state=y", "/webhooks/ghl", "/none"):
            got = httpx.get(base + path, auth=auth, trust_env=False, timeout=30)
            watch.places[f"{path} ({'with' if auth else 'without'})"] = str(got.headers) + got.text


def test_the_search_finds_what_is_there() -> None:
    secret = canary("x")
    for form in forms(secret):
        assert Watch({"x": secret}, {"here": f"...{form}..."}).found() == ["x in here"]
    assert Watch({"x": secret}, {"here": "canary"}).found() == []
