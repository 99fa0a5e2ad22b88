from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def searched(client: Any) -> Any:
    """Searches contacts and returns the answer."""

    def search(**body: Any) -> Any:
        got = client.post("/contacts/search", {"locationId": client.location, "pageLimit": 100, **body})
        assert got.status == 200, got.said
        return got

    return search


def by_time(field: str, direction: str = "asc", **bounds: Any) -> dict[str, Any]:
    return {
        "filters": [{"field": field, "operator": "range", "value": bounds}] if bounds else [],
        "sort": [{"field": field, "direction": direction}],
    }


def test_a_created_contact_is_found_in_every_way(client: Any, searched: Any) -> None:
    made = client.contact(email="Ada@Example.com", phone="+15551234567", tags=["Lead", "lead"], lastName="Stone")
    assert client.get(f"/contacts/{made['id']}")["contact"]["email"] == "ada@example.com"
    assert made["tags"] == ["lead"]
    found = searched(query="stone")["contacts"]
    listed = client.get("/contacts/", locationId=client.location)["contacts"]
    twin = client.get("/contacts/search/duplicate", locationId=client.location, number="+15551234567")["contact"]
    assert found[0]["id"] == listed[0]["id"] == twin["id"] == made["id"]


def test_a_name_is_split_into_first_and_last(client: Any) -> None:
    made = client.post("/contacts/", {"locationId": client.location, "name": "Grace Brewster Hopper"})["contact"]
    assert (made["firstName"], made["lastName"]) == ("Grace", "Brewster Hopper")


def test_a_second_contact_of_one_email_is_refused_with_the_first_ones_id(client: Any) -> None:
    first = client.contact(email="ada@example.com")
    got = client.post("/contacts/", {"locationId": client.location, "email": "ADA@example.com"})
    assert got.status == 400
    assert got["message"] == "This location does not allow duplicated contacts."
    assert got["meta"] == {"contactId": first["id"], "matchingField": "email"}


def test_a_location_that_allows_duplicates_takes_a_second_one(client: Any) -> None:
    first = client.contact(email="ada@example.com")
    allow = {"op": "patch", "id": client.location, "data": {"settings": {"allowDuplicateContact": True}}}
    client.steer("records/locations", allow)
    second = client.contact(email="ada@example.com")
    assert second["id"] != first["id"]


def test_the_same_email_in_another_location_is_another_contact(client: Any) -> None:
    client.contact(email="ada@example.com")
    got = client.post("/contacts/", {"locationId": "LocationTwo0000000002", "email": "ada@example.com"})
    assert got.status == 201


def test_an_update_moves_the_time_of_change_and_replaces_tags(client: Any) -> None:
    made = client.contact(tags=["a", "b"])
    got = client.put(f"/contacts/{made['id']}", {"tags": ["c"], "city": "Zurich"})["contact"]
    assert (got["tags"], got["city"]) == (["c"], "Zurich")
    assert got["dateUpdated"] > made["dateUpdated"]
    assert got["dateAdded"] == made["dateAdded"]


def test_null_clears_a_field(client: Any) -> None:
    made = client.contact(email="ada@example.com")
    assert "email" not in client.put(f"/contacts/{made['id']}", {"email": None})["contact"]
    asked = {"locationId": client.location, "email": "ada@example.com"}
    assert client.get("/contacts/search/duplicate", **asked)["contact"] is None


def test_an_update_to_the_email_of_another_contact_is_refused(client: Any) -> None:
    client.contact(email="ada@example.com")
    other = client.contact(email="grace@example.com")
    assert client.put(f"/contacts/{other['id']}", {"email": "ada@example.com"}).status == 400


def test_upsert_says_whether_the_contact_is_new(client: Any) -> None:
    body = {"locationId": client.location, "email": "ada@example.com", "city": "Bern"}
    first = client.post("/contacts/upsert", body)
    second = client.post("/contacts/upsert", {**body, "city": "Basel"})
    assert (first["new"], second["new"]) == (True, False)
    assert second["contact"]["id"] == first["contact"]["id"]
    assert second["contact"]["city"] == "Basel"


