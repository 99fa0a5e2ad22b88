"""The client: one call to a vendor, with credentials, quota and breaker, and every failure as one of our errors."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode

import orjson
from multidict import CIMultiDict

from connections.breaker import Breaker
from connections.connection import Connection
from connections.errors import Garbage, Later, QuotaSpent, RateLimited, Refused, VendorError
from connections.links import next_page
from connections.purse import Purse
from connections.quota import Grant, Limiter, Precedence
from connections.refusals import cool_down, hint, masked, moment, refusal
from connections.tokens import TokenSource, query_of, secrets_of
from connections.transport import Limits, Outgoing, Reply, Slots, Timeouts, Transport, address, insecure
from connections.vendors import VENDORS, Vendor
from connections.wire import Answer, Request

AGENT = "hightide"
PATIENCE = 2.0
SLACK = 3.0
"""So much longer (s) than for its quota a call may wait for a token or a free place; later it is not sent any more.

Both together and the transport's `total` are what those who hold a lease reckon with.
"""
DOTS = re.compile(r"/(?:\.|%2e){1,2}(?=/|$)", re.IGNORECASE)

T = TypeVar("T")
Send = Callable[[Outgoing], Awaitable[T | Reply]]
Credential = Mapping[str, str]


@dataclass(slots=True)
class _Account:
    """What the client keeps for one connection between calls."""

    connection: Connection
    vendor: Vendor
    base: str
    host: str
    query: tuple[tuple[str, str], ...] = field(repr=False)
    slots: Slots
    breaker: Breaker
    credential: Credential | None = field(default=None, repr=False)
    headers: dict[tuple[str, bool], CIMultiDict[str]] = field(default_factory=dict, repr=False)


class Client:
    """One per process, made after the fork, inside the running loop.

    `patience` is how many seconds a call may wait for its quota before it ends with QuotaSpent.
    """

    def __init__(
        self,
        limiter: Limiter,
        tokens: TokenSource,
        *,
        clock: Callable[[], float] = time.time,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        patience: float = PATIENCE,
        vendors: Mapping[str, Vendor] = VENDORS,
    ) -> None:
        self._limiter = limiter
        self._tokens = tokens
        self._clock = clock
        self._patience = patience
        self._vendors = vendors
        self._transport = Transport(timeouts, limits)
        self._accounts: dict[str, _Account] = {}
        self._purses: dict[tuple[object, ...], Purse] = {}

    async def call(self, connection: Connection, request: Request, precedence: Precedence) -> Answer:
        """Sends one request; the answer's `data` is None where the vendor sent no body.

        Raises:
            VendorError: one of `connections.errors`; a Later says that nothing has taken effect.
        """
        got: tuple[Reply, Credential] = await self._guarded(connection, request, precedence, self._transport.exchange)
        answer, header = _answer(connection, request, *got), got[0].headers.get("link")
        return replace(answer, next=next_page(header, connection, request.path)) if header else answer

    async def download(
        self, connection: Connection, request: Request, path: Path, precedence: Precedence = "poll"
    ) -> tuple[int, str, str]:
        """Streams an answer into a file, which appears only when whole: its bytes, SHA-256 in hex, and type.

        Raises:
            VendorError: as `call`.
            OSError: the file cannot be written.
        """
        saved, _ = await self._guarded(connection, request, precedence, partial(self._transport.save, path=path))
        return saved.size, saved.sha256, saved.content_type

    async def reserve(self, connection: Connection, want: int, precedence: Precedence) -> Grant:
        """Asks for tokens before work is claimed; they wait for the calls that follow, for a moment only.

        An open breaker grants nothing, until it is time for its one trial.
        """
        breaker = self._account(connection).breaker
        wait = breaker.wait()
        if wait:
            return Grant(0, wait)
        want = 1 if breaker.is_open else want
        purse = self._purse(connection, precedence)
        return Grant(want, 0.0) if purse is None else await purse.reserve(want)

    def snapshot(self) -> list[dict[str, object]]:
        """The breakers of this process, for status."""
        return [account.breaker.snapshot() for account in self._accounts.values()]

    async def close(self) -> None:
        """Gives back unused tokens and closes all connections, the limiter and the token source included."""
        for purse in self._purses.values():
            await purse.close()
        await self._transport.close()
        await self._tokens.close()
        await self._limiter.close()

    async def _guarded(
        self, connection: Connection, request: Request, precedence: Precedence, send: Send[T]
    ) -> tuple[T, Credential]:
        """What came of the request, and the credential that it was sent with."""
        account = self._account(connection)
        trial = account.breaker.enter()
        try:
            outcome = await self._authorized(account, request, precedence, send)
        except VendorError as error:
            account.breaker.leave(error, trial=trial)
            raise
        except BaseException:
            if trial:
                account.breaker.abandon()
            raise
        account.breaker.leave(None, trial=trial)
        return outcome

    async def _authorized(
        self, account: _Account, request: Request, precedence: Precedence, send: Send[T]
    ) -> tuple[T, Credential]:
        begun = time.monotonic()
        sent = await self._tokens.header(account.connection)
        outcome = await self._attempt(account, _built(account, request, sent), precedence, send, begun)
        refused = isinstance(outcome, Reply) and outcome.status == 401
        # many calls may be in flight when a token ends: stale is what this one was sent with
        if refused and await self._tokens.refresh(account.connection, sent):
            sent = await self._tokens.header(account.connection)
            outcome = await self._attempt(account, _built(account, request, sent), precedence, send, begun)
        if isinstance(outcome, Reply) and outcome.status // 100 != 2:
            raise await self._refused(account, request, sent, outcome)
        return cast("T", outcome), sent

    async def _attempt(
        self, account: _Account, built: Outgoing, precedence: Precedence, send: Send[T], begun: float
    ) -> T | Reply:
        purse = self._purse(account.connection, precedence)
        give_up = time.monotonic() + self._patience
        while True:
            async with account.slots:
                wait = 0.0 if purse is None else await purse.draw()
                if not wait:
                    started = time.monotonic()
                    if started - begun > self._patience + SLACK:
                        raise Later(f"connection {account.connection.name}: it took too long until it could be sent")
                    outcome = await send(built)
                    break
            # The slot is free while we wait: a spent quota must not hold up the calls of other connections.
            if time.monotonic() + wait > give_up:
                raise _spent(account.connection, self._clock() + wait)
            await asyncio.sleep(wait)
        if purse is not None and isinstance(outcome, Reply):
            await self._limiter.learn(account.connection.budget, outcome.headers, time.monotonic() - started)
        return outcome

    async def _refused(self, account: _Account, request: Request, credential: Credential, reply: Reply) -> VendorError:
        now = self._clock()
        error = refusal(
            reply.status,
            reply.headers,
            masked(reply.body, _secrets(account.connection, request, credential)),
            f"{request.method} {request.path}",
            patterns=account.vendor.patterns,
            now=now,
        )
        if isinstance(error, RateLimited):
            seconds = cool_down(reply.headers, now)
            error.retry_at = now + seconds
            if account.connection.quota is not None:
                await self._limiter.freeze(account.connection.budget, seconds)
        return error

    def _account(self, connection: Connection) -> _Account:
        known = self._accounts.get(connection.name)
        if known is not None and (known.connection is connection or known.connection == connection):
            return known
        fault = insecure(connection.base_url)
        if fault:
            raise Refused(f"connection {connection.name}: {fault}")
        base = connection.base_url.rstrip("/")
        host = address(base).netloc.decode("ascii")
        account = self._accounts[connection.name] = _Account(
            connection=connection,
            vendor=self._vendors.get(connection.kind) or Vendor(kind=connection.kind),
            base=base,
            host=host,
            query=query_of(connection.auth),
            slots=self._transport.slots(host),
            breaker=Breaker(connection.name, clock=self._clock),
        )
        return account

    def _purse(self, connection: Connection, precedence: Precedence) -> Purse | None:
        quota = connection.quota
        if quota is None:
            return None
        key = (connection.budget, quota, precedence)
        purse = self._purses.get(key)
        if purse is None:
            purse = self._purses[key] = Purse(self._limiter, connection.budget, quota, precedence)
        return purse


def _built(account: _Account, request: Request, credential: Credential) -> Outgoing:
    if credential is not account.credential:
        account.credential = credential
        account.headers.clear()
    shape = (request.version, request.body is not None)
    headers = account.headers.get(shape)
    if headers is None:
        headers = account.headers[shape] = _headers(account, request, credential)
    if DOTS.search(request.path):
        raise Refused(f"{request.method} {request.path}: a part of the path is `.` or `..`; it would lead elsewhere")
    query = request.query + account.query
    url = f"{account.base}{request.path}{'?' if query else ''}{urlencode(query, quote_via=quote)}"
    body = b"" if request.body is None else orjson.dumps(request.body)
    return Outgoing(request.method, url, headers, body)


def _headers(account: _Account, request: Request, credential: Credential) -> CIMultiDict[str]:
    headers = {
        "host": account.host,
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": AGENT,
    }
    if request.body is not None:
        headers["content-type"] = "application/json"
    if account.vendor.version_header and request.version:
        headers[account.vendor.version_header] = request.version
    return CIMultiDict({**headers, **credential})


def _secrets(connection: Connection, request: Request, credential: Credential) -> tuple[str, ...]:
    sent = tuple(value.rpartition(" ")[2] for value in credential.values())
    return (*secrets_of(connection.auth), *sent, *request.secret)


def _spent(connection: Connection, retry_at: float) -> QuotaSpent:
    return QuotaSpent(f"connection {connection.name}: its quota is used up for now", retry_at=retry_at)


def _answer(connection: Connection, request: Request, reply: Reply, credential: Credential) -> Answer:
    data: Any = None
    if reply.body.strip():
        try:
            data = orjson.loads(reply.body)
        except orjson.JSONDecodeError as error:
            what = hint(reply.headers, masked(reply.body, _secrets(connection, request, credential)))
            said = f"{request.method} {request.path}: {reply.status}, but the answer is no JSON ({what})"
            raise Garbage(said, status=reply.status) from error
    date = reply.headers.get("date")
    return Answer(status=reply.status, data=data, headers=reply.headers, at=moment(date) if date else None)
