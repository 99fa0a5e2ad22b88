"""The rest of the deeds: opportunities, users, messages, and all that an account is made of."""

from __future__ import annotations

from typing import Any

from tests.operations.deeds import NOBODY, Deed, Inputs, changes, followed, makes, removes, same, unknown
from tests.operations.vendor import Account

OPPORTUNITIES = (
    makes(
        "ghl.opportunities.create",
        "opportunities",
        {"contactId": "contactId"},
        lambda a: {"pipelineId": a.first("pipelines"), "contactId": a.contact(), "name": "Roof", "status": "open"},
        refused=unknown("pipelineId"),
    ),
    changes(
        "ghl.opportunities.update",
        "opportunities",
        "id",
        lambda a: {"id": a.opportunity(), "monetaryValue": 900},
        field="monetaryValue",
        before=0,
        after=900,
        result=same("id"),
    ),
    removes("ghl.opportunities.delete", "opportunities", "id", lambda a: {"id": a.opportunity()}),
    changes(
        "ghl.opportunities.set_status",
        "opportunities",
        "id",
        lambda a: {"id": a.opportunity(), "status": "won"},
        field="status",
        before="open",
        after="won",
    ),
    makes(
        "ghl.opportunities.upsert",
        "opportunities",
        {"contactId": "contactId"},
        lambda a: {"pipelineId": a.first("pipelines"), "contactId": a.contact(), "name": "Roof"},
        refused=unknown("pipelineId"),
    ),
    changes(
        "ghl.opportunities.followers.add",
        "opportunities",
        "id",
        lambda a: {"id": a.opportunity(), "followers": ["user0000000000000001"]},
        field="followers",
        before=[],
        after=["user0000000000000001"],
    ),
    changes(
        "ghl.opportunities.followers.remove",
        "opportunities",
        "id",
        followed("opportunities", "id", Account.opportunity),
        field="followers",
        before=["user0000000000000001"],
        after=[],
    ),
)

# Users.

JO = {"firstName": "Jo", "lastName": "Day", "password": "Secret-1234", "type": "account", "role": "user"}


def user(a: Account, email: str = "jo@example.com") -> str:
    body = {**JO, "email": email, "companyId": a.company, "locationIds": [a.location]}
    return str(a.post("/users/", body)["id"])


def taken_email(a: Account, inputs: dict[str, Any]) -> dict[str, Any]:
    user(a, inputs["email"])
    return inputs


USERS = (
    makes(
        "ghl.users.create",
        "users",
        {"email": "email"},
        lambda a: {**JO, "email": "kim@example.com", "locationIds": [a.location]},
        refused=taken_email,
        words="A user with the email kim@example.com already exists",
    ),
    changes(
        "ghl.users.update",
        "users",
        "userId",
        lambda a: {"userId": user(a), "lastName": "Night"},
        field="lastName",
        before="Day",
        after="Night",
        result=same("userId"),
    ),
    changes(
        "ghl.users.delete",
        "users",
        "userId",
        lambda a: {"userId": user(a)},
        field="deleted",
        before=False,
        after=True,
        refused=None,
    ),
)

# Messages.


def conversation(a: Account) -> str:
    return str(a.message(a.contact())["conversationId"])


def another_app(a: Account, inputs: dict[str, Any]) -> dict[str, Any]:
    """A message that another app has sent."""
    sent = a.post("/conversations/messages", {"type": "SMS", "contactId": a.contact(), "message": "Hello"})
    return {**inputs, "messageId": sent["messageId"]}


CONVERSATIONS = (
    changes(
        "ghl.conversations.messages.set_status",
        "messages",
        "messageId",
        lambda a: {"messageId": a.message(a.contact(), status="pending")["id"], "status": "delivered"},
        field="status",
        before="pending",
        after="delivered",
        result=same("messageId"),
        refused=another_app,
        words="does not own the conversation provider",
    ),
    Deed(
        action="ghl.conversations.live_chat.typing",
        given=lambda a: {"conversationId": conversation(a), "isTyping": True, "visitorId": "v1"},
        seen=lambda a, _: len(a.held("messages")),
        before=1,
        after=1,
        refused=unknown("conversationId"),
    ),
    makes(
        "ghl.conversations.messages.send",
        "messages",
        {"body": "message", "contactId": "contactId"},
        lambda a: {"type": "SMS", "contactId": a.contact(), "message": "The roof is <b>done</b>"},
        refused=unknown("contactId"),
    ),
)

# Documents.


