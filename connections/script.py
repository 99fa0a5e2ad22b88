"""A Lua script in Redis, called by many tasks at once in one round trip."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import NoScriptError, RedisError


@dataclass(frozen=True, slots=True)
class _Call:
    """One call that is on its way, and where its reply goes."""

    keys: Sequence[str]
    args: Sequence[str | int]
    reply: asyncio.Future[Any]


class Script:
    """A script; calls that are made at the same time travel together, over one connection.

    A round trip alone costs 100 us of CPU in redis-py, most of which calls in company share.
    """

    def __init__(self, redis: Redis, text: str) -> None:
        self._redis = redis
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._waiting: list[_Call] = []
        self._courier: asyncio.Task[None] | None = None

    async def __call__(self, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """What the script returns.

        Raises:
            RedisError, OSError: Redis is away, or refuses.
        """
        call = _Call(keys, args, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._courier is None or self._courier.done():
            self._courier = asyncio.create_task(self._carry())
        return await call.reply

    async def _carry(self) -> None:
        await asyncio.sleep(0)  # whoever else calls in this turn of the loop comes along
        while self._waiting:
            calls, self._waiting = self._waiting, []
            try:
                replies = await self._sent(calls)
            except (RedisError, OSError) as error:
                replies = [error] * len(calls)
            except BaseException:
                for call in calls:
                    call.reply.cancel()
                raise
            for call, reply in zip(calls, replies, strict=True):
                _deliver(call, reply)

    async def _sent(self, calls: Sequence[_Call]) -> list[Any]:
        replies = await self._run(calls)
        strangers = [place for place, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if strangers:
            await self._redis.script_load(self._text)
            again = await self._run([calls[place] for place in strangers])
            for place, reply in zip(strangers, again, strict=True):
                replies[place] = reply
        return replies

    async def _run(self, calls: Sequence[_Call]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.evalsha(self._digest, len(call.keys), *call.keys, *call.args)
            return await pipe.execute(raise_on_error=False)


def _deliver(call: _Call, reply: Any) -> None:
    if call.reply.done():  # whoever asked has given up
        return
    if isinstance(reply, Exception):
        call.reply.set_exception(reply)
    else:
        call.reply.set_result(reply)


def connect(url: str) -> Redis:
    """A client for short scripts: a second at most for a try, three more tries on a broken connection."""
    return Redis.from_url(
        redis_url(url),
        socket_timeout=1.0,
        socket_connect_timeout=1.0,
        retry=Retry(ExponentialBackoff(cap=0.05, base=0.005), 3, supported_errors=(RedisAway,)),
        health_check_interval=25,
    )


def redis_url(url: str) -> str:
    """The address as redis-py reads it: Celery's `redis+socket:///path?virtual_host=1` becomes `unix:///path?db=1`."""
    parts = urlsplit(url)
    if parts.scheme not in {"redis+socket", "valkey+unix", "unix"}:
        return url.replace("valkey://", "redis://", 1).replace("valkeys://", "rediss://", 1)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if "virtual_host" in query:
        query["db"] = query.pop("virtual_host").strip("/")
    login = parts.netloc.rpartition("@")[0]
    return f"unix://{login}{'@' if login else ''}{parts.path}{'?' if query else ''}{urlencode(query)}"
