"""The rest of the scenes: opportunities, users, conversations, and all that an account is made of."""

from __future__ import annotations

from typing import Any

from tests.operations.scenes import Params, Scene, already, changed, delete, deleted, it, keep, made, put
from tests.operations.vendor import Account


def another_opportunity(a: Account, _p: Params) -> str:
    return keep(a, a.opportunity())


OPPORTUNITIES = (
    Scene(
        trigger="ghl.opportunities.search",
        before=already(Account.opportunity),
        new=another_opportunity,
        change=put("/opportunities/{it}/status", status="won"),
        gone=delete("/opportunities/{it}"),
    ),
    Scene(
        trigger="ghl.opportunities.get",
        before=lambda a: {"id": keep(a, a.opportunity())},
        change=put("/opportunities/{it}", monetaryValue=500),
        gone=delete("/opportunities/{it}"),
    ),
    Scene(
        trigger="ghl.opportunities.pipelines.list",
        new=made("pipelines", name="Repairs", stages=[{"id": "s1", "name": "Open", "position": 0}]),
        change=changed("pipelines", stages=[{"id": "s1", "name": "Begun", "position": 0}]),
        gone=deleted("pipelines"),
    ),
)


# Users.


def a_user(a: Account, email: str) -> str:
    plain = {"firstName": "Jo", "lastName": "Day", "password": "Secret-1234", "type": "account", "role": "user"}
    body = {**plain, "email": email, "companyId": a.company, "locationIds": [a.location]}
    return keep(a, a.post("/users/", body)["id"])


def another_user(a: Account, p: Params) -> str:
    return a_user(a, p["emails"][0] if "emails" in p else f"jo.{a.location}@example.com".lower())


RENAMED, FIRED = put("/users/{it}", lastName="Night"), delete("/users/{it}")
USERS = (
    Scene(trigger="ghl.users.search", new=another_user, change=RENAMED, gone=FIRED),
    Scene(
        trigger="ghl.users.filter_by_email",
        before=lambda a: {"emails": [f"kim.{a.location}@example.com".lower(), "else@example.com"]},
        new=another_user,
        change=RENAMED,
        gone=FIRED,
    ),
    Scene(
        trigger="ghl.users.get",
        before=lambda a: {"userId": another_user(a, {})},
        change=RENAMED,
        gone=FIRED,
    ),
    Scene(trigger="ghl.users.by_location", new=another_user, change=RENAMED, gone=FIRED),
)


# Conversations.


def a_conversation(a: Account, _p: Params = {}) -> str:  # noqa: B006  # not written to
    contact = a.contact()
    a.ids["contact"] = contact
    return keep(a, a.message(contact)["conversationId"])


def another_message(a: Account, _p: Params) -> str:
    a.message(a.ids["contact"], body="And one more thing")
    return it(a)


def a_message(a: Account, **fields: Any) -> dict[str, Any]:
    message = a.message(a.contact(), **fields)
    keep(a, message["id"])
    return message


def of_conversation(a: Account) -> dict[str, Any]:
    return {"conversationId": a_conversation(a)}


def a_message_in_it(a: Account, _p: Params) -> str:
    return keep(a, a.message(a.ids["contact"], body="Me again")["id"])


def an_email(a: Account) -> dict[str, Any]:
    message = a.message(a.contact(), messageType="TYPE_EMAIL", direction="outbound", status="pending")
    a.ids["message"] = message["id"]
    return {"id": keep(a, message["meta"]["email"]["messageIds"][0])}


def email_read(a: Account, _p: Params) -> str:
    a.put(f"/conversations/messages/{a.ids['message']}/status", status="read")
    return it(a)


CONVERSATIONS = (
    Scene(
        trigger="ghl.conversations.search",
        before=already(a_conversation),
        new=a_conversation,
        change=another_message,
        gone=changed("conversations", deleted=True),
    ),
    Scene(
        trigger="ghl.conversations.get",
        before=of_conversation,
        change=another_message,
        gone=changed("conversations", deleted=True),
    ),
    Scene(
        trigger="ghl.conversations.emails.get",
        before=an_email,
        change=email_read,
        gone=deleted("emails"),
    ),
    Scene(
        trigger="ghl.conversations.messages.get",
        before=lambda a: {"id": a_message(a, direction="outbound", status="pending")["id"]},
        change=put("/conversations/messages/{it}/status", status="delivered"),
        gone=deleted("messages"),
    ),
    Scene(
        trigger="ghl.conversations.messages.list",
        before=of_conversation,
        new=a_message_in_it,
        change=put("/conversations/messages/{it}/status", status="read"),
        gone=deleted("messages"),
    ),
    Scene(
        trigger="ghl.conversations.messages.recording",
        before=lambda a: {"messageId": a_message(a, messageType="TYPE_CALL")["id"]},
        new=changed("messages", recording=2),
    ),
    Scene(
        trigger="ghl.conversations.messages.transcription",
        before=lambda a: {"messageId": a_message(a, messageType="TYPE_CALL")["id"]},
        new=changed("messages", transcription=["Hello.", "Good day."]),
        change=changed("messages", transcription=["Hello.", "Good day.", "Goodbye."]),
    ),
    Scene(
        trigger="ghl.conversations.messages.transcription_download",
        before=lambda a: {"messageId": a_message(a, messageType="TYPE_CALL")["id"]},
        new=changed("messages", transcription=["Hello.", "Good day."]),
    ),
)


# Documents.


