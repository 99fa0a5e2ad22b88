from __future__ import annotations

import asyncio
from typing import Any

import pytest


def test_effects_tell_what_took_place_in_order(client: Any) -> None:
    made = client.contact()
    client.post(f"/contacts/{made['id']}/notes", {"body": "x"})
    client.put("/contacts/nope", {"city": "Bern"})
    client.get(f"/contacts/{made['id']}")
    client.post("/contacts/search", {"locationId": client.location, "pageLimit": 1})
    effects = client.told("effects")["effects"]
    assert [(each["n"], each["method"], each["route"]) for each in effects] == [
        (1, "POST", "/contacts/"),
        (2, "POST", "/contacts/{contactId}/notes"),
    ]
    assert effects[0]["id"] == made["id"]
    assert effects[1]["body"] == {"body": "x"}
    assert client.told("effects", path="/contacts/*/notes")["total"] == 1
    assert client.told("effects", path="/contacts/{contactId}/notes")["total"] == 1
    assert client.told("effects", location="elsewhere")["total"] == 0


def test_leads_come_at_once(client: Any) -> None:
    got = client.steer("leads", {"location": "L1", "count": 3, "tags": ["Hot"], "prefix": "web"})
    contacts = client.told("state", table="contacts", location="L1")["contacts"]
    assert [each["id"] for each in contacts] == got["ids"]
    assert {each["email"] for each in contacts} == {f"web-{n}@example.com" for n in (1, 2, 3)}
    assert contacts[0]["tags"] == ["hot"]
    assert got["made"] == 3
    assert client.steer("leads", {"vendor": "rankr", "count": 2})["made"] == 2
    assert client.told("leads")["made"] == 5
    assert client.told("effects")["total"] == 0


def test_leads_come_in_a_stream(client: Any) -> None:
    async def stream() -> int:
        asked = client.asked("POST", "/_sandbox/leads", {"location": "L1", "count": 5, "rate": 200})
        assert (await client.admin.answer(asked)).status == 200
        async with asyncio.timeout(5):
            while client.admin.leads.made < 5:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.03)
        return client.admin.leads.made

    assert asyncio.run(stream()) == 5
    assert client.told("leads")["streams"][0]["made"] == 5


def test_any_record_may_be_made_changed_and_taken_away(client: Any) -> None:
    asked = {"op": "create", "location": "L1", "data": {"name": "Spring", "status": "draft"}}
    made = client.steer("records/campaigns", asked)["record"]
    data = {"status": "published"}
    changed = client.steer("records/campaigns", {"op": "patch", "id": made["id"], "data": data})["record"]
    assert changed["status"] == "published"
    assert changed["dateUpdated"] > made["dateUpdated"]
    client.steer("records/campaigns", {"op": "delete", "id": made["id"]})
    campaigns = client.told("state", table="campaigns", location="L1")["campaigns"]
    assert made["id"] not in [each["id"] for each in campaigns]


def test_a_record_may_be_given_its_times(client: Any) -> None:
    data = {"firstName": "Old", "dateAdded": "2020-01-01T00:00:00Z", "dateUpdated": "2020-02-01T00:00:00Z"}
    made = client.steer("records/contacts", {"op": "create", "location": client.location, "data": data})["record"]
    shown = client.get(f"/contacts/{made['id']}")["contact"]
    assert (shown["dateAdded"], shown["dateUpdated"]) == ("2020-01-01T00:00:00.000Z", "2020-02-01T00:00:00.000Z")
    newer = client.contact(email="a@example.com")
    listed = client.get("/contacts/", locationId=client.location)["contacts"]
    assert [each["id"] for each in listed] == [newer["id"], made["id"]]


@pytest.mark.parametrize(
    ("door", "body", "status"),
    [
        ("records/unicorns", {"op": "create"}, 404),
        ("records/contacts", {"op": "dance"}, 422),
        ("records/contacts", {"op": "create"}, 422),
        ("records/contacts", {"op": "patch", "id": "nope"}, 400),
        ("limits", {"per_10s": "many"}, 422),
        ("leads", {"location": "L1"}, 422),
        ("leads", {"location": "L1", "rate": 0}, 422),
        ("leads", {"location": "L1", "count": -1}, 422),
        ("tokens", {"tokens": [{}]}, 422),
        ("nowhere", {}, 404),
        ("clock", {"fix": "soon"}, 422),
        ("faults", [], 422),
    ],
)
def test_steering_that_is_not_understood_is_refused(client: Any, door: str, body: Any, status: int) -> None:
    got = asyncio.run(client.admin.answer(client.asked("POST", f"/_sandbox/{door}", body)))
    assert got.status == status


