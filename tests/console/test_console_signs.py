"""Signs of life and logs: rows that are renewed, lines without secrets."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from config.settings import Settings
from connections.connection import ApiKey, Connection, PrivateToken
from worker import reports
from worker.heartbeat import FORGOTTEN, SILENT, Heartbeat
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.logs import Mask, configure, secrets_of_connections, secrets_of_settings


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def url_of(ledger: Store) -> str:
    return ledger.engine.url.render_as_string(hide_password=False)


def test_a_process_is_running_until_it_says_that_it_stopped(ledger: Store) -> None:
    heart = Heartbeat(url_of(ledger), "worker")
    heart.start()
    heart.stop()
    [found] = ledger.read_now(reports.processes, now_ms())
    assert (found.role, found.pid, found.state) == ("worker", os.getpid(), "stopped")


def test_a_process_that_says_nothing_any_more_is_silent_and_later_forgotten(ledger: Store) -> None:
    heart = Heartbeat(url_of(ledger), "beat")
    heart.start()
    deadline = threading.Event()
    while not ledger.read_now(reports.processes, now_ms()):
        deadline.wait(0.05)
    seen = ledger.read_now(reports.processes, now_ms())[0].seen_at
    assert ledger.read_now(reports.processes, seen + SILENT)[0].state == "running"
    assert ledger.read_now(reports.processes, seen + SILENT + 1)[0].state == "silent"
    heart.stop()
    assert FORGOTTEN > SILENT


def test_a_child_that_is_forked_while_the_heart_beats_can_beat_itself(ledger: Store) -> None:
    heart = Heartbeat(url_of(ledger), "worker")
    heart.start()
    child = os.fork()
    if child == 0:
        os._exit(0 if _beats(url_of(ledger)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    heart.stop()


def _beats(url: str) -> bool:
    heart = Heartbeat(url, "child")
    heart.start()
    heart.stop()
    return True


def test_a_database_that_is_away_does_not_end_the_process(tmp_path: Path) -> None:
    heart = Heartbeat(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}", "worker")
    heart.start()
    heart.stop()


@pytest.mark.usefixtures("_logging_as_it_was")
def test_a_line_is_json_and_holds_no_secret_in_any_form() -> None:
    stream, mask = io.StringIO(), Mask(['s3cr"et/ü', "short"])
    configure(mask, stream=stream)
    mask.learn(["pit-another"])
    log = structlog.get_logger()
    log.info("call.done", header='Bearer s3cr"et/ü', other=["pit-another"], quoted="s3cr%22et%2F%C3%BC", plain="short")
    logging.getLogger("celery").error("could not send %s", "pit-another")
    try:
        raise ValueError("pit-another is wrong")  # noqa: TRY301  # raised to be logged with its trace
    except ValueError:
        log.exception("call.broken")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["call.done", "could not send ***", "call.broken"]
    assert [line["level"] for line in lines] == ["info", "error", "error"]
    assert lines[0]["header"] == "Bearer ***"
    assert lines[0]["quoted"] == "***"
    assert lines[0]["plain"] == "short"
    assert "ValueError: *** is wrong" in lines[2]["exception"]
    assert "s3cr" not in stream.getvalue()
    assert "pit-another" not in stream.getvalue()


@pytest.mark.usefixtures("_logging_as_it_was")
def test_libraries_are_heard_from_their_own_level_on() -> None:
    stream = io.StringIO()
    configure(Mask(), level=logging.INFO, others=logging.WARNING, stream=stream)
    structlog.get_logger().info("ours")
    structlog.get_logger().debug("too low")
    logging.getLogger("celery.worker").info("theirs")
    logging.getLogger("celery.worker").warning("theirs, loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["ours", "theirs, loud"]


def test_what_is_secret_in_settings_and_connections_is_known(tmp_path: Path) -> None:
    settings = Settings(
        project=tmp_path,
        state_dir=tmp_path,
        database_url="postgresql://u:data%2Fbase@host/x",
        redis_url="redis://:reddest@host/0",
        secret_keys=(SecretStr("a-fernet-key"),),
        web_password=SecretStr("open-sesame"),
        webhook_keys={"rankr": SecretStr("a-webhook-key")},
    )
    assert set(secrets_of_settings(settings)) == {
        *("a-fernet-key", "open-sesame", "a-webhook-key", "data%2Fbase", "data/base", "reddest"),
    }
    plain = {"kind": "ghl", "base_url": "http://127.0.0.1"}
    connections = {
        "a": Connection(name="a", auth=PrivateToken(token=SecretStr("pit-1234")), **plain),  # type: ignore[arg-type]  # text all
        "b": Connection(name="b", auth=ApiKey(key=SecretStr("key-5678")), **plain),  # type: ignore[arg-type]  # as above
    }
    assert secrets_of_connections(connections) == ["pit-1234", "key-5678"]


def test_a_mask_does_not_show_what_it_hides() -> None:
    assert "pit-1234" not in repr(Mask(["pit-1234"]))
