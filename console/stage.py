"""Where a demo takes place: a project made of the examples, the sandbox, and the engine, each a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

from console.failures import Fault, OutOfReach
from console.supervisor import HIGHTIDE
from worker.ledger.database import migrate
from worker.ledger.store import Store

EXAMPLES = (
    *("welcome", "follow-up", "vip-watch"),
    *("rankr-leads", "rankr-documents", "rankr-clients", "lead-contract", "offer-approval", "renewals"),
)
CONNECTED = "rankr-leads"
"""The example whose connections lead to both vendors."""
LOCATION = "ve9EPM428h8vShlRW1KT"
ADDRESS = "http://127.0.0.1:8766"
"""Where the examples expect the sandbox."""
PATIENCE = 180.0
"""How long (s) the engine may take to end; it gives its own children a little less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The sandbox as the demo steers it."""

    url: str
    client: httpx.Client

    def ask(self, method: str, door: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What one of its admin endpoints answers."""
        answer = self.client.request(method, f"{self.url}/_sandbox/{door}", json=body)
        said: dict[str, Any] = answer.raise_for_status().json()
        return said

    def effects(self) -> list[dict[str, Any]]:
        """Every effect that any request had, oldest first."""
        found: list[dict[str, Any]] = self.ask("GET", "effects")["effects"]
        return found

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """Every record of either vendor, by table."""
        found: dict[str, list[dict[str, Any]]] = self.ask("GET", "state")
        return found


def built(folder: Path, address: str) -> Store:
    """Make a project of all examples in this folder, with the sandbox at this address; its empty ledger.

    Raises:
        Fault: there is something in the folder.
    """
    if any(folder.iterdir()):
        raise Fault(f"{folder} is not empty")
    (folder / "automations").mkdir()
    source = files("examples")
    for name in EXAMPLES:
        for file in (source / name / "automations").iterdir():
            (folder / "automations" / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    connections = (source / CONNECTED / "connections.yaml").read_text(encoding="utf-8")
    (folder / "connections.yaml").write_text(connections.replace(ADDRESS, address), encoding="utf-8")
    url = f"sqlite:///{folder / '.hightide' / 'hightide.db'}"
    (folder / ".hightide").mkdir(mode=0o700)
    migrate(url)
    return Store(url)


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """A sandbox on a free port.

    Raises:
        OutOfReach: it does not start.
    """
    command = [sys.executable, "-P", "-m", "sandbox", "--port", "0", "--with-parent"]
    with _process(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  # asked for above
        found = re.search(rb"http://\S+", process.stdout.readline())
        if found is None:
            raise OutOfReach("the sandbox does not start")
        with httpx.Client(timeout=30, trust_env=False) as client:
            yield Sandbox(url=found[0].decode(), client=client)


@contextmanager
def engine(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`hightide run` on this project, its words in `engine.log`; ended, when it has not been, as Ctrl-C would."""
    with (folder / "engine.log").open("wb") as log:
        command = [*HIGHTIDE, "run", "--no-web", "--with-parent", "--project", str(folder)]
        with _process(command, stdout=log, stderr=log) as process:
            yield process


def ended(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and wait until it has."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)


def room(folder: Path | None) -> Path:
    """The folder to keep, made where it is not there; a temporary one without."""
    if folder is None:
        from tempfile import mkdtemp  # noqa: PLC0415

        return Path(mkdtemp(prefix="hightide-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def cleared(folder: Path) -> None:
    """Remove a temporary folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _process(command: list[str], **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with us: its stdin closes when we are gone. Nothing of the user's settings reaches it."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("HIGHTIDE_")}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=known, start_new_session=True, **streams)  # noqa: S603  # our own
    try:
        yield process
    finally:
        if process.poll() is None:
            ended(process)
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
