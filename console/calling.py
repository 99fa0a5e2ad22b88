"""Calling a vendor from the command line: one client, with the quota that the engine's processes share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import orjson
import typer

from config.catalogues import Catalogues
from config.problems import close, meant
from config.project import Project
from connections.client import Client
from connections.connection import Agency, Connection, OAuth
from connections.quota import Limiter, LocalLimiter, RedisLimiter
from connections.tokens import Tokens, TokenSource
from console.failures import Fault
from console.folder import environment, settings_of
from worker.credentials import credentials_of
from worker.desk import Desk
from worker.ledger.database import migrate
from worker.ledger.store import Store
from worker.logs import configure
from worker.place import Place

Result = TypeVar("Result")


def desk_of(project: Path | None) -> Desk:
    """The project, read and in order; from now on what is logged goes to stderr, without its secrets.

    Raises:
        ConfigError: the project is at fault.
    """
    desk = Desk(settings_of(project), environment(project))
    configure(desk.mask, level=logging.WARNING)
    desk.project()
    return desk


def calling(desk: Desk, work: Callable[[Client], Awaitable[Result]]) -> Result:
    """Do this work with a client, and close it.

    Raises:
        VendorError: a call failed.
    """

    async def done() -> Result:
        project, limiter = desk.project(), _limiter(desk.place)
        with _tokens(project, desk.place, limiter) as tokens:
            client = Client(limiter, tokens, vendors=project.vendors)
            try:
                return await work(client)
            finally:
                await client.close()

    return asyncio.run(done())


@contextmanager
def _tokens(project: Project, place: Place, limiter: Limiter) -> Iterator[TokenSource]:
    """Where credentials come from: of the ledger only where a connection keeps its tokens there."""
    if not any(isinstance(each.auth, OAuth | Agency) for each in project.connections.values()):
        yield Tokens()
        return
    migrate(place.database_url)
    store = Store(place.database_url)
    try:
        yield credentials_of(project, store, limiter)
    finally:
        store.close()


def connection_for(project: Project, name: str, operation: str) -> Connection:
    """The connection of that name.

    Raises:
        Fault: there is none, or it is of another kind than the operation.
    """
    found = project.connections.get(name)
    kind = operation.partition(".")[0]
    if found is None:
        hint = meant(name, project.connections) or "connections.yaml has none"
        raise Fault(f"unknown connection `{name}` ({hint})")
    if found.kind != kind:
        raise Fault(f"`{name}` is a connection of kind {found.kind}, and `{operation}` is not")
    if found.locations is not None:
        raise Fault(f"`{name}` stands for many locations; name one of them: `{name}/LOCATION_ID`")
    return found


def given_inputs(text: str | None) -> dict[str, Any]:
    """The mapping that `--with` gives as JSON; `@FILE` reads it from a file.

    Raises:
        BadParameter: it is no JSON object.
    """
    if text is None:
        return {}
    try:
        found = orjson.loads(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"it is no JSON: {error}", param_hint="--with") from None
    except OSError as error:
        raise typer.BadParameter(f"{text[1:]} cannot be read: {error.strerror}", param_hint="--with") from None
    if not isinstance(found, dict):
        raise typer.BadParameter('expected an object, such as {"contactId": "..."}', param_hint="--with")
    return found


def unknown(operation: str, kind: str, known: Catalogues) -> Fault:
    """What is said of an operation that is not in the catalogue, or is of the other kind."""
    rows: Mapping[str, Any] = known.triggers if kind == "trigger" else known.actions
    others: Mapping[str, Any] = known.actions if kind == "trigger" else known.triggers
    if operation in others:
        other, command = ("an action", "act") if kind == "trigger" else ("a trigger", "poll")
        return Fault(f"`{operation}` is {other}; `hightide {command}` takes those")
    return Fault(f"unknown {kind} `{operation}` ({close(operation, rows) or '`hightide catalog --all` lists them'})")


def _limiter(place: Place) -> Limiter:
    """The quota that all processes share; where our own Valkey is not running, nobody else asks the vendor."""
    alone = place.broker is not None and not place.broker.answers()
    return LocalLimiter() if alone else RedisLimiter.at(place.redis_url)
