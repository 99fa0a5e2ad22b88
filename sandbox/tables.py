"""The kinds of record the sandbox holds, as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One kind of record.

    `word` names it in refusals. `added` and `updated` are the fields that hold its times, in milliseconds, `moments`
    others that do; `follows` says which time moves with which field. `sorted_by` are fields with times by which its
    records are kept in order, `lookups` fields by whose value records are found at once. `hexadecimal` ids have 24
    digits, others 20 letters and digits after a `prefix`. `home` is what its records belong to. `blank` is what the
    answers show of a record that was made without it.
    """

    name: str
    word: str
    added: str | None = "dateAdded"
    updated: str | None = "dateUpdated"
    moments: tuple[str, ...] = ()
    follows: Mapping[str, str] = field(default_factory=dict)
    sorted_by: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    hexadecimal: bool = False
    prefix: str = ""
    home: str = "location"
    blank: Mapping[str, Any] = field(default_factory=dict)


def _plain(name: str, word: str, **more: Any) -> Table:
    """A table whose records carry no times."""
    return Table(name=name, word=word, added=None, updated=None, **more)


def _mongo(name: str, word: str, **more: Any) -> Table:
    """A table with the times and ids of the vendor's newer services."""
    return Table(name=name, word=word, added="createdAt", updated="updatedAt", hexadecimal=True, **more)


def _rankr(name: str, word: str, prefix: str, **more: Any) -> Table:
    """A table of Rankr's one account."""
    times: dict[str, Any] = {"added": "created_at", "updated": "updated_at"}
    return Table(name=f"rankr.{name}", word=word, prefix=prefix, home="rankr", **times, **more)


CONTACT = {"type": "lead", "dnd": False, "tags": [], "customFields": [], "followers": [], "country": "US"}
DEAL = {
    **dict.fromkeys(("contactId", "pipelineId", "pipelineStageId", "name"), ""),
    "status": "open",
    "monetaryValue": 0,
    "followers": [],
    "customFields": [],
    "source": "api",
}
MESSAGE = {
    "messageType": "TYPE_SMS",
    "type": 2,
    "direction": "outbound",
    "status": "pending",
    "body": "",
    "attachments": [],
    "source": "app",
    "contentType": "text/plain",
}
EMAIL = {"body": "", "direction": "outbound", "status": "pending", "contentType": "text/html", "from": "", "to": []}
TALK = {"deleted": False, "inbox": True, "unreadCount": 0, "starred": False}
EVENT = {"title": "", "assignedUserId": "", "users": []}
POST = dict.fromkeys(("title", "description", "imageUrl", "imageAltText", "urlSlug", "publishedAt"), "")
DOCUMENT = {
    "name": "",
    "type": "proposal",
    "deleted": False,
    "isExpired": False,
    "documentRevision": 1,
    "fillableFields": [],
    "grandTotal": {"amount": 0, "currency": "USD", "discountPercentage": 0, "discounts": []},
    "locale": "en-US",
    "status": ["draft"],
    "paymentStatus": ["no_payment"],
    "recipients": [],
    "links": [],
}
ASSOCIATION = {
    "key": "",
    "firstObjectLabel": "",
    "firstObjectKey": "",
    "secondObjectLabel": "",
    "secondObjectKey": "",
    "associationType": "USER_DEFINED",
}
TEMPLATE = {
    "name": "",
    "type": "proposal",
    "version": 1,
    "deleted": False,
    "isPublicDocument": False,
    "documentCount": 0,
    "updatedBy": "",
}
ROLES = {"type": "account", "role": "user", "locationIds": [], "restrictSubAccount": False}
WORKDAY = [{"openHour": 9, "openMinute": 0, "closeHour": 17, "closeMinute": 0}]
CALENDAR = {
    "name": "",
    "isActive": True,
    "calendarType": "event",
    "widgetType": "classic",
    "eventTitle": "{{contact.name}}",
    "eventColor": "#039be5",
    "slotDuration": 30,
    "slotDurationUnit": "mins",
    "slotInterval": 30,
    "slotIntervalUnit": "mins",
    "appoinmentPerSlot": 1,
    "autoConfirm": True,
    "allowReschedule": True,
    "allowCancellation": True,
    "openHours": [{"daysOfTheWeek": [1, 2, 3, 4, 5], "hours": WORKDAY}],
    "teamMembers": [],
}
RANKR_PERSON: dict[str, Any] = {
    **dict.fromkeys(("external_id", "email", "phone", "company")),
    "name": "",
    "fields": {},
}
RANKR_PAPER: dict[str, Any] = {
    **dict.fromkeys(("external_id", "template_id", "client_id", "client")),
    "title": "",
    "status": "draft",
    "fields": {},
}
RANKR_DOCUMENT: dict[str, Any] = {
    **dict.fromkeys(("content", "url", "contract_id", "purpose")),
    "signers": [],
    "attachments": [],
}
RANKR_CONTRACT = dict.fromkeys(("document_id", "starts_at", "ends_at", "value", "currency"))
DEAL_TIMES = ("createdAt", "updatedAt", "lastStageChangeAt", "lastStatusChangeAt")

