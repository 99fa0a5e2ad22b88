"""The kinds of record the sandbox holds, as rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One kind of record.

    `word` names it in refusals. `added` and `updated` are the fields that hold its times, in milliseconds. `ordered`
    tables keep their records sorted by both, `lookups` are fields by whose value records are found at once.
    `hexadecimal` ids have 24 digits. `home` is what its records belong to.
    """

    name: str
    word: str
    added: str | None = "dateAdded"
    updated: str | None = "dateUpdated"
    ordered: bool = False
    lookups: tuple[str, ...] = ()
    hexadecimal: bool = False
    home: str = "location"


ROWS = (
    Table(name="contacts", word="Contact", ordered=True, lookups=("email", "phone", "businessId")),
    Table(name="tasks", word="Task", lookups=("contactId",)),
    Table(name="notes", word="Note", lookups=("contactId",)),
    Table(name="campaigns", word="Campaign"),
    Table(name="workflows", word="Workflow", added="createdAt", updated="updatedAt"),
    Table(name="customFields", word="Custom field", added=None, updated=None),
    Table(name="businesses", word="Business", added="createdAt", updated="updatedAt"),
    Table(name="companies", word="Company", added=None, updated=None, home="company"),
    Table(name="locations", word="Location", home="company"),
    Table(name="users", word="User", home="company", lookups=("email",)),
    Table(name="appointments", word="Appointment", lookups=("contactId", "calendarId")),
    Table(name="calendars", word="Calendar", added=None, updated=None),
)
TABLES = {row.name: row for row in ROWS}
