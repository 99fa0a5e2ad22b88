"""What other Celery applications ask for by name: entered once, refused in clear words, secrets sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from celery import Celery
from cryptography.fernet import Fernet
from pydantic import SecretStr
from redis import Redis
from sqlalchemy import func, select

from config.project import Project, load
from config.settings import read_settings
from connections.operation import Operation
from tests.worker.clock import Clock
from tests.worker.rows import ACTIONS, TRIGGERS
from worker import orders
from worker.deploy import deploy
from worker.factory import make_app
from worker.ledger import feeds, runs
from worker.ledger.feeds import Poll
from worker.ledger.store import Store
from worker.ledger.tables import EVENTS, FEEDS, RUNS
from worker.orders import ActionOrder, BadOrder
from worker.seal import NoKey, opened, sealed

CONNECTIONS = """
connections:
  acme:
    kind: ghl
    base_url: http://127.0.0.1:9
    location_id: loc1
    auth: {type: private_token, token: t0k3n-of-acme}
"""
USER = {
    "companyId": "c1",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": "ada@example.com",
    "password": "correct horse",
    "type": "account",
    "role": "user",
    "locationIds": ["loc1"],
    "permissions": {},
    "scopes": [],
    "scopesAssignedToOnly": [],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    (path / "connections.yaml").write_text(CONNECTIONS)
    return path


def project(folder: Path, **environ: str) -> Project:
    return load(folder, environ)


def feed_row(ledger: Store, feed: str) -> Any:
    return ledger.read_now(lambda c: c.execute(select(FEEDS).where(FEEDS.c.id == feed)).one())


def count(ledger: Store, table: Any) -> int:
    return ledger.read_now(lambda c: c.scalar(select(func.count()).select_from(table))) or 0


NOTE = ActionOrder(action="ghl.contacts.notes.create", connection="acme", inputs={"contactId": "c1", "body": "Hello"})


def test_the_same_message_is_entered_once(ledger: Store, clock: Clock) -> None:
    first = ledger.write_now(orders.entered, NOTE, "message-1", clock())
    assert first is not None
    assert ledger.write_now(orders.entered, NOTE, "message-1", clock()) is None
    assert ledger.write_now(orders.entered, NOTE, "message-2", clock()) not in {first, None}
    assert (count(ledger, EVENTS), count(ledger, RUNS)) == (2, 2)


def test_an_order_is_a_run_like_any_other(ledger: Store, clock: Clock) -> None:
    ledger.write_now(orders.entered, NOTE, "message-1", clock())
    assert ledger.read_now(runs.due_counts, clock(), 10) == {"acme": 1}
    [run] = ledger.write_now(runs.claim, {"acme": 5}, clock())
    assert (run.automation, run.record) == ("actions.ghl.contacts.notes.create", {"contactId": "c1", "body": "Hello"})
    [(name, definition)] = ledger.read_now(runs.definitions, [run.digest]).values()
    assert (name, definition["steps"][0]["use"]) == (run.automation, "ghl.contacts.notes.create")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "connection None is not in connections.yaml; there are: acme"),
        ({"connection": "acne"}, "connection 'acne' is not in connections.yaml"),
        ({"connection": "acme", "with": {"contactId": "c1"}}, "body: is required"),
        ({"connection": "acme", "with": {"contactId": "c1", "boddy": "x", "body": "x"}}, "did you mean 'body'?"),
        ({"connection": "acme", "with": "c1"}, "`with` should be a mapping"),
        ({"connection": "acme", "input": {}}, "unknown argument input; expected connection, with"),
    ],
)
def test_a_bad_order_for_an_action_is_refused_in_words_that_help(
    folder: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadOrder) as refused:
        orders.action(project(folder), "ghl.contacts.notes.create", given)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"connection": "acme", "on": "vanished"}, "`on` is one of new, updated, not 'vanished'"),
        ({"connection": "acme", "with": {"locationld": "x"}}, "did you mean 'locationId'?"),
        ({"connection": "acme", "every": "5m"}, "unknown argument every; expected connection, on, with"),
    ],
)
def test_a_bad_order_for_a_trigger_is_refused_in_words_that_help(
    folder: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadOrder) as refused:
        orders.poll(project(folder), "ghl.contacts.search", given)
    assert words in str(refused.value)


def test_an_ordered_feed_is_polled_when_it_is_asked_for_and_never_by_itself(
    ledger: Store, clock: Clock, folder: Path
) -> None:
    feed = orders.poll(project(folder), "ghl.contacts.search", {"connection": "acme"})
    for _ in range(2):
        ledger.write_now(orders.due, feed, clock())
        [mine] = ledger.write_now(feeds.claim, [feed.id], clock())
        poll = Poll(feed=feed.id, fence=mine.fence, due_at=2**53)
        ledger.write_now(feeds.write, [poll], clock())
        clock.advance(86_400_000)
        assert ledger.write_now(feeds.wake, clock(), 500) == []


@pytest.mark.parametrize("working", [False, True])
def test_a_feed_that_an_automation_gave_up_can_still_be_ordered(
    ledger: Store, clock: Clock, folder: Path, working: bool
) -> None:
    feed = orders.poll(project(folder), "ghl.contacts.search", {"connection": "acme"})
    ledger.write_now(orders.due, feed, clock())
    ledger.write_now(lambda c: c.execute(FEEDS.update().values(schedule='[{"every":"60s"}]', due_at=clock() + 60_000)))
    if working:
        ledger.write_now(lambda c: c.execute(FEEDS.update().values(due_at=clock())))
        ledger.write_now(feeds.claim, [feed.id], clock())
    assert ledger.write_now(deploy, (), TRIGGERS, clock()).stopped == (feed.id,)
    ledger.write_now(orders.due, feed, clock())
    clock.advance(feeds.LEASE if working else 0)  # whoever polled it is dead
    assert ledger.write_now(feeds.wake, clock(), 500) == [feed.id]
    assert ledger.write_now(deploy, (), TRIGGERS, clock()).stopped == ()


# --- secrets


def test_passwords_of_an_order_are_sealed_as_long_as_they_stand_in_the_ledger(
    ledger: Store, clock: Clock, folder: Path
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    known = project(folder, HIGHTIDE_SECRET_KEY=old)
    order = orders.action(known, "ghl.users.create", {"connection": "acme", "with": USER})
    ledger.write_now(orders.entered, order, "message-1", clock())
    [stored] = ledger.read_now(lambda c: c.scalars(select(EVENTS.c.record)).all())
    assert "correct horse" not in stored
    assert orjson.loads(stored) | {"password": "correct horse"} == USER
    [run] = ledger.write_now(runs.claim, {"acme": 1}, clock())
    later = project(folder, HIGHTIDE_SECRET_KEY=f"{new},{old}")
    row = later.actions["ghl.users.create"]
    assert orders.unsealed(run, row, later.settings.secret_keys).record == USER
    with pytest.raises(NoKey, match="`password` was encrypted with a key"):
        orders.unsealed(run, row, project(folder, HIGHTIDE_SECRET_KEY=new).settings.secret_keys)


def test_a_password_without_a_key_to_seal_it_is_refused(folder: Path) -> None:
    shared = project(folder, HIGHTIDE_DATABASE_URL="postgresql://127.0.0.1/hightide")
    with pytest.raises(BadOrder, match="set HIGHTIDE_SECRET_KEY") as refused:
        orders.action(shared, "ghl.users.create", {"connection": "acme", "with": USER})
    assert "correct horse" not in str(refused.value)


def test_what_is_not_secret_is_not_sealed() -> None:
    operation: Operation = ACTIONS["toy.guarded"].send
    assert sealed(operation, {"name": "x", "value": [1]}, ()) == {"name": "x", "value": [1]}
    key = SecretStr(Fernet.generate_key().decode())
    hidden = sealed(operation, {"name": "x", "password": "***"}, (key,))
    assert hidden["name"] == "x"
    assert opened(operation, hidden, (key,)) == {"name": "x", "password": "***"}


# --- as messages


@pytest.fixture
def app(ledger_url: str, folder: Path, valkey_url: str) -> Iterator[Celery]:
    environ = {"HIGHTIDE_REDIS_URL": valkey_url}
    with Redis.from_url(valkey_url) as redis:
        redis.flushdb()
    made = make_app(environ, replace(read_settings(environ, folder), database_url=ledger_url))
    yield made
    made.desk.close()  # type: ignore[attr-defined]  # the application's own
    made.close()


def ordered(app: Celery, name: str, message: str, state: str = "SUCCESS", **given: Any) -> None:
    """What a worker does with a message; `state` is what Celery should make of it."""
    assert app.tasks[name].apply(kwargs=given, task_id=message, throw=True).state == state


def test_a_named_action_task_enters_its_order_and_wakes_a_worker(app: Celery, ledger: Store, valkey_url: str) -> None:
    given: dict[str, Any] = {"connection": "acme", "with": {"contactId": "c1", "body": "Hello"}}
    for _ in range(2):  # the queue may deliver it twice
        ordered(app, "actions.ghl.contacts.notes.create", "message-1", **given)
    assert count(ledger, RUNS) == 1
    with Redis.from_url(valkey_url) as redis:
        assert redis.llen("act") == 1  # one who waits already is not called again
        assert b"Hello" not in b"".join(redis.lrange("act", 0, -1))


def test_a_bad_order_is_told_once_in_the_log_and_leaves_the_queue(
    app: Celery, ledger: Store, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    ordered(app, "actions.ghl.contacts.notes.create", "message-1", state="IGNORED", connection="acne")
    assert count(ledger, EVENTS) == 0
    assert capsys.readouterr().out.count("connection 'acne' is not in connections.yaml") == 1
    assert caplog.records == []  # nothing of Celery's: no traceback


def test_a_named_trigger_task_polls_at_once(app: Celery, ledger: Store) -> None:
    ordered(app, "triggers.ghl.contacts.search", "message-1", connection="acme")
    [feed] = ledger.read_now(lambda c: c.execute(select(FEEDS)).all())
    assert feed.error.startswith("Unreachable: ")  # nobody listens at that address: it was asked
    assert feed.failures == 1
