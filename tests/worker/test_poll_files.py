"""Recordings and other files: streamed into the project's folder once, and nowhere else."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from config.automation import Automation
from connections.client import Client
from connections.connection import Connection
from connections.quota import LocalLimiter
from connections.tokens import Tokens
from connections.transport import Limits, Timeouts
from tests.worker.clock import Clock
from tests.worker.rows import ACME, automation
from triggers.catalog import CATALOG
from worker.deploy import deploy
from worker.files import Files, forget
from worker.journal import Journal
from worker.ledger import feeds
from worker.ledger.feeds import Poll
from worker.ledger.store import Store
from worker.ledger.tables import EVENTS, FEEDS, RUNS
from worker.poll import Poller

pytestmark = pytest.mark.anyio

USE = "ghl.conversations.messages.recording"
SOUND = b"RIFF" + os.urandom(300_000)
HOUR = 3_600_000
Reply = tuple[int, str, bytes, int]
"""Status, type, body, and how many bytes of the body are said to come."""
NOT_YET: Reply = (404, "application/json", b'{"message":"No recording found"}', 32)


def sound(kind: str = "audio/x-wav", body: bytes = SOUND) -> Reply:
    return 200, kind, body, len(body)


@dataclass
class Vendor:
    """A server on loopback that answers every request with the next reply; the last one stays."""

    replies: list[Reply]
    paths: list[str] = field(default_factory=list)
    url: str = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")):
            self.paths.append(head.split(b" ")[1].decode())
            status, kind, body, size = self.replies.pop(0) if self.replies[1:] else self.replies[0]
            lines = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n\r\n"
            writer.write(lines.encode() + body)
            await writer.drain()
            if size != len(body):
                break
        writer.close()


@asynccontextmanager
async def serving(*replies: Reply) -> AsyncIterator[Vendor]:
    vendor = Vendor(list(replies))
    talks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await vendor.talk(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield vendor
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks)


@dataclass
class Recordings:
    """A feed that waits for the recording of one call, polled with the real client."""

    ledger: Store
    clock: Clock
    folder: Path
    limits: Limits = field(default_factory=Limits)
    message: str = "m1"
    connection: Connection = ACME

    def deployed(self, start: Any = "now") -> str:
        flow: Automation = automation(use=USE, with_={"messageId": self.message}, start=start)
        return self.ledger.write_now(deploy, [flow], CATALOG, self.clock()).started[0]

    async def poll(self, feed: str, vendor: Vendor, crash: Callable[[], None] = lambda: None) -> str | None:
        self.clock.now = max(self.clock.now, self.row(feed).due_at)
        [mine] = self.ledger.write_now(feeds.claim, [feed], self.clock())
        journal: Journal[Poll, int] = Journal(self.ledger, lambda c, polls: feeds.write(c, polls, self.clock()))
        client = Client(LocalLimiter(), Tokens(), timeouts=Timeouts(download=10), limits=self.limits)

        async def write(poll: Poll) -> int:
            crash()
            return await journal.write(poll)

        try:
            poller = Poller(
                feed=mine,
                trigger=CATALOG[USE],
                connection=replace(self.connection, kind="ghl", base_url=vendor.url, location_id="loc1"),
                client=client,
                write=write,
                clock=self.clock,
                deadline=self.clock() + 20_000,
                files=Files(client=client, folder=self.folder),
            )
            return await poller.poll()
        finally:
            await client.close()

    def row(self, feed: str) -> Any:
        return self.ledger.read_now(lambda c: c.execute(select(FEEDS).where(FEEDS.c.id == feed)).one())

    def records(self) -> list[Any]:
        return [orjson.loads(text) for text in self.ledger.read_now(lambda c: c.scalars(select(EVENTS.c.record)).all())]

    def files(self) -> list[Path]:
        return [path for path in sorted(self.folder.rglob("*")) if path.is_file()]


@pytest.fixture
def recordings(small_ledger: Store, clock: Clock, tmp_path: Path) -> Recordings:
    return Recordings(small_ledger, clock, tmp_path / "files")


async def test_a_recording_is_waited_for_fetched_once_and_told_of(recordings: Recordings) -> None:
    feed = recordings.deployed()
    async with serving(NOT_YET, NOT_YET, sound()) as vendor:
        for _ in range(2):
            assert await recordings.poll(feed, vendor) is None
            assert (recordings.records(), recordings.files()) == ([], [])
        assert await recordings.poll(feed, vendor) is None
        assert not recordings.row(feed).active
        assert vendor.paths == ["/conversations/messages/m1/locations/loc1/recording"] * 3
    [record] = recordings.records()
    place = recordings.folder / "acme" / USE / "m1.wav"
    assert record == {
        "messageId": "m1",
        "contentType": "audio/x-wav",
        "size": len(SOUND),
        "sha256": hashlib.sha256(SOUND).hexdigest(),
        "file": str(place),
    }
    assert recordings.files() == [place]
    assert place.read_bytes() == SOUND
    assert recordings.ledger.read_now(lambda c: len(c.execute(select(RUNS.c.id)).all())) == 1


async def test_the_file_itself_stands_nowhere_in_the_ledger(recordings: Recordings, tmp_path: Path) -> None:
    marker = b"a-sound-that-nobody-else-makes"
    feed = recordings.deployed("beginning")
    async with serving(sound(body=marker * 1000)) as vendor:
        assert await recordings.poll(feed, vendor) is None
    assert recordings.records() != []
    for path in tmp_path.glob("small.db*"):
        assert marker not in path.read_bytes()


async def test_a_recording_that_was_there_from_the_start_is_taken_note_of_and_not_fetched_again(
    recordings: Recordings,
) -> None:
    feed = recordings.deployed()
    async with serving(sound()) as vendor:
        assert await recordings.poll(feed, vendor) is None
        assert recordings.records() == []
        assert not recordings.row(feed).active
        assert len(vendor.paths) == 1


async def test_a_worker_that_dies_after_fetching_leads_to_one_event_all_the_same(recordings: Recordings) -> None:
    class Died(BaseException):
        pass

    def dies() -> None:
        raise Died

    feed = recordings.deployed("beginning")
    async with serving(sound()) as vendor:
        with pytest.raises(Died):
            await recordings.poll(feed, vendor, dies)
        assert recordings.records() == []
        left = recordings.files()[0].with_name(".m1.abc123")  # and one died while it was fetching
        left.write_bytes(b"half")
        recordings.clock.advance(feeds.LEASE)
        assert await recordings.poll(feed, vendor) is None
    assert len(recordings.records()) == 1
    assert [path.name for path in recordings.files()] == ["m1.wav"]


async def test_a_recording_that_breaks_off_is_fetched_again(recordings: Recordings) -> None:
    feed = recordings.deployed("beginning")
    async with serving((200, "audio/mpeg", SOUND[:1000], len(SOUND)), sound("audio/mpeg; rate=8000")) as vendor:
        assert "the answer was cut off" in str(await recordings.poll(feed, vendor))
        assert recordings.row(feed).error.startswith("NoAnswer: ")
        assert (recordings.records(), recordings.files()) == ([], [])
        assert await recordings.poll(feed, vendor) is None
    assert recordings.files()[0].name == "m1.mp3"


async def test_a_recording_that_is_too_large_fails_visibly(recordings: Recordings) -> None:
    recordings.limits = Limits(download=1000)
    feed = recordings.deployed("beginning")
    async with serving(sound()) as vendor:
        assert "larger than 1,000 bytes" in str(await recordings.poll(feed, vendor))
    assert (recordings.records(), recordings.files()) == ([], [])


async def test_a_refusal_that_is_no_waiting_fails_visibly(recordings: Recordings) -> None:
    feed = recordings.deployed()
    async with serving((403, "application/json", b'{"message":"No access"}', 23)) as vendor:
        assert "403 No access" in str(await recordings.poll(feed, vendor))
    assert recordings.row(feed).failures == 1


async def test_a_folder_that_cannot_be_written_fails_visibly(recordings: Recordings) -> None:
    recordings.folder.write_text("this is no folder")
    feed = recordings.deployed()
    async with serving(sound()) as vendor:
        reason = await recordings.poll(feed, vendor)
    assert reason is not None
    assert f"the file cannot be kept in {recordings.folder}" in reason
    assert "Not a directory" in reason
    assert recordings.row(feed).error == f"NotKept: {reason}"


async def test_what_has_not_come_in_a_day_is_given_up(recordings: Recordings) -> None:
    feed = recordings.deployed()
    async with serving(NOT_YET) as vendor:
        assert await recordings.poll(feed, vendor) is None
        recordings.clock.advance(23 * HOUR)
        assert await recordings.poll(feed, vendor) is None
        assert recordings.row(feed).active
        recordings.clock.advance(HOUR)
        assert "has not come in 1 day" in str(await recordings.poll(feed, vendor))
    row = recordings.row(feed)
    assert (row.active, row.error.partition(":")[0]) == (False, "GivenUp")
    recordings.ledger.write_now(deploy, [automation(use=USE, with_={"messageId": "m1"})], CATALOG, recordings.clock())
    assert not recordings.row(feed).active


@pytest.mark.parametrize("message", ["../../../etc/passwd", "a/b", ".hidden", "x" * 300, "naïve", "*"])
async def test_no_id_leads_out_of_the_folder(recordings: Recordings, message: str) -> None:
    recordings.message = message
    recordings.connection = replace(ACME, name="../acme")
    feed = recordings.deployed("beginning")
    async with serving(sound()) as vendor:
        assert await recordings.poll(feed, vendor) is None
    [path] = recordings.files()
    assert path.parent.parent.parent == recordings.folder
    assert not path.name.startswith(".")
    assert recordings.records()[0]["file"] == str(path)


def test_files_are_removed_when_they_are_old_and_no_empty_folder_stays(tmp_path: Path) -> None:
    old, new = tmp_path / "acme" / "calls" / "m1.wav", tmp_path / "north" / "calls" / "m2.wav"
    for path, fetched_at in ((old, 1_000.0), (new, 2_000.0)):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"RIFF")
        os.utime(path, (fetched_at, fetched_at))
    assert forget(tmp_path, 2_000.0) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "north"]
    assert new.exists()
    assert forget(tmp_path / "nothing", 2_000.0) == 0
