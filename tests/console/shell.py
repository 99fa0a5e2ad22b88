"""The real command, a real sandbox, and projects for them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

HIGHTIDE = [sys.executable, "-P", "-m", "console"]
LOCATION = "ve9EPM428h8vShlRW1KT"
TOKEN = "pit-5ecret-t0ken"
PATIENCE = 60.0

CONNECTIONS = """\
connections:
  acme:
    kind: ghl
    location_id: {location}
    base_url: {url}
    auth: {{type: private_token, token: "${{ACME_TOKEN}}"}}
"""
GREET = """\
automations:
  greet:
    trigger: {use: ghl.contacts.search, connection: acme, on: new, every: 1m}
    when: "'lead' in record.tags"
    steps:
      - id: tag
        use: ghl.contacts.tags.add
        with: {contactId: "{{ record.id }}", tags: [greeted]}
      - id: note
        use: ghl.contacts.notes.create
        with: {contactId: "{{ record.id }}", body: "Hello {{ record.firstName }}"}
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HIGHTIDE_")}
    return {**plain, **(more or {})}


def hightide(*words: str, project: Path | None = None, env: Mapping[str, str] | None = None, given: str = "") -> Done:
    """Run `hightide` with these words to its end."""
    where = {} if project is None else {"HIGHTIDE_PROJECT": str(project)}
    done = subprocess.run(
        [*HIGHTIDE, *words],
        env=environment({**where, **(env or {})}),
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Vendor:
    """The sandbox as tests steer it."""

    url: str
    client: httpx.Client

    def ask(self, method: str, door: str, body: Any = None) -> Any:
        return self.client.request(method, f"{self.url}/_sandbox/{door}", json=body).raise_for_status().json()

    def leads(self, count: int, *tags: str) -> list[str]:
        """The ids of as many new contacts with these tags, `lead` without any."""
        asked = {"location": LOCATION, "count": count, "tags": tags or ["lead"]}
        ids: list[str] = self.ask("POST", "leads", asked)["ids"]
        return ids

    def campaign(self) -> str:
        """The id of the location's campaign."""
        self.leads(1, "first")
        [found] = self.ask("GET", f"state?table=campaigns&location={LOCATION}")["campaigns"]
        return str(found["id"])

    def effects(self, route: str) -> list[dict[str, Any]]:
        return [each for each in self.ask("GET", "effects")["effects"] if each["route"] == route]


@contextmanager
def sandbox() -> Iterator[Vendor]:
    command = [sys.executable, "-P", "-m", "sandbox", "--port", "0", "--with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        with httpx.Client(timeout=30, trust_env=False) as client:
            yield Vendor(found[0], client)
        process.terminate()


def write_project(folder: Path, url: str, automations: str = GREET) -> Path:
    (folder / "automations").mkdir(parents=True)
    (folder / "connections.yaml").write_text(CONNECTIONS.format(location=LOCATION, url=url))
    (folder / "automations" / "greet.yaml").write_text(automations)
    (folder / ".env").write_text(f"ACME_TOKEN={TOKEN}\n")
    return folder


@dataclass(slots=True)
class Engine:
    """`hightide run` (or another process of ours) at work, its words in files."""

    process: subprocess.Popen[bytes]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> str:
        return (self.folder / "run.err").read_text() + (self.folder / "run.out").read_text()

    def status(self) -> Any:
        return hightide("status", "--json", project=self.folder, env=self.env).json

    def wait(self, holds: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """What this gives, once it gives something."""
        deadline = time.monotonic() + patience
        while not (found := holds()):
            assert time.monotonic() < deadline, f"waited in vain\n{self.said}"
            assert self.process.poll() is None, f"it has ended\n{self.said}"
            time.sleep(0.2)
        return found

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, words: str) -> psutil.Process:
        """The one whose command line holds these words and whose parent's does not, once it is there."""

        def found() -> psutil.Process | None:
            return next((each for each in self.family() if _begins(each, words)), None)

        child: psutil.Process = self.wait(found)
        return child

    def ready(self) -> Any:
        """Every feed has been read once."""

        def read() -> bool:
            done = hightide("status", "--json", project=self.folder, env=self.env)
            return done.status == 0 and bool(done.json["feeds"]) and all(f["succeeded_at"] for f in done.json["feeds"])

        return self.wait(read)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def _begins(process: psutil.Process, words: str) -> bool:
    """Whether these words are in the command line of a process, and not in that of its parent."""
    try:
        parent = process.parent()
        above = "" if parent is None else " ".join(parent.cmdline())
        return words in " ".join(process.cmdline()) and words not in above
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Engine]:
    """`hightide run`, or another command, on the project in this folder."""
    where = environment({**(env or {}), "HIGHTIDE_PROJECT": str(folder)})
    with (folder / "run.out").open("wb") as out, (folder / "run.err").open("wb") as err:
        command = [*HIGHTIDE, *(words or ("run", "--no-web", "--concurrency", "2"))]
        process = subprocess.Popen(command, env=where, stdout=out, stderr=err, start_new_session=True)
        engine = Engine(process, folder, dict(env or {}))
        try:
            yield engine
        finally:
            left = engine.family() if process.poll() is None else []
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            for each in [*left, psutil.Process(process.pid)] if process.poll() is None else left:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            process.wait()


def gone(processes: list[psutil.Process], patience: float = 20.0) -> bool:
    """Whether all of these end within that time."""
    _, alive = psutil.wait_procs(processes, timeout=patience)
    return not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
