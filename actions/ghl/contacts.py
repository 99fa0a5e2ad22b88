"""Contacts, their tags, tasks, notes and campaigns."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Bulk, Guarded, Probe, Unsafe
from connections.fields import BirthDate, CustomFields, DateTime, Email, Phone
from connections.names import Named, UserId
from connections.operation import Empty, LocationId, delete, get, post, put

CATEGORY = "Contacts"

READ = ("contacts.readonly",)
WRITE = ("contacts.write",)


class Dnd(TypedDict, total=False):
    """Do not disturb, on one channel."""

    status: Required[Literal["active", "inactive", "permanent"]]
    message: str
    code: str


class DndSettings(TypedDict, total=False):
    """Do not disturb, channel by channel."""

    Call: Dnd
    Email: Dnd
    SMS: Dnd
    WhatsApp: Dnd
    GMB: Dnd
    FB: Dnd


class InboundDnd(TypedDict, total=False):
    """Do not disturb, for what comes in."""

    status: Required[Literal["active", "inactive"]]
    message: str


class InboundDndSettings(TypedDict, total=False):
    """Do not disturb, for what comes in on all channels."""

    all: InboundDnd


class Person(TypedDict, total=False):
    """What a contact holds; `null` clears a field where the vendor allows it."""

    firstName: str | None
    lastName: str | None
    name: str | None
    email: Email | None
    phone: Phone | None
    address1: str | None
    city: str | None
    state: str | None
    postalCode: str
    country: Annotated[str, Field(description="The country's two letters, as in US.")]
    website: str | None
    timezone: Annotated[str | None, Field(description="A time zone, as in America/Chihuahua.")]
    dnd: Annotated[bool, Field(description="Do not disturb, on all channels.")]
    dndSettings: DndSettings
    inboundDndSettings: InboundDndSettings
    tags: Annotated[list[str], Field(description="All the tags: they replace those that the contact has.")]
    customFields: CustomFields
    dateOfBirth: BirthDate | None


class NewPerson(Person, total=False):
    """A contact that does not exist yet."""

    locationId: Required[LocationId]
    gender: str
    source: Annotated[str, Field(description="Where the contact comes from, as in `public api`.")]
    companyName: str | None
    assignedTo: Annotated[UserId, Field(description="Who looks after the contact.")]


class ChangedPerson(Person, total=False):
    """A contact's fields that change; the others stay as they are."""

    source: str | None
    assignedTo: Annotated[UserId | None, Named("user"), Field(description="Who looks after it.")]


class UpsertedPerson(NewPerson, total=False):
    """A contact that may exist."""

    createNewIfDuplicateAllowed: Annotated[
        bool, Field(description="Make a new one at once, without looking, where the location allows duplicates.")
    ]


class Duplicate(TypedDict, total=False):
    """Whom to look for."""

    locationId: Required[LocationId]
    email: Email
    number: Phone


class Tags(TypedDict, total=False):
    """Tags by name."""

    tags: Required[list[str]]


class ManyTags(Tags, total=False):
    """Tags, and the contacts they are for."""

    contacts: Required[Annotated[list[str], Field(description="The ids of the contacts.")]]
    locationId: Required[LocationId]
    removeAllTags: Annotated[bool, Field(description="Remove all tags; only with the type `remove`.")]


class TaskDetails(TypedDict, total=False):
    """What every task may have."""

    body: str
    assignedTo: Annotated[UserId, Field(description="Who is to do it.")]


class NewTask(TaskDetails, total=False):
    """A task that does not exist yet."""

    title: Required[str]
    dueDate: Required[DateTime]
    completed: Required[bool]


class Task(TaskDetails, total=False):
    """A task's fields that change."""

    title: str
    dueDate: DateTime
    completed: bool


class Done(TypedDict, total=False):
    """Whether a task is done."""

    completed: Required[bool]


class NoteDetails(TypedDict, total=False):
    """What every note may have."""

    userId: Annotated[UserId, Field(description="Whose note it is.")]
    title: str
    color: Annotated[str, Field(description="A colour, as in #FFAA00.")]
    pinned: bool


class NewNote(NoteDetails, total=False):
    """A note that does not exist yet."""

    body: Required[str]


class Note(NoteDetails, total=False):
    """A note's fields that change."""

    body: str


class Search(TypedDict, total=False):
    """A look at the newest contacts."""

    locationId: Required[LocationId]


NEWEST = Probe(
    find=post("/contacts/search", Search),
    records="contacts",
    fixed={"pageLimit": 100, "sort": [{"field": "dateAdded", "direction": "desc"}]},
    same={"firstNameLowerCase|firstName": "firstName", "lastNameLowerCase|lastName": "lastName"},
    since="dateAdded",
    settles=timedelta(seconds=30),
)

