"""The engine of a process on a real project: a vendor on loopback, the ledger, no queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import MetaData, select, update

from config.project import load
from worker.deploy import deploy
from worker.engine import Engine
from worker.ledger.database import now_ms
from worker.ledger.tables import AUTOMATIONS, FEEDS, RUNS, STEPS
from worker.place import Place

CONNECTIONS = """
connections:
  acme:
    kind: ghl
    base_url: URL
    location_id: loc1
    auth: {type: private_token, token: "${TOKEN}"}
"""
AUTOMATION = """
automations:
  welcome:
    trigger: {use: ghl.contacts.search, connection: acme, on: new, start: beginning}
    steps:
      - use: ghl.contacts.update
        with: {contactId: "{{ record.id }}", firstName: "${NAME}", lastName: "{{ record.lastName }} (${NAME})"}
"""
ENVIRON = {"TOKEN": "t0k3n-of-acme", "NAME": "s3cr3t-name"}
TIME = "2026-03-01T08:00:00.000Z"
CONTACT = {"id": "c1", "lastName": "Lovelace", "dateAdded": TIME, "dateUpdated": TIME}

Asked = tuple[str, str, Any]


@dataclass
class Vendor:
    """A server on loopback: what it was asked, and what it answers."""

    contacts: list[Any] = field(default_factory=lambda: [CONTACT])
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, body: Any) -> Any:
        self.asked.append((method, path, body))
        if path == "/contacts/search":
            return {"contacts": self.contacts, "total": len(self.contacts)}
        if path.startswith("/opportunities/pipelines"):
            return {"pipelines": [{"id": "p1", "name": "Sales", "stages": [{"id": "s1", "name": "Won"}]}]}
        if path == "/opportunities/search":
            return {"opportunities": []}
        return {"succeded": True, "contact": {"id": path.rpartition("/")[2]}}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length", "0")))
                body = orjson.dumps(vendor.answer(self.command, self.path, orjson.loads(content) if content else None))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                """Nothing is said."""

        return Handler


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    server = ThreadingHTTPServer(("127.0.0.1", 0), made.handler())
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


Opened = Callable[..., Engine]


@pytest.fixture
def opened(tmp_path: Path, ledger_url: str, vendor: Vendor) -> Iterator[Opened]:
    """Opens the engine on a project with these automations, deployed; all engines are closed at the end."""
    engines: list[Engine] = []

    def made(automations: str = AUTOMATION, environ: Mapping[str, str] = ENVIRON, *, deployed: bool = True) -> Engine:
        folder = tmp_path / "project"
        (folder / "automations").mkdir(parents=True, exist_ok=True)
        (folder / "connections.yaml").write_text(CONNECTIONS.replace("URL", vendor.url))
        (folder / "automations" / "a.yaml").write_text(automations)
        project = load(folder, environ)
        engine = Engine(project, Place(database_url=ledger_url, redis_url="", broker_url=""))
        engines.append(engine)
        if deployed:
            engine.store.write_now(deploy, project.automations.values(), project.triggers, now_ms())
        return engine

    yield made
    for engine in engines:
        engine.close()


def feed_of(engine: Engine) -> Any:
    return engine.store.read_now(lambda c: c.execute(select(FEEDS)).one())


def polled(engine: Engine) -> int:
    """Poll every feed that is due; how many runs were opened."""
    ids = engine.store.read_now(lambda c: c.scalars(select(FEEDS.c.id)).all())
    return engine.run(engine.poll(ids, lambda _: None)).runs


def due_now(engine: Engine) -> None:
    engine.store.write_now(lambda c: c.execute(update(FEEDS).values(due_at=0)))


def run_of(engine: Engine) -> Any:
    return engine.store.read_now(lambda c: c.execute(select(RUNS)).one())


def test_a_new_contact_makes_an_action_happen(opened: Opened, vendor: Vendor) -> None:
    engine = opened()
    assert polled(engine) == 1
    assert engine.run(engine.carry(0.5)) == 1
    assert run_of(engine).state == "done"
    [sent] = [asked for asked in vendor.asked if asked[0] == "PUT"]
    assert sent == ("PUT", "/contacts/c1", {"firstName": "s3cr3t-name", "lastName": "Lovelace (s3cr3t-name)"})


def test_neither_tokens_nor_variables_stand_in_the_ledger(opened: Opened, vendor: Vendor) -> None:
    engine = opened()
    polled(engine)
    engine.run(engine.carry(0.5))
    [inputs] = engine.store.read_now(lambda c: c.scalars(select(STEPS.c.inputs)).all())
    shown = {"contactId": "c1", "firstName": "${NAME}", "lastName": "Lovelace (${NAME})"}
    assert orjson.loads(inputs) == shown
    metadata = MetaData()
    metadata.reflect(engine.store.engine)
    with engine.store.engine.connect() as connection:
        kept = [str(connection.execute(table.select()).all()) for table in metadata.tables.values()]
    assert len(kept) > 5
    assert not any(secret in rows for rows in kept for secret in ENVIRON.values())


def test_variables_in_a_trigger_s_parameters_are_filled_in_when_it_is_polled(opened: Opened, vendor: Vendor) -> None:
    flow = AUTOMATION.replace("start: beginning", 'start: beginning, with: {locationId: "${NAME}"}')
    engine = opened(flow)
    polled(engine)
    assert vendor.asked[0][2]["locationId"] == "s3cr3t-name"
    assert orjson.loads(feed_of(engine).params) == {"locationId": "${NAME}"}


def test_names_in_a_trigger_s_parameters_become_ids_when_it_is_polled(opened: Opened, vendor: Vendor) -> None:
    use = "{use: ghl.opportunities.search, connection: acme, with: {pipelineId: %s, pipelineStageId: won}}"
    flow = AUTOMATION.replace("{use: ghl.contacts.search, connection: acme, on: new, start: beginning}", use)
    engine = opened(flow % "Sales")
    polled(engine)
    [asked] = [body for method, path, body in vendor.asked if path == "/opportunities/search"]
    assert [each["value"] for each in asked["filters"]] == ["p1", "s1"]
    other = opened(flow % "Sails")
    due_now(other)
    polled(other)
    [error] = [text for text in other.store.read_now(lambda c: c.scalars(select(FEEDS.c.error))) if text]
    assert "the location has no pipeline 'Sails': did you mean 'Sales'?" in error


def test_a_variable_that_is_gone_fails_the_run_and_it_can_be_seen_why(opened: Opened, vendor: Vendor) -> None:
    engine = opened()
    polled(engine)
    other = opened(AUTOMATION.replace("${NAME}", "x"), {"TOKEN": "t0k3n-of-acme"}, deployed=False)
    other.run(other.carry(0.5))
    row = run_of(engine)
    assert (row.state, row.reason.partition(";")[0]) == ("failed", "environment variable `NAME` is not set")
    assert [asked[0] for asked in vendor.asked] == ["POST"]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("trigger", "ghl.gone.search", "trigger ghl.gone.search is not known to this worker; see `hightide check`"),
        ("connection", "gone", "connection gone is not known to this worker; see `hightide check`"),
        (
            "params",
            '{"locationId":"${GONE}"}',
            "environment variable `GONE` is not set; set it in the environment or in .env",
        ),
    ],
)
def test_a_feed_that_this_worker_cannot_poll_says_so(opened: Opened, column: str, value: str, words: str) -> None:
    engine = opened()
    engine.store.write_now(lambda c: c.execute(update(FEEDS).values({column: value})))
    polled(engine)
    row = feed_of(engine)
    assert (row.error, row.failures, row.working) == (words, 1, False)
    assert now_ms() < row.due_at <= now_ms() + 60_000


def test_a_fault_of_ours_in_one_feed_is_shown_there_and_ends_no_other(opened: Opened, vendor: Vendor) -> None:
    trigger = "{use: ghl.contacts.search, connection: acme, start: beginning, with: {locationId: l2}}"
    steps = "[{use: ghl.contacts.delete, with: {contactId: x}}]"
    engine = opened(f"{AUTOMATION}  other:\n    trigger: {trigger}\n    steps: {steps}\n")
    ids = sorted(engine.store.read_now(lambda c: c.scalars(select(FEEDS.c.id)).all()))
    odd = update(FEEDS).where(FEEDS.c.id == ids[0]).values(cursor='{"phase":"steady","new_in_a_later_version":1}')
    engine.store.write_now(lambda c: c.execute(odd))
    engine.run(engine.poll(ids, lambda _: None))
    rows = engine.store.read_now(lambda c: c.execute(select(FEEDS).order_by(FEEDS.c.id)).all())
    assert rows[0].error.startswith("TypeError: ")
    assert (rows[0].failures, rows[1].failures, rows[1].error) == (1, 0, None)
    assert rows[1].events == 1


def test_an_automation_that_was_edited_is_carried_out_as_it_was_when_its_event_came(
    opened: Opened, vendor: Vendor
) -> None:
    engine = opened()
    polled(engine)
    other = opened(AUTOMATION.replace("${NAME}", "Edited"))
    other.run(other.carry(0.5))
    assert [asked[2]["firstName"] for asked in vendor.asked if asked[0] == "PUT"] == ["s3cr3t-name"]
    assert len(other.store.read_now(lambda c: c.execute(select(AUTOMATIONS)).all())) == 2


def test_a_second_poll_of_the_same_answer_opens_nothing(opened: Opened) -> None:
    engine = opened()
    assert polled(engine) == 1
    due_now(engine)
    assert polled(engine) == 0