def test_stats_count_by_route_and_status(client: Any) -> None:
    made = client.contact()
    client.get(f"/contacts/{made['id']}")
    client.get("/contacts/nope")
    stats = client.told("stats")
    assert stats["by_route"] == {"POST /contacts/": 1, "GET /contacts/{contactId}": 2}
    assert stats["by_status"] == {"201": 1, "200": 1, "400": 1}


def test_a_reset_forgets_everything(client: Any) -> None:
    client.contact()
    client.steer("faults", {"status": 500})
    client.steer("limits", {"per_10s": 1})
    client.steer("reset")
    assert client.told("state", table="contacts")["contacts"] == []
    assert client.told("effects")["total"] == client.told("stats")["requests"] == 0
    assert [client.get("/contacts/", locationId="L1").status for _ in range(3)] == [200, 200, 200]


def test_a_stopped_clock_still_gives_each_change_a_time_of_its_own(client: Any) -> None:
    client.steer("clock", {"fix": "2026-11-24T10:00:00Z"})
    times = [client.contact(email=f"{n}@example.com")["dateAdded"] for n in range(3)]
    assert len(set(times)) == 3
    assert all(each.startswith("2026-11-24T10:00:00.") for each in times)


HERE = {"locationId": "L1"}
AGENCY = {"companyId": "C1"}
TIMES = {"calendarId": "c", "startTime": "2026-12-01T10:00:00Z", "endTime": "2026-12-01T11:00:00Z"}
WINDOW = {**HERE, "calendarId": "c", "startTime": 0, "endTime": 1 << 42}
TALK = {"contactId": "c", "lastMessageDate": "2026-12-01T10:00:00Z"}
SKIP = {**HERE, "limit": 10, "skip": 0}
OFFSET = {**HERE, "limit": 10, "offset": 0}
LISTINGS = [
    # (table, what a record is made with, where it is listed, how that is asked, under what name)
    ("contacts", {}, "/contacts/", HERE, "contacts"),
    ("campaigns", {}, "/campaigns/", HERE, "campaigns"),
    ("workflows", {}, "/workflows/", HERE, "workflows"),
    ("customFields", {}, "/locations/L1/customFields", {}, "customFields"),
    ("businesses", {}, "/businesses/", HERE, "businesses"),
    ("snapshots", {}, "/snapshots/", AGENCY, "snapshots"),
    ("users", {}, "/users/search", AGENCY, "users"),
    ("locations", {}, "/locations/search", AGENCY, "locations"),
    ("groups", {}, "/calendars/groups", HERE, "groups"),
    ("calendars", {}, "/calendars/", HERE, "calendars"),
    ("appointments", TIMES, "/calendars/events", WINDOW, "events"),
    ("blockedSlots", TIMES, "/calendars/blocked-slots", WINDOW, "events"),
    ("resources", {}, "/calendars/resources/rooms", SKIP, ""),
    ("pipelines", {}, "/opportunities/pipelines", HERE, "pipelines"),
    ("opportunities", {}, "/opportunities/search", {"location_id": "L1"}, "opportunities"),
    ("conversations", TALK, "/conversations/search", HERE, "conversations"),
    ("associations", {"key": "k"}, "/associations/", SKIP, "associations"),
    ("blogs", {}, "/blogs/site/all", SKIP, "data"),
    ("authors", {}, "/blogs/authors", OFFSET, "authors"),
    ("categories", {}, "/blogs/categories", OFFSET, "categories"),
    ("documents", {}, "/proposals/document", HERE, "documents"),
    ("templates", {}, "/proposals/templates", HERE, "data"),
]


@pytest.mark.parametrize(("table", "data", "path", "query", "name"), LISTINGS, ids=[each[0] for each in LISTINGS])
def test_a_record_made_bare_is_listed_changed_and_gone(
    client: Any, table: str, data: Any, path: str, query: Any, name: str
) -> None:
    client.documents = None  # a bare record may lack what the document requires

    def listed() -> list[str]:
        got = client.get(path, **query)
        assert got.status == 200, got.said
        return [each.get("id", each.get("_id")) for each in (got[name] if name else got.said)]

    before = listed()
    made = client.steer(f"records/{table}", {"op": "create", "location": "L1", "company": "C1", "data": data})["record"]
    assert set(listed()) - set(before) == {made["id"]}
    changed = client.steer(f"records/{table}", {"op": "patch", "id": made["id"], "data": {"name": "X"}})["record"]
    assert changed["name"] == "X"
    client.steer(f"records/{table}", {"op": "delete", "id": made["id"]})
    assert listed() == before
