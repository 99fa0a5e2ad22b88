from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from connections.script import Script, connect, redis_url

pytestmark = pytest.mark.anyio
COUNT = """
if ARGV[1] == 'fail' then return redis.error_reply('no') end
return redis.call('INCRBY', KEYS[1], ARGV[1])
"""


@asynccontextmanager
async def redis(url: str) -> AsyncIterator[Redis]:
    client = connect(url)
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture
def key() -> str:
    return uuid4().hex


async def test_a_thousand_calls_at_once_need_one_connection(valkey_url: str, key: str) -> None:
    async with redis(valkey_url) as client:
        script = Script(client, COUNT)
        replies = await asyncio.gather(*(script([key], [1]) for _ in range(1_000)))
        assert sorted(replies) == list(range(1, 1_001))
        before = (await client.info("stats"))["total_connections_received"]
        await asyncio.gather(*(script([key], [1]) for _ in range(1_000)))
        assert (await client.info("stats"))["total_connections_received"] == before


async def test_calls_that_come_while_others_are_on_their_way_follow(valkey_url: str, key: str) -> None:
    async with redis(valkey_url) as client:
        script = Script(client, COUNT)

        async def chain() -> list[int]:
            return [await script([key], [1]) for _ in range(20)]

        chains = await asyncio.gather(*(chain() for _ in range(10)))
    assert sorted(reply for each in chains for reply in each) == list(range(1, 201))


async def test_the_script_is_loaded_again_where_redis_forgot_it(valkey_url: str, key: str) -> None:
    async with redis(valkey_url) as client:
        script = Script(client, COUNT)
        assert await script([key], [1]) == 1
        await client.script_flush()
        assert sorted(await asyncio.gather(*(script([key], [1]) for _ in range(5)))) == [2, 3, 4, 5, 6]


async def test_an_error_is_that_of_its_call_alone(valkey_url: str, key: str) -> None:
    async with redis(valkey_url) as client:
        script = Script(client, COUNT)
        good, bad, more = await asyncio.gather(
            script([key], [1]), script([key], ["fail"]), script([key], [1]), return_exceptions=True
        )
    assert (good, more) == (1, 2)
    assert isinstance(bad, ResponseError)


async def test_a_call_that_is_given_up_disturbs_no_other(valkey_url: str, key: str) -> None:
    async with redis(valkey_url) as client:
        script = Script(client, COUNT)
        calls = [asyncio.create_task(script([key], [1])) for _ in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        done = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(done[1], asyncio.CancelledError)
    assert (done[0], done[2]) == (1, 3)


async def test_without_redis_every_call_says_so() -> None:
    async with redis("unix:///nowhere/there.sock") as client:
        script = Script(client, COUNT)
        replies = await asyncio.gather(*(script(["k"], [1]) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(reply, RedisError) for reply in replies)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("redis://user:pw@host:6380/2", "redis://user:pw@host:6380/2"),
        ("rediss://host/0", "rediss://host/0"),
        ("unix:///tmp/s", "unix:///tmp/s"),
        ("unix://:pw@/tmp/s?db=3", "unix://:pw@/tmp/s?db=3"),
        ("redis+socket:///tmp/s", "unix:///tmp/s"),
        ("redis+socket:///tmp/s?virtual_host=2", "unix:///tmp/s?db=2"),
        ("redis+socket:///tmp/s?virtual_host=/2", "unix:///tmp/s?db=2"),
        ("valkey://host/1", "redis://host/1"),
        ("valkeys://host/1", "rediss://host/1"),
        ("valkey+unix:///tmp/s", "unix:///tmp/s"),
    ],
)
def test_addresses_of_celery_and_valkey_are_understood(url: str, meant: str) -> None:
    assert redis_url(url) == meant
