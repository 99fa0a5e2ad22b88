"""One walk through every operation of the catalogue; each must succeed as its document says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COMPANY = "CompanyOne0000000001"
MONDAY = 1795410000000  # 2026-11-23T00:00:00-05:00
DAY = 86_400_000


def seeds(client: Any, table: str) -> Any:
    return client.told("state", table=table, location=client.location)[table][0]


def walk_contacts(client: Any, where: dict[str, str]) -> None:
    contact = client.contact(email="a@example.com", tags=["a"])["id"]
    path = f"/contacts/{contact}"
    client.put(path, {"city": "Bern"})
    client.get(path)
    client.post("/contacts/upsert", {**where, "email": "b@example.com"})
    client.post("/contacts/search", {**where, "pageLimit": 10})
    client.get("/contacts/search/duplicate", **where, email="a@example.com")
    client.get("/contacts/", **where)
    client.post(f"{path}/tags", {"tags": ["b"]})
    client.delete(f"{path}/tags", {"tags": ["b"]})
    client.post("/contacts/bulk/tags/update/add", {**where, "contacts": [contact], "tags": ["c"]})
    task = client.post(f"{path}/tasks", {"title": "t", "dueDate": "2026-12-01T10:00:00Z", "completed": False})["task"]
    one = f"{path}/tasks/{task['id']}"
    client.put(one, {"title": "u"})
    client.put(f"{one}/completed", {"completed": True})
    client.get(one)
    client.get(f"{path}/tasks")
    client.delete(one)
    note = f"{path}/notes/{client.post(f'{path}/notes', {'body': 'n'})['note']['id']}"
    client.put(note, {"body": "m"})
    client.get(note)
    client.get(f"{path}/notes")
    client.delete(note)
    client.get(f"{path}/appointments")
    campaign, workflow = seeds(client, "campaigns")["id"], seeds(client, "workflows")["id"]
    client.post(f"{path}/campaigns/{campaign}")
    client.delete(f"{path}/campaigns/{campaign}")
    client.delete(f"{path}/campaigns/removeAll")
    client.post(f"{path}/workflow/{workflow}")
    client.delete(f"{path}/workflow/{workflow}", {})
    client.post(f"{path}/followers", {"followers": ["u"]})
    client.delete(f"{path}/followers", {"followers": ["u"]})
    business = client.post("/businesses/", {**where, "name": "Acme"})["buiseness"]["id"]
    client.put(f"/businesses/{business}", {"city": "Bern"})
    client.get(f"/businesses/{business}")
    client.get("/businesses/", **where)
    client.post("/contacts/bulk/business", {**where, "ids": [contact], "businessId": business})
    client.get(f"/contacts/business/{business}", **where)
    client.delete(f"/businesses/{business}")
    client.delete(path)


def walk_calendars(client: Any, where: dict[str, str]) -> None:
    client.steer("clock", {"fix": "2026-11-23T12:00:00Z"})
    contact = client.contact(email="cal@example.com")["id"]
    group = client.post("/calendars/groups", {**where, "name": "G", "description": "d", "slug": "g"})["group"]["id"]
    client.post("/calendars/groups/validate-slug", {**where, "slug": "h"})
    client.put(f"/calendars/groups/{group}", {"name": "H", "description": "d", "slug": "g"})
    client.put(f"/calendars/groups/{group}/status", {"isActive": False})
    client.get("/calendars/groups", **where)
    client.delete(f"/calendars/groups/{group}")
    calendar = client.post("/calendars/", {**where, "name": "C"})["calendar"]["id"]
    path = f"/calendars/{calendar}"
    client.put(path, {"name": "D"})
    client.get(path)
    client.get("/calendars/", **where)
    slot = client.get(f"{path}/free-slots", startDate=MONDAY, endDate=MONDAY + DAY)["2026-11-23"]["slots"][0]
    booking = {**where, "calendarId": calendar, "contactId": contact, "startTime": slot}
    made = client.post("/calendars/events/appointments", booking)["id"]
    client.put(f"/calendars/events/appointments/{made}", {"title": "T"})
    client.get(f"/calendars/events/appointments/{made}")
    window = {**where, "startTime": MONDAY, "endTime": MONDAY + DAY, "calendarId": calendar}
    assert client.get("/calendars/events", **window)["events"]
    block = {**where, "calendarId": calendar, "startTime": "2026-11-23T20:00:00Z", "endTime": "2026-11-23T21:00:00Z"}
    blocked = client.post("/calendars/events/block-slots", block)["id"]
    client.put(f"/calendars/events/block-slots/{blocked}", {**block, "title": "B"})
    assert client.get("/calendars/blocked-slots", **window)["events"]
    notes = f"/calendars/appointments/{made}/notes"
    note = f"{notes}/{client.post(notes, {'body': 'x'})['note']['id']}"
    client.put(note, {"body": "y"})
    client.get(notes, limit=20, offset=0)
    client.delete(note)
    client.delete(f"/calendars/events/{made}", {})
    kind = {"receiverType": "contact", "channel": "email", "notificationType": "reminder"}
    notification = f"{path}/notifications/{client.post(f'{path}/notifications', [kind]).said[0]['_id']}"
    client.put(notification, {"isActive": False})
    client.get(notification)
    client.get(f"{path}/notifications")
    client.delete(notification)
    room = {"name": "R", "description": "d", "quantity": 1, "outOfService": 0, "capacity": 2, "calendarIds": [calendar]}
    resource = f"/calendars/resources/rooms/{client.post('/calendars/resources/rooms', {**where, **room})['_id']}"
    client.put(resource, {"capacity": 3})
    client.get(resource)
    client.get("/calendars/resources/rooms", **where, limit=10, skip=0)
    client.delete(resource)
    client.delete(path)


def walk_opportunities(client: Any, where: dict[str, str]) -> None:
    contact = client.contact(email="opp@example.com")["id"]
    pipeline = client.get("/opportunities/pipelines", **where)["pipelines"][0]["id"]
    body = {**where, "pipelineId": pipeline, "contactId": contact, "name": "O", "status": "open"}
    path = f"/opportunities/{client.post('/opportunities/', body)['opportunity']['id']}"
    client.post("/opportunities/upsert", body)
    client.put(path, {"name": "P"})
    client.put(f"{path}/status", {"status": "won"})
    client.get(path)
    client.get("/opportunities/search", location_id=client.location)
    client.post("/opportunities/search", where)
    client.post(f"{path}/followers", {"followers": ["u"]})
    client.delete(f"{path}/followers", {"followers": ["u"]})
    client.delete(path)


def walk_messages(client: Any, where: dict[str, str]) -> None:
    contact = client.contact(email="msg@example.com")["id"]
    sent = client.post("/conversations/messages", {"type": "Email", "contactId": contact, "html": "x"})
    client.put(f"/conversations/messages/{sent['messageId']}/status", {"status": "read"})
    client.get(f"/conversations/messages/{sent['messageId']}")
    client.get(f"/conversations/messages/email/{sent['emailMessageId']}")
    client.get(f"/conversations/{sent['conversationId']}")
    client.get(f"/conversations/{sent['conversationId']}/messages")
    client.get("/conversations/search", **where)
    typing = {**where, "isTyping": True, "visitorId": "v", "conversationId": sent["conversationId"]}
    client.post("/conversations/providers/live-chat/typing", typing)
    heard = {"contactId": contact, "messageType": "TYPE_CALL", "recording": 1, "transcription": ["Hi."]}
    call = client.steer("messages", heard)["message"]["id"]
    client.get(f"/conversations/messages/{call}/locations/{client.location}/recording")
    client.get(f"/conversations/locations/{client.location}/messages/{call}/transcription")
    client.get(f"/conversations/locations/{client.location}/messages/{call}/transcription/download")


def walk_account(client: Any, where: dict[str, str]) -> None:
    person = {"firstName": "J", "lastName": "D", "email": "j@example.com", "password": "p", "type": "account"}
    body = {**person, "role": "user", "companyId": COMPANY, "locationIds": [client.location]}
    user = f"/users/{client.post('/users/', body)['id']}"
    client.put(user, {"lastName": "E"})
    client.get(user)
    client.get("/users/", **where)
    client.get("/users/search", companyId=COMPANY)
    client.post("/users/search/filter-by-email", {"companyId": COMPANY, "emails": "j@example.com"})
    client.delete(user)
    location = f"/locations/{client.post('/locations/', {'name': 'L', 'companyId': COMPANY})['id']}"
    client.put(location, {"companyId": COMPANY, "name": "M"})
    client.get(location)
    client.get("/locations/search", companyId=COMPANY)
    client.get(f"/locations/{client.location}/customFields")
    client.get(f"/companies/{COMPANY}")
    client.get("/snapshots/", companyId=COMPANY)
    client.get("/workflows/", **where)
    client.get("/campaigns/", **where)


def walk_associations(client: Any, where: dict[str, str]) -> None:
    labels = {"firstObjectLabel": "A", "secondObjectLabel": "B"}
    body = {**where, **labels, "key": "k", "firstObjectKey": "contact", "secondObjectKey": "business"}
    association = client.post("/associations/", body)["id"]
    path = f"/associations/{association}"
    client.put(path, labels)
    client.get(path)
    client.get("/associations/", **where, skip=0, limit=10)
    client.get("/associations/key/k", **where)
    client.get("/associations/objectKey/contact", **where)
    ends = {"firstRecordId": "r1", "secondRecordId": "r2", "associationId": association}
    relation = client.post("/associations/relations", {**where, **ends})["id"]
    client.get("/associations/relations/r1", **where, skip=0, limit=10)
    client.delete(f"/associations/relations/{relation}", **where)
    client.delete(path)


def walk_blogs(client: Any, where: dict[str, str]) -> None:
    page = {**where, "limit": 10, "offset": 0}
    site = client.get("/blogs/site/all", **where, limit=10, skip=0)["data"][0]["_id"]
    links = {
        "author": client.get("/blogs/authors", **page)["authors"][0]["_id"],
        "categories": [client.get("/blogs/categories", **page)["categories"][0]["_id"]],
    }
    texts = dict.fromkeys(("title", "imageUrl", "description", "rawHTML", "imageAltText", "urlSlug"), "x")
    body = {**where, **links, **texts, "blogId": site, "status": "DRAFT", "publishedAt": "2026-12-01"}
    made = client.post("/blogs/posts", body)["data"]["_id"]
    client.put(f"/blogs/posts/{made}", body)
    client.get("/blogs/posts/all", **page, blogId=site)
    client.get("/blogs/posts/url-slug-exists", **where, urlSlug="x")


def test_every_operation_of_the_catalogue_succeeds_as_its_document_says(client: Any, documents: Any) -> None:
    told = json.loads((Path(documents.folder).parent / "operations.json").read_text())
    wanted = {f"{each['method']} {each['path']}" for each in told}
    where = {"locationId": client.location}
    client.get(f"/locations/{client.location}")
    walks = (walk_contacts, walk_calendars, walk_opportunities, walk_messages, walk_account, walk_associations)
    for walk in (*walks, walk_blogs):
        walk(client, where)
    succeeded = {name.rpartition(" ")[0] for name in client.answered if name.endswith(("200", "201"))}
    assert wanted - succeeded == set()
    failed = {name for name in client.answered if not name.endswith(("200", "201"))}
    assert failed == set()
    assert len(told) == 126
