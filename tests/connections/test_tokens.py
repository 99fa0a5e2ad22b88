from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from connections.connection import ApiKey, ClientCredentials, Connection, NoAuth
from connections.errors import Garbage, Refused, ServerFault, Unauthorized, VendorError
from connections.tokens import Tokens, secrets_of

pytestmark = pytest.mark.anyio
Start = Callable[[Any], AbstractAsyncContextManager[Any]]
Make = Callable[..., Connection]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    """A token endpoint: each answer a new token, until it is told to fail."""

    def __init__(self, made: Callable[..., bytes], lasts: Any = 600) -> None:
        self.made, self.lasts, self.issued, self.failing = made, lasts, 0, False

    async def __call__(self, _: Any, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.01)
        if self.failing:
            writer.write(self.made(500, b"{}"))
            return True
        self.issued += 1
        writer.write(self.made(200, f'{{"access_token": "token-{self.issued}", "expires_in": {self.lasts}}}'.encode()))
        return True


@pytest.fixture
def auth() -> ClientCredentials:
    return ClientCredentials(client_id="an id", client_secret=SecretStr("a&secret"), scope="read write")


@asynccontextmanager
async def tokens(clock: Callable[[], float] | None = None, jitter: float = 0.0) -> AsyncIterator[Tokens]:
    made = Tokens(clock=clock or Clock(), jitter=lambda: jitter)
    try:
        yield made
    finally:
        await made.close()


async def test_client_credentials_are_sent_as_a_form(
    loopback: Start, answer: Any, connection: Make, auth: ClientCredentials
) -> None:
    async with loopback(Issuer(answer)) as server, tokens() as ours:
        assert await ours.header(connection(server.url, auth=auth)) == {"authorization": "Bearer token-1"}
    seen = server.seen[0]
    assert (seen.method, seen.target) == ("POST", "/oauth/token")
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(seen.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["an id"],
        "client_secret": ["a&secret"],
        "scope": ["read write"],
    }


async def test_a_token_is_fetched_once_however_many_ask(
    loopback: Start, answer: Any, connection: Make, auth: ClientCredentials
) -> None:
    async with loopback(Issuer(answer)) as server, tokens() as ours:
        acme = connection(server.url, auth=auth)
        headers = await asyncio.gather(*(ours.header(acme) for _ in range(20)))
        same = connection(server.url, auth=auth, name="twin")
        assert await ours.header(same) is headers[0]
    assert len(server.seen) == 1
    assert all(header is headers[0] for header in headers)


@pytest.mark.parametrize(("jitter", "early"), [(0.0, 60), (1.0, 120)])
async def test_a_token_is_renewed_before_it_ends(
    loopback: Start, answer: Any, connection: Make, auth: ClientCredentials, jitter: float, early: int
) -> None:
    clock = Clock()
    async with loopback(Issuer(answer, 600)) as server, tokens(clock, jitter) as ours:
        acme = connection(server.url, auth=auth)
        await ours.header(acme)
        clock.now += 600 - early - 1
        assert (await ours.header(acme))["authorization"] == "Bearer token-1"
        clock.now += 1
        assert (await ours.header(acme))["authorization"] == "Bearer token-2"


async def test_where_renewing_fails_the_old_token_is_used_to_its_end(
    loopback: Start, answer: Any, connection: Make, auth: ClientCredentials
) -> None:
    clock, issuer = Clock(), Issuer(answer, 600)
    async with loopback(issuer) as server, tokens(clock) as ours:
        acme = connection(server.url, auth=auth)
        await ours.header(acme)
        issuer.failing = True
        clock.now += 545
        for _ in range(3):
            assert (await ours.header(acme))["authorization"] == "Bearer token-1"
        assert len(server.seen) == 2, "one try, then a pause"
        clock.now += 60
        with pytest.raises(ServerFault):
            await ours.header(acme)
        issuer.failing = False
        assert (await ours.header(acme))["authorization"] == "Bearer token-2"


async def test_a_refused_token_is_replaced_once_however_many_saw_it_refused(
    loopback: Start, answer: Any, connection: Make, auth: ClientCredentials
) -> None:
    async with loopback(Issuer(answer)) as server, tokens() as ours:
        acme = connection(server.url, auth=auth)
        stale = await ours.header(acme)
        assert all(await asyncio.gather(*(ours.refresh(acme, stale) for _ in range(10))))
        assert (await ours.header(acme))["authorization"] == "Bearer token-2"
    assert len(server.seen) == 2


async def test_what_cannot_be_refreshed_says_so(connection: Make) -> None:
    async with tokens() as ours:
        for auth in (None, NoAuth(), ApiKey(key=SecretStr("key-1"))):
            acme = connection("https://services.example", auth=auth)
            assert await ours.refresh(acme, await ours.header(acme)) is False


async def test_a_refused_secret_is_named_but_not_shown(
    loopback: Start, answer: Any, connection: Make, auth: ClientCredentials
) -> None:
    body = b'{"error": "invalid_client", "error_description": "a&secret is wrong"}'

    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer(401, body))
        return True

    async with loopback(respond) as server, tokens() as ours:
        with pytest.raises(Unauthorized, match=r"/oauth/token: 401 \*\*\* is wrong"):
            await ours.header(connection(server.url, auth=auth))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"access_token": null}',
        b'{"access_token": 1}',
        b'{"access_token": "t", "expires_in": "x"}',
        b'{"access_token": "t", "expires_in": 0}',
    ],
)
async def test_an_answer_without_a_token_is_garbage(
    loopback: Start, answer: Any, connection: Make, auth: ClientCredentials, body: bytes
) -> None:
    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer(200, body))
        return True

    async with loopback(respond) as server, tokens() as ours:
        with pytest.raises(Garbage, match="holds no access_token"):
            await ours.header(connection(server.url, auth=auth))


async def test_secrets_are_not_sent_over_plain_http(connection: Make, auth: ClientCredentials) -> None:
    async with tokens() as ours:
        with pytest.raises(Refused, match="plain http"):
            await ours.header(connection("http://services.example", auth=auth))


async def test_the_headers_stay_the_same_object_while_the_credential_does(connection: Make) -> None:
    async with tokens() as ours:
        acme = connection("https://services.example")
        assert await ours.header(acme) is await ours.header(acme)


def test_secrets_are_those_that_must_not_be_read(auth: ClientCredentials) -> None:
    assert secrets_of(auth) == ("a&secret",)
    assert secrets_of(ApiKey(key=SecretStr("key-1"))) == ("key-1",)
    assert secrets_of(NoAuth()) == ()


async def test_every_error_of_the_source_is_one_of_ours(connection: Make, auth: ClientCredentials) -> None:
    async with tokens() as ours:
        with pytest.raises(VendorError, match="no connection came about"):
            await ours.header(connection("http://127.0.0.1:1", auth=auth))
