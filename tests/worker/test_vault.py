"""Secrets at rest: sealing, rotating, the project's own keys, and when there must be one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select

from config.settings import Settings
from connections.connection import Connection, NoAuth, OAuth
from connections.grants import Granted
from connections.operation import post
from tests.worker.clock import Clock
from tests.worker.rows import Thing
from worker import orders
from worker.credentials import sealed
from worker.ledger import consents, credentials
from worker.ledger.consents import Begun
from worker.ledger.store import Store
from worker.ledger.tables import CONSENTS, CREDENTIALS, EVENTS
from worker.orders import ActionOrder
from worker.rotation import rotate
from worker.seal import NoKey, opened
from worker.seal import sealed as sealed_inputs
from worker.vault import Vault, demand_key, new_own_key, own_keys, vault_of

GRANTED = Granted(access="access-canary", refresh="refresh-canary", lasts=3600)
OPERATION = post("/things", Thing)


def key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(project=folder, state_dir=folder / ".hightide", **more)


def account(auth: Any) -> Connection:
    return Connection(name="acme", kind="toy", base_url="http://127.0.0.1:1", auth=auth)


def fill(ledger: Store, old: SecretStr) -> None:
    """A token, a consent under way and an order with a password, all sealed with one key."""
    row = sealed(Vault([old]), "acme", GRANTED, time.time())
    ledger.write_now(credentials.store, row, 1)
    begun = Begun(connection="acme", redirect_uri="http://x", scope="a", verifier=Vault([old]).seal("verifier-canary"))
    ledger.write_now(consents.begin, "state", begun, 1)
    inputs = sealed_inputs(OPERATION, {"name": "x", "password": "pass-canary"}, [old])
    ledger.write_now(orders.entered, ActionOrder(action="toy.make", connection="acme", inputs=inputs), "m1", 1)


def everything(ledger: Store) -> str:
    tables = (CREDENTIALS, CONSENTS, EVENTS)
    return str([ledger.read_now(lambda c, t=table: c.execute(select(t)).all()) for table in tables])


def test_after_a_rotation_the_old_key_opens_nothing_and_the_new_one_all(ledger: Store) -> None:
    old, new = key(), key()
    fill(ledger, old)
    assert "canary" not in everything(ledger)
    assert ledger.write_now(rotate, Vault([new, old])) == 3
    row = ledger.read_now(credentials.read, "acme")
    assert row is not None
    assert row.version == 1
    assert row.refresh is not None
    with pytest.raises(NoKey):
        Vault([old]).open(row.access)
    assert (Vault([new]).open(row.access), Vault([new]).open(row.refresh)) == ("access-canary", "refresh-canary")
    begun = ledger.write_now(consents.finish, "state", 2)
    assert begun is not None
    assert Vault([new]).open(begun.verifier or "") == "verifier-canary"
    record = orjson.loads(ledger.read_now(lambda c: c.scalar(select(EVENTS.c.record))) or "")
    assert opened(OPERATION, record, [new])["password"] == "pass-canary"
    assert record["name"] == "x"


def test_a_rotation_without_the_old_key_changes_nothing(ledger: Store) -> None:
    fill(ledger, key())
    before = everything(ledger)
    with pytest.raises(NoKey, match="not in HIGHTIDE_SECRET_KEY any more"):
        ledger.write_now(rotate, Vault([key()]))
    assert everything(ledger) == before


def test_a_consent_comes_back_once_and_in_time(ledger: Store, clock: Clock) -> None:
    begun = Begun(connection="acme", redirect_uri="http://x", scope="a b")
    ledger.write_now(consents.begin, "state", begun, clock())
    assert "'state'" not in everything(ledger)
    assert ledger.write_now(consents.finish, "guessed", clock()) is None
    assert ledger.write_now(consents.finish, "state", clock()) == begun
    assert ledger.write_now(consents.finish, "state", clock()) is None
    ledger.write_now(consents.begin, "late", begun, clock())
    clock.advance(consents.LASTS)
    assert ledger.write_now(consents.finish, "late", clock()) is None


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = {keys[0].get_secret_value() for keys in pool.map(lambda _: own_keys(tmp_path), range(64))}
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_the_project_s_own_key_can_be_replaced_and_the_one_before_still_opens(tmp_path: Path) -> None:
    text = vault_of(settings(tmp_path)).seal("t0ken")
    first = own_keys(tmp_path / ".hightide")
    new_own_key(tmp_path / ".hightide")
    assert own_keys(tmp_path / ".hightide")[1:] == first
    again = vault_of(settings(tmp_path)).rotate(text)
    new_own_key(tmp_path / ".hightide")
    assert vault_of(settings(tmp_path)).open(again) == "t0ken"
    with pytest.raises(NoKey):
        vault_of(settings(tmp_path)).open(text)
    assert (tmp_path / ".hightide" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_file_is_told_and_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("rubbish\n")
    with pytest.raises(NoKey, match="put back the file"):
        own_keys(tmp_path)
    assert (tmp_path / "secret.key").read_text() == "rubbish\n"


def test_a_shared_database_demands_a_key_where_tokens_are_stored(tmp_path: Path) -> None:
    oauth = account(OAuth(client_id="a", client_secret=SecretStr("b")))
    shared = settings(tmp_path, database_url="postgresql://127.0.0.1/x")
    with pytest.raises(NoKey, match="hightide keys new"):
        demand_key(shared, [oauth])
    with pytest.raises(NoKey, match="hightide keys new"):
        vault_of(shared)
    demand_key(shared, [account(NoAuth())])
    demand_key(settings(tmp_path, database_url="postgresql://127.0.0.1/x", secret_keys=(key(),)), [oauth])
    demand_key(settings(tmp_path), [oauth])