def a_document(a: Account, _p: Params) -> str:
    return keep(a, a.document(a.contact()))


DOCUMENTS = (
    Scene(
        trigger="ghl.documents.list",
        new=a_document,
        change=changed("documents", status=["completed"]),
        gone=changed("documents", deleted=True),
    ),
    Scene(
        trigger="ghl.documents.templates.list",
        new=made("templates", name="Contract"),
        change=changed("templates", name="Long contract"),
        gone=changed("templates", deleted=True),
    ),
)


# What an account is made of.


def a_business(a: Account, _p: Params = {}) -> str:  # noqa: B006  # not written to
    return keep(a, a.post("/businesses/", name="Acme")["buiseness"]["id"])


def a_location(a: Account, _p: Params) -> str:
    return keep(a, a.post("/locations/", {"name": "North", "companyId": a.company})["id"])


def company_renamed(a: Account, _p: Params) -> str:
    return a.record("companies", "patch", a.company, name="Tide & Sons")


def company_gone(a: Account, _p: Params) -> str:
    a.fault("GET", f"/companies/{a.company}", status=404, message="Company not found", count=100)
    return a.company


RELABELLED = put("/associations/{it}", firstObjectLabel="human", secondObjectLabel="firm")
UNRELATED = delete("/associations/{it}")


def keyed(a: Account, _p: Params) -> str:
    return keep(a, a.association("owner"))


def a_relation(a: Account, p: Params) -> str:
    ends = {"associationId": a.ids["association"], "firstRecordId": p["recordId"], "secondRecordId": "b1"}
    return keep(a, a.post("/associations/relations", **ends)["id"])


def related(a: Account) -> dict[str, Any]:
    a.ids["association"] = a.association("owner")
    return {"recordId": a.contact()}


def gone_relation(a: Account, p: Params) -> str:
    a.delete(f"/associations/relations/{it(a)}", locationId=a.location)
    return it(a)


def a_post(a: Account, _p: Params) -> str:
    return keep(a, a.post("/blogs/posts", **a.post_fields("news"))["data"]["_id"])


def post_changed(a: Account, _p: Params) -> str:
    a.put(f"/blogs/posts/{it(a)}", **a.post_fields("news"), locationId=a.location, tags=["roof"])
    return it(a)


ACCOUNT = (
    Scene(
        trigger="ghl.businesses.get",
        before=lambda a: {"businessId": a_business(a)},
        change=put("/businesses/{it}", city="Bern"),
        gone=delete("/businesses/{it}"),
    ),
    Scene(
        trigger="ghl.businesses.list",
        new=a_business,
        change=put("/businesses/{it}", city="Bern"),
        gone=delete("/businesses/{it}"),
    ),
    Scene(
        trigger="ghl.workflows.list",
        new=made("workflows", name="Nurture"),
        change=changed("workflows", version=2),
        gone=deleted("workflows"),
    ),
    Scene(
        trigger="ghl.snapshots.list",
        new=made("snapshots", name="Roofer"),
        change=changed("snapshots", name="Roofers"),
        gone=deleted("snapshots"),
    ),
    Scene(
        trigger="ghl.campaigns.list",
        new=made("campaigns", name="Spring"),
        change=changed("campaigns", status="published"),
        gone=deleted("campaigns"),
    ),
    Scene(
        trigger="ghl.locations.list",
        new=a_location,
        change=lambda a, p: put("/locations/{it}", name="South", companyId=a.company)(a, p),
        gone=deleted("locations"),
    ),
    Scene(
        trigger="ghl.locations.custom_fields.list",
        new=made("customFields", name="Colour", fieldKey="contact.colour"),
        change=changed("customFields", name="Color"),
        gone=deleted("customFields"),
    ),
    Scene(
        trigger="ghl.companies.get",
        change=company_renamed,
        gone=company_gone,
    ),
    Scene(trigger="ghl.associations.list", new=keyed, change=RELABELLED, gone=UNRELATED),
    Scene(
        trigger="ghl.associations.get",
        before=lambda a: {"associationId": keyed(a, {})},
        change=RELABELLED,
        gone=UNRELATED,
    ),
    Scene(
        trigger="ghl.associations.get_by_key",
        before=lambda a: {"key_name": "owner"},
        new=keyed,
        change=RELABELLED,
        gone=UNRELATED,
    ),
    Scene(
        trigger="ghl.associations.by_object_key",
        before=lambda a: {"objectKey": "contact"},
        new=keyed,
        change=RELABELLED,
        gone=UNRELATED,
    ),
    Scene(
        trigger="ghl.associations.relations.by_record",
        before=related,
        new=a_relation,
        gone=gone_relation,
    ),
    Scene(
        trigger="ghl.blogs.authors.list",
        new=made("authors", name="Ida Field"),
        change=changed("authors", name="Ida Fields"),
        gone=deleted("authors"),
    ),
    Scene(
        trigger="ghl.blogs.categories.list",
        new=made("categories", label="Roofs"),
        change=changed("categories", label="All roofs"),
        gone=deleted("categories"),
    ),
    Scene(
        trigger="ghl.blogs.posts.list",
        before=lambda a: {"blogId": a.first("blogs")},
        new=a_post,
        change=post_changed,
        gone=deleted("posts"),
    ),
    Scene(
        trigger="ghl.blogs.sites.list",
        new=made("blogs", name="Old news"),
        change=changed("blogs", name="Older news"),
        gone=deleted("blogs"),
    ),
)
