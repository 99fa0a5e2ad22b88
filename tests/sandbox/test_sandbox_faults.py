from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from sandbox.gateway import Cut


def people(client: Any) -> list[str]:
    return [each["email"] for each in client.told("state", table="contacts")["contacts"]]


def create(client: Any, email: str) -> Any:
    return client.post("/contacts/", {"locationId": client.location, "email": email})


def test_a_failure_before_the_effect_leaves_nothing_behind(client: Any) -> None:
    client.steer("faults", {"match": {"method": "POST", "path": "/contacts/"}, "status": 500, "count": 1})
    client.documents = None  # the documents declare no 500
    assert create(client, "a@example.com").status == 500
    assert people(client) == []
    assert create(client, "a@example.com").status == 201


def test_a_failure_after_the_effect_leaves_it_in_place(client: Any) -> None:
    client.documents = None
    client.steer("faults", {"match": {"path": "/contacts/"}, "status": 502, "count": 1, "when": "after"})
    assert create(client, "a@example.com").status == 502
    assert people(client) == ["a@example.com"]
    assert client.told("effects")["total"] == 1


def test_a_fault_meets_only_what_it_matches(client: Any) -> None:
    client.documents = None
    client.steer("faults", {"match": {"method": "GET", "path": "/contacts/*", "location": "L2"}, "status": 500})
    assert create(client, "a@example.com").status == 201
    assert client.get("/contacts/", locationId=client.location).status == 200
    assert client.get("/contacts/", locationId="L2").status == 500
    assert client.told("faults")["faults"][0]["fired"] == 1
    client.steer("faults", verb="DELETE")
    assert client.get("/contacts/", locationId="L2").status == 200


def test_a_rate_is_a_chance_that_a_seed_makes_repeatable(client: Any) -> None:
    client.documents = None
    client.steer("faults", {"match": {"path": "/contacts/"}, "status": 500, "rate": 0.3, "seed": 7})
    first = [client.get("/contacts/", locationId="L2").status for _ in range(200)]
    client.steer("faults", verb="DELETE")
    client.steer("faults", {"match": {"path": "/contacts/"}, "status": 500, "rate": 0.3, "seed": 7})
    assert [client.get("/contacts/", locationId="L2").status for _ in range(200)] == first
    assert 30 < first.count(500) < 90


def test_some_requests_are_let_through_first(client: Any) -> None:
    client.documents = None
    client.steer("faults", {"match": {"path": "/contacts/"}, "status": 500, "skip": 2, "count": 1})
    got = [client.get("/contacts/", locationId="L2").status for _ in range(4)]
    assert got == [200, 200, 500, 200]


def test_a_429_on_demand_carries_the_vendors_headers_and_is_no_limit_that_was_exceeded(client: Any) -> None:
    client.steer("limits", {"per_10s": 100, "per_day": 1000})
    client.steer("faults", {"match": {"path": "/contacts/"}, "status": 429, "count": 1})
    got = client.get("/contacts/", locationId="L2")
    assert got.status == 429
    assert got.headers["X-RateLimit-Max"] == "100"
    assert client.told("stats")["refused_429"] == 0


@pytest.mark.parametrize(("status", "answer"), [("html", 502), ("truncated", 200), ("empty", 200), ("shape", 200)])
def test_garbage_is_served(client: Any, status: str, answer: int) -> None:
    client.documents = None
    client.steer("leads", {"location": client.location, "count": 3})
    client.steer("faults", {"match": {"path": "/contacts/"}, "status": status})
    got = client.get("/contacts/", locationId=client.location)
    assert got.status == answer
    if status == "shape":
        assert "contacts" not in got.said
    else:
        assert isinstance(got.said, bytes), "no JSON"


def test_a_delay_waits(client: Any) -> None:
    client.steer("faults", {"match": {"path": "/contacts/"}, "delay": 0.2, "count": 1})
    began = time.monotonic()
    client.get("/contacts/", locationId="L2")
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["a@example.com"])])
def test_a_cut_comes_before_or_after_the_effect(client: Any, when: str, left: list[str]) -> None:
    client.steer("faults", {"match": {"path": "/contacts/"}, "cut": True, "when": when, "count": 1})
    asked = client.asked("POST", "/contacts/", {"locationId": client.location, "email": "a@example.com"})
    with pytest.raises(Cut):
        asyncio.run(client.sandbox.answer(asked))
    assert people(client) == left


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "teapot"},
        {"status": 200},
        {"rate": "often"},
        {"page": "upside_down"},
        {"match": {"verb": "GET"}},
        {"surplus": 1},
    ],
)
def test_a_fault_that_is_none_is_refused(client: Any, asked: Any) -> None:
    sent = client.asked("POST", "/_sandbox/faults", asked)
    assert asyncio.run(client.admin.answer(sent)).status == 422


