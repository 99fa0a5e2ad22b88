from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.contacts import Unprocessable, contact_id, search, spread
from benchmarks.vendor import Vendor, Wire

REPOSITORY = Path(__file__).parents[2]


class Sink(asyncio.WriteTransport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    @property
    def answers(self) -> list[tuple[int, Any]]:
        """Status and body of every answer so far."""
        found, rest = [], self.written
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            found.append((int(head.split(b" ")[1]), json.loads(rest[:length])))
            rest = rest[length:]
        return found


def request(path: str, body: object = None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    return f"{method} {path} HTTP/1.1\r\nHost: v\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def tagged(number: int) -> bytes:
    return request(f"/contacts/{contact_id(number)}/tags", {"tags": ["greeted"]})


@pytest.fixture
def vendor() -> Vendor:
    made = Vendor()
    made.control("/_control/reset?n=50")
    return made


def told(vendor: Vendor, *pieces: bytes) -> list[tuple[int, Any]]:
    """What the vendor answers on one connection to these pieces of its input."""
    sink, wire = Sink(), Wire(vendor, 0)
    wire.connection_made(sink)
    for piece in pieces:
        wire.data_received(piece)
    return sink.answers


def test_requests_that_come_at_once_are_answered_in_order(vendor: Vendor) -> None:
    note = request(f"/contacts/{contact_id(3)}/notes", {"body": "hello"})
    answers = told(vendor, tagged(1) + note + request("/_control/effects"))
    assert [status for status, _ in answers] == [201, 201, 200]
    assert answers[1][1]["note"]
    assert answers[2][1]["distinct"] == 2


def test_a_request_in_pieces_is_answered_once_it_is_whole(vendor: Vendor) -> None:
    whole = tagged(1) + tagged(2)
    for _ in range(20):
        cuts = sorted(random.sample(range(1, len(whole)), 5))
        pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
        assert [status for status, _ in told(vendor, *pieces)] == [201, 201]


def test_an_effect_that_comes_twice_is_doubled_and_no_new_one(vendor: Vendor) -> None:
    before = time.monotonic()
    told(vendor, tagged(1), tagged(2), tagged(1), tagged(1))
    counts = vendor.account.counts()
    assert (counts["distinct"], counts["doubled"]) == (2, 2)
    assert before <= counts["first"] <= counts["last"] <= time.monotonic()


@pytest.mark.parametrize("name", [contact_id(50), "nobody", "c-000000000000000001", "c00000000000000000x1"])
def test_an_action_on_a_contact_that_is_not_there_has_no_effect(vendor: Vendor, name: str) -> None:
    [(status, body)] = told(vendor, request(f"/contacts/{name}/tags", {"tags": []}))
    assert (status, body["message"]) == (400, [f"Contact with id {name} not found"])
    assert vendor.account.counts()["distinct"] == 0


def test_upserts_count_by_email(vendor: Vendor) -> None:
    told(vendor, *(request("/contacts/upsert", {"email": mail}) for mail in ("a@x.io", "b@x.io", "a@x.io")))
    counts = vendor.account.counts()
    assert (counts["distinct"], counts["doubled"]) == (2, 1)


def test_an_unknown_path_is_not_found(vendor: Vendor) -> None:
    assert [status for status, _ in told(vendor, request("/contacts/x"), request("/_control/x"))] == [404, 404]


def test_a_burst_is_all_later_than_what_was_there(vendor: Vendor) -> None:
    latest = vendor.account.times[-1]
    vendor.control("/_control/burst?n=1000")
    vendor.control("/_control/burst?n=1000")
    times = vendor.account.times
    assert len(times) == 2050
    assert min(times[50:]) > latest
    assert list(times) == sorted(times)
    assert min(times[1050:]) > times[1049]


def test_the_first_search_after_a_mark_is_timed(vendor: Vendor) -> None:
    ask = request("/contacts/search", {"locationId": "bench", "pageLimit": 10})
    told(vendor, ask)
    vendor.control("/_control/mark")
    assert vendor.account.asked == 0
    told(vendor, ask)
    first = vendor.account.asked
    told(vendor, ask)
    assert vendor.account.asked == first > 0
    assert vendor.account.searches == 3
    assert vendor.account.shown == 30


def pages(times: list[int], **body: Any) -> list[dict[str, Any]]:
    """Every record that a search brings, page after page."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        more = {"searchAfter": after} if after else {}
        page = json.loads(search(times, {"locationId": "bench", "pageLimit": 7, **body, **more}))["contacts"]
        if not page:
            return found
        found += page
        after = page[-1]["searchAfter"]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_bring_each_contact_once_even_where_times_are_equal(direction: str) -> None:
    times = [1_700_000_000_000 + number // 30 for number in range(100)]
    found = [record["id"] for record in pages(times, sort=[{"field": "dateAdded", "direction": direction}])]
    assert sorted(found) == [contact_id(number) for number in range(100)]
    assert found == sorted(found, reverse=direction == "desc")


@pytest.mark.parametrize("since", ["2023-11-14T22:13:20.040Z", 1_700_000_000_040])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_range_has_closed_ends(since: object, direction: str) -> None:
    times = [1_700_000_000_000 + number for number in range(100)]
    asked = {"field": "dateUpdated", "operator": "range", "value": {"gte": since, "lte": 1_700_000_000_080}}
    found = pages(times, filters=[asked], sort=[{"field": "dateUpdated", "direction": direction}])
    assert sorted(record["searchAfter"][0] for record in found) == times[40:81]
    assert {record["dateAdded"] for record in found} >= {"2023-11-14T22:13:20.040Z", "2023-11-14T22:13:20.080Z"}


@pytest.mark.parametrize(
    "body",
    [
        {"pageLimit": 10},
        {"locationId": "bench"},
        {"locationId": "bench", "pageLimit": 501},
        {"locationId": "bench", "pageLimit": 10, "query": "ada"},
        {"locationId": "bench", "pageLimit": 10, "filters": [{"field": "email", "operator": "eq", "value": "x"}]},
        {"locationId": "bench", "pageLimit": 10, "filters": [{"field": "dateAdded", "operator": "gte", "value": 1}]},
        {"locationId": "bench", "pageLimit": 10, "sort": [{"field": "email", "direction": "asc"}]},
        {"locationId": "bench", "pageLimit": 10, "searchAfter": [1, contact_id(2)]},
    ],
)
def test_a_search_that_is_not_understood_is_refused(body: dict[str, Any], vendor: Vendor) -> None:
    with pytest.raises(Unprocessable):
        search(vendor.account.times, body)
    [(status, answer)] = told(vendor, request("/contacts/search", body))
    assert (status, answer["error"]) == (422, "Unprocessable Entity")


def test_a_million_contacts_are_searched_in_a_few_milliseconds() -> None:
    now = 1_800_000_000_000
    times = spread(now - 31_536_000_000, now, 1_000_000)
    asked = {"field": "dateAdded", "operator": "range", "value": {"gte": now - 120_000}}
    sort = [{"field": "dateAdded", "direction": "asc"}]
    begun = time.perf_counter()
    answer = json.loads(search(times, {"locationId": "b", "pageLimit": 100, "filters": [asked], "sort": sort}))
    assert time.perf_counter() - begun < 0.1
    assert 0 < len(answer["contacts"]) == answer["total"] < 10


@pytest.mark.slow
def test_the_vendor_ends_with_who_started_it() -> None:
    command = [sys.executable, "-m", "benchmarks.vendor"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/_control/reset?n=3", trust_env=False).json()["contacts"] == 3
        process.stdin.close()
        assert process.wait(timeout=20) == 0