def test_custom_fields_are_written_one_by_one_and_emptied_by_an_empty_text(client: Any) -> None:
    fields = client.get(f"/locations/{client.location}/customFields")["customFields"]
    one, two = fields[0]["id"], fields[1]["id"]
    made = client.contact(customFields=[{"id": one, "field_value": "x"}, {"id": two, "field_value": "y"}])
    assert made["customFields"] == [{"id": one, "value": "x"}, {"id": two, "value": "y"}]
    got = client.put(f"/contacts/{made['id']}", {"customFields": [{"id": one, "field_value": ""}]})["contact"]
    assert got["customFields"] == [{"id": two, "value": "y"}]


def test_an_unknown_custom_field_is_refused(client: Any) -> None:
    body = {"locationId": client.location, "name": "A", "customFields": [{"id": "nope", "field_value": "x"}]}
    got = client.post("/contacts/", body)
    assert (got.status, got["message"]) == (400, "Custom field with id nope not found")


def test_every_location_has_ten_text_fields_with_known_ids(client: Any) -> None:
    fields = client.get(f"/locations/{client.location}/customFields", model="all")["customFields"]
    texts = [each["name"] for each in fields if each["dataType"] == "TEXT" and each["model"] == "contact"]
    assert texts[:10] == [f"Custom {number}" for number in range(1, 11)]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/contacts/nope"),
        ("PUT", "/contacts/nope"),
        ("DELETE", "/contacts/nope"),
        ("GET", "/contacts/nope/tasks"),
        ("GET", "/contacts/nope/notes"),
        ("GET", "/contacts/nope/appointments"),
    ],
)
def test_an_unknown_contact_is_a_400_that_names_it(client: Any, method: str, path: str) -> None:
    got = client.call(method, path, {} if method == "PUT" else None)
    assert got.status == 400
    assert got["message"] == "Contact with id nope not found"
    assert got["traceId"]


def test_a_deleted_contact_is_gone_with_what_hung_on_it(client: Any, searched: Any) -> None:
    made = client.contact()
    note = client.post(f"/contacts/{made['id']}/notes", {"body": "hello"})["note"]
    assert client.delete(f"/contacts/{made['id']}")["succeded"] is True
    assert client.get(f"/contacts/{made['id']}").status == 400
    assert searched()["total"] == 0
    assert client.told("state", table="notes")["notes"] == []
    assert note["id"]


def test_search_by_a_range_of_time_is_closed_below(client: Any, searched: Any) -> None:
    made = [client.contact(email=f"{n}@example.com") for n in range(4)]
    found = searched(**by_time("dateAdded", gte=made[2]["dateAdded"]))
    assert [each["id"] for each in found["contacts"]] == [made[2]["id"], made[3]["id"]]
    assert found["total"] == 2


def test_search_by_time_of_change_finds_what_was_touched(client: Any, searched: Any) -> None:
    made = [client.contact(email=f"{n}@example.com") for n in range(3)]
    client.post(f"/contacts/{made[0]['id']}/tags", {"tags": ["hot"]})
    found = searched(**by_time("dateUpdated"))["contacts"]
    assert [each["id"] for each in found] == [made[1]["id"], made[2]["id"], made[0]["id"]]
    touched = searched(**by_time("dateUpdated", gt=found[1]["dateUpdated"]))["contacts"]
    assert [each["id"] for each in touched] == [made[0]["id"]]


