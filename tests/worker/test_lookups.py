"""Look-ups: one call for many, a stated lifetime, forgotten on write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from connections.connection import Connection
from connections.errors import NoAnswer
from connections.wire import Answer, Request
from tests.worker.rows import ACME
from worker.lookups import LEAST, LIFETIME, Lookups, Noticing

FIELDS = Request(method="GET", path="/locations/l1/customFields", query=(("model", "all"),))


@dataclass(slots=True)
class Vendor:
    """Lists what it was given so far, and counts how often it was asked."""

    names: list[str] = field(default_factory=lambda: ["a"])
    asked: int = 0
    fails: bool = False
    meanwhile: Any = None

    async def call(self, connection: Connection, request: Request, precedence: str) -> Answer:
        if request.method != "GET":
            self.names.append(request.body["name"])
            if self.fails:
                raise NoAnswer("cut")
            return Answer(status=201, data={}, headers={})
        self.asked += 1
        found = list(self.names)
        await asyncio.sleep(0)
        if self.meanwhile:
            await self.meanwhile
        return Answer(status=200, data={"customFields": found}, headers={})


@dataclass(slots=True)
class Seconds:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def write(path: str = "/locations/l1/customFields") -> Request:
    return Request(method="POST", path=path, body={"name": "b"})


@pytest.mark.anyio
async def test_many_runs_cost_one_call_until_the_lifetime_is_over(seconds: Seconds) -> None:
    vendor = Vendor()
    lookups = Lookups(vendor, seconds)
    found = await asyncio.gather(*(lookups.rows(ACME, FIELDS, "customFields") for _ in range(50)))
    assert (vendor.asked, found) == (1, [["a"]] * 50)
    seconds.now += LIFETIME - 1
    await lookups.rows(ACME, FIELDS, "customFields")
    assert vendor.asked == 1
    seconds.now += 2
    await lookups.rows(ACME, FIELDS, "customFields")
    assert vendor.asked == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/locations/l1/customFields", 2),
        ("/locations/l1/customFields/f1", 2),
        ("/locations/l1/customFieldsOther", 1),
        ("/locations/l2/customFields", 1),
    ],
)
@pytest.mark.parametrize("fails", [False, True], ids=["done", "outcome unknown"])
async def test_what_one_of_us_writes_is_seen_at_once(seconds: Seconds, path: str, asked: int, fails: bool) -> None:
    vendor = Vendor(fails=fails)
    lookups = Lookups(vendor, seconds)
    await lookups.rows(ACME, FIELDS, "customFields")
    try:
        await Noticing(vendor, lookups).call(ACME, write(path), "action")
    except NoAnswer:
        assert fails
    found = await lookups.rows(ACME, FIELDS, "customFields")
    assert vendor.asked == asked
    assert found == (["a", "b"] if asked == 2 else ["a"])


@pytest.mark.anyio
async def test_a_list_that_was_read_during_a_write_is_not_believed(seconds: Seconds) -> None:
    vendor = Vendor()
    lookups = Lookups(vendor, seconds)
    vendor.meanwhile = Noticing(vendor, lookups).call(ACME, write(), "action")
    assert await lookups.rows(ACME, FIELDS, "customFields") == ["a"]
    vendor.meanwhile = None
    assert await lookups.rows(ACME, FIELDS, "customFields") == ["a", "b"]


@pytest.mark.anyio
async def test_a_name_that_is_not_there_is_looked_for_once_more(seconds: Seconds) -> None:
    vendor = Vendor()
    lookups = Lookups(vendor, seconds)
    known = await lookups.rows(ACME, FIELDS, "customFields")
    assert await lookups.newer(ACME, FIELDS, "customFields", known) is None
    vendor.names.append("b")
    seconds.now += LEAST + 1
    assert await lookups.newer(ACME, FIELDS, "customFields", known) == ["a", "b"]