ROWS = (
    Action(
        id="ghl.contacts.create",
        summary="Create a contact",
        send=post("/contacts/", NewPerson),
        repeat=Guarded(
            probe=Probe(
                find=get("/contacts/search/duplicate", Duplicate),
                records="contact",
                asks={"email": "email", "number": "phone"},
                since="dateAdded",
                otherwise=NEWEST,
            ),
            refusals={"does not allow duplicated contacts": "meta.contactId"},
        ),
        returns="contact.id",
        one_of=("email", "phone", "firstName", "lastName", "name"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.update",
        summary="Change a contact's fields",
        send=put("/contacts/{contactId}", ChangedPerson),
        returns="contact.id",
        scopes=WRITE,
        warning="`tags` replaces all tags of the contact: ghl.contacts.tags.add and .remove change single ones",
        warned=("tags",),
    ),
    Action(
        id="ghl.contacts.find",
        summary="Find a contact by e-mail address, phone number or id",
        send=get("/contacts/search/duplicate", Duplicate),
        instead={"contactId": get("/contacts/{contactId}")},
        returns="contact.id",
        one_of=("email", "number", "contactId"),
        scopes=READ,
    ),
    Action(
        id="ghl.contacts.delete",
        summary="Delete a contact",
        send=delete("/contacts/{contactId}"),
        missing_is_done=True,
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.upsert",
        summary="Update the contact with this e-mail address or phone number, or create it",
        send=post("/contacts/upsert", UpsertedPerson),
        returns="contact.id",
        one_of=("email", "phone"),
        scopes=WRITE,
        warning="`tags` replaces all tags; with `createNewIfDuplicateAllowed` a repeat may create a second contact",
        warned=("tags", "createNewIfDuplicateAllowed"),
    ),
    Action(
        id="ghl.contacts.tags.add",
        summary="Add tags to a contact",
        send=post("/contacts/{contactId}/tags", Tags),
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.tags.remove",
        summary="Remove tags from a contact",
        send=delete("/contacts/{contactId}/tags", Tags),
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.tags.bulk_update",
        summary="Add tags to many contacts, or remove them",
        send=post("/contacts/bulk/tags/update/{type}", ManyTags, enums={"type": ("add", "remove")}),
        returns="responses",
        # assumed: no limit is documented (highlevel-api-docs issue 315), one user of the API reports 500
        bulk=Bulk(field="contacts", limit=100),
        scopes=WRITE,
        warning="The answer may be a success although single contacts were refused: see `errorCount` and `responses`",
    ),
    Action(
        id="ghl.contacts.tasks.create",
        summary="Create a task for a contact",
        send=post("/contacts/{contactId}/tasks", NewTask),
        repeat=Unsafe(
            probe=Probe(
                find=get("/contacts/{contactId}/tasks"),
                records="tasks",
                asks={"contactId": "contactId"},
                same={"title": "title", "body": "body", "dueDate": "dueDate", "assignedTo": "assignedTo"},
            )
        ),
        returns="task.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.tasks.update",
        summary="Change a contact's task",
        send=put("/contacts/{contactId}/tasks/{taskId}", Task),
        returns="task.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.tasks.complete",
        summary="Mark a contact's task as done, or as not done",
        send=put("/contacts/{contactId}/tasks/{taskId}/completed", Done),
        returns="task.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.tasks.delete",
        summary="Delete a contact's task",
        send=delete("/contacts/{contactId}/tasks/{taskId}"),
        missing_is_done=True,
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.notes.create",
        summary="Add a note to a contact",
        send=post("/contacts/{contactId}/notes", NewNote),
        repeat=Unsafe(
            probe=Probe(
                find=get("/contacts/{contactId}/notes"),
                records="notes",
                asks={"contactId": "contactId"},
                same={"body": "body", "userId": "userId"},
                since="dateAdded",
            )
        ),
        returns="note.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.notes.update",
        summary="Change a contact's note",
        send=put("/contacts/{contactId}/notes/{id}", Note),
        returns="note.id",
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.notes.delete",
        summary="Delete a contact's note",
        send=delete("/contacts/{contactId}/notes/{id}"),
        missing_is_done=True,
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.campaigns.add",
        summary="Add a contact to a campaign",
        send=post("/contacts/{contactId}/campaigns/{campaignId}", Empty),
        repeat=Unsafe(),
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.campaigns.remove",
        summary="Remove a contact from a campaign",
        send=delete("/contacts/{contactId}/campaigns/{campaignId}"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.contacts.campaigns.remove_all",
        summary="Remove a contact from all campaigns",
        send=delete("/contacts/{contactId}/campaigns/removeAll"),
        scopes=WRITE,
    ),
)
