"""Users, locations, companies, campaigns, workflows, associations, blogs and documents of an account."""

from __future__ import annotations

from typing import Any

import pytest

COMPANY = "CompanyOne0000000001"
USER = {
    "companyId": COMPANY,
    "firstName": "Jo",
    "lastName": "Doe",
    "email": "Jo@example.com",
    "password": "s3cret",
    "type": "account",
    "role": "user",
}


@pytest.fixture
def user(client: Any) -> Any:
    got = client.post("/users/", {**USER, "locationIds": [client.location]})
    assert got.status == 201, got.said
    return got.said


def ids(records: Any, name: str = "id") -> list[str]:
    return [each[name] for each in records]


def test_a_user_is_found_by_location_search_and_email(client: Any, user: Any) -> None:
    assert "password" not in user
    assert client.get(f"/users/{user['id']}").said["email"] == "jo@example.com"
    assert user["id"] in ids(client.get("/users/", locationId=client.location)["users"])
    assert ids(client.get("/users/search", companyId=COMPANY, query="jo doe")["users"]) == [user["id"]]
    assert ids(client.get("/users/search", companyId=COMPANY, ids=user["id"])["users"]) == [user["id"]]
    assert client.get("/users/search", companyId=COMPANY, role="admin", query="jo")["count"] == 0
    by_email = {"companyId": COMPANY, "emails": "jo@example.com, x@example.com"}
    assert ids(client.post("/users/search/filter-by-email", by_email)["users"]) == [user["id"]]


def test_an_email_belongs_to_one_user(client: Any, user: Any) -> None:
    assert client.post("/users/", {**USER, "locationIds": [client.location]}).status == 400


def test_a_user_is_changed_and_deleted(client: Any, user: Any) -> None:
    changed = client.put(f"/users/{user['id']}", {"lastName": "Poe", "role": "admin"}).said
    assert (changed["name"], changed["roles"]["role"]) == ("Jo Poe", "admin")
    assert client.delete(f"/users/{user['id']}")["message"].startswith("Queued deleting user")
    assert client.get(f"/users/{user['id']}").status == 400
    assert user["id"] not in ids(client.get("/users/", locationId=client.location)["users"])
    deleted = {"companyId": COMPANY, "emails": "jo@example.com", "deleted": True}
    assert ids(client.post("/users/search/filter-by-email", deleted)["users"]) == [user["id"]]


def test_a_location_exists_from_its_first_use_with_all_it_needs(client: Any) -> None:
    location = client.get(f"/locations/{client.location}")["location"]
    assert location["id"] == client.location
    company = location["companyId"]
    assert client.location in ids(client.get("/locations/search", companyId=company, limit="50")["locations"])
    assert client.get(f"/companies/{company}")["company"]["locationCount"] == 1
    assert client.get("/snapshots/", companyId=company)["snapshots"]
    assert client.get("/workflows/", locationId=client.location)["workflows"][0]["status"] == "published"
    assert client.get("/campaigns/", locationId=client.location, status="published")["campaigns"]
    assert client.get("/campaigns/", locationId=client.location, status="draft")["campaigns"] == []


def test_the_seeds_of_a_location_have_the_same_ids_every_time(client: Any) -> None:
    before = client.told("state", location=client.location)
    client.get("/workflows/", locationId=client.location)
    first = client.told("state", location=client.location)
    client.steer("reset")
    client.get("/workflows/", locationId=client.location)
    again = client.told("state", location=client.location)
    assert before["workflows"] == []
    for table in ("workflows", "campaigns", "pipelines", "calendars", "customFields", "blogs", "templates"):
        assert ids(first[table]) == ids(again[table]) != []


def test_a_location_is_made_and_changed_by_the_agency(client: Any) -> None:
    body = {"name": "Branch", "companyId": COMPANY, "country": "CH", "timezone": "Europe/Zurich"}
    made = client.post("/locations/", {**body, "prospectInfo": {"firstName": "A", "lastName": "B", "email": "a@b.ch"}})
    found = client.get("/locations/search", companyId=COMPANY, email="a@b.ch")["locations"]
    assert ids(found) == [made["id"]]
    changes = {"companyId": COMPANY, "name": "Office", "settings": {"allowDuplicateContact": True}}
    client.put(f"/locations/{made['id']}", changes)
    location = client.get(f"/locations/{made['id']}")["location"]
    assert (location["name"], location["settings"]["allowDuplicateContact"]) == ("Office", True)
    assert location["timezone"] == "Europe/Zurich"
    assert client.put(f"/locations/{made['id']}", {**changes, "companyId": "other"}).status == 400
    assert client.post("/locations/", {**body, "country": "XX"}).status == 422


def test_locations_come_in_pages(client: Any) -> None:
    for number in range(12):
        client.get(f"/locations/Location{number}")
    company = client.get("/locations/Location0")["location"]["companyId"]
    assert len(client.get("/locations/search", companyId=company)["locations"]) == 10
    assert len(client.get("/locations/search", companyId=company, skip="10")["locations"]) == 2
    assert client.get("/locations/search", companyId=company, skip="ten").status == 400


@pytest.fixture
def association(client: Any) -> Any:
    body = {
        "locationId": client.location,
        "key": "owner_roof",
        "firstObjectLabel": "Owner",
        "firstObjectKey": "contact",
        "secondObjectLabel": "Roof",
        "secondObjectKey": "custom_objects.roof",
    }
    got = client.post("/associations/", body)
    assert got.status == 201, got.said
    return got.said


