"""The wire itself: one request out, one bounded answer back, every failure as one of ours.

Calls go to the session below the httpx transport, not through `httpx.AsyncClient`: that takes two fifths of the CPU
(docs/decisions/0009), and what the client adds - cookies, redirects, environment proxies - is not wanted here. Grants
and downloads, which are few, go through httpx. Timeouts must be given with every request; they are.

Errors are raised `from None`: those below hold the whole address, and its query may hold a key; what they say is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from ssl import SSLContext
from tempfile import NamedTemporaryFile
from typing import cast
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from multidict import CIMultiDict
from yarl import URL

from connections.compression import unpacked
from connections.errors import Garbage
from connections.refusals import CAUGHT, failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a call may take, in seconds.

    `connect` is for the socket, `pool` for all that comes before sending (name, socket, TLS), `read` between two pieces
    of the answer, `total` for the whole call, `download` for a whole download.
    """

    connect: float = 5.0
    pool: float = 10.0
    read: float = 20.0
    total: float = 25.0
    download: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is taken on: connections in total and to one host, bytes of an answer and of a download.

    `keepalive` seconds are less than the five of Node and uvicorn, so that no connection is reused at the moment the
    server closes it: a POST lost so has an unknown outcome.
    """

    connections: int = 256
    per_host: int = 128
    keepalive: float = 4.0
    answer: int = 32 * 2**20
    download: int = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes out: the whole address, percent-encoded, all headers, and the body's bytes.

    It has no repr worth showing: headers and address may hold secrets.
    """

    method: str
    url: str = field(repr=False)
    headers: CIMultiDict[str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    def as_httpx(self) -> httpx.Request:
        """The same as a request of httpx."""
        stream = httpx.ByteStream(self.body)
        # as a stream, since httpx then adds no headers of its own: ours are complete, aiohttp counts the bytes
        request = httpx.Request(self.method, address(self.url), headers=list(self.headers.items()), stream=stream)
        request.read()
        return request


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the names of headers in lower case, the body as it was before compression."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Saved:
    """A download: its bytes, their SHA-256 in hex, the type the vendor gives."""

    size: int
    sha256: str
    content_type: str


class Slots:
    """Room for requests under way, to one host and in all; a request waits here, never in the pool."""

    def __init__(self, here: int, total: asyncio.Semaphore) -> None:
        self._here = asyncio.Semaphore(here)
        self._total = total

    async def __aenter__(self) -> None:
        await self._here.acquire()
        try:
            await self._total.acquire()
        except BaseException:
            self._here.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._total.release()
        self._here.release()


class Transport:
    """Connections to vendors, kept open between calls; made inside the running loop and bound to it."""

    def __init__(self, timeouts: Timeouts | None = None, limits: Limits | None = None) -> None:
        self._timeouts = timeouts or Timeouts()
        self._limits = limits or Limits()
        times = self._timeouts
        self._extensions = {"timeout": {"connect": times.connect, "pool": times.pool, "read": times.read}}
        self._total = asyncio.Semaphore(self._limits.connections)
        self._hosts: dict[str, Slots] = {}
        trust = _trust()
        connector = aiohttp.TCPConnector(limit=0, ssl=trust, keepalive_timeout=self._limits.keepalive, ttl_dns_cache=60)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_once,),
            skip_auto_headers=("content-type",),
        )
        self._session = session
        self._timeout = aiohttp.ClientTimeout(
            total=times.total, connect=times.pool, sock_connect=times.connect, sock_read=times.read
        )
        self._wire = AiohttpTransport(verify=trust, client=session)

    def slots(self, host: str) -> Slots:
        """Where a request to this host waits for its turn (`async with`)."""
        return self._hosts.setdefault(host, Slots(self._limits.per_host, self._total))

    async def exchange(self, out: Outgoing) -> Reply:
        """Sends one call and reads the whole answer; the caller holds a slot.

        Raises:
            Unreachable: no connection came about, nothing was sent.
            NoAnswer: it broke, or took too long, after that.
            Garbage: the answer is larger than allowed, or its compression is broken.
        """
        try:
            async with self._session.request(
                out.method,
                URL(out.url, encoded=True),
                headers=out.headers,
                data=out.body or None,
                allow_redirects=False,
                auto_decompress=False,
                compress=False,
                timeout=self._timeout,
            ) as response:
                body = await self._read(response, out)
        except CAUGHT as error:
            raise failure(error, _place(out)) from None
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.raw_headers}
        if "content-encoding" in headers:
            body = unpacked(body, headers["content-encoding"], self._limits.answer, _place(out))
        return Reply(response.status, headers, body)

    async def send(self, request: httpx.Request) -> Reply:
        """Sends the request and reads the whole answer; the caller holds a slot.

        Raises:
            Unreachable: no connection came about, nothing was sent.
            NoAnswer: it broke, or took too long, after that.
            Garbage: the answer is larger than allowed, or its compression is broken.
        """
        try:
            async with asyncio.timeout(self._timeouts.total):
                response = await self._open(request)
                return await self._whole(request, response)
        except CAUGHT as error:
            raise failure(error, where(request)) from None

    async def save(self, out: Outgoing, path: Path) -> Saved | Reply:
        """Streams a 2xx answer into the file, which appears only when it is whole; any other answer is read as usual.

        Raises:
            Unreachable, NoAnswer, Garbage: as in `send`.
            OSError: the file cannot be written.
        """
        request = out.as_httpx()
        try:
            async with asyncio.timeout(self._timeouts.download):
                try:
                    response = await self._open(request)
                    if response.status_code // 100 != 2:
                        return await self._whole(request, response)
                except CAUGHT as error:
                    raise failure(error, where(request)) from None
                return await self._streamed(request, response, path)
        except TimeoutError as error:
            raise failure(error, where(request)) from None

    async def close(self) -> None:
        """Closes all connections."""
        await self._wire.aclose()

    async def _read(self, response: aiohttp.ClientResponse, out: Outgoing) -> bytes:
        """The whole body as it came, piece by piece, at most as much as is allowed."""
        size, parts = 0, []
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._limits.answer:
                response.close()
                raise Garbage(f"{_place(out)}: the answer is larger than {self._limits.answer:,} bytes")
            parts.append(part)
        return b"".join(parts) if len(parts) != 1 else parts[0]

    async def _open(self, request: httpx.Request) -> httpx.Response:
        request.extensions = self._extensions
        return await self._wire.handle_async_request(request)

    async def _whole(self, request: httpx.Request, response: httpx.Response) -> Reply:
        limit = self._limits.answer
        body = b"".join([chunk async for chunk in _chunks(request, response, limit)])
        headers = plain(response)
        if "content-encoding" in headers:
            body = unpacked(body, headers["content-encoding"], limit, where(request))
        return Reply(response.status_code, headers, body)

    async def _streamed(self, request: httpx.Request, response: httpx.Response, path: Path) -> Saved:
        digest, size = hashlib.sha256(), 0
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            part = Path(file.name)
            try:
                async for chunk in _chunks(request, response, self._limits.download):
                    size += len(chunk)
                    digest.update(chunk)
                    file.write(chunk)
                file.close()
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        return Saved(size, digest.hexdigest(), response.headers.get("content-type", ""))


