"""Credentials that live in the ledger: OAuth tokens, refreshed once across all processes, and location tokens."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.exc import OperationalError

from config.project import Project
from connections.connection import Agency, Connection, OAuth
from connections.errors import OutcomeUnknown, Refused, Unauthorized, VendorError
from connections.grants import Granted
from connections.quota import Limiter
from connections.tokens import Tokens, bearer
from connections.vendors import Vendor
from worker.exchange import Exchange, agency_of
from worker.ledger import credentials
from worker.ledger.credentials import StoredToken
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.seal import NoKey
from worker.vault import Vault, vault_of

EARLY = 300.0
"""So many seconds before its end a token is replaced, and up to as many more, differently in each process."""
YOUNG = 600.0
"""A token that was given so lately (s) is not at fault when the vendor answers 401: a scope is missing, most often."""
WAITING = 0.2
STORING = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses (s) between attempts to store a pair while the database is away: with this process it would be lost."""

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Held:
    """A token as this process uses it; times in epoch seconds."""

    version: int
    header: Mapping[str, str]
    renew_at: float


class Credentials:
    """A source of credentials for all kinds of connection; those that do not change come from `fixed`.

    Exactly one process refreshes a token: it takes the lease in the ledger, reads the row again under it, and stores
    the new pair before anybody uses it; the others go on with the old token while it is good, and wait otherwise. A
    process that is ended between the vendor's answer and the store loses the pair; the next one tries the old refresh
    token, asks the vendor to reconnect, or says what a person has to do.
    """

    def __init__(
        self,
        store: Store,
        vault: Callable[[], Vault],
        connections: Mapping[str, Connection],
        vendors: Mapping[str, Vendor],
        *,
        limiter: Limiter | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._vault = vault
        self._connections = connections
        self._fixed = Tokens()
        self._clock = clock
        self._exchange = Exchange(vault=vault, vendors=vendors, limiter=limiter, clock=clock)
        self._held: dict[str, _Held] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._failing: set[str] = set()

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
        """Replace a token that the vendor refused with 401; False where another would be refused, too."""
        if not isinstance(connection.auth, OAuth | Agency):
            return await self._fixed.refresh(connection, stale)
        async with self._lock(connection):
            held = self._held.get(connection.name)
            if held is not None and held.header != stale:
                return True
            row = await self._store.read(credentials.read, connection.name)
            if row is not None and (held is None or row.version > held.version):
                self._hold(connection, row)
                return True
            if row is not None and self._is_young(row):
                return False
            self._hold(connection, await self._renewed(connection, row))
            return True

    async def close(self) -> None:
        """End the source's connections."""
        await self._fixed.close()
        await self._exchange.close()

    async def _current(self, connection: Connection) -> _Held:
        row = await self._store.read(credentials.read, connection.name)
        ends = 0.0 if row is None else row.expires_at / 1000
        if row is None or self._clock() >= ends:
            return self._hold(connection, await self._renewed(connection, row))
        if self._clock() < ends - self._early(row):
            return self._hold(connection, row)
        try:
            leased = await self._store.write(credentials.lease, row.name, row.version, now_ms())
            if leased is not None:
                return self._hold(connection, await self._under_lease(connection, leased))
        except VendorError as error:
            if connection.name not in self._failing:
                log.warning("token.failing", connection=connection.name, reason=str(error))
            self._failing.add(connection.name)
        return self._hold(connection, row, soon=True)  # the old one is good for a while yet

    async def _renewed(self, connection: Connection, row: StoredToken | None) -> StoredToken:
        """The next version of this token, made by us or by whoever was first."""
        if row is None:
            if isinstance(connection.auth, OAuth):
                raise Unauthorized(
                    f"connection {connection.name} has no token yet: run `hightide connect {connection.name}`"
                )
            return await self._stored(connection, await self._asked(connection, None), None)
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
        self._failing.discard(connection.name)
        log.info("token.refreshed", connection=connection.name)
        return await self._stored(connection, granted, row.version)

    async def _regained(self, connection: Connection, row: StoredToken, error: Refused) -> StoredToken:
        """A pair from the vendor's reconnect, in place of one whose refresh token is spent.

        Raises:
            Unauthorized: there is none to be had; what a person has to do.
        """
        auth, refused = connection.auth, ""
        # only where the vendor refused: what stands in our own way, such as a key, would be in the way again
        if isinstance(auth, OAuth) and error.status is not None:
            try:
                again = await self._exchange.reconnected(connection, auth, row)
            except VendorError as other:
                refused = f"; reconnecting failed, too: {other}"
            else:
                log.warning("token.reconnected", connection=connection.name, reason=str(error))
                return await self._stored(connection, again, row.version)
        reason = _lost(connection, row, f"{error}{refused}")
        await self._store.write(credentials.release, row.name, row.version, reason=reason, spent=row.spending)
        raise Unauthorized(reason, status=error.status) from error

    async def _asked(self, connection: Connection, row: StoredToken | None) -> Granted:
        """Ask the vendor for the next token."""
        if isinstance(connection.auth, OAuth):
            assert row is not None  # noqa: S101  # without one nobody asks
            return await self._exchange.refreshed(connection, connection.auth, row)
        agency = agency_of(connection, self._connections)
        header = await self.header(agency)
        try:
            return await self._exchange.location_token(connection, agency, header)
        except Refused as error:
            if error.status != 401 or not await self.refresh(agency, header):
                raise
        return await self._exchange.location_token(connection, agency, await self.header(agency))

    async def _stored(self, connection: Connection, granted: Granted, version: int | None) -> StoredToken:
        """Store it before anybody uses it; where another process was faster, what that has stored."""
        token = sealed(self._sealing(connection), connection.name, granted, self._clock())
        for pause in (*STORING, None):
            try:
                await self._store.write(credentials.store, token, now_ms(), version)
                break
            except OperationalError:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        row = await self._store.read(credentials.read, connection.name)
        assert row is not None  # noqa: S101  # it was stored just now
        return row

    def _sealing(self, connection: Connection) -> Vault:
        try:
            return self._vault()
        except NoKey as error:
            raise Unauthorized(f"connection {connection.name}: {error}") from error

    def _hold(self, connection: Connection, row: StoredToken, *, soon: bool = False) -> _Held:
        ends = row.expires_at / 1000
        renew = min(self._clock() + 30, ends) if soon else ends - self._early(row)
        known = self._held.get(connection.name)
        same = known is not None and known.version == row.version
        header = known.header if known is not None and same else bearer(self._exchange.opened(connection, row.access))
        held = self._held[connection.name] = _Held(version=row.version, header=header, renew_at=renew)
        return held

    def _early(self, row: StoredToken) -> float:
        """How long (s) before its end a token is renewed: some minutes, of a short-lived one a quarter of its life."""
        lasts = (row.expires_at - row.updated_at) / 1000
        return min(EARLY, lasts / 8) * (1 + random.random())  # noqa: S311  # processes should not meet

    def _is_young(self, row: StoredToken) -> bool:
        now, lasts = self._clock(), (row.expires_at - row.updated_at) / 1000
        return now < row.expires_at / 1000 and now - row.updated_at / 1000 < min(YOUNG, lasts / 2)

    def _lock(self, connection: Connection) -> asyncio.Lock:
        return self._locks.setdefault(connection.name, asyncio.Lock())


def _lost(connection: Connection, row: StoredToken, error: str) -> str:
    """Why a token cannot be refreshed, and what a person has to do."""
    cut = " (a process was ended while it was refreshed, and the vendor's answer is lost)" if row.spending else ""
    if isinstance(connection.auth, Agency):
        agency, place = connection.auth.connection, connection.location_id
        return f"agency {agency} gets no token of location {place}: {error}; is the app installed there?"
    name = connection.name
    return f"the token of connection {name} cannot be refreshed{cut}: {error}; run `hightide connect {name}`"


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


def credentials_of(project: Project, store: Store, limiter: Limiter) -> Credentials:
    """The credentials of a project's connections; its vault is opened when it is first needed."""
    vault = partial(vault_of, project.settings)
    return Credentials(store, vault, project.connections, project.vendors, limiter=limiter)
