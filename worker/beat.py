"""The scheduler: it wakes workers for what is due in the ledger. Any number may run; none fires a feed twice."""

from __future__ import annotations

import time
from typing import Any

import structlog
from celery.beat import Scheduler
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from config.problems import ConfigError
from config.project import Project
from worker import files
from worker.bell import Bell
from worker.census import Census
from worker.deploy import deploy
from worker.desk import Desk
from worker.heartbeat import Heartbeat
from worker.ledger import credentials, feeds, installations, retention, runs
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.locations import expanded
from worker.scopes import lacking

BATCH = 50
"""Feeds in one message."""
AT_ONCE = 500
"""Feeds woken in one tick; with more due the next tick follows at once."""
FORGET_EVERY = 3600.0
"""How often (s) the ledger is rid of what is past its time."""
DAY = 86_400
LONGEST = 1.0
"""The longest time (s) between two ticks."""

log = structlog.get_logger()


class FeedScheduler(Scheduler):
    """Celery's beat with the ledger for its schedule.

    Due feeds are marked as woken, so that other beats leave them alone for a while; what a lost message or a dead
    worker leaves behind is due again when its mark or lease ends. Nothing is kept between ticks but the project.
    """

    def __init__(self, app: Any, *args: Any, **kwargs: Any) -> None:
        self._desk: Desk = app.desk
        self._bell: Bell = app.bell
        self._store: Store | None = None
        self._deployed: Project | None = None
        self._hinted = 0.0
        self._forgotten = time.monotonic()
        self._installed: tuple[int, int] | None = None
        self._census = Census(self._desk.place)
        self._heartbeat = Heartbeat(self._desk.place.database_url, "beat")
        super().__init__(app, *args, **kwargs)

    def setup_schedule(self) -> None:
        """Open the ledger and make it agree with the project's files."""
        try:
            self._desk.prepare()
            self._store = Store(self._desk.place.database_url)
            self._deploy()
        except (ConfigError, RuntimeError, SQLAlchemyError) as error:
            raise SystemExit(f"hightide cannot start: {error}") from error
        self._heartbeat.start()

    def tick(self, *_args: Any, **_kwargs: Any) -> float:
        """Wake what is due; how long (s) to sleep until the next tick."""
        try:
            self._deploy()
            return self._wake()
        except OperationalError as error:  # the database is away for a moment; the next tick tries again
            log.warning("ledger.unavailable", reason=str(error.orig))
            return LONGEST

    def close(self) -> None:
        """Let go of the ledger."""
        self._heartbeat.stop()
        self._census.stop()
        if self._store is not None:
            self._store.close()
        super().close()

    def _deploy(self) -> None:
        project = self._desk.project()
        if self._store is None:
            return
        many = any(each.locations for each in project.connections.values())
        installed = self._store.read_now(installations.last_change) if many else None
        if project is self._deployed and installed == self._installed:
            return
        known = self._store.read_now(installations.read) if many else {}
        wanted = expanded(project.automations.values(), project.connections, known)
        done = self._store.write_now(deploy, wanted, project.triggers, now_ms())
        if project is not self._deployed:
            self._census.follow(project)
            given = {each.name: each.scope for each in self._store.read_now(credentials.everything)}
            for lack in lacking(project, given):
                log.warning("scope.missing", connection=lack.connection, scope=lack.scope, reason=str(lack))
        self._deployed, self._installed = project, installed
        log.info("project.deployed", started=len(done.started), stopped=len(done.stopped), kept=len(done.kept))

    def _wake(self) -> float:
        assert self._store is not None  # noqa: S101  # set up before the first tick
        woken = self._store.write_now(feeds.wake, now_ms(), AT_ONCE)
        batches = [woken[start : start + BATCH] for start in range(0, len(woken), BATCH)]
        if batches and not self._bell.wake(batches):
            return LONGEST
        if time.monotonic() - self._hinted >= LONGEST:
            self._hinted = time.monotonic()
            waiting = self._store.read_now(_runs_due)
            if waiting:
                self._bell.hint(waiting)
        if len(woken) == AT_ONCE:
            return 0.0
        self._forget(self._store)
        due = self._store.read_now(feeds.next_due, now_ms())
        return LONGEST if due is None else min(LONGEST, max(0.01, (due - now_ms()) / 1000))

    def _forget(self, store: Store) -> None:
        """Remove a batch of what is past its time; once an hour, and on the next tick while there is more."""
        if time.monotonic() < self._forgotten + FORGET_EVERY:
            return
        settings = self._desk.settings
        if store.write_now(retention.forget, now_ms(), settings.keep_days) < retention.BATCH:
            files.forget(settings.files, time.time() - settings.keep_files_days * DAY)
            self._forgotten = time.monotonic()


def _runs_due(connection: Connection) -> int:
    return sum(runs.due_counts(connection, now_ms(), 500).values())