async def _chunks(request: httpx.Request, response: httpx.Response, limit: int) -> AsyncIterator[bytes]:
    """The raw body, piece by piece, at most `limit` bytes."""
    stream, size = cast("httpx.AsyncByteStream", response.stream), 0
    try:
        async for chunk in stream:
            size += len(chunk)
            if size > limit:
                raise Garbage(f"{where(request)}: the answer is larger than {limit:,} bytes")
            yield chunk
    except CAUGHT as error:
        raise failure(error, where(request)) from None
    finally:
        await stream.aclose()


class _Broken(aiohttp.ClientError):
    """A connection that broke in the middle of an exchange; aiohttp does not send again on this one."""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a PUT, DELETE or GET a second time by itself when a connection breaks."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken from error


def _place(out: Outgoing) -> str:
    """The method and the address without its query, for messages."""
    _, _, rest = out.url.partition("://")
    return f"{out.method} {rest.partition('?')[0]}"


def where(request: httpx.Request) -> str:
    """The method and the address without its query, for messages."""
    return f"{request.method} {request.url.netloc.decode('ascii')}{request.url.path}"


def plain(response: httpx.Response) -> dict[str, str]:
    """The headers as a plain dict, names in lower case; of a repeated one the last."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}


@lru_cache(maxsize=4096)
def address(url: str) -> httpx.URL:
    """The parsed address; parsing one costs as much as sending it."""
    return httpx.URL(url)


@cache
def _trust() -> SSLContext:
    """Certificates to trust: certifi's, or those `SSL_CERT_FILE` names; made once, it takes 17 ms."""
    return httpx.create_ssl_context()


def insecure(base_url: str) -> str | None:
    """Why this base URL cannot be used, None where it can: https everywhere, plain http only to this machine."""
    parts = urlsplit(base_url)
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme != "http" or not parts.hostname:
        return f"base_url {base_url!r} is no https:// address"
    return (
        None
        if _is_loopback(parts.hostname)
        else f"base_url {base_url} is plain http: secrets would be readable on the way; write https://"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