def test_adding_a_tag_that_is_there_changes_nothing(client: Any) -> None:
    made = client.contact(tags=["hot"])
    client.post(f"/contacts/{made['id']}/tags", {"tags": ["HOT"]})
    assert client.get(f"/contacts/{made['id']}")["contact"]["dateUpdated"] == made["dateUpdated"]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_search_after_goes_through_all_records_once(client: Any, searched: Any, direction: str) -> None:
    client.steer("leads", {"location": client.location, "count": 25})
    seen: list[str] = []
    after = None
    while True:
        page = searched(pageLimit=10, **by_time("dateAdded", direction), **({"searchAfter": after} if after else {}))
        seen += [each["id"] for each in page["contacts"]]
        if len(page["contacts"]) < 10:
            break
        after = page["contacts"][-1]["searchAfter"]
    assert len(seen) == len(set(seen)) == 25


def test_pages_by_number_follow_each_other_and_end_at_ten_thousand_records(client: Any, searched: Any) -> None:
    client.steer("leads", {"location": client.location, "count": 5})
    pages = [searched(pageLimit=2, page=number)["contacts"] for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    got = client.post("/contacts/search", {"locationId": client.location, "pageLimit": 500, "page": 21})
    assert got.status == 400


FILTERS = [
    ({"field": "tags", "operator": "contains", "value": "hot"}, {"a", "b"}),
    ({"field": "tags", "operator": "eq", "value": ["hot"]}, {"a", "b"}),
    ({"field": "tags", "operator": "not_contains", "value": "hot"}, {"c"}),
    ({"field": "email", "operator": "eq", "value": "a@example.com"}, {"a"}),
    ({"field": "city", "operator": "exists"}, {"c"}),
    ({"field": "city", "operator": "not_exists"}, {"a", "b"}),
    ({"field": "firstNameLowerCase", "operator": "eq", "value": "b"}, {"b"}),
    (
        {
            "group": "OR",
            "filters": [
                {"field": "firstNameLowerCase", "operator": "eq", "value": "a"},
                {"field": "city", "operator": "contains", "value": "zur"},
            ],
        },
        {"a", "c"},
    ),
]


@pytest.mark.parametrize(("asked", "wanted"), FILTERS)
def test_filters_choose(client: Any, searched: Any, asked: Any, wanted: set[str]) -> None:
    client.contact(firstName="A", email="a@example.com", tags=["hot"])
    client.contact(firstName="B", email="b@example.com", tags=["hot", "cold"])
    client.contact(firstName="C", email="c@example.com", city="Zurich")
    assert {each["firstName"].lower() for each in searched(filters=[asked])["contacts"]} == wanted


def test_a_custom_field_is_searched_by_its_id(client: Any, searched: Any) -> None:
    field = client.get(f"/locations/{client.location}/customFields")["customFields"][3]["id"]
    made = client.contact(customFields=[{"id": field, "field_value": "R-1"}])
    client.contact(email="b@example.com")
    found = searched(filters=[{"field": f"customFields.{field}", "operator": "eq", "value": "R-1"}])["contacts"]
    assert [each["id"] for each in found] == [made["id"]]


BAD_SEARCHES = [
    ({"pageLimit": 501}, "pageLimit must not be greater than 500"),
    ({"filters": [{"field": "dateAdded", "operator": "gt", "value": 1}]}, "Allowed operators: range"),
    ({"filters": [{"field": "dateAdded", "operator": "range", "value": {"gte": "soon"}}]}, "must hold dates"),
    ({"filters": [{"field": "email", "operator": "range", "value": {"gte": 1}}]}, "Allowed operators: eq"),
    ({"filters": [{"field": "shoeSize", "operator": "eq", "value": 1}]}, "Invalid field shoeSize"),
    ({"sort": [{"field": "shoeSize", "direction": "asc"}]}, "sort must be by"),
    ({"sort": [{"field": "dateAdded", "direction": "up"}]}, "direction must be one of"),
    ({"surplus": 1}, "property surplus should not exist"),
]


@pytest.mark.parametrize(("body", "words"), BAD_SEARCHES)
def test_a_search_that_is_not_understood_is_a_422_with_a_list(client: Any, body: Any, words: str) -> None:
    got = client.post("/contacts/search", {"locationId": client.location, "pageLimit": 10, **body})
    assert got.status == 422
    assert words in " ".join(got["message"])


@pytest.mark.parametrize("body", [{"searchAfter": ["x"]}, {"searchAfter": [1, "x"], "page": 2}])
def test_a_search_goes_on_after_one_record_or_by_page(client: Any, body: Any) -> None:
    got = client.post("/contacts/search", {"locationId": client.location, "pageLimit": 10, **body})
    assert got.status == 400
    assert "searchAfter" in got["message"]


def test_the_list_comes_newest_first_and_goes_on_by_time_and_id(client: Any) -> None:
    ids = client.steer("leads", {"location": client.location, "count": 5})["ids"]
    first = client.get("/contacts/", locationId=client.location, limit=2)
    meta = first["meta"]
    more = {"startAfter": meta["startAfter"], "startAfterId": meta["startAfterId"]}
    second = client.get("/contacts/", locationId=client.location, limit=2, **more)
    assert [each["id"] for each in (*first["contacts"], *second["contacts"])] == ids[::-1][:4]
    assert meta["total"] == first["count"] == 5
    half = client.get("/contacts/", locationId=client.location, limit=2, startAfterId=meta["startAfterId"])
    assert [each["id"] for each in half["contacts"]] == ids[::-1][:2]


def test_tags_are_added_and_removed_without_regard_to_case(client: Any) -> None:
    made = client.contact(tags=["a"])
    assert client.post(f"/contacts/{made['id']}/tags", {"tags": ["B", "a"]})["tags"] == ["a", "b"]
    assert client.delete(f"/contacts/{made['id']}/tags", {"tags": ["A"]})["tags"] == ["b"]


def test_bulk_tags_count_the_contacts_that_are_not_there(client: Any) -> None:
    made = client.contact(tags=["a"])
    body = {"contacts": [made["id"], "nope"], "tags": ["b"], "locationId": client.location}
    got = client.post("/contacts/bulk/tags/update/add", body)
    assert (got.status, got["errorCount"], got["responses"][0]) == (201, 1, made["id"])
    assert client.get(f"/contacts/{made['id']}")["contact"]["tags"] == ["a", "b"]
    client.post("/contacts/bulk/tags/update/remove", {**body, "tags": [], "removeAllTags": True})
    assert client.get(f"/contacts/{made['id']}")["contact"]["tags"] == []
    assert client.post("/contacts/bulk/tags/update/swap", body).status == 422


def test_followers_are_a_set(client: Any) -> None:
    path = f"/contacts/{client.contact()['id']}/followers"
    assert client.post(path, {"followers": ["u1", "u2"]})["followersAdded"] == ["u1", "u2"]
    assert client.post(path, {"followers": ["u2", "u3"]})["followersAdded"] == ["u3"]
    got = client.delete(path, {"followers": ["u1", "u9"]})
    assert (got["followers"], got["followersRemoved"]) == (["u2", "u3"], ["u1"])


def test_a_contact_enters_and_leaves_campaigns_and_workflows(client: Any) -> None:
    made = client.contact()
    campaign = client.told("state", table="campaigns")["campaigns"][0]["id"]
    workflow = client.told("state", table="workflows")["workflows"][0]["id"]
    path = f"/contacts/{made['id']}"
    assert client.post(f"{path}/campaigns/{campaign}").status == 201
    assert client.post(f"{path}/workflow/{workflow}", {"eventStartTime": "2026-01-01T10:00:00+01:00"}).status == 200
    held = client.told("state", table="contacts")["contacts"][0]
    assert (held["campaigns"], held["workflows"]) == ([campaign], [workflow])
    assert client.delete(f"{path}/campaigns/{campaign}").status == 200
    assert client.delete(f"{path}/workflow/{workflow}", {}).status == 200
    client.post(f"{path}/campaigns/{campaign}")
    assert client.delete(f"{path}/campaigns/removeAll").status == 200
    held = client.told("state", table="contacts")["contacts"][0]
    assert (held["campaigns"], held["workflows"]) == ([], [])
    assert client.post(f"{path}/campaigns/nope")["message"] == "Campaign with id nope not found"


def test_a_body_that_the_document_declares_must_be_sent(client: Any) -> None:
    made = client.contact()
    campaign = client.told("state", table="campaigns")["campaigns"][0]["id"]
    got = client.call("POST", f"/contacts/{made['id']}/campaigns/{campaign}")
    assert got.status == 422


def test_tasks_live_on_their_contact(client: Any) -> None:
    path = f"/contacts/{client.contact()['id']}/tasks"
    made = client.post(path, {"title": "Call", "dueDate": "2026-12-01T10:00:00Z", "completed": False})["task"]
    assert client.get(path)["tasks"] == [made]
    assert client.put(f"{path}/{made['id']}", {"title": "Ring"})["task"]["title"] == "Ring"
    assert client.put(f"{path}/{made['id']}/completed", {"completed": True})["task"]["completed"] is True
    assert client.get(f"{path}/{made['id']}")["task"]["title"] == "Ring"
    other = client.contact(email="b@example.com")
    assert client.get(f"/contacts/{other['id']}/tasks/{made['id']}").status == 400
    assert client.delete(f"{path}/{made['id']}").status == 200
    assert client.get(path)["tasks"] == []
    assert client.delete(f"{path}/{made['id']}").status == 400


def test_notes_live_on_their_contact(client: Any) -> None:
    path = f"/contacts/{client.contact()['id']}/notes"
    first = client.post(path, {"body": "one", "title": "t", "pinned": True})["note"]
    second = client.post(path, {"body": "two"})["note"]
    assert [each["id"] for each in client.get(path)["notes"]] == [second["id"], first["id"]]
    changed = client.put(f"{path}/{first['id']}", {"body": "uno"})["note"]
    assert (changed["body"], changed["dateAdded"]) == ("uno", first["dateAdded"])
    assert client.get(f"{path}/{first['id']}")["note"] == changed
    assert client.delete(f"{path}/{first['id']}").status == 200
    assert client.get(f"{path}/{first['id']}").status == 400


def test_contacts_join_and_leave_a_business(client: Any) -> None:
    business = client.post("/businesses/", {"name": "Acme", "locationId": client.location})["buiseness"]
    made = [client.contact(email=f"{n}@example.com") for n in range(3)]
    ids = [each["id"] for each in made[:2]]
    body = {"locationId": client.location, "ids": ids, "businessId": business["id"]}
    assert client.post("/contacts/bulk/business", body)["ids"] == ids
    path = f"/contacts/business/{business['id']}"
    got = client.get(path, locationId=client.location, limit="1", skip="1")
    assert ([each["id"] for each in got["contacts"]], got["count"]) == (ids[1:], 2)
    client.post("/contacts/bulk/business", {**body, "ids": ids[:1], "businessId": None})
    assert client.get(path, locationId=client.location)["count"] == 1
    assert client.delete(f"/businesses/{business['id']}").status == 200
    assert "businessId" not in client.get(f"/contacts/{ids[1]}")["contact"]
    assert client.post("/contacts/bulk/business", {**body, "ids": ids * 26}).status == 422


def test_businesses_are_kept(client: Any) -> None:
    made = client.post("/businesses/", {"name": "Acme", "locationId": client.location})["buiseness"]
    got = client.put(f"/businesses/{made['id']}", {"city": "Bern"})["buiseness"]
    assert got["updatedAt"] > made["updatedAt"]
    assert client.get(f"/businesses/{made['id']}")["business"] == got
    assert client.get("/businesses/", locationId=client.location)["businesses"] == [got]
    assert client.get("/businesses/", locationId=client.location, skip="1")["businesses"] == []
    client.delete(f"/businesses/{made['id']}")
    assert client.get(f"/businesses/{made['id']}")["message"] == f"Business with id {made['id']} not found"
