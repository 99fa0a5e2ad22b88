"""One process of a race: takes a connection's header, or refreshes it after a 401, and dies where it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import Any

from pydantic import SecretStr

from connections.connection import Connection, OAuth
from connections.vendors import VENDORS
from worker import credentials as under_test
from worker.credentials import Credentials
from worker.exchange import Exchange
from worker.ledger.store import Store
from worker.vault import Vault


def connection(url: str) -> Connection:
    auth = OAuth(client_id="app-1", client_secret=SecretStr("hush-hush"))
    return Connection(name="acme", kind="ghl", base_url=url, auth=auth, location_id="ve9EPM428h8vShlRW1KT")


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal(Exchange):
    """Dies before the call, or when the vendor has answered."""

    step = ""

    async def refreshed(self, *args: Any) -> Any:
        if self.step == "before":
            dies()
        granted = await super().refreshed(*args)
        if self.step == "answered":
            dies()
        return granted


async def race(told: dict[str, Any]) -> str:
    account, store = connection(told["url"]), Store(told["ledger"])
    Mortal.step = told.get("step", "")
    under_test.Exchange = Mortal  # type: ignore[misc]  # it behaves as the real one does, up to its death
    tokens = Credentials(store, lambda: Vault([SecretStr(told["key"])]), {account.name: account}, VENDORS)
    stale = await tokens.header(account) if told.get("refused") else None
    while time.time() < told["at"]:
        await asyncio.sleep(0.001)
    if stale is not None:
        await tokens.refresh(account, stale)
    header = await tokens.header(account)
    if told.get("step") == "stored":
        dies()
    await tokens.close()
    store.close()
    return header["authorization"]


if __name__ == "__main__":
    print(asyncio.run(race(json.loads(sys.argv[1]))), flush=True)
