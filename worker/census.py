"""Following an agency's locations: a look at its installations every ten minutes, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.project import Project
from connections.client import Client
from connections.errors import VendorError
from connections.quota import Limiter, LocalLimiter, RedisLimiter
from connections.vendors import Vendor
from worker.credentials import credentials_of
from worker.ledger import installations
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.locations import followed, installed_in
from worker.place import Place

EVERY = 600.0
"""How often (s) an agency is asked where its app is installed."""
AGAIN = 60.0
"""The same after a failure, and after a look that somebody asked for."""

log = structlog.get_logger()


@dataclass(slots=True)
class Census:
    """Asks the agencies of a project where their app is installed, from the first `follow` to `stop`.

    Without `every` (s) they are asked only when somebody says so. A failure is told once, and so is the recovery.
    """

    place: Place
    every: float | None = EVERY
    _project: Project | None = None
    _thread: threading.Thread | None = None
    _wake: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _failing: set[str] = field(default_factory=set)

    def follow(self, project: Project) -> None:
        """From now on these are the agencies; they are asked at once, and once more lest their list lags behind."""
        self._project = project
        if not followed(project.connections):
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="census", daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        """End; a look under way is waited for a while."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _look(self) -> None:
        pause: float | None = None
        while True:
            told = self._wake.wait(pause)
            self._wake.clear()
            project = self._project
            if self._over.is_set() or project is None:
                return
            try:
                failed = asyncio.run(take(project, self.place, self._failing))
            except SQLAlchemyError as error:
                log.warning("ledger.unavailable", reason=str(error))
                failed = True
            pause = AGAIN if failed or told else self.every


async def take(project: Project, place: Place, failing: set[str]) -> bool:
    """Ask every agency once, and write down what it says; whether one could not be asked."""
    agencies = followed(project.connections)
    store = Store(place.database_url)
    limiter: Limiter = RedisLimiter.at(place.redis_url) if place.redis_url else LocalLimiter()
    client = Client(limiter, credentials_of(project, store, limiter), vendors=project.vendors, patience=10.0)
    try:
        for agency in agencies:
            vendor = project.vendors.get(agency.kind) or Vendor(kind=agency.kind)
            asked_at = now_ms()
            try:
                found = await installed_in(agency, vendor, client)
            except VendorError as error:
                if agency.name not in failing:
                    log.warning("agency.failing", connection=agency.name, reason=str(error))
                failing.add(agency.name)
                continue
            if agency.name in failing:
                log.info("agency.recovered", connection=agency.name)
                failing.discard(agency.name)
            if found is None:
                continue
            news = await store.write(installations.replace, agency.name, found, now_ms(), asked_at)
            if news:
                log.info("agency.changed", connection=agency.name, locations=len(found), news=news)
    finally:
        await client.close()
        store.close()
    return bool(failing & {agency.name for agency in agencies})
