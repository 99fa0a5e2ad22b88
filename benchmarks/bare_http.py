"""The HTTP calls alone: processes that know every id beforehand and do nothing but post."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

import aiohttp
import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

from benchmarks.contacts import contact_id
from benchmarks.rounds import Stage
from benchmarks.services import Burst

Level = Literal["client", "transport"]
Post = Callable[[int], Awaitable[httpx.Response]]
HEADERS = {"Authorization": "Bearer pit-bench", "Version": "2021-07-28"}
BODY = {"tags": ["greeted"]}
TIMEOUT = httpx.Timeout(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class BareHttp:
    """So many processes, each with one client and so many requests in flight.

    `level` is what is called: `client.post`, or the transport below the client, with requests made by hand.
    """

    level: Level = "client"
    processes: int = os.cpu_count() or 1
    in_flight: int = 64

    @property
    def name(self) -> str:
        """What the table calls it."""
        return "bare httpx" if self.level == "client" else "bare httpx transport"

    @contextmanager
    def running(self, stage: Stage) -> Iterator[Posting]:
        """The processes, waiting for work."""
        spawn = multiprocessing.get_context("spawn")
        pipes, processes = [], []
        for _ in range(self.processes):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(
                target=_work, args=(theirs, stage.vendor.url, self.level, self.in_flight), daemon=True
            )
            process.start()
            pipes.append(ours)
            processes.append(process)
        try:
            yield Posting(pids=[process.pid or 0 for process in processes], pipes=pipes)
        finally:
            for pipe, process in zip(pipes, processes, strict=True):
                pipe.send(None)
                process.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Processes that post."""

    pids: list[int]
    pipes: list[Connection]

    def prepare(self, burst: Burst) -> None:
        """Nothing."""

    def begin(self, burst: Burst) -> float:
        """Tells each process its share: every second contact, for two of them."""
        start = time.monotonic()
        for offset, pipe in enumerate(self.pipes):
            pipe.send(range(burst.first + offset, burst.first + burst.count, len(self.pipes)))
        return start

    def settle(self) -> None:
        """Waits for each process to have all its answers."""
        for pipe in self.pipes:
            pipe.recv()


def _work(pipe: Connection, url: str, level: Level, in_flight: int) -> None:
    uvloop.run(_post_all(pipe, url, level, in_flight))


async def _post_all(pipe: Connection, url: str, level: Level, in_flight: int) -> None:
    connector = aiohttp.TCPConnector(limit=in_flight)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    transport = AiohttpTransport(client=session)
    async with httpx.AsyncClient(headers=HEADERS, timeout=TIMEOUT, transport=transport) as client:
        post = _through_client(client, url) if level == "client" else _through_transport(transport, url)
        while (numbers := await asyncio.to_thread(pipe.recv)) is not None:
            rest = iter(numbers)
            await asyncio.gather(*(_lane(rest, post) for _ in range(in_flight)))
            pipe.send("done")


async def _lane(numbers: Iterator[int], post: Post) -> None:
    for number in numbers:
        answer = await post(number)
        assert answer.status_code == 201, answer.text


def _through_client(client: httpx.AsyncClient, url: str) -> Post:  # whole URLs: httpx takes 10 % longer over a base URL
    return lambda number: client.post(f"{url}/contacts/{contact_id(number)}/tags", json=BODY)


def _through_transport(transport: AiohttpTransport, url: str) -> Post:
    extensions = {"timeout": TIMEOUT.as_dict()}

    async def post(number: int) -> httpx.Response:
        target = f"{url}/contacts/{contact_id(number)}/tags"
        request = httpx.Request("POST", target, headers=HEADERS, json=BODY, extensions=extensions)
        answer = await transport.handle_async_request(request)
        await answer.aread()
        await answer.aclose()
        return answer

    return post
