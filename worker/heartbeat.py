"""The sign of life of a beat or worker: a row in the ledger that is renewed as long as the process lives."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass, field

from sqlalchemy import Engine, delete, update
from sqlalchemy.exc import SQLAlchemyError

from worker.ledger.database import now_ms, short_lived
from worker.ledger.feeds import upsert
from worker.ledger.tables import PROCESSES

EVERY = 10.0
"""How often (s) a process says that it lives."""
SILENT = 35_000
"""After so long (ms) without a word it counts as gone."""
FORGOTTEN = 86_400_000
"""Rows older than that (ms) are deleted."""

_writing = threading.Lock()
# A child that is forked while SQLite is at work in another thread would inherit its locks, held for ever.
os.register_at_fork(before=_writing.acquire, after_in_parent=_writing.release, after_in_child=_writing.release)


@dataclass(slots=True)
class Heartbeat:
    """The row of this process, from `start` to `stop`.

    While the database is away nothing is written, and the row grows old: that is what it should then say.
    """

    url: str
    role: str
    _thread: threading.Thread | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _started: int = 0

    def start(self) -> None:
        """Write the row now, and again every ten seconds, in a thread of its own."""
        self._started = now_ms()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say that the process ended of its own accord."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None
            self._write(stopped=True)

    def _beat(self) -> None:
        self._write()
        while not self._over.wait(EVERY):
            self._write()

    def _write(self, *, stopped: bool = False) -> None:
        now = now_ms()
        host, pid = socket.gethostname(), os.getpid()
        row = {"id": f"{host}:{pid}:{self._started}", "role": self.role, "host": host, "pid": pid}
        with _writing:
            engine = short_lived(self.url)
            try:
                _written(engine, {**row, "started_at": self._started, "seen_at": now, "stopped": stopped}, now)
            except SQLAlchemyError:
                pass  # whoever needs the database says that it is away
            finally:
                engine.dispose()


def _written(engine: Engine, row: dict[str, object], now: int) -> None:
    with engine.begin() as connection:
        seen = update(PROCESSES).where(PROCESSES.c.id == row["id"])
        if connection.execute(seen.values(seen_at=row["seen_at"], stopped=row["stopped"])).rowcount:
            return
        connection.execute(upsert(connection, PROCESSES).values(row).on_conflict_do_nothing())
        connection.execute(delete(PROCESSES).where(PROCESSES.c.seen_at < now - FORGOTTEN))
