"""Serving the sandbox over HTTP, in one process, until it is told to end."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.admin import Admin
from sandbox.gateway import Cut, Sandbox, read, respond
from sandbox.highlevel import HIGHLEVEL
from sandbox.journal import Journal
from sandbox.rankr.seeds import furnish as furnish_rankr
from sandbox.rankr.vendor import RANKR
from sandbox.seeds import furnish
from sandbox.state import State
from sandbox.zerocodekit import ZEROCODEKIT

ADMIN = "/_sandbox/"
VENDORS = (ZEROCODEKIT, RANKR, HIGHLEVEL)


class Wire(H11Protocol):
    """uvicorn's HTTP, with its connections known by peer, so that a fault can cut one."""

    open: ClassVar[dict[Any, Any]] = {}

    @classmethod
    def cut(cls, client: Any) -> None:
        """Closes the connection of a client at once, where it is still open."""
        transport = cls.open.get(client)
        if transport is not None:
            transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Remembers the connection."""
        super().connection_made(transport)
        Wire.open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        Wire.open.pop(self.client, None)
        super().connection_lost(exc)


class Application:
    """The ASGI application: the vendor's API, and beside it what tests and demos steer it with."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.admin = Admin(sandbox)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        try:
            asked = await read(scope, receive)
            steer = asked.path.startswith(ADMIN)
            answer = await self.admin.answer(asked) if steer else await self.sandbox.answer(asked)
        except Cut:
            Wire.cut(scope["client"])
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await respond(answer, send, self.sandbox.state.clock.now())


class Server(uvicorn.Server):
    """uvicorn's server; says when it is ready and keeps the state when it ends."""

    def __init__(self, config: uvicorn.Config, sandbox: Sandbox, url: str) -> None:
        super().__init__(config)
        self.sandbox = sandbox
        self.url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then prints where: in the first line for whoever started it, in the others for people."""
        await super().startup(sockets)
        told = [f"{each.title:<10} {self.url + each.prefix:<32} {each.credential}" for each in self.sandbox.vendors]
        print(f"sandbox ready on {self.url}", *reversed(told), sep="\n", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes connections, then writes the last snapshot."""
        await super().shutdown(sockets)
        if self.sandbox.journal:
            self.sandbox.journal.snapshot(self.sandbox.state)


def new_sandbox(path: Path | None = None) -> Sandbox:
    """An empty sandbox, or one that goes on from a state file."""
    state = State(furnish)
    journal = Journal(path) if path else None
    if journal:
        journal.load(state)
    furnish_rankr(state)
    return Sandbox(vendors=VENDORS, state=state, journal=journal)


def serve(port: int, path: Path | None, with_parent: bool) -> None:
    """Serves on loopback until a signal comes, or until stdin ends when it is to end with its parent."""
    sandbox = new_sandbox(path)
    listener = socket.create_server(("127.0.0.1", port), backlog=2048)
    config = uvicorn.Config(
        Application(sandbox),
        http=Wire,
        ws="none",
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        lifespan="off",
        log_level="warning",
        access_log=False,
        date_header=False,  # the sandbox's clock may be moved
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = Server(config, sandbox, f"http://127.0.0.1:{listener.getsockname()[1]}")
    if with_parent:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


def _end_with_stdin(server: Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = True
