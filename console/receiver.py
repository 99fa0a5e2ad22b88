"""The webhook receiver: checks, answers at once, and makes the feeds due that a webhook is about."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from config.project import Project
from config.settings import Settings, key_name
from connections.vendors import Vendor
from connections.webhooks import LARGEST, OLDEST, Notice, Scheme, Signature, Unacceptable, digest, read
from worker.arrivals import Arrival, arrival, note
from worker.bell import Bell
from worker.census import Census
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.waking import wake

GATHER = 0.05
"""So long (s) webhooks gather before the feeds they are about are made due, all at once."""
REMEMBERED = 50_000
"""So many webhooks are remembered, so that a repeated one is refused."""

log = structlog.get_logger()


PLAIN = Scheme(signatures=(Signature(header="X-Signature", algorithm="hmac_sha256"),))
"""How webhooks are read of a vendor that says nothing of them, once there is a key."""


def scheme_of(vendor: Vendor, settings: Settings) -> Scheme | None:
    """How this vendor's webhooks are checked: the environment may give other keys, or allow the old signature.

    None where no key is known.
    """
    scheme, name = vendor.webhooks or PLAIN, key_name(vendor.kind)
    key, old = settings.webhook_keys.get(name), settings.webhook_keys.get(f"{name}_RSA")
    given = scheme.signatures
    if key is not None:
        given = tuple(replace(signature, key=key.get_secret_value()) for signature in given)
    if old is not None and vendor.webhooks is not None:
        given += (Signature(header="x-wh-signature", algorithm="rsa_sha256", key=old.get_secret_value()),)
    return replace(scheme, signatures=given) if any(signature.key for signature in given) else None


class Receiver:
    """Takes webhooks in. What it loses in a crash costs time, never data: the feeds are polled all the same."""

    def __init__(
        self, project: Callable[[], Project], settings: Settings, store: Store, bell: Bell, census: Census
    ) -> None:
        self._project = project
        self._settings = settings
        self._store = store
        self._bell = bell
        self._census = census
        self._arrived: list[Arrival] = []
        self._told: set[tuple[str, str, str | None]] = set()
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._gathering: asyncio.Task[None] | None = None
        self.counts: dict[tuple[str, str], int] = {}

    async def receive(self, request: Request) -> Response:
        """Answer `POST /webhooks/KIND` and `POST /webhooks/KIND/TYPE`."""
        kind = request.path_params["kind"]
        known = kind if kind in self._project().vendors else "other"  # the address may hold anything
        try:
            notice = self._checked(kind, request.headers, await _body(request), request.path_params.get("type"))
        except Unacceptable as error:
            self._count(known, "refused")
            return JSONResponse({"message": str(error)}, status_code=error.status)
        except ClientDisconnect:
            return Response(status_code=400)
        self._count(known, "accepted")
        self._told.add((kind, notice.type, notice.account))
        arrived = arrival(self._project().vendors[kind], notice)
        if arrived is not None:
            self._arrived.append(arrived)
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.create_task(self._wake())
        return JSONResponse({"status": "accepted"})

    async def close(self) -> None:
        """Finish what was taken in."""
        if self._gathering is not None:
            with suppress(asyncio.CancelledError):
                await self._gathering
        await asyncio.to_thread(self._census.stop)

    def _checked(self, kind: str, headers: Mapping[str, str], body: bytes, hint: str | None) -> Notice:
        vendor = self._project().vendors.get(kind)
        scheme = scheme_of(vendor, self._settings) if vendor else None
        if scheme is None:
            missing = f": {key_name(kind)} is not set" if vendor else ""
            raise Unacceptable(404, f"no webhooks are taken for {kind}{missing}")
        now = time.time()
        notice = read(scheme, headers, body, now, hint)
        self._once(f"{kind}:{notice.id or digest(body)}", now)
        return notice

    def _once(self, name: str, now: float) -> None:
        while self._seen and (len(self._seen) > REMEMBERED or next(iter(self._seen.values())) < now - 2 * OLDEST):
            self._seen.popitem(last=False)
        if name in self._seen:
            raise Unacceptable(409, "this webhook was taken before")
        self._seen[name] = now

    async def _wake(self) -> None:
        await asyncio.sleep(GATHER)
        while self._told:
            told, self._told = self._told, set()
            arrived, self._arrived = self._arrived, []
            project = self._project()
            try:
                ours = await self._store.write(note, project.connections, arrived, now_ms()) if arrived else False
                if ours:
                    self._census.follow(project)
                ids = await self._store.write(wake, project.triggers, project.connections, told, now_ms())
            except SQLAlchemyError as error:
                log.warning("webhooks.late", count=len(told), reason=type(error).__name__)
                return
            if ids:
                await asyncio.to_thread(self._bell.wake, [ids[at : at + 50] for at in range(0, len(ids), 50)])
                log.info("webhooks.woke", feeds=len(ids))

    def _count(self, kind: str, what: str) -> None:
        self.counts[kind, what] = self.counts.get((kind, what), 0) + 1


async def _body(request: Request) -> bytes:
    """The raw body, over which the signature is.

    Raises:
        Unacceptable: it is too large.
    """
    size, parts = 0, []
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise Unacceptable(413, f"the body is larger than {LARGEST} bytes")
        parts.append(part)
    return b"".join(parts)
