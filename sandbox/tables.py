"""The kinds of record the sandbox holds, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One kind of record.

    `word` names it in refusals. `added` and `updated` are the fields that hold its times, in milliseconds. `sorted_by`
    are fields with times by which its records are kept in order, `lookups` fields by whose value records are found at
    once. `hexadecimal` ids have 24 digits. `home` is what its records belong to.
    """

    name: str
    word: str
    added: str | None = "dateAdded"
    updated: str | None = "dateUpdated"
    sorted_by: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    hexadecimal: bool = False
    home: str = "location"


def _plain(name: str, word: str, **more: Any) -> Table:
    """A table whose records carry no times."""
    return Table(name=name, word=word, added=None, updated=None, **more)


def _mongo(name: str, word: str, **more: Any) -> Table:
    """A table with the times and ids of the vendor's newer services."""
    return Table(name=name, word=word, added="createdAt", updated="updatedAt", hexadecimal=True, **more)


BOTH = ("dateAdded", "dateUpdated")
ROWS = (
    Table(name="contacts", word="Contact", sorted_by=BOTH, lookups=("email", "phone", "businessId")),
    Table(name="tasks", word="Task", lookups=("contactId",)),
    Table(name="notes", word="Note", lookups=("contactId",)),
    Table(name="campaigns", word="Campaign"),
    Table(name="workflows", word="Workflow", added="createdAt", updated="updatedAt"),
    _plain("customFields", "Custom field"),
    Table(name="businesses", word="Business", added="createdAt", updated="updatedAt"),
    _plain("companies", "Company", home="company"),
    Table(name="locations", word="Location", home="company"),
    _plain("snapshots", "Snapshot", home="company"),
    Table(name="users", word="User", home="company", lookups=("email",)),
    _plain("groups", "Calendar group", lookups=("slug",)),
    _plain("calendars", "Calendar", lookups=("groupId",)),
    Table(name="appointments", word="Appointment", lookups=("contactId", "calendarId")),
    Table(name="blockedSlots", word="Event", lookups=("calendarId",)),
    Table(name="appointmentNotes", word="Note", lookups=("appointmentId",)),
    _mongo("notifications", "Notification", lookups=("calendarId",)),
    _mongo("resources", "Resource"),
    Table(name="pipelines", word="Pipeline"),
    Table(
        name="opportunities",
        word="Opportunity",
        added="createdAt",
        updated="updatedAt",
        sorted_by=("createdAt", "updatedAt", "lastStageChangeAt", "lastStatusChangeAt"),
        lookups=("contactId",),
    ),
    Table(
        name="conversations", word="Conversation", sorted_by=("dateAdded", "lastMessageDate"), lookups=("contactId",)
    ),
    Table(name="messages", word="Message", lookups=("conversationId",)),
    Table(name="emails", word="Email message"),
    Table(name="associations", word="Association", lookups=("key",)),
    Table(name="relations", word="Relation", lookups=("firstRecordId", "secondRecordId", "associationId")),
    _mongo("blogs", "Blog"),
    _mongo("authors", "Author"),
    _mongo("categories", "Category"),
    _mongo("posts", "Blog post", lookups=("urlSlug", "blogId")),
    _plain("accessTokens", "Access token", home="company"),
    _plain("refreshTokens", "Refresh token", home="company"),
    _plain("codes", "Authorization code", home="company"),
    _plain("apps", "App", home="sandbox"),
    _plain("settings", "Settings", home="sandbox"),
    _mongo("documents", "Document"),
    _mongo("templates", "Template"),
)
TABLES = {row.name: row for row in ROWS}