def test_an_association_is_found_by_id_key_and_object(client: Any, association: Any) -> None:
    where, page = {"locationId": client.location}, {"skip": 0, "limit": 10}
    key = association["id"]
    assert client.get(f"/associations/{key}")["key"] == "owner_roof"
    assert client.get("/associations/key/owner_roof", **where)["id"] == key
    assert ids(client.get("/associations/", **where, **page)["associations"]) == [key]
    assert ids(client.get("/associations/objectKey/custom_objects.roof", **where)["associations"]) == [key]
    assert client.get("/associations/objectKey/opportunity", **where)["associations"] == []
    assert client.get("/associations/key/other", **where).status == 400
    labels = {"firstObjectLabel": "Keeper", "secondObjectLabel": "Roof"}
    assert client.put(f"/associations/{key}", labels)["firstObjectLabel"] == "Keeper"
    assert client.post("/associations/", {**association, **where}).status == 422


def test_the_documents_show_one_association_where_there_is_a_list(client: Any, association: Any) -> None:
    client.steer("shapes", {"documented": True})
    said = client.get("/associations/", locationId=client.location, skip=0, limit=10).said
    assert said["id"] == association["id"]


def test_relations_hold_from_both_sides_until_their_association_goes(client: Any, association: Any) -> None:
    body = {"locationId": client.location, "associationId": association["id"]}
    made = client.post("/associations/relations", {**body, "firstRecordId": "c1", "secondRecordId": "r1"})
    other = client.post("/associations/relations", {**body, "firstRecordId": "c2", "secondRecordId": "r1"})
    page = {"locationId": client.location, "skip": 0, "limit": 10}
    assert ids(client.get("/associations/relations/c1", **page)["relations"]) == [made["id"]]
    assert ids(client.get("/associations/relations/r1", **page)["relations"]) == [made["id"], other["id"]]
    chosen = client.get("/associations/relations/r1", **page, associationIds="nope")
    assert chosen["relations"] == []
    assert client.delete(f"/associations/relations/{made['id']}", locationId=client.location).status == 200
    assert client.get("/associations/relations/c1", **page)["relations"] == []
    assert client.delete(f"/associations/{association['id']}")["deleted"] is True
    assert client.get("/associations/relations/c2", **page)["relations"] == []


@pytest.fixture
def article(client: Any) -> Any:
    """A blog post as it is written."""
    page = {"locationId": client.location, "limit": 10, "offset": 0}
    site = client.get("/blogs/site/all", locationId=client.location, limit=10, skip=0)["data"][0]
    return {
        "title": "Roofs",
        "locationId": client.location,
        "blogId": site["_id"],
        "imageUrl": "https://example.com/i.png",
        "description": "d",
        "rawHTML": "<p>x</p>",
        "status": "DRAFT",
        "imageAltText": "a",
        "categories": [client.get("/blogs/categories", **page)["categories"][0]["_id"]],
        "author": client.get("/blogs/authors", **page)["authors"][0]["_id"],
        "urlSlug": "roofs",
        "publishedAt": "2026-12-01T10:00:00Z",
    }


def test_a_post_takes_its_slug(client: Any, article: Any) -> None:
    slug = {"locationId": client.location, "urlSlug": "roofs"}
    assert client.get("/blogs/posts/url-slug-exists", **slug)["exists"] is False
    made = client.post("/blogs/posts", article)["data"]
    assert client.get("/blogs/posts/url-slug-exists", **slug)["exists"] is True
    assert client.get("/blogs/posts/url-slug-exists", **slug, postId=made["_id"])["exists"] is False
    assert client.post("/blogs/posts", article).status == 400


def test_a_post_is_listed_and_published(client: Any, article: Any) -> None:
    made = client.post("/blogs/posts", article)["data"]
    page = {"locationId": client.location, "blogId": article["blogId"], "limit": 10, "offset": 0}
    changed = client.put(f"/blogs/posts/{made['_id']}", {**article, "status": "PUBLISHED"})["updatedBlogPost"]
    assert changed["updatedAt"] > made["updatedAt"]
    assert ids(client.get("/blogs/posts/all", **page, status="PUBLISHED")["blogs"], "_id") == [made["_id"]]
    assert client.get("/blogs/posts/all", **page, status="DRAFT")["blogs"] == []
    assert client.get("/blogs/posts/all", **page, searchTerm="gutter")["blogs"] == []


@pytest.mark.parametrize("name", ["author", "blogId"])
def test_a_post_names_an_author_and_a_blog_that_exist(client: Any, article: Any, name: str) -> None:
    assert client.post("/blogs/posts", {**article, name: "0" * 24}).status == 400


def test_a_template_is_sent_as_a_document(client: Any) -> None:
    contact = client.contact(email="a@example.com")
    template = client.get("/proposals/templates", locationId=client.location)["data"][0]
    where = {"locationId": client.location, "templateId": template["_id"], "userId": "u1", "contactId": contact["id"]}
    sent = client.post("/proposals/templates/send", where)
    assert sent["links"][0]["recipientId"] == contact["id"]
    client.post("/proposals/templates/send", {**where, "sendDocument": False})
    listed = client.get("/proposals/document", locationId=client.location)
    assert [each["status"] for each in listed["documents"]] == [["draft"], ["sent"]]
    draft = client.get("/proposals/document", locationId=client.location, status="draft")["documents"][0]
    body = {"locationId": client.location, "documentId": draft["_id"], "sentBy": "u1"}
    assert client.post("/proposals/document/send", body)["success"] is True
    assert client.get("/proposals/document", locationId=client.location, status="draft,viewed")["total"] == 0
    assert client.get("/proposals/document", locationId=client.location, dateFrom="2026-01-01").status == 400
