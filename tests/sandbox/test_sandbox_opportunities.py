from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def pipeline(client: Any) -> Any:
    return client.get("/opportunities/pipelines", locationId=client.location)["pipelines"][0]


@pytest.fixture
def deal(client: Any, pipeline: Any) -> Any:
    """Makes an opportunity for a new contact."""

    def make(name: str = "Roof", **fields: Any) -> Any:
        contact = client.contact(email=f"{name}@example.com")["id"]
        body = {"pipelineId": pipeline["id"], "locationId": client.location, "name": name, "status": "open"}
        got = client.post("/opportunities/", {**body, "contactId": contact, **fields})
        assert got.status == 201, got.said
        return got["opportunity"]

    return make


def test_an_opportunity_begins_in_the_first_stage_and_shows_its_contact(client: Any, deal: Any, pipeline: Any) -> None:
    made = deal(monetaryValue=1200)
    assert made["pipelineStageId"] == pipeline["stages"][0]["id"]
    assert client.get(f"/opportunities/{made['id']}")["opportunity"] == made
    assert made["contact"]["email"] == "roof@example.com"


def test_moving_the_stage_moves_the_times_of_stage_and_change_only(client: Any, deal: Any, pipeline: Any) -> None:
    made = deal()
    stage = pipeline["stages"][2]["id"]
    moved = client.put(f"/opportunities/{made['id']}", {"pipelineStageId": stage})["opportunity"]
    assert moved["pipelineStageId"] == stage
    assert moved["updatedAt"] > made["updatedAt"]
    assert moved["lastStageChangeAt"] == moved["updatedAt"]
    assert moved["lastStatusChangeAt"] == made["lastStatusChangeAt"]


def test_setting_the_status_moves_its_time(client: Any, deal: Any) -> None:
    made = deal()
    assert client.put(f"/opportunities/{made['id']}/status", {"status": "won"})["succeded"] is True
    won = client.get(f"/opportunities/{made['id']}")["opportunity"]
    assert (won["status"], won["lastStageChangeAt"]) == ("won", made["lastStageChangeAt"])
    assert won["lastStatusChangeAt"] > made["lastStatusChangeAt"]
    assert client.put(f"/opportunities/{made['id']}/status", {"status": "all"}).status == 400


def test_a_stage_of_another_pipeline_is_refused(client: Any, deal: Any) -> None:
    made = deal()
    got = client.put(f"/opportunities/{made['id']}", {"pipelineStageId": "nope"})
    assert (got.status, got["message"]) == (400, "Pipeline stage with id nope not found")


def test_a_second_open_one_of_a_contact_is_refused_naming_the_first(client: Any, deal: Any, pipeline: Any) -> None:
    made = deal()
    body = {"pipelineId": pipeline["id"], "locationId": client.location, "name": "Again", "status": "open"}
    got = client.post("/opportunities/", {**body, "contactId": made["contactId"]})
    assert (got.status, got["code"]) == (400, "OPPORTUNITY_NO_DUPLICATE")
    assert got["meta"] == {"existingId": made["id"]}
    settings = {"settings": {"allowDuplicateOpportunity": True}}
    client.steer("records/locations", {"op": "patch", "id": client.location, "data": settings})
    assert client.post("/opportunities/", {**body, "contactId": made["contactId"]}).status == 201


def test_upsert_finds_by_id_or_by_contact(client: Any, deal: Any, pipeline: Any) -> None:
    made = deal()
    body = {"pipelineId": pipeline["id"], "locationId": client.location}
    by_contact = client.post("/opportunities/upsert", {**body, "contactId": made["contactId"], "name": "B"})
    by_id = client.post("/opportunities/upsert", {**body, "id": made["id"], "name": "C", "followers": ["u1"]})
    assert (by_contact["new"], by_id["new"]) == (False, False)
    assert (by_id["opportunity"]["name"], by_id["opportunity"]["followers"]) == ("C", ["u1"])
    other = client.contact(email="other@example.com")["id"]
    assert client.post("/opportunities/upsert", {**body, "contactId": other, "name": "D"})["new"] is True
    assert client.post("/opportunities/upsert", body).status == 400


