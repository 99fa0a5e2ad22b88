"""Accounts at the vendors that Hightide knows by the manifests it ships: Rankr's and 0CodeKit's."""

from __future__ import annotations

import itertools
from typing import Any

from pydantic import SecretStr

from config.catalogues import catalogues
from connections.connection import ApiKey, Auth, ClientCredentials
from tests.operations.vendor import Account, Vendor

_numbers = itertools.count(1)


class RankrAccount(Account):
    """Rankr's one account, with an app of its own for one test alone."""

    kind = "rankr"
    prefix = "/rankr"

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.location, self.company = "rankr", ""
        self.ids = {}
        self.app = {"client_id": f"app-{next(_numbers)}", "client_secret": "hush-hush"}
        vendor.steer("apps", {**self.app, "vendor": "rankr"})

    def allow(self, token: str, *, agency: bool = False, scopes: tuple[str, ...] | None = None) -> None:
        """The app has all scopes: the manifest names them for all operations together."""

    def auth(self, token: str) -> Auth:
        told = catalogues().vendors["rankr"].auths["client_credentials"]
        secret = SecretStr(self.app["client_secret"])
        return ClientCredentials(client_id=self.app["client_id"], client_secret=secret, **told)

    def lead(self, **fields: Any) -> str:
        """A lead that came in; its id."""
        return self.record("rankr.leads", "create", **{"name": "Ada", "email": "ada@example.com", **fields})

    def contract(self, ends_at: str, **fields: Any) -> str:
        """A contract that is in force and ends then; its id."""
        plain = {"title": "Service agreement", "status": "active", "ends_at": ends_at}
        return self.record("rankr.contracts", "create", **{**plain, **fields})

    def document(self, contact: str = "cli_rivers") -> str:
        """A draft for a client; its id."""
        client = {"id": contact, "name": "Barbara Rivers", "email": "barbara.rivers@example.com"}
        return self.record("rankr.documents", "create", title="Plan", client_id=contact, client=client)

    def answered(self, document: str, status: str) -> str:
        """Somebody does that with a document; its id."""
        self.vendor.steer("signatures", {"document": document, "status": status})
        return document


class KitAccount(Account):
    """0CodeKit, which keeps nothing."""

    kind = "0codekit"
    prefix = "/0codekit"

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.location, self.company = f"kit-{next(_numbers)}", ""
        self.ids = {}
        self.key = "sandbox"

    def allow(self, token: str, *, agency: bool = False, scopes: tuple[str, ...] | None = None) -> None:
        """There is one key."""

    def auth(self, token: str) -> Auth:
        return ApiKey(key=SecretStr(self.key), **catalogues().vendors["0codekit"].auths["api_key"])


ACCOUNTS: dict[str, type[Account]] = {each.kind: each for each in (Account, RankrAccount, KitAccount)}


def account_of(vendor: Vendor, operation: str) -> Any:
    """An account at the vendor of that trigger or action, which no other test knows."""
    return ACCOUNTS[operation.partition(".")[0]](vendor)
