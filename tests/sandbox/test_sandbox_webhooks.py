"""The webhooks that Rankr sends: of which changes, signed how, tried again when nobody takes them."""

from __future__ import annotations

import hashlib
import hmac
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from tests.sandbox.process import Running, Start

pytestmark = pytest.mark.slow
SECRET = "shared"


class Ear:
    """Takes webhooks in; `answers` are the statuses of the first ones, all others are welcome."""

    def __init__(self) -> None:
        self.heard: queue.Queue[tuple[bytes, str]] = queue.Queue()
        self.answers: list[int] = []
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = ear.answers.pop(0) if ear.answers else 200
                self.send_response(status)
                self.end_headers()
                ear.heard.put((body, self.headers["x-signature"]))

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def next(self) -> tuple[str, dict[str, Any]]:
        body, proof = self.heard.get(timeout=20)
        assert proof == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        told = orjson.loads(body)
        return told["type"], told


@pytest.fixture
def ear() -> Iterator[Ear]:
    """A receiver on this machine."""
    ear = Ear()
    thread = threading.Thread(target=ear.server.serve_forever, daemon=True)
    thread.start()
    yield ear
    ear.server.shutdown()
    ear.server.server_close()
    thread.join()


@pytest.fixture
def change(start: Start, ear: Ear) -> Callable[..., Any]:
    """Changes a record of Rankr's, whose webhooks go to the ear; `more` says how they go."""
    sandbox: Running = start()
    sandbox.call("POST", "/_sandbox/webhooks", {"url": ear.url, "secret": SECRET})

    def change(table: str, op: str, id_: str | None = None, **data: Any) -> Any:
        body = {"op": op, "data": data, **({"id": id_} if id_ else {})}
        status, told, _ = sandbox.call("POST", f"/_sandbox/records/rankr.{table}", body)
        assert status == 200, told
        return told

    return change


def test_each_change_is_told_of_with_the_record(change: Any, ear: Ear) -> None:
    lead = change("leads", "create", name="Ada")["record"]
    kind, told = ear.next()
    assert (kind, told["data"]["id"], told["data"]["name"]) == ("lead.changed", lead["id"], "Ada")
    change("leads", "delete", lead["id"])
    kind, told = ear.next()
    assert (kind, told["data"]) == ("lead.changed", {"id": lead["id"], "deleted": True})
    for table, kind in (("clients", "client.changed"), ("contracts", "contract.changed")):
        change(table, "create", title="x")
        assert ear.next()[0] == kind


def test_a_document_is_told_of_when_its_status_changes(change: Any, ear: Ear) -> None:
    document = change("documents", "create", title="Plan")["record"]["id"]
    assert ear.next()[1]["data"]["status"] == "draft"
    change("documents", "patch", document, title="Plans")
    change("documents", "patch", document, status="sent")
    kind, told = ear.next()
    assert (kind, told["data"]["status"]) == ("document.status_changed", "sent")


def test_what_nobody_takes_is_sent_again_as_it_was(change: Any, ear: Ear) -> None:
    ear.answers = [503]
    change("leads", "create", name="Ada")
    assert ear.next()[1]["event_id"] == ear.next()[1]["event_id"]


def test_what_is_refused_is_not_sent_again(change: Any, ear: Ear) -> None:
    ear.answers = [409]
    change("leads", "create", name="Ada")
    first = ear.next()[1]["event_id"]
    change("leads", "create", name="Eve")
    assert ear.next()[1]["event_id"] != first


def test_webhooks_are_lost_and_doubled_as_told(start: Start, ear: Ear) -> None:
    sandbox = start()

    def listen(**more: float) -> None:
        sandbox.call("POST", "/_sandbox/webhooks", {"url": ear.url, "secret": SECRET, **more})

    def lead() -> str:
        return str(sandbox.call("POST", "/_sandbox/leads", {"vendor": "rankr", "count": 1})[1]["ids"][0])

    listen(lost=1)
    lead()
    listen(doubled=1, late=0.1)
    told = lead()
    twice = [ear.next()[1] for _ in range(2)]
    assert [each["data"]["id"] for each in twice] == [told, told]
    assert twice[0]["event_id"] == twice[1]["event_id"]
    assert sandbox.call("DELETE", "/_sandbox/webhooks")[1] == {"urls": [], "sent": []}
    lead()
    listen()
    told = lead()
    assert ear.next()[1]["data"]["id"] == told
