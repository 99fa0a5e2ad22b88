"""Hightide under measurement, run as a person runs it: a project folder, a beat, a worker, `hightide nudge`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.fernet import Fernet

from benchmarks.processes import started
from benchmarks.rounds import Stage
from benchmarks.services import Burst

PATIENCE = 60.0
"""Seconds that the first poll may take, and the ledger to close its books."""

HIGHTIDE = str(Path(sys.executable).with_name("hightide"))
CONNECTIONS = """\
connections:
  bench:
    kind: ghl
    base_url: {url}
    location_id: bench
    auth: {{type: private_token, token: "${{BENCH_TOKEN}}"}}
    quota: off
"""
AUTOMATIONS = """\
automations:
  greet:
    trigger: {use: ghl.contacts.search, connection: bench, on: new, every: 1m}
    steps:
      - use: ghl.contacts.tags.add
        with: {contactId: "{{ record.id }}", tags: ["greeted"]}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hightide:
    """One beat and one worker, as they come, on SQLite or PostgreSQL."""

    store: Literal["sqlite", "postgres"]

    @property
    def name(self) -> str:
        """What the table calls it."""
        return {"sqlite": "Hightide, SQLite", "postgres": "Hightide, PostgreSQL"}[self.store]

    @contextmanager
    def running(self, stage: Stage) -> Iterator[Engine]:
        """Beat and worker, once the first poll has taken note of the contacts that were there before."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=stage.folder)))
            database = stage.postgres.fresh("bench") if self.store == "postgres" else None
            env = project(folder, stage, database)
            roles = ("beat", "worker")
            both = [stack.enter_context(started([HIGHTIDE, role], folder / f"{role}.log", env)) for role in roles]
            engine = Engine(pids=[process.pid for process in both], env=env, folder=folder)
            engine.wait(deployed)
            engine.command("nudge", "greet")
            engine.wait(polled)
            yield engine


def project(folder: Path, stage: Stage, database: str | None) -> dict[str, str]:
    """Writes a project into this folder; the environment that its processes need."""
    folder.joinpath("connections.yaml").write_text(CONNECTIONS.format(url=stage.vendor.url))
    folder.joinpath("automations").mkdir()
    folder.joinpath("automations", "greet.yaml").write_text(AUTOMATIONS)
    env = {
        "HIGHTIDE_PROJECT": str(folder),
        "HIGHTIDE_REDIS_URL": stage.broker.url,
        "HIGHTIDE_SECRET_KEY": Fernet.generate_key().decode(),
        "BENCH_TOKEN": "pit-bench",
    }
    return env | ({"HIGHTIDE_DATABASE_URL": database} if database else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Hightide's processes, and the command line beside them."""

    pids: list[int]
    env: Mapping[str, str]
    folder: Path

    def prepare(self, burst: Burst) -> None:
        """Nothing."""

    def begin(self, burst: Burst) -> float:
        """Makes the feed due; the start is when the command has ended."""
        self.command("nudge", "greet")
        return time.monotonic()

    def settle(self) -> None:
        """Waits until the ledger has no open run."""
        self.wait(closed)

    def command(self, *words: str) -> str:
        """What a command of Hightide prints.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        env = {**os.environ, **self.env}
        done = subprocess.run([HIGHTIDE, *words], env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"hightide {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    def status(self) -> dict[str, Any]:
        """What `hightide status --json` says."""
        said: dict[str, Any] = json.loads(self.command("status", "--json"))
        return said

    def wait(self, holds: Callable[[Mapping[str, Any]], bool]) -> None:
        """Waits until this holds of the status; while there is no ledger yet, it does not."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                status = self.status()
                if holds(status):
                    return
            except RuntimeError as problem:
                status = {"problem": str(problem)}
            if time.monotonic() > deadline:
                logs = "".join(log.read_text() for log in self.folder.glob("*.log"))
                raise TimeoutError(f"waited in vain for {holds}: {status}\n{logs}")
            time.sleep(0.2)


def deployed(status: Mapping[str, Any]) -> bool:
    """Whether the feed is in the ledger."""
    return bool(status["feeds"])


def polled(status: Mapping[str, Any]) -> bool:
    """Whether the feed knows what was there before."""
    return all(feed["state"] == "ok" for feed in status["feeds"])


def closed(status: Mapping[str, Any]) -> bool:
    """Whether every run is done."""
    return not any(count for state, count in status["runs"].items() if state != "done")
