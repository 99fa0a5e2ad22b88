"""Credentials that live in the ledger: OAuth tokens, refreshed once across all processes, and location tokens."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from connections import grants
from connections.connection import Agency, Connection, OAuth
from connections.errors import OutcomeUnknown, Refused, Unauthorized, VendorError
from connections.grants import Granted
from connections.tokens import Tokens, bearer
from connections.transport import Transport
from connections.vendors import Vendor
from worker.ledger import credentials
from worker.ledger.credentials import StoredToken
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.vault import Vault

EARLY = 300.0
"""So many seconds before its end a token is replaced, and up to as many more, differently in each process."""
WAITING = 0.2
LOCATION_TOKEN, RECONNECT = "/oauth/locationToken", "/oauth/reconnect"

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Held:
    """A token as this process uses it."""

    version: int
    header: Mapping[str, str]
    renew_at: float
    ends_at: float


class Credentials:
    """A source of credentials for all kinds of connection; those that do not change come from `fixed`.

    Exactly one process refreshes a token: it takes the lease in the ledger, reads the row again under it, and stores
    the new pair before anybody uses it. A process that is ended between the vendor's answer and the store loses the
    pair; the next one tries the old refresh token, asks the vendor to reconnect, or says what a person has to do.
    """

    def __init__(
        self,
        store: Store,
        vault: Callable[[], Vault],
        connections: Mapping[str, Connection],
        vendors: Mapping[str, Vendor],
        fixed: Tokens | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._vault = vault
        self._connections = connections
        self._vendors = vendors
        self._fixed = fixed or Tokens()
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._transport: Transport | None = None

    async def header(self, connection: Connection) -> Mapping[str, str]:
        """The headers to send; the same object as long as the credential is the same.

        Raises:
            VendorError: there is no token, or it could not be refreshed.
        """
        if not isinstance(connection.auth, OAuth | Agency):
            return await self._fixed.header(connection)
        held = self._held.get(connection.name)
        if held is not None and self._clock() < held.renew_at:
            return held.header
        async with self._lock(connection):
            held = self._held.get(connection.name)
            if held is None or self._clock() >= held.renew_at:
                held = await self._current(connection)
            return held.header

    async def refresh(self, connection: Connection, stale: Mapping[str, str]) -> bool:
        """Replace a token that the vendor refused with 401; False where there is no other to be had."""
        if not isinstance(connection.auth, OAuth | Agency):
            return await self._fixed.refresh(connection, stale)
        async with self._lock(connection):
            held = self._held.get(connection.name)
            if held is not None and held.header != stale:
                return True
            row = await self._store.read(credentials.read, connection.name)
            if row is not None and held is not None and row.version > held.version:
                self._hold(connection, row)
                return True
            self._hold(connection, await self._renewed(connection, row))
            return True

    async def close(self) -> None:
        """End the source's connections."""
        await self._fixed.close()
        if self._transport is not None:
            await self._transport.close()

    async def _current(self, connection: Connection) -> _Held:
        row = await self._store.read(credentials.read, connection.name)
        if row is not None and self._clock() < row.expires_at / 1000 - self._early(row):
            return self._hold(connection, row)
        try:
            return self._hold(connection, await self._renewed(connection, row))
        except VendorError:
            if row is None or self._clock() >= row.expires_at / 1000:
                raise
            return self._hold(connection, row, soon=True)  # the old one is good for a while yet

    async def _renewed(self, connection: Connection, row: StoredToken | None) -> StoredToken:
        """The next version of this token, made by us or by whoever was first."""
        if row is None:
            if isinstance(connection.auth, OAuth):
                raise Unauthorized(
                    f"connection {connection.name} has no token yet: run `hightide connect {connection.name}`"
                )
            return await self._stored(connection, await self._asked(connection, None))
        while True:
            leased = await self._store.write(credentials.lease, row.name, row.version, now_ms())
            if leased is not None:
                return await self._under_lease(connection, leased)
            await asyncio.sleep(WAITING)
            newer = await self._store.read(credentials.read, row.name)
            if newer is not None and newer.version != row.version:
                return newer

    async def _under_lease(self, connection: Connection, row: StoredToken) -> StoredToken:
        try:
            granted = await self._asked(connection, row)
        except Refused as error:
            return await self._regained(connection, row, error)
        except OutcomeUnknown as error:
            await self._store.write(credentials.release, row.name, row.version, reason=str(error), spent=True)
            raise
        except VendorError as error:
            spent = row.spending  # nothing was sent: the token is as it was
            await self._store.write(credentials.release, row.name, row.version, reason=str(error), spent=spent)
            raise
        return await self._stored(connection, granted)

    async def _regained(self, connection: Connection, row: StoredToken, error: Refused) -> StoredToken:
        """A pair from the vendor's reconnect, where the refresh token was spent and its answer lost."""
        auth = connection.auth
        if isinstance(auth, OAuth) and row.spending:
            try:
                return await self._stored(connection, await self._reconnected(connection, auth, row))
            except VendorError as again:
                log.warning("token.reconnect_refused", connection=connection.name, reason=str(again))
        lost = (
            " (a process was ended while it was being refreshed, and the vendor's answer is lost)"
            if row.spending
            else ""
        )
        reason = f"the token of connection {connection.name} cannot be refreshed{lost}: {error}"
        reason += f"; connect again with `hightide connect {connection.name}`"
        await self._store.write(credentials.release, row.name, row.version, reason=reason, spent=row.spending)
        raise Unauthorized(reason, status=error.status) from error

    async def _asked(self, connection: Connection, row: StoredToken | None) -> Granted:
        """Ask the vendor for the next token."""
        auth = connection.auth
        if isinstance(auth, Agency):
            return await self._location_token(connection, auth)
        assert isinstance(auth, OAuth)  # noqa: S101  # there are only these two here
        if row is None or row.refresh is None:
            raise Unauthorized(
                f"connection {connection.name} has no refresh token: run `hightide connect {connection.name}`"
            )
        refresh = self._vault().open(row.refresh)
        form = grants.refresh_form(auth, refresh, row.user_type or "Location")
        return await self._exchange(connection, form, (refresh, auth.client_secret.get_secret_value()))

    async def _location_token(self, connection: Connection, auth: Agency) -> Granted:
        agency = self._connections.get(auth.connection)
        if agency is None:
            raise Refused(f"connection {connection.name}: there is no connection {auth.connection}")
        form = {"companyId": agency.company_id or "", "locationId": connection.location_id or ""}
        for attempt in (1, 2):
            header = await self.header(agency)
            try:
                return await grants.ask(
                    self._wire(),
                    agency.base_url.rstrip("/") + LOCATION_TOKEN,
                    form,
                    headers={**header, "version": "2021-07-28"},
                    clock=self._clock,
                )
            except Refused as error:
                if error.status != 401 or attempt == 2 or not await self.refresh(agency, header):
                    raise
        raise AssertionError  # the second attempt returned or raised

    async def _reconnected(self, connection: Connection, auth: OAuth, row: StoredToken) -> Granted:
        secret = auth.client_secret.get_secret_value()
        place = {"locationId": row.location_id} if row.location_id else {"companyId": row.company_id or ""}
        form = {"clientKey": auth.client_id, "clientSecret": secret, **place}
        url = connection.base_url.rstrip("/") + RECONNECT
        code = await grants.ask_code(self._wire(), url, form, secret=(secret,), clock=self._clock)
        kind: grants.UserType = "Location" if row.location_id else "Company"
        return await self._exchange(connection, grants.code_form(auth, code, "", kind), (secret, code))

    async def _exchange(self, connection: Connection, form: Mapping[str, str], secret: tuple[str, ...]) -> Granted:
        vendor = self._vendors.get(connection.kind)
        url = connection.base_url.rstrip("/") + (vendor.token_path if vendor else "/oauth/token")
        return await grants.ask(self._wire(), url, form, secret=secret, clock=self._clock)

    async def _stored(self, connection: Connection, granted: Granted) -> StoredToken:
        """Store it before anybody uses it."""
        token = sealed(self._vault(), connection.name, granted, self._clock())
        await self._store.write(credentials.store, token, now_ms())
        row = await self._store.read(credentials.read, connection.name)
        assert row is not None  # noqa: S101  # it was stored just now
        return row

    def _hold(self, connection: Connection, row: StoredToken, *, soon: bool = False) -> _Held:
        ends = row.expires_at / 1000
        renew = min(self._clock() + 30, ends) if soon else ends - self._early(row)
        header = bearer(self._vault().open(row.access))
        held = _Held(version=row.version, header=header, renew_at=renew, ends_at=ends)
        self._held[connection.name] = held
        return held

    def _early(self, row: StoredToken) -> float:
        left = max(row.expires_at / 1000 - self._clock(), 0.0)
        return min(EARLY * (1 + random.random()), left / 2 + 1)  # noqa: S311  # processes should not meet

    def _lock(self, connection: Connection) -> asyncio.Lock:
        return self._locks.setdefault(connection.name, asyncio.Lock())

    def _wire(self) -> Transport:
        self._transport = self._transport or Transport()
        return self._transport


def sealed(vault: Vault, name: str, granted: Granted, now: float) -> dict[str, object]:
    """The ledger's row of a token that a vendor just gave."""
    return {
        "name": name,
        "access": vault.seal(granted.access),
        "refresh": None if granted.refresh is None else vault.seal(granted.refresh),
        "expires_at": round((now + granted.lasts) * 1000),
        "scope": granted.scope,
        "user_type": granted.user_type,
        "location_id": granted.location_id,
        "company_id": granted.company_id,
    }
