"""`hightide connect`: a consent in the browser, and the tokens for it in the ledger."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from config.problems import meant
from config.project import Project as Loaded
from config.settings import is_loopback
from console import output
from console.calling import desk_of
from console.consent import Asked, Consented, Declined, begin, finish, words
from console.failures import Fault, OutOfReach
from console.options import Json, Project
from worker.ledger import credentials
from worker.ledger.database import migrate
from worker.ledger.store import Store
from worker.scopes import lacking

PATIENCE = 600.0
"""How long (s) a person may take."""


def connect(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A connection with `auth: {type: oauth}`.")],
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, and take the pasted address of the redirect.")
    ] = False,
    white_label: Annotated[
        bool, typer.Option("--white-label", help="Use the consent page without the vendor's name.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Ask the vendor for access in the browser, and store the tokens, encrypted.

    It asks for the scopes that the automations of the project need. The redirect is served here where it leads to this
    machine; elsewhere the web process serves it, and this command waits for that.
    """
    desk = desk_of(project)
    loaded = desk.project()
    connection = loaded.connections.get(name)
    if connection is None:
        raise Fault(f"unknown connection `{name}` ({meant(name, loaded.connections) or 'connections.yaml has none'})")
    migrate(desk.place.database_url)
    store = Store(desk.place.database_url)
    try:
        asked = begin(loaded, connection, store, white_label=white_label)
        done = _pasted(loaded, store, asked) if no_browser else _served(loaded, store, asked)
    except Declined as error:
        raise OutOfReach(str(error)) from None
    finally:
        store.close()
    _told(done, as_json=as_json)


def _told(done: Consented, *, as_json: bool) -> None:
    if as_json:
        plain = ("connection", "location_id", "company_id")
        scopes = sorted((done.scope or "").split())
        output.json(
            {name: getattr(done, name) for name in plain}
            | {"scopes": scopes, "lacking": [each.scope for each in done.lacking]}
        )
        return
    for line in words(done):
        output.result(line)


def _pasted(project: Loaded, store: Store, asked: Asked) -> Consented:
    """The consent by hand: the person opens the address anywhere, and pastes where the browser was sent to."""
    print(asked.address, flush=True)
    output.note("open this address, and paste the address to which the browser is sent in the end:")
    pasted = sys.stdin.readline().strip()
    back = dict(parse_qsl(urlsplit(pasted).query))
    if not back:
        raise Fault("that is no address with a code in it; it looks like " + asked.redirect_uri + "?code=...&state=...")
    return asyncio.run(finish(project, store, back))


def _served(project: Loaded, store: Store, asked: Asked) -> Consented:
    """The consent in a browser of this machine."""
    parts = urlsplit(asked.redirect_uri)
    if not is_loopback(parts.hostname or ""):
        return asyncio.run(_awaited(project, store, asked))
    try:
        listener = socket.create_server((parts.hostname or "127.0.0.1", parts.port or 80))
    except OSError:
        output.note(f"{parts.netloc} is taken, by our own web process it seems: it serves the redirect")
        return asyncio.run(_awaited(project, store, asked))
    return asyncio.run(_listened(project, store, asked, listener, parts.path))


async def _listened(project: Loaded, store: Store, asked: Asked, listener: socket.socket, path: str) -> Consented:
    """Serve the redirect until it came, for a while; a redirect that is none of ours is answered, and nothing more."""
    outcome: asyncio.Future[Consented] = asyncio.get_running_loop().create_future()

    async def answered(request: Request) -> Response:
        try:
            done = await finish(project, store, request.query_params)
        except Declined as error:
            if request.query_params.get("state") == asked.state and not outcome.done():
                outcome.set_exception(error)
            return PlainTextResponse(f"{error}\n", 400)
        if not outcome.done():
            outcome.set_result(done)
        return PlainTextResponse("\n".join(words(done)) + "\nYou may close this window.\n")

    config = uvicorn.Config(
        Starlette(routes=[Route(path or "/", answered)]),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    _opened(asked)
    try:
        return await asyncio.wait_for(outcome, PATIENCE)
    except TimeoutError:
        raise Declined(f"nobody came back from the consent page in {PATIENCE / 60:.0f} minutes") from None
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """A server that leaves Ctrl-C to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _awaited(project: Loaded, store: Store, asked: Asked) -> Consented:
    """Wait until the web process has stored the tokens."""
    before = await store.read(credentials.read, asked.connection)
    _opened(asked)
    for _ in range(round(PATIENCE)):
        row = await store.read(credentials.read, asked.connection)
        if row is not None and (before is None or row.version != before.version):
            return Consented(
                connection=row.name,
                location_id=row.location_id,
                company_id=row.company_id,
                lasts=(row.expires_at - row.updated_at) / 1000,
                scope=row.scope,
                lacking=tuple(lacking(project, {row.name: row.scope})),
            )
        await asyncio.sleep(1)
    raise Declined(f"no tokens came in {PATIENCE / 60:.0f} minutes; is the web process running at the redirect's host?")


def _opened(asked: Asked) -> None:
    """Open the browser, and print the address for those who have none."""
    output.note(f"opening {asked.address}")
    threading.Thread(target=webbrowser.open, args=(asked.address,), daemon=True).start()
