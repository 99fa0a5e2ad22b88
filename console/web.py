"""The web process: webhooks, health, metrics, and a plain first page."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from celery import Celery
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from config.settings import Settings, is_loopback
from console.consent import CALLBACK, callback
from console.failures import Fault
from console.metrics import exposition
from console.receiver import Receiver
from worker import reports
from worker.census import Census
from worker.desk import Desk
from worker.ledger.database import now_ms
from worker.ledger.store import Store

PLAIN = "Hightide is running. See /health, /ready and /metrics, or `hightide status`.\n"


def application(app: Celery) -> Starlette:
    """The web application of a project, on the Celery application that wakes its workers."""
    desk: Desk = app.desk  # type: ignore[attr-defined]  # put there by worker.factory
    store = Store(desk.place.database_url)
    census = Census(desk.place, every=None)
    receiver = Receiver(desk.project, desk.settings, store, app.bell, census)  # type: ignore[attr-defined]  # as above

    async def ready(_request: Request) -> Response:
        try:
            await store.read(reports.answers)
        except SQLAlchemyError:
            return JSONResponse({"ready": False, "reason": "the database cannot be reached"}, status_code=503)
        return JSONResponse({"ready": True})

    async def metrics(_request: Request) -> Response:
        status = await store.read(reports.status, now_ms())
        text, kind = exposition(status, receiver.counts)
        return Response(text, media_type=kind)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await receiver.close()
        store.close()
        # here, since uvicorn ends the process with the signal that it was sent
        if desk.place.broker is not None:
            desk.place.broker.stop()

    routes = [
        Route("/", _guarded(desk.settings, _first_page)),
        Route("/health", _healthy),
        Route("/ready", ready),
        Route("/metrics", _guarded(desk.settings, metrics)),
        Route(CALLBACK, callback(desk.project, store)),
        Route("/webhooks/{kind}", receiver.receive, methods=["POST"]),
        Route("/webhooks/{kind}/{type}", receiver.receive, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def serve(app: Celery) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        Fault: the address is open to others and no password is set.
    """
    desk: Desk = app.desk  # type: ignore[attr-defined]  # as above
    settings = desk.settings
    if not is_loopback(settings.web_host) and settings.web_password is None:
        raise Fault(
            f"HIGHTIDE_WEB_ADDRESS is {settings.web_address}, which others can reach: set HIGHTIDE_WEB_PASSWORD, or "
            "listen on 127.0.0.1 behind a proxy"
        )
    desk.prepare()
    config = uvicorn.Config(
        application(app),
        host=settings.web_host,
        port=settings.web_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    asyncio.run(uvicorn.Server(config).serve())


async def _healthy(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _first_page(_request: Request) -> Response:
    return PlainTextResponse(PLAIN)


def _guarded(settings: Settings, endpoint: Any) -> Any:
    """The endpoint behind the password, where one is set (HTTP Basic, any user name)."""

    async def guarded(request: Request) -> Response:
        if settings.web_password is not None and not _knows(request, settings.web_password.get_secret_value()):
            return PlainTextResponse("password required\n", 401, {"WWW-Authenticate": 'Basic realm="Hightide"'})
        response: Response = await endpoint(request)
        return response

    return guarded


def _knows(request: Request, password: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        _, _, said = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(said.encode(), password.encode())
