from __future__ import annotations

import asyncio
import collections
import json
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
HAMMER = Path(__file__).with_name("hammer.py")
ROOT = HAMMER.parents[2]


class Strict:
    """A vendor that takes 100 requests in any ten seconds by its own clock, and not one more."""

    def __init__(self, made: Callable[..., bytes]) -> None:
        self.made = made
        self.taken: collections.deque[float] = collections.deque()
        self.times: list[float] = []
        self.refused = 0

    async def respond(self, _: Any, writer: asyncio.StreamWriter) -> bool:
        now = time.monotonic()
        while self.taken and self.taken[0] <= now - 10.0:
            self.taken.popleft()
        if len(self.taken) >= 100:
            self.refused += 1
            writer.write(self.made(429, b'{"message": "Too Many Requests"}'))
            return True
        self.taken.append(now)
        self.times.append(now)
        await asyncio.sleep(random.uniform(0.0, 0.08))
        writer.write(self.made(200, b"{}", X_RateLimit_Max="100", X_RateLimit_Remaining=str(100 - len(self.taken))))
        return True


async def run(url: str, redis: str, location: str, seconds: float, precedence: str) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HAMMER),
        url,
        redis,
        location,
        str(seconds),
        precedence,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    met: dict[str, int] = json.loads(out)
    return met


@pytest.mark.parametrize("precedence", ["action", "poll"])
async def test_a_strict_vendor_never_refuses_and_is_used_to_the_brim(
    loopback: Callable[..., AbstractAsyncContextManager[Any]], answer: Any, valkey_url: str, precedence: str
) -> None:
    strict, location = Strict(answer), uuid4().hex
    async with loopback(strict.respond) as server:
        met = await asyncio.gather(*(run(server.url, valkey_url, location, 33.0, precedence) for _ in range(4)))
    assert strict.refused == 0
    assert {name for each in met for name in each} <= {"done", "QuotaSpent"}
    # Ten seconds after each request the vendor would take the hundredth after it; this is how soon it came.
    times = strict.times
    gaps = [later - sooner for sooner, later in zip(times, times[100:], strict=False)]
    used = 10.0 / (sum(gaps) / len(gaps))
    assert used >= 0.95, f"{len(times)} requests, {used:.1%} of what is allowed"
    done = sorted(each.get("done", 0) for each in met)
    assert sum(done) == len(times)
    assert done[0] >= len(times) / 4 * 0.5, f"shared unfairly: {done}"
