"""Feeds that wait for one thing: a transcript or a recording that comes, grows, or never comes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.operations.engine import Engine, Watcher
from tests.operations.vendor import Account
from triggers.catalog import CATALOG

pytestmark = pytest.mark.slow

TRIGGER = "ghl.conversations.messages.transcription"
RECORDING = "ghl.conversations.messages.recording"
DOWNLOAD = "ghl.conversations.messages.transcription_download"
HOUR = 3600


def call_of(account: Account, **fields: Any) -> str:
    return str(account.message(account.contact(), messageType="TYPE_CALL", **fields)["id"])


def watch(engine: Engine, account: Account, message: str, start: str = "now", trigger: str = TRIGGER) -> Watcher:
    return Watcher(engine, engine.connection(account, "owner"), CATALOG[trigger], {"messageId": message}, start=start)


def standing(watcher: Watcher) -> tuple[bool, str | None]:
    """Whether the feed goes on, and what it says is wrong."""
    return watcher.row["active"], watcher.row["error"]


@pytest.mark.parametrize("trigger", [TRIGGER, RECORDING, DOWNLOAD])
def test_what_does_not_come_in_a_day_is_given_up(engine: Engine, account: Account, trigger: str) -> None:
    watcher = watch(engine, account, call_of(account), trigger=trigger)
    for _ in range(3):
        polled = watcher.poll()
        assert (polled.failed, polled.events, polled.requests) == (None, [], 1)
        assert standing(watcher) == (True, None)
        engine.wait(7.5 * HOUR)
    assert watcher.poll().failed is None
    engine.wait(2 * HOUR)
    failed = watcher.poll().failed
    assert failed is not None
    assert "what it waits for has not come in 1 day" in failed
    active, error = standing(watcher)
    assert not active
    assert error is not None
    assert error.startswith("GivenUp: ")


def test_what_comes_late_on_that_day_is_told(engine: Engine, account: Account) -> None:
    message = call_of(account)
    watcher = watch(engine, account, message)
    watcher.poll()
    engine.wait(23.9 * HOUR)
    account.record("messages", "patch", message, transcription=["Hello."])
    engine.wait(HOUR)
    assert watcher.poll().events == [("new", message)]
    assert standing(watcher) == (True, None)
    assert watcher.poll().events == []
    assert standing(watcher) == (False, None)


def test_an_error_is_no_sign_that_nothing_will_come(engine: Engine, account: Account) -> None:
    message = call_of(account)
    watcher = watch(engine, account, message)
    watcher.poll()
    engine.wait(30 * HOUR)
    account.record("messages", "patch", message, transcription=["Hello."])
    account.fault("GET", "*/transcription", status=500)
    assert watcher.poll().failed is not None
    assert watcher.row["active"]
    assert watcher.poll().events == [("new", message)]


def test_a_transcript_is_one_event_with_its_sentences_in_order(engine: Engine, account: Account) -> None:
    message = call_of(account, transcription=["Hello.", "Good day.", "Goodbye."])
    polled = watch(engine, account, message, start="beginning").poll()
    assert polled.events == [("new", message)]
    record = orjson.loads(polled.records[0])
    assert (record["messageId"], record["text"]) == (message, "Hello. Good day. Goodbye.")
    assert [sentence["sentenceIndex"] for sentence in record["sentences"]] == [0, 1, 2]


def test_as_documents_show_it_a_transcript_is_a_single_sentence(engine: Engine, account: Account) -> None:
    message = call_of(account, transcription=["Hello."])
    engine.vendor.steer("shapes", {"documented": True})
    polled = watch(engine, account, message, start="beginning").poll()
    assert polled.events == [("new", message)]
    assert orjson.loads(polled.records[0])["text"] == "Hello."


def test_a_feed_of_what_is_there_already_ends_by_itself(engine: Engine, account: Account) -> None:
    watcher = watch(engine, account, call_of(account, transcription=["Hello."]))
    assert [watcher.poll().events for _ in range(2)] == [[], []]
    assert standing(watcher) == (False, None)


@pytest.mark.parametrize(
    ("trigger", "fields", "kind", "size"),
    [
        (RECORDING, {"recording": 120}, "audio/x-wav", 44 + 120 * 8000),
        (DOWNLOAD, {"transcription": ["Hello.", "Good day."]}, "text/plain; charset=utf-8", 17),
    ],
    ids=["recording", "transcript"],
)
def test_a_file_is_kept_beside_the_ledger_and_told_of_once(
    engine: Engine, account: Account, trigger: str, fields: dict[str, Any], kind: str, size: int
) -> None:
    message = call_of(account)
    watcher = watch(engine, account, message, trigger=trigger)
    assert watcher.poll().events == []
    account.record("messages", "patch", message, **fields)
    polled = watcher.poll()
    assert (polled.events, polled.requests) == ([("new", message)], 1)
    record = orjson.loads(polled.records[0])
    content = Path(record["file"]).read_bytes()
    assert record == {
        "messageId": message,
        "contentType": kind,
        "size": size,
        "sha256": hashlib.sha256(content).hexdigest(),
        "file": record["file"],
    }
    assert len(content) == size
    assert [path.name for path in Path(record["file"]).parent.iterdir()] == [Path(record["file"]).name]
    assert standing(watcher) == (False, None)
    assert (watcher.poll().events, Path(record["file"]).exists()) == ([], True)


def test_a_file_that_breaks_off_is_fetched_again(engine: Engine, account: Account) -> None:
    message = call_of(account, recording=1)
    watcher = watch(engine, account, message, start="beginning", trigger=RECORDING)
    account.fault("GET", "*/recording", cut=True)
    assert watcher.poll().failed is not None
    assert standing(watcher)[0]
    assert watcher.poll().events == [("new", message)]
