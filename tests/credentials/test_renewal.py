"""When a token is renewed, and when it is not, as one process sees it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from structlog.testing import capture_logs

from connections.connection import Agency, Connection
from connections.errors import Unauthorized, VendorError
from connections.quota import LocalLimiter
from connections.vendors import VENDORS
from tests.credentials.conftest import Account, consented
from tests.credentials.racer import connection
from worker.credentials import EARLY, Credentials, sealed
from worker.exchange import Granted
from worker.ledger import credentials
from worker.vault import Vault

pytestmark = pytest.mark.anyio
LASTS = 86_399
COMPANY = "sandboxCompany000001"


@dataclass(slots=True)
class Clock:
    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass(slots=True)
class Source:
    """A process's tokens, with a clock that can be put forward."""

    tokens: Credentials
    acme: Connection
    clock: Clock

    async def header(self) -> dict[str, str]:
        return dict(await self.tokens.header(self.acme))


@pytest.fixture
async def source(account: Account) -> AsyncIterator[Source]:
    acme, clock = connection(account.vendor.url), Clock()
    vault = Vault([SecretStr(account.key)])
    tokens = Credentials(account.store, lambda: vault, {"acme": acme}, VENDORS, clock=clock)
    yield Source(tokens, acme, clock)
    await tokens.close()


async def test_a_token_is_renewed_some_minutes_before_its_end(account: Account, source: Source) -> None:
    before, first = account.asked(), await source.header()
    source.clock.ahead = LASTS - 2 * EARLY - 60
    assert await source.header() == first
    assert account.asked() == before
    source.clock.ahead = LASTS - EARLY + 30
    assert await source.header() != first
    assert account.asked() == before + 1


async def test_the_old_token_is_used_to_its_end_while_the_vendor_is_away(account: Account, source: Source) -> None:
    first = await source.header()
    account.vendor.ask("POST", "faults", {"match": {"path": "/oauth/token"}, "status": 503})
    source.clock.ahead = LASTS - 200
    with capture_logs() as logs:
        assert await source.header() == first
        source.clock.ahead = LASTS - 100
        assert await source.header() == first
    assert [line["event"] for line in logs] == ["token.failing"]
    reason = account.row().reason
    assert reason is not None
    assert "503" in reason
    source.clock.ahead = LASTS + 1
    with pytest.raises(VendorError):
        await source.header()
    account.vendor.ask("DELETE", "faults")
    assert await source.header() != first
    assert account.row().reason is None


async def test_a_401_to_a_young_token_costs_no_refresh(account: Account, source: Source) -> None:
    before, first = account.asked(), await source.header()
    assert not await source.tokens.refresh(source.acme, first)
    assert account.asked() == before


async def test_a_401_to_an_older_one_costs_one(account: Account, source: Source) -> None:
    before, first = account.asked(), await source.header()
    account.age()
    assert await source.tokens.refresh(source.acme, first)
    second = await source.header()
    assert second != first
    assert await source.tokens.refresh(source.acme, first), "what was refused is not what is in use any more"
    assert not await source.tokens.refresh(source.acme, second)
    assert account.asked() == before + 1


async def test_a_token_that_a_person_renewed_is_taken_up(account: Account, source: Source) -> None:
    first = await source.header()
    row = sealed(Vault([SecretStr(account.key)]), "acme", Granted(access="from-a-person", refresh="r"), time.time())
    account.store.write_now(credentials.store, row, round(time.time() * 1000))
    assert await source.tokens.refresh(source.acme, first)
    assert await source.header() == {"authorization": "Bearer from-a-person"}


async def test_a_late_process_does_not_put_its_pair_over_a_newer_one(account: Account) -> None:
    row = sealed(Vault([SecretStr(account.key)]), "acme", Granted(access="late", refresh="r"), time.time())
    assert account.store.write_now(credentials.store, row, 1, 1) == 2
    assert account.store.write_now(credentials.store, {**row, "access": "later"}, 1, 1) is None
    assert account.row().access == row["access"]


async def test_a_key_that_is_gone_is_told_and_spends_nothing(account: Account) -> None:
    acme, other = connection(account.vendor.url), Vault([SecretStr(Fernet.generate_key().decode())])
    account.age(expires_at=1)
    before = account.asked()
    tokens = Credentials(account.store, lambda: other, {"acme": acme}, VENDORS)
    with pytest.raises(Unauthorized, match="HIGHTIDE_SECRET_KEY"):
        await tokens.header(acme)
    await tokens.close()
    assert account.asked() == before


@pytest.mark.parametrize("locations", [3])
async def test_locations_get_their_own_tokens_for_the_agency_s(account: Account, locations: int) -> None:
    vault, agency = Vault([SecretStr(account.key)]), connection(account.vendor.url)
    given = consented(account.vendor, companyId=COMPANY)
    granted = Granted(access=given["access_token"], refresh=given["refresh_token"], lasts=3600, company_id=COMPANY)
    account.store.write_now(credentials.store, sealed(vault, "agency", granted, time.time()), 0)
    agency = Connection(name="agency", kind="ghl", base_url=agency.base_url, auth=agency.auth, company_id=COMPANY)
    known: dict[str, Any] = {"agency": agency}
    headers = {"authorization": f"Bearer {given['access_token']}", "version": "2021-07-28"}
    for number in range(locations):
        body = {"name": f"L{number}", "companyId": COMPANY}
        url = f"{account.vendor.url}/locations/"
        made = account.vendor.client.post(url, json=body, headers=headers).raise_for_status().json()
        known[made["id"]] = Connection(
            name=f"clients/{made['id']}",
            kind="ghl",
            base_url=agency.base_url,
            auth=Agency(connection="agency"),
            location_id=made["id"],
        )
    tokens = Credentials(account.store, lambda: vault, known, VENDORS, limiter=LocalLimiter())
    others = [each for each in known.values() if each is not agency]
    found = [dict(await tokens.header(each)) for each in others for _ in range(2)]
    await tokens.close()
    assert len({str(each) for each in found}) == locations
    assert account.asked("POST /oauth/locationToken") == locations
    for place, header in zip(others, found[::2], strict=True):
        url = f"{account.vendor.url}/locations/{place.location_id}"
        assert account.vendor.client.get(url, headers={**header, "version": "2021-07-28"}).status_code == 200