def test_a_lead_that_comes_late_is_seen_by_id_at_once_and_by_search_later(client: Any) -> None:
    client.steer("faults", {"late": 30, "count": 1})
    late, soon = client.contact(email="a@example.com"), client.contact(email="b@example.com")
    search = {"locationId": client.location, "pageLimit": 10}
    assert client.get(f"/contacts/{late['id']}").status == 200
    assert [each["id"] for each in client.post("/contacts/search", search)["contacts"]] == [soon["id"]]
    assert client.get("/contacts/", locationId=client.location)["count"] == 1
    client.steer("clock", {"advance": 31})
    found = client.post("/contacts/search", search)["contacts"]
    assert [each["id"] for each in found] == [soon["id"], late["id"]]


def test_times_may_be_equal(client: Any) -> None:
    before = client.contact(email="a@example.com")["dateAdded"]
    client.steer("faults", {"equal_times": 3})
    times = [client.contact(email=f"b{n}@example.com")["dateAdded"] for n in range(4)]
    assert times[0] == times[1] == times[2]
    assert before < times[0] < times[3]


def test_furnishing_a_new_location_takes_none_of_the_equal_times(client: Any) -> None:
    client.steer("faults", {"equal_times": 2})
    times = [client.contact(email=f"b{n}@example.com")["dateAdded"] for n in range(3)]
    assert times[0] == times[1] < times[2]


def test_times_of_changes_never_repeat_by_themselves(client: Any) -> None:
    client.steer("leads", {"location": client.location, "count": 500})
    times = [each["dateAdded"] for each in client.told("state", table="contacts")["contacts"]]
    assert times == sorted(set(times))


@pytest.fixture
def pages(client: Any) -> Any:
    """Reads a listing of five contacts page by page with a fault in force; returns the ids of each page."""

    def read(fault: dict[str, Any], count: int = 3) -> list[list[str]]:
        client.ids = client.steer("leads", {"location": client.location, "count": 5})["ids"]
        client.steer("faults", {"match": {"path": "/contacts/search"}, **fault})
        sort = [{"field": "dateAdded", "direction": "asc"}]
        asked = {"locationId": client.location, "pageLimit": 2, "sort": sort}
        got = []
        for number in range(1, count + 1):
            found = client.post("/contacts/search", {**asked, "page": number})["contacts"]
            got.append([each["id"] for each in found])
        return got

    return read


def test_a_page_is_served_twice(client: Any, pages: Any) -> None:
    got = pages({"page": "page_twice"})
    assert got == [client.ids[:2], client.ids[:2], client.ids[4:]]


def test_the_same_page_is_served_for_ever(client: Any, pages: Any) -> None:
    got = pages({"page": "repeat_page"}, count=5)
    assert got == [client.ids[:2]] * 5


def test_a_record_goes_between_two_pages(client: Any, pages: Any) -> None:
    got = pages({"page": "shift", "how": "delete", "count": 1})
    assert got == [client.ids[:2], client.ids[3:], []]


def test_a_record_comes_between_two_pages(client: Any, pages: Any) -> None:
    got = pages({"page": "shift", "how": "insert", "count": 1})
    assert got[:2] == [client.ids[:2], client.ids[2:4]]
    assert len(got[2]) == 2
    assert client.told("state", table="contacts")["contacts"][-1]["id"] == got[2][1]


def test_a_record_is_touched_between_two_pages(client: Any) -> None:
    ids = client.steer("leads", {"location": client.location, "count": 4})["ids"]
    client.steer("faults", {"match": {"path": "/contacts/search"}, "page": "shift", "how": "touch", "count": 1})
    sort = [{"field": "dateUpdated", "direction": "asc"}]
    asked = {"locationId": client.location, "pageLimit": 2, "sort": sort}
    first = client.post("/contacts/search", asked)["contacts"]
    second = client.post("/contacts/search", {**asked, "searchAfter": first[-1]["searchAfter"]})["contacts"]
    third = client.post("/contacts/search", {**asked, "searchAfter": second[-1]["searchAfter"]})["contacts"]
    assert [each["id"] for each in (*second, *third)] == [ids[2], ids[3], ids[0]]