def test_followers_of_an_opportunity_are_a_set(client: Any, deal: Any) -> None:
    path = f"/opportunities/{deal()['id']}/followers"
    assert client.post(path, {"followers": ["a", "b"]})["followersAdded"] == ["a", "b"]
    assert client.post(path, {"followers": ["b", "c"]})["followers"] == ["a", "b", "c"]
    assert client.delete(path, {"followers": ["a"]})["followersRemoved"] == ["a"]
    assert client.delete(path, {"followers": []}, isRemoveAllFollowers="true")["followers"] == []


def test_custom_fields_are_written_by_id_or_key_and_read_by_id(client: Any, deal: Any) -> None:
    fields = client.get(f"/locations/{client.location}/customFields", model="opportunity")["customFields"]
    made = deal(customFields=[{"key": "source_detail", "field_value": "fair"}])
    assert made["customFields"] == [{"id": fields[0]["id"], "fieldValue": "fair"}]


def test_the_advanced_search_filters_and_sorts_by_time_of_change(client: Any, deal: Any, pipeline: Any) -> None:
    made = [deal(name) for name in ("a", "b", "c")]
    client.put(f"/opportunities/{made[0]['id']}", {"name": "A"})
    body = {"locationId": client.location, "limit": 2, "sort": [{"field": "date_updated", "direction": "asc"}]}
    first = client.post("/opportunities/search", body)
    after = first["opportunities"][-1]["sort"]
    second = client.post("/opportunities/search", {**body, "searchAfter": after})
    ids = [each["id"] for each in (*first["opportunities"], *second["opportunities"])]
    assert ids == [made[1]["id"], made[2]["id"], made[0]["id"]]
    since = {"field": "date_updated", "operator": "range", "value": {"gte": made[2]["updatedAt"]}}
    chosen = {"field": "pipeline_id", "operator": "eq", "value": pipeline["id"]}
    found = client.post("/opportunities/search", {**body, "filters": [since, chosen]})
    assert [each["id"] for each in found["opportunities"]] == [made[2]["id"], made[0]["id"]]
    assert found["total"] == 2


def test_the_old_search_comes_newest_first_and_goes_on_by_time_and_id(client: Any, deal: Any) -> None:
    made = [deal(name)["id"] for name in ("a", "b", "c")]
    asked = {"location_id": client.location, "limit": 2}
    first = client.get("/opportunities/search", **asked)
    meta = first["meta"]
    more = {"startAfter": meta["startAfter"], "startAfterId": meta["startAfterId"]}
    second = client.get("/opportunities/search", **asked, **more)
    assert [each["id"] for each in (*first["opportunities"], *second["opportunities"])] == made[::-1]
    half = client.get("/opportunities/search", **asked, startAfterId=meta["startAfterId"])
    assert half["opportunities"] == first["opportunities"]
    assert client.get("/opportunities/search", **asked, page=2)["opportunities"] == second["opportunities"]


def test_the_old_search_knows_its_own_names_only(client: Any, deal: Any) -> None:
    made = deal()
    asked = {"location_id": client.location}
    assert client.get("/opportunities/search", locationId=client.location).status == 422
    assert client.get("/opportunities/search", **asked, contact_id=made["contactId"])["meta"]["total"] == 1
    assert client.get("/opportunities/search", **asked, status="won")["meta"]["total"] == 0
    assert client.get("/opportunities/search", **asked, q="roo")["meta"]["total"] == 1
    assert client.get("/opportunities/search", **asked, date="12-31-2030")["meta"]["total"] == 0
    assert client.get("/opportunities/search", **asked, date="2030-12-31").status == 422


def test_a_deleted_opportunity_is_gone(client: Any, deal: Any) -> None:
    made = deal()
    assert client.delete(f"/opportunities/{made['id']}")["succeded"] is True
    assert client.get(f"/opportunities/{made['id']}")["message"] == f"Opportunity with id {made['id']} not found"
    assert client.post("/opportunities/search", {"locationId": client.location})["total"] == 0
