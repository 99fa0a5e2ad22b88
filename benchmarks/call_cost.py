"""What one call costs in this process's CPU: through httpx's client, its transport, and the session below it.

`python -m benchmarks.call_cost [--calls N] [--rounds N]` prints the best and the median round of each way, in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import httpx
import orjson
import uvloop
from httpx_aiohttp import AiohttpTransport
from multidict import CIMultiDict

from connections.transport import Outgoing, Transport

IN_FLIGHT = 64
HEADERS = {"authorization": "Bearer pit-bench", "version": "2021-07-28", "content-type": "application/json"}
BODY = orjson.dumps({"tags": ["greeted"]})

Call = Callable[[str], Awaitable[object]]


async def cost(call: Call, urls: list[str]) -> float:
    """CPU microseconds a call, with so many in flight."""
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def one(url: str) -> None:
        async with slots:
            await call(url)

    began = time.process_time()
    await asyncio.gather(*(one(url) for url in urls))
    return (time.process_time() - began) / len(urls) * 1e6


async def measure(base: str, calls: int, rounds: int) -> dict[str, list[float]]:
    """The cost of each way, round by round, the ways in turn."""
    transport, headers = Transport(), CIMultiDict(HEADERS)
    session = AiohttpTransport(
        client=lambda: aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=256), cookie_jar=aiohttp.DummyCookieJar()
        )
    )
    client = httpx.AsyncClient(transport=session, timeout=30)
    ways: dict[str, Call] = {
        "httpx.AsyncClient.post": lambda url: client.post(url, content=BODY, headers=HEADERS),
        "its transport, httpx.Request": lambda url: transport.send(Outgoing("POST", url, headers, BODY).as_httpx()),
        "the session below it": lambda url: transport.exchange(Outgoing("POST", url, headers, BODY)),
    }
    urls = [f"{base}/contacts/c{number:019d}/tags" for number in range(calls)]
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            found[name].append(await cost(call, urls))
    await client.aclose()
    await transport.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    command = [sys.executable, "-m", "benchmarks.vendor"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as vendor:
        assert vendor.stdout is not None
        base = vendor.stdout.readline().split()[-1]
        found = uvloop.run(measure(base, given.calls, given.rounds))
        vendor.terminate()
    for name, costs in found.items():
        print(f"{name:30} best {min(costs):4.0f}  median {statistics.median(costs):4.0f}  us of CPU a call")


if __name__ == "__main__":
    main()
