"""Where credentials come from: what is sent with a request so that the vendor knows who asks."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from connections.connection import ApiKey, Auth, Basic, ClientCredentials, Connection, NoAuth, PrivateToken
from connections.errors import Refused, VendorError
from connections.grants import ask, credentials_form
from connections.transport import Transport

NOTHING: Mapping[str, str] = MappingProxyType({})
RENEW = 0.1
AT_LEAST = 30.0


class TokenSource(Protocol):
    """Gives the headers that carry a connection's credential."""

    async def header(self, connection: Connection) -> Mapping[str, str]:
        """The headers to send; the same object as long as the credential is the same."""

    async def refresh(self, connection: Connection, stale: Mapping[str, str]) -> bool:
        """Replaces a credential that the vendor refused with 401; False where there is no other to be had."""

    async def close(self) -> None:
        """Ends the source's connections."""


def bearer(token: str) -> Mapping[str, str]:
    """The header of a bearer token."""
    return MappingProxyType({"authorization": f"Bearer {token}"})


def secrets_of(auth: Auth) -> tuple[str, ...]:
    """What must never be read in a message."""
    held = (getattr(auth, name, None) for name in ("token", "key", "client_secret", "password"))
    return tuple(secret.get_secret_value() for secret in held if secret is not None)


def query_of(auth: Auth) -> tuple[tuple[str, str], ...]:
    """What an API key adds to the query string."""
    if isinstance(auth, ApiKey) and auth.query:
        return ((auth.query, auth.key.get_secret_value()),)
    return ()


def fixed_header(connection: Connection) -> Mapping[str, str] | None:
    """The headers of a credential that never changes; None where it must be fetched.

    Raises:
        Refused: the credential holds characters that no header may have (a line break, most often).
    """
    auth = connection.auth
    if isinstance(auth, PrivateToken):
        return bearer(_printable(auth.token.get_secret_value(), connection))
    if isinstance(auth, ApiKey):
        return {auth.header.lower(): _printable(auth.key.get_secret_value(), connection)} if auth.header else NOTHING
    if isinstance(auth, Basic):
        return _basic(auth)
    return NOTHING if isinstance(auth, NoAuth) else None


def _basic(auth: Basic) -> Mapping[str, str]:
    pair = f"{auth.username}:{auth.password.get_secret_value()}".encode()
    return MappingProxyType({"authorization": f"Basic {base64.b64encode(pair).decode()}"})


def _printable(secret: str, connection: Connection) -> str:
    if not secret or not secret.isascii() or not secret.isprintable() or secret != secret.strip():
        raise Refused(
            f"connection {connection.name}: its token or key is empty, or holds blanks, line breaks or other "
            "characters that cannot be sent; copy it again"
        )
    return secret


@dataclass(slots=True)
class _Fetched:
    """A fetched token: its headers, and when it should be replaced and when it ends (epoch seconds)."""

    header: Mapping[str, str] = field(default_factory=dict, repr=False)
    renew_at: float = 0.0
    ends_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Tokens:
    """Private tokens, API keys and client credentials; one fetch at a time for each connection of this process.

    A fetched token is replaced when a tenth of its life is left, at a moment that differs between processes. Where that
    fails, the old one is used to its end.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._fixed: dict[str, tuple[Connection, Mapping[str, str]]] = {}
        self._fetched: dict[str, _Fetched] = {}
        self._transport: Transport | None = None

    async def header(self, connection: Connection) -> Mapping[str, str]:
        """The headers to send; the same object as long as the credential is the same.

        Raises:
            VendorError: the token could not be fetched, or the credential cannot be sent.
        """
        known = self._fixed.get(connection.name)
        if known is not None and known[0] is connection:
            return known[1]
        header = fixed_header(connection)
        if header is not None:
            self._fixed[connection.name] = (connection, header)
            return header
        return await self._current(connection)

    async def refresh(self, connection: Connection, stale: Mapping[str, str]) -> bool:
        """Fetches another token, unless that was done since `stale` was given out; False where it cannot be."""
        auth = connection.auth
        if not isinstance(auth, ClientCredentials):
            return False
        kept = self._kept(connection, auth)
        async with kept.lock:
            if kept.header == stale:
                await self._fetch(connection, auth, kept)
        return True

    async def close(self) -> None:
        """Closes the connections that tokens were fetched through."""
        if self._transport is not None:
            await self._transport.close()

    async def _current(self, connection: Connection) -> Mapping[str, str]:
        auth = connection.auth
        if not isinstance(auth, ClientCredentials):
            raise Refused(
                f"connection {connection.name}: {auth.type} tokens are kept in the ledger; none is given here"
            )
        kept = self._kept(connection, auth)
        if self._clock() < kept.renew_at:
            return kept.header
        async with kept.lock:
            if self._clock() >= kept.renew_at:
                await self._renew(connection, auth, kept)
        return kept.header

    async def _renew(self, connection: Connection, auth: ClientCredentials, kept: _Fetched) -> None:
        try:
            await self._fetch(connection, auth, kept)
        except VendorError:
            now = self._clock()
            if now >= kept.ends_at - AT_LEAST / 2:
                raise
            kept.renew_at = min(now + AT_LEAST, kept.ends_at)

    def _kept(self, connection: Connection, auth: ClientCredentials) -> _Fetched:
        return self._fetched.setdefault(
            f"{connection.base_url} {auth.token_path} {auth.client_id} {auth.scope}", _Fetched()
        )

    async def _fetch(self, connection: Connection, auth: ClientCredentials, kept: _Fetched) -> None:
        self._transport = self._transport or Transport()
        url = connection.address_of(auth.token_path)
        form, secret = credentials_form(auth), (auth.client_secret.get_secret_value(),)
        granted = await ask(self._transport, url, form, secret=secret, clock=self._clock)
        now, lasts = self._clock(), granted.lasts
        early = max(AT_LEAST, lasts * RENEW * (1 + self._jitter())) if lasts > 2 * AT_LEAST else lasts / 2
        kept.header, kept.renew_at, kept.ends_at = (
            bearer(_printable(granted.access, connection)),
            now + lasts - early,
            now + lasts,
        )
