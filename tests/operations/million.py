"""`python -m tests.operations.million COUNT`: reads that many contacts as events, and prints what it took as JSON.

A process of its own, so that its memory is that of the engine alone. The vendor is a function that makes each page when
it is asked for; the ledger keeps nothing but the cursor, through JSON each time.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from array import array
from dataclasses import dataclass, field
from typing import Any

import orjson

from benchmarks import contacts
from connections.connection import Connection, NoAuth
from connections.quota import Precedence
from connections.wire import Answer, Request
from triggers.catalog import CATALOG
from worker.ledger.feeds import ClaimedFeed, Poll
from worker.poll import Poller

TRIGGER = CATALOG["ghl.contacts.search"]
YEAR, HOUR = 31_536_000_000, 3_600_000
ACME = Connection(name="acme", kind="ghl", base_url="http://localhost", auth=NoAuth(), location_id="loc1", quota=None)


@dataclass
class Vendor:
    """An account that answers searches for contacts."""

    times: array[int]
    requests: int = 0

    async def call(self, connection: Connection, request: Request, precedence: Precedence) -> Answer:
        self.requests += 1
        page = orjson.loads(contacts.search(self.times, request.body))
        return Answer(status=200, data=page, headers={}, at=now())


@dataclass
class Feed:
    """A feed whose cursor is kept, and whose events are counted."""

    vendor: Vendor
    start: str
    cursor: bytes | None = None
    longest: int = 0
    events: int = 0
    memory: list[int] = field(default_factory=list)

    async def poll(self) -> None:
        """One turn: a hundred pages at most."""
        claimed = ClaimedFeed(
            id="feed",
            trigger=TRIGGER.id,
            connection=ACME.name,
            watch="new",
            params={},
            start=self.start,
            schedule=[{"every": "60s"}],
            cursor=None if self.cursor is None else orjson.loads(self.cursor),
            slot=0,
            fence=1,
            pace=60,
            created_at=0,
            failures=0,
            nudged_at=0,
        )
        poller = Poller(
            feed=claimed,
            trigger=TRIGGER,
            connection=ACME,
            client=self.vendor,
            write=self.write,
            clock=now,
            deadline=now() + HOUR,
        )
        assert await poller.poll() is None

    async def write(self, poll: Poll) -> int:
        self.events += len(poll.events)
        if poll.cursor is not None:
            self.cursor = poll.cursor
            self.longest = max(self.longest, len(poll.cursor))
        self.memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return 0


def now() -> int:
    return time.time_ns() // 1_000_000


async def measured(count: int) -> dict[str, Any]:
    """Reads all of them, then finds nothing three times, then one more contact."""
    vendor = Vendor(contacts.spread(now() - YEAR, now() - HOUR, count))
    feed = Feed(vendor, start="beginning")
    while feed.events < count:
        before = feed.events
        await feed.poll()
        assert feed.events > before
    reading, requests = vendor.requests, []
    for _ in range(3):
        vendor.requests = 0
        await feed.poll()
        requests.append(vendor.requests)
    vendor.times.append(now() - 1000)
    await feed.poll()
    return {
        "events": feed.events,
        "requests": reading,
        "idle": requests,
        "cursor": feed.longest,
        "early": feed.memory[len(feed.memory) // 10],
        "end": feed.memory[-1],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(int(sys.argv[1])))))