ROWS = (
    Table(
        name="contacts",
        word="Contact",
        sorted_by=("dateAdded", "dateUpdated"),
        lookups=("email", "phone", "businessId"),
        blank=CONTACT,
    ),
    Table(name="tasks", word="Task", lookups=("contactId",)),
    Table(name="notes", word="Note", lookups=("contactId",)),
    Table(name="campaigns", word="Campaign", blank={"name": "", "status": "draft"}),
    Table(
        name="workflows",
        word="Workflow",
        added="createdAt",
        updated="updatedAt",
        blank={"name": "", "status": "draft", "version": 1},
    ),
    _plain("customFields", "Custom field", blank={"model": "contact", "dataType": "TEXT", "fieldKey": "contact."}),
    Table(name="businesses", word="Business", added="createdAt", updated="updatedAt", blank={"name": ""}),
    _plain("companies", "Company", home="company"),
    Table(name="locations", word="Location", home="company", blank={"name": "", "timezone": "UTC", "settings": {}}),
    _plain("snapshots", "Snapshot", home="company", blank={"name": "", "type": "own"}),
    Table(
        name="users",
        word="User",
        home="company",
        lookups=("email",),
        blank={"name": "", "email": "", "extension": "", "roles": ROLES, "deleted": False, "permissions": {}},
    ),
    _plain("groups", "Calendar group", lookups=("slug",), blank={"name": "", "description": "", "slug": ""}),
    _plain("calendars", "Calendar", lookups=("groupId",), blank=CALENDAR),
    Table(
        name="appointments",
        word="Appointment",
        moments=("startTime", "endTime"),
        lookups=("contactId", "calendarId"),
        blank={**EVENT, "appointmentStatus": "confirmed"},
    ),
    Table(name="blockedSlots", word="Event", moments=("startTime", "endTime"), lookups=("calendarId",), blank=EVENT),
    Table(name="appointmentNotes", word="Note", lookups=("appointmentId",), blank={"body": ""}),
    _mongo("notifications", "Notification", lookups=("calendarId",), blank={"isActive": True, "deleted": False}),
    _mongo(
        "resources",
        "Resource",
        blank={"name": "", "resourceType": "rooms", "isActive": True, "calendarIds": []},
    ),
    Table(name="pipelines", word="Pipeline", blank={"name": "", "stages": []}),
    Table(
        name="opportunities",
        word="Opportunity",
        added="createdAt",
        updated="updatedAt",
        moments=("lastStageChangeAt", "lastStatusChangeAt"),
        follows={"pipelineStageId": "lastStageChangeAt", "status": "lastStatusChangeAt"},
        sorted_by=DEAL_TIMES,
        lookups=("contactId",),
        blank=DEAL,
    ),
    Table(
        name="conversations",
        word="Conversation",
        moments=("lastMessageDate",),
        sorted_by=("dateAdded", "lastMessageDate"),
        lookups=("contactId",),
        blank=TALK,
    ),
    Table(name="messages", word="Message", lookups=("conversationId",), blank=MESSAGE),
    Table(name="emails", word="Email message", blank=EMAIL),
    _plain("associations", "Association", lookups=("key",), blank=ASSOCIATION),
    _plain("relations", "Relation", lookups=("firstRecordId", "secondRecordId", "associationId")),
    _mongo("blogs", "Blog", blank={"name": ""}),
    _mongo("authors", "Author", blank={"name": "", "canonicalLink": ""}),
    _mongo("categories", "Category", blank={"label": "", "canonicalLink": "", "urlSlug": ""}),
    _mongo(
        "posts",
        "Blog post",
        lookups=("urlSlug", "blogId"),
        blank={**POST, "categories": [], "tags": [], "status": "DRAFT"},
    ),
    _mongo("documents", "Document", blank=DOCUMENT),
    _mongo("templates", "Template", blank=TEMPLATE),
    _rankr(
        "leads",
        "lead",
        "lead_",
        lookups=("external_id", "email"),
        blank={**RANKR_PERSON, "status": "new", "source": "website", "client_id": None},
    ),
    _rankr(
        "clients",
        "client",
        "cli_",
        lookups=("external_id", "email"),
        blank={**RANKR_PERSON, "status": "active", "address": None, "lead_id": None},
    ),
    _rankr(
        "contacts",
        "contact",
        "per_",
        lookups=("external_id", "email"),
        blank={**RANKR_PERSON, "client_id": None},
    ),
    _rankr("templates", "template", "tpl_", blank={"name": "", "kind": "document", "fields": [], "content": ""}),
    _rankr(
        "documents",
        "document",
        "doc_",
        follows={"status": "status_changed_at"},
        blank={**RANKR_PAPER, **RANKR_DOCUMENT},
    ),
    _rankr(
        "contracts",
        "contract",
        "con_",
        moments=("starts_at", "ends_at"),
        follows={"status": "status_changed_at"},
        blank={**RANKR_PAPER, **RANKR_CONTRACT},
    ),
    _rankr(
        "reminders",
        "reminder",
        "rem_",
        moments=("at",),
        blank={"at": 0, "subject": "", **dict.fromkeys(("note", "record_type", "record_id"))},
    ),
    _plain("rankr.apps", "App", home="rankr"),
    _plain("rankr.tokens", "Access token", home="rankr"),
    _plain("accessTokens", "Access token", home="company"),
    _plain("refreshTokens", "Refresh token", home="company"),
    _plain("codes", "Authorization code", home="company"),
    _plain("apps", "App", home="sandbox"),
    _plain("settings", "Settings", home="sandbox"),
)
TABLES = {row.name: row for row in ROWS}