def of_contact(a: Account, inputs: Inputs) -> list[str]:
    found = a.held("documents")
    return [each["id"] for each in found if each["recipients"][0]["id"] == inputs["contactId"]]


DOCUMENTS = (
    changes(
        "ghl.documents.send",
        "documents",
        "documentId",
        lambda a: {"documentId": a.document(a.contact()), "sentBy": a.first("users"), "medium": "email"},
        field="status",
        before=["draft"],
        after=["sent"],
        result=same("documentId"),
    ),
    Deed(
        action="ghl.documents.templates.send",
        given=lambda a: {
            "templateId": a.first("templates"),
            "userId": a.first("users"),
            "contactId": a.contact(),
        },
        seen=lambda a, inputs: len(of_contact(a, inputs)),
        before=0,
        after=1,
        result=lambda a, inputs: of_contact(a, inputs)[0],
        refused=unknown("templateId"),
    ),
)


# What an account is made of.


def business(a: Account) -> str:
    return str(a.post("/businesses/", name="Acme")["buiseness"]["id"])


def another_company(_a: Account, inputs: dict[str, Any]) -> dict[str, Any]:
    return {**inputs, "companyId": NOBODY}


def taken_key(a: Account, inputs: dict[str, Any]) -> dict[str, Any]:
    a.association(inputs["key"])
    return inputs


def taken_slug(a: Account, inputs: dict[str, Any]) -> dict[str, Any]:
    a.post("/blogs/posts", **a.post_fields(inputs["urlSlug"]))
    return inputs


def ends(a: Account) -> dict[str, Any]:
    return {"associationId": a.association("owner"), "firstRecordId": a.contact(), "secondRecordId": business(a)}


def new_post(a: Account) -> dict[str, Any]:
    made = a.post("/blogs/posts", **a.post_fields("news"))["data"]["_id"]
    return {**a.post_fields("news"), "postId": made, "title": "Old news"}


LABELS = {"firstObjectLabel": "human", "secondObjectLabel": "firm"}
KINDS = {"firstObjectKey": "contact", "secondObjectKey": "business"}

ACCOUNT = (
    makes("ghl.businesses.create", "businesses", {"name": "name"}, lambda _: {"name": "Tide & Sons"}),
    changes(
        "ghl.businesses.update",
        "businesses",
        "businessId",
        lambda a: {"businessId": business(a), "city": "Bern"},
        field="city",
        before=None,
        after="Bern",
        result=same("businessId"),
    ),
    removes("ghl.businesses.delete", "businesses", "businessId", lambda a: {"businessId": business(a)}),
    Deed(
        action="ghl.locations.find",
        given=lambda a: {"locationId": a.location},
        seen=lambda a, _: len(a.held("locations")),
        before=1,
        after=1,
        result=lambda a, _: a.location,
    ),
    makes("ghl.locations.create", "locations", {"name": "name"}, lambda _: {"name": "South", "phone": "+15550177"}),
    changes(
        "ghl.locations.update",
        "locations",
        "locationId",
        lambda a: {"locationId": a.location, "city": "Bern"},
        field="city",
        before=None,
        after="Bern",
        result=same("locationId"),
        refused=another_company,
    ),
    makes(
        "ghl.associations.create",
        "associations",
        {"key": "key"},
        lambda _: {"key": "owner", **LABELS, **KINDS},
        refused=taken_key,
        words="An association with the key owner already exists",
    ),
    changes(
        "ghl.associations.update",
        "associations",
        "associationId",
        lambda a: {"associationId": a.association("owner"), **LABELS},
        field="firstObjectLabel",
        before="person",
        after="human",
        result=same("associationId"),
    ),
    removes(
        "ghl.associations.delete",
        "associations",
        "associationId",
        lambda a: {"associationId": a.association("owner")},
    ),
    makes(
        "ghl.associations.relations.create",
        "relations",
        {"associationId": "associationId", "secondRecordId": "secondRecordId"},
        ends,
        refused=unknown("associationId"),
    ),
    removes(
        "ghl.associations.relations.delete",
        "relations",
        "relationId",
        lambda a: {"relationId": a.post("/associations/relations", **ends(a))["id"]},
    ),
    makes(
        "ghl.blogs.posts.create",
        "posts",
        {"urlSlug": "urlSlug"},
        lambda a: a.post_fields("news"),
        refused=taken_slug,
        words="The url slug news already exists",
    ),
    changes(
        "ghl.blogs.posts.update",
        "posts",
        "postId",
        new_post,
        field="title",
        before="news",
        after="Old news",
        result=same("postId"),
    ),
)
