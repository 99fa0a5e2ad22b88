"""A process that calls one location as fast as its quota allows (URL, Redis, location, seconds, precedence)."""

from __future__ import annotations

import asyncio
import collections
import json
import sys
import time

from pydantic import SecretStr

from connections.client import Client
from connections.connection import Connection, PrivateToken, Quota
from connections.errors import Later, VendorError
from connections.quota import Precedence, RedisLimiter
from connections.tokens import Tokens
from connections.wire import Request


async def hammer(url: str, redis: str, location: str, seconds: float, precedence: Precedence) -> dict[str, int]:
    client = Client(RedisLimiter.at(redis), Tokens())
    connection = Connection(
        name="acme",
        kind="ghl",
        base_url=url,
        auth=PrivateToken(token=SecretStr("pit-0123456789")),
        location_id=location,
        quota=Quota(),
    )
    request = Request(method="POST", path="/contacts/", body={"name": "x"}, version="2021-07-28")
    met: collections.Counter[str] = collections.Counter()
    end = time.monotonic() + seconds

    async def one() -> None:
        while time.monotonic() < end:
            try:
                await client.call(connection, request, precedence)
                met["done"] += 1
            except Later as error:
                met[type(error).__name__] += 1
                await asyncio.sleep(max(0.0, min((error.retry_at or 0) - time.time(), end - time.monotonic())))
            except VendorError as error:
                met[str(error)] += 1

    await asyncio.gather(*(one() for _ in range(12)))
    await client.close()
    return dict(met)


if __name__ == "__main__":
    url, redis, location, seconds, precedence = sys.argv[1:]
    met = asyncio.run(hammer(url, redis, location, float(seconds), "poll" if precedence == "poll" else "action"))
    print(json.dumps(met))
