from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from connections.connection import Quota
from connections.purse import Purse
from connections.quota import Grant, Precedence

pytestmark = pytest.mark.anyio


class Scripted:
    """A limiter whose grants are given in advance; each `take` waits for its turn to be opened."""

    def __init__(self, *grants: Grant) -> None:
        self.grants = list(grants)
        self.wants: list[int] = []
        self.given: list[tuple[int, int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def take(self, budget: str, quota: Quota, want: int, precedence: Precedence) -> Grant:
        self.wants.append(want)
        await self.open.wait()
        return self.grants.pop(0)

    async def give(self, budget: str, grant: Grant, unused: int) -> None:
        self.given.append((grant.stamp, unused))

    async def learn(self, budget: str, headers: Mapping[str, str], took: float = 0.0) -> None:
        raise AssertionError("a purse learns nothing")

    async def freeze(self, budget: str, seconds: float) -> None:
        raise AssertionError("a purse freezes nothing")

    async def close(self) -> None:
        raise AssertionError("a purse closes no limiter")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def purse(limiter: Scripted, clock: Clock | None = None, hold: float = 60.0) -> Purse:
    return Purse(limiter, "b", Quota(), "action", hold=hold, clock=clock or Clock())


async def test_those_that_ask_together_are_asked_for_together() -> None:
    limiter = Scripted(Grant(3, 0.0, 1))
    ours = purse(limiter)
    assert await asyncio.gather(*(ours.draw() for _ in range(3))) == [0.0, 0.0, 0.0]
    assert limiter.wants == [3]


async def test_who_comes_while_a_question_is_out_is_asked_for_next() -> None:
    limiter = Scripted(Grant(1, 0.0, 1), Grant(1, 0.0, 2))
    ours = purse(limiter)
    limiter.open.clear()
    first = asyncio.create_task(ours.draw())
    while not limiter.wants:
        await asyncio.sleep(0)
    second = asyncio.create_task(ours.draw())
    await asyncio.sleep(0)
    limiter.open.set()
    assert await asyncio.gather(first, second) == [0.0, 0.0]
    assert limiter.wants == [1, 1]


async def test_a_refusal_is_remembered_until_it_ends() -> None:
    clock = Clock()
    limiter = Scripted(Grant(0, 4.0), Grant(1, 0.0, 1))
    ours = purse(limiter, clock)
    assert await ours.draw() == 4.0
    clock.now += 1
    assert await ours.draw() == 3.0
    assert limiter.wants == [1]
    clock.now += 3
    assert await ours.draw() == 0.0


async def test_a_part_serves_the_first_and_the_others_wait_a_moment() -> None:
    limiter = Scripted(Grant(2, 0.0, 1))
    ours = purse(limiter)
    waits = await asyncio.gather(*(ours.draw() for _ in range(4)))
    assert waits[:2] == [0.0, 0.0]
    assert all(0 < wait < 0.1 for wait in waits[2:])


async def test_a_token_that_waited_too_long_is_not_used() -> None:
    clock = Clock()
    limiter = Scripted(Grant(5, 0.0, 1), Grant(1, 0.0, 2))
    ours = purse(limiter, clock, hold=0.1)
    await ours.reserve(5)
    assert await ours.draw() == 0.0
    clock.now += 0.1
    assert await ours.draw() == 0.0
    await ours.close()
    assert limiter.given == [(1, 4)]


async def test_a_token_is_as_old_as_the_question() -> None:
    clock = Clock()
    limiter = Scripted(Grant(1, 0.0, 1), Grant(1, 0.0, 2))
    ours = purse(limiter, clock, hold=0.1)
    limiter.open.clear()
    asked = asyncio.create_task(ours.reserve(1))
    while not limiter.wants:
        await asyncio.sleep(0)
    clock.now += 0.2
    limiter.open.set()
    await asked
    assert await ours.draw() == 0.0
    await ours.close()
    assert (limiter.wants, limiter.given) == ([1, 1], [(1, 1)])


async def test_one_that_gives_up_loses_no_token() -> None:
    limiter = Scripted(Grant(2, 0.0, 7))
    ours = purse(limiter)
    limiter.open.clear()
    drawing = [asyncio.create_task(ours.draw()) for _ in range(2)]
    while not limiter.wants:
        await asyncio.sleep(0)
    drawing[0].cancel()
    limiter.open.set()
    assert await drawing[1] == 0.0
    await ours.close()
    assert limiter.given == [(7, 1)]
