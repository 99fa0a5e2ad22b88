"""Asking vendors for tokens: the next pair, a pair in place of a lost one, a location's in exchange for an agency's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connections import grants
from connections.connection import Agency, Connection, OAuth
from connections.errors import QuotaSpent, Refused, Unauthorized
from connections.grants import Granted, UserType
from connections.quota import Limiter
from connections.transport import Transport
from connections.vendors import Vendor
from worker.ledger.credentials import StoredToken
from worker.seal import NoKey
from worker.vault import Vault

PATIENCE = 10.0
"""How long (s) an exchange may wait for the agency's quota."""
VERSION = "2021-07-28"


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What asks the token endpoints. Made inside the running loop; `clock` gives epoch seconds."""

    vault: Callable[[], Vault]
    vendors: Mapping[str, Vendor]
    limiter: Limiter | None
    clock: Callable[[], float]
    _transport: Transport | None = field(default=None)

    async def close(self) -> None:
        """End its connections."""
        if self._transport is not None:
            await self._transport.close()

    def opened(self, connection: Connection, sealed: str) -> str:
        """A token from the ledger, readable.

        Raises:
            Unauthorized: no key opens it.
        """
        try:
            return self.vault().open(sealed)
        except NoKey as error:
            raise Unauthorized(f"connection {connection.name}: {error}") from error

    async def refreshed(self, connection: Connection, auth: OAuth, row: StoredToken) -> Granted:
        """The next pair; the refresh token of this one is spent by it.

        Raises:
            VendorError: see `connections.errors`; after an OutcomeUnknown the refresh token may be spent.
        """
        if row.refresh is None:
            raise Unauthorized(f"connection {connection.name} has no refresh token")
        refresh = self.opened(connection, row.refresh)
        form = grants.refresh_form(auth, refresh, row.user_type or "Location")
        return await self._tokens(connection, form, (refresh, auth.client_secret.get_secret_value()))

    async def granted(
        self, connection: Connection, auth: OAuth, code: str, redirect_uri: str, verifier: str | None = None
    ) -> Granted:
        """The first pair, for the code of a consent.

        Raises:
            VendorError: the code is not good, or the vendor out of reach.
        """
        form = grants.code_form(auth, code, redirect_uri, user_type_of(connection), verifier)
        secret = (code, auth.client_secret.get_secret_value(), *((verifier,) if verifier else ()))
        return await self._tokens(connection, form, secret)

    async def reconnected(self, connection: Connection, auth: OAuth, row: StoredToken) -> Granted:
        """A pair in place of one that was lost, where the vendor offers that.

        Raises:
            VendorError: it does not, or refuses.
        """
        vendor = self._vendor(connection)
        if vendor.reconnect_path is None:
            raise Refused(f"{connection.kind} gives no new tokens for lost ones")
        secret = auth.client_secret.get_secret_value()
        location, company = row.location_id or connection.location_id, row.company_id or connection.company_id
        place = {"locationId": location} if location else {"companyId": company or ""}
        form = {"clientKey": auth.client_id, "clientSecret": secret, **place}
        url = connection.address_of(vendor.reconnect_path)
        code = await grants.ask_code(self._wire(), url, form, secret=(secret,), clock=self.clock)
        return await self.granted(connection, auth, code, "")

    async def location_token(self, connection: Connection, agency: Connection, header: Mapping[str, str]) -> Granted:
        """A location's token for the agency's; it counts as one of the agency's requests.

        Raises:
            VendorError: as `refreshed`; nothing is spent by it.
        """
        vendor = self._vendor(agency)
        if vendor.location_token_path is None:
            raise Refused(f"connection {connection.name}: {agency.kind} gives no location tokens to agencies")
        await self._admitted(agency)
        form = {"companyId": agency.company_id or "", "locationId": connection.location_id or ""}
        return await grants.ask(
            self._wire(),
            agency.address_of(vendor.location_token_path),
            form,
            headers={**header, "version": VERSION},
            secret=tuple(value.rpartition(" ")[2] for value in header.values()),
            clock=self.clock,
        )

    async def _admitted(self, agency: Connection) -> None:
        """Wait for a place in the agency's quota."""
        if self.limiter is None or agency.quota is None:
            return
        give_up = self.clock() + PATIENCE
        while not (grant := await self.limiter.take(agency.budget, agency.quota, 1, "action")).granted:
            if self.clock() + grant.wait > give_up:
                at = self.clock() + grant.wait
                raise QuotaSpent(f"connection {agency.name}: its quota is used up for now", retry_at=at)
            await asyncio.sleep(grant.wait)

    async def _tokens(self, connection: Connection, form: Mapping[str, str], secret: tuple[str, ...]) -> Granted:
        url = connection.address_of(self._vendor(connection).token_path)
        return await grants.ask(self._wire(), url, form, secret=secret, clock=self.clock)

    def _vendor(self, connection: Connection) -> Vendor:
        return self.vendors.get(connection.kind) or Vendor(kind=connection.kind)

    def _wire(self) -> Transport:
        self._transport = self._transport or Transport()
        return self._transport


def user_type_of(connection: Connection) -> UserType:
    """Whether a connection's own token is an agency's or a location's."""
    return "Company" if connection.company_id and not connection.location_id else "Location"


def agency_of(connection: Connection, connections: Mapping[str, Connection]) -> Connection:
    """The agency whose token a connection's is exchanged for.

    Raises:
        Refused: there is none.
    """
    agency = connections.get(connection.auth.connection) if isinstance(connection.auth, Agency) else None
    if agency is None:
        raise Refused(f"connection {connection.name}: its agency is not in connections.yaml")
    return agency
