"""What each action is to bring about: its inputs, the vendor's records before and after it, the id that it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.operations.scenes import in_days
from tests.operations.vendor import Account

Inputs = Mapping[str, Any]
NOBODY = "nobody00000000000000"
"""An id that nothing has."""


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One action carried out once.

    `seen` looks at the vendor's records, and gives `before` until the action has taken effect and `after` from then on;
    an action that only reads leaves it as it is. `result` is the id that is kept. `refused` changes the inputs so that
    the vendor refuses them with `words`.
    """

    action: str
    given: Callable[[Account], dict[str, Any]]
    seen: Callable[[Account, Inputs], Any]
    before: Any
    after: Any
    result: Callable[[Account, Inputs], str | None] = lambda _a, _i: None
    refused: Callable[[Account, dict[str, Any]], dict[str, Any]] | None = None
    words: str = "not found"
    variant: str = ""

    @property
    def name(self) -> str:
        return f"{self.action}{self.variant}"


Refused = Callable[[Account, dict[str, Any]], dict[str, Any]]


def unknown(*names: str) -> Refused:
    """These inputs name something that is not there."""
    return lambda _a, inputs: {**inputs, **dict.fromkeys(names, NOBODY)}


def same(name: str) -> Callable[[Account, Inputs], str]:
    """The id that was given."""
    return lambda _a, inputs: str(inputs[name])


def makes(
    action: str,
    table: str,
    by: Mapping[str, str],
    given: Callable[[Account], dict[str, Any]],
    **more: Any,
) -> Deed:
    """An action that makes one record, known by some of its fields: field -> input."""

    def found(a: Account, inputs: Inputs) -> list[dict[str, Any]]:
        return a.held(table, **{field: inputs[name] for field, name in by.items()})

    return Deed(
        action=action,
        given=given,
        seen=lambda a, inputs: len(found(a, inputs)),
        before=0,
        after=1,
        result=lambda a, inputs: str(found(a, inputs)[0]["id"]),
        **more,
    )


def changes(
    action: str,
    table: str,
    key: str,
    given: Callable[[Account], dict[str, Any]],
    **more: Any,
) -> Deed:
    """An action that changes the record whose id is the input `key`; `field` is what it changes."""
    field, values = more.pop("field"), {"refused": unknown(key), **more}
    return Deed(action=action, given=given, seen=lambda a, i: a.one(table, i[key]).get(field), **values)


def removes(action: str, table: str, key: str, given: Callable[[Account], dict[str, Any]]) -> Deed:
    """An action that deletes the record whose id is the input `key`."""
    return Deed(
        action=action, given=given, seen=lambda a, inputs: bool(a.one(table, inputs[key])), before=True, after=False
    )


def of_contact(path: str, name: str, of: Mapping[str, Any], **more: Any) -> Callable[[Account], dict[str, Any]]:
    """A contact, the id of a new thing that hangs on it, and more inputs."""

    def given(a: Account) -> dict[str, Any]:
        contact = a.contact()
        thing = next(v for v in a.post(f"/contacts/{contact}/{path}", dict(of)).values() if isinstance(v, dict))
        return {"contactId": contact, name: thing["id"], **more}

    return given


def in_campaign(a: Account) -> dict[str, Any]:
    given = {"contactId": a.contact(), "campaignId": a.first("campaigns")}
    a.post("/contacts/{contactId}/campaigns/{campaignId}".format(**given), {})
    return given


def in_workflow(a: Account) -> dict[str, Any]:
    given = {"contactId": a.contact(), "workflowId": a.first("workflows")}
    a.post("/contacts/{contactId}/workflow/{workflowId}".format(**given), {})
    return given


def followed(path: str, key: str, make: Callable[[Account], str]) -> Callable[[Account], dict[str, Any]]:
    """Something that has a follower."""

    def given(a: Account) -> dict[str, Any]:
        thing = make(a)
        a.post(f"/{path}/{thing}/followers", {"followers": ["u1"]})
        return {key: thing, "followers": ["u1"]}

    return given


TASK = {"title": "Call", "dueDate": "2026-12-01T10:00:00Z", "completed": False}
NEW_TASK = {**TASK, "title": "Measure the roof", "body": "With <b>both</b> ladders"}
ADA = {"email": "ada@example.com", "firstName": "Ada", "lastName": "Byron"}
UNKNOWN_FIELD = {"customFields": [{"id": NOBODY, "field_value": "1"}]}

CONTACTS = (
    makes(
        "ghl.contacts.create",
        "contacts",
        {"email": "email"},
        lambda _: dict(ADA),
        refused=lambda _, inputs: {**inputs, **UNKNOWN_FIELD},
    ),
    makes("ghl.contacts.create", "contacts", {"phone": "phone"}, lambda _: {"phone": "+15550123"}, variant="-by-phone"),
    makes(
        "ghl.contacts.create",
        "contacts",
        {"firstName": "firstName", "lastName": "lastName"},
        lambda _: {"firstName": "Ada", "lastName": "Byron"},
        variant="-by-name",
    ),
    changes(
        "ghl.contacts.update",
        "contacts",
        "contactId",
        lambda a: {"contactId": a.contact(), "city": "Bern"},
        field="city",
        before=None,
        after="Bern",
        result=same("contactId"),
    ),
    Deed(
        action="ghl.contacts.find",
        given=lambda a: {"email": a.one("contacts", a.contact())["email"]},
        seen=lambda a, _: len(a.held("contacts")),
        before=1,
        after=1,
        result=lambda a, _: a.first("contacts"),
        refused=lambda _a, _i: {"contactId": NOBODY},
    ),
    removes("ghl.contacts.delete", "contacts", "contactId", lambda a: {"contactId": a.contact()}),
    makes(
        "ghl.contacts.upsert",
        "contacts",
        {"email": "email"},
        lambda _: dict(ADA),
        refused=lambda _, inputs: {**inputs, **UNKNOWN_FIELD},
    ),
    changes(
        "ghl.contacts.tags.add",
        "contacts",
        "contactId",
        lambda a: {"contactId": a.contact(tags=["lead"]), "tags": ["VIP"]},
        field="tags",
        before=["lead"],
        after=["lead", "vip"],
    ),
    changes(
        "ghl.contacts.tags.remove",
        "contacts",
        "contactId",
        lambda a: {"contactId": a.contact(tags=["lead", "vip"]), "tags": ["vip"]},
        field="tags",
        before=["lead", "vip"],
        after=["lead"],
    ),
    Deed(
        action="ghl.contacts.tags.bulk_update",
        given=lambda a: {"type": "add", "contacts": [a.contact(), a.contact()], "tags": ["vip"]},
        seen=lambda a, inputs: [a.one("contacts", id_)["tags"] for id_ in inputs["contacts"]],
        before=[[], []],
        after=[["vip"], ["vip"]],
    ),
    makes(
        "ghl.contacts.tasks.create",
        "tasks",
        {"title": "title", "contactId": "contactId"},
        lambda a: {"contactId": a.contact(), **NEW_TASK},
        refused=unknown("contactId"),
    ),
    changes(
        "ghl.contacts.tasks.update",
        "tasks",
        "taskId",
        of_contact("tasks", "taskId", TASK, title="Call again"),
        field="title",
        before="Call",
        after="Call again",
        result=same("taskId"),
    ),
    changes(
        "ghl.contacts.tasks.complete",
        "tasks",
        "taskId",
        of_contact("tasks", "taskId", TASK, completed=True),
        field="completed",
        before=False,
        after=True,
        result=same("taskId"),
    ),
    removes("ghl.contacts.tasks.delete", "tasks", "taskId", of_contact("tasks", "taskId", TASK)),
    makes(
        "ghl.contacts.notes.create",
        "notes",
        {"body": "body", "contactId": "contactId"},
        lambda a: {"contactId": a.contact(), "body": "<p>Wants   a new roof</p>"},
        refused=unknown("contactId"),
    ),
    changes(
        "ghl.contacts.notes.update",
        "notes",
        "id",
        of_contact("notes", "id", {"body": "Call"}, body="Called"),
        field="body",
        before="Call",
        after="Called",
        result=same("id"),
    ),
    removes("ghl.contacts.notes.delete", "notes", "id", of_contact("notes", "id", {"body": "Call"})),
    Deed(
        action="ghl.contacts.campaigns.add",
        given=lambda a: {"contactId": a.contact(), "campaignId": a.first("campaigns")},
        seen=lambda a, inputs: len(a.one("contacts", inputs["contactId"]).get("campaigns", [])),
        before=0,
        after=1,
        refused=unknown("campaignId"),
    ),
    Deed(
        action="ghl.contacts.campaigns.remove",
        given=in_campaign,
        seen=lambda a, inputs: len(a.one("contacts", inputs["contactId"])["campaigns"]),
        before=1,
        after=0,
        refused=unknown("campaignId"),
    ),
    Deed(
        action="ghl.contacts.campaigns.remove_all",
        given=lambda a: {"contactId": in_campaign(a)["contactId"]},
        seen=lambda a, inputs: len(a.one("contacts", inputs["contactId"])["campaigns"]),
        before=1,
        after=0,
        refused=unknown("contactId"),
    ),
    Deed(
        action="ghl.workflows.contacts.add",
        given=lambda a: {"contactId": a.contact(), "workflowId": a.first("workflows")},
        seen=lambda a, inputs: len(a.one("contacts", inputs["contactId"]).get("workflows", [])),
        before=0,
        after=1,
        refused=unknown("workflowId"),
    ),
    Deed(
        action="ghl.workflows.contacts.remove",
        given=in_workflow,
        seen=lambda a, inputs: len(a.one("contacts", inputs["contactId"])["workflows"]),
        before=1,
        after=0,
        refused=unknown("workflowId"),
    ),
    changes(
        "ghl.contacts.followers.add",
        "contacts",
        "contactId",
        lambda a: {"contactId": a.contact(), "followers": ["u1"]},
        field="followers",
        before=[],
        after=["u1"],
    ),
    changes(
        "ghl.contacts.followers.remove",
        "contacts",
        "contactId",
        followed("contacts", "contactId", Account.contact),
        field="followers",
        before=["u1"],
        after=[],
    ),
    Deed(
        action="ghl.contacts.business.bulk_update",
        given=lambda a: {"ids": [a.contact()], "businessId": a.post("/businesses/", name="Acme")["buiseness"]["id"]},
        seen=lambda a, inputs: a.one("contacts", inputs["ids"][0]).get("businessId") == inputs["businessId"],
        before=False,
        after=True,
        refused=unknown("businessId"),
    ),
)

# Calendars.


def group(a: Account) -> str:
    return str(a.post("/calendars/groups", name="North", description="-", slug="north")["group"]["id"])


def second_calendar(a: Account) -> str:
    return str(a.post("/calendars/", name="Second visit")["calendar"]["id"])


def booking(a: Account) -> str:
    return a.appointment(a.contact(), in_days(3))


def block(a: Account) -> str:
    times = {"startTime": in_days(3, 15), "endTime": in_days(3, 16)}
    return str(a.post("/calendars/events/block-slots", calendarId=a.first("calendars"), title="Fair", **times)["id"])


def booking_note(a: Account) -> dict[str, Any]:
    appointment = booking(a)
    note = a.post(f"/calendars/appointments/{appointment}/notes", {"body": "Ring"})["note"]["id"]
    return {"appointmentId": appointment, "noteId": note}


def notification(a: Account) -> dict[str, Any]:
    calendar = a.first("calendars")
    kind = {"receiverType": "contact", "channel": "email", "notificationType": "reminder"}
    made = a.post(f"/calendars/{calendar}/notifications", [kind])[0]["_id"]
    return {"calendarId": calendar, "notificationId": made}


ROOM = {"name": "Hall", "description": "-", "quantity": 1, "outOfService": 0, "capacity": 20, "calendarIds": []}


def room(a: Account) -> dict[str, Any]:
    return {"resourceType": "rooms", "id": a.post("/calendars/resources/rooms", **ROOM)["_id"]}


def slot_of(a: Account, inputs: dict[str, Any]) -> dict[str, Any]:
    """Somebody else takes the slot."""
    a.appointment(a.contact(), inputs["startTime"])
    return inputs


CALENDARS = (
    makes(
        "ghl.calendars.groups.create",
        "groups",
        {"slug": "slug"},
        lambda _: {"name": "South", "description": "-", "slug": "south"},
        refused=lambda a, inputs: {**inputs, "slug": a.one("groups", group(a))["slug"]},
        words="A group with the slug north already exists",
    ),
    changes(
        "ghl.calendars.groups.update",
        "groups",
        "groupId",
        lambda a: {"groupId": group(a), "name": "Far north", "description": "-", "slug": "north"},
        field="name",
        before="North",
        after="Far north",
        result=same("groupId"),
    ),
    changes(
        "ghl.calendars.groups.set_status",
        "groups",
        "groupId",
        lambda a: {"groupId": group(a), "isActive": False},
        field="isActive",
        before=True,
        after=False,
    ),
    removes("ghl.calendars.groups.delete", "groups", "groupId", lambda a: {"groupId": group(a)}),
    Deed(
        action="ghl.calendars.groups.validate_slug",
        given=lambda _: {"slug": "free"},
        seen=lambda a, _: len(a.held("groups")),
        before=1,
        after=1,
        result=lambda _a, _i: "True",
    ),
    makes(
        "ghl.calendars.create",
        "calendars",
        {"name": "name"},
        lambda _: {"name": "Roof visit"},
        refused=lambda _, inputs: {**inputs, "groupId": NOBODY},
    ),
    changes(
        "ghl.calendars.update",
        "calendars",
        "calendarId",
        lambda a: {"calendarId": second_calendar(a), "slotDuration": 45},
        field="slotDuration",
        before=30,
        after=45,
        result=same("calendarId"),
    ),
    removes("ghl.calendars.delete", "calendars", "calendarId", lambda a: {"calendarId": second_calendar(a)}),
    makes(
        "ghl.calendars.appointments.create",
        "appointments",
        {"contactId": "contactId"},
        lambda a: {"contactId": a.contact(), "calendarId": a.first("calendars"), "startTime": a.free_slot()},
        refused=slot_of,
        words="The slot you have selected is no longer available.",
    ),
    changes(
        "ghl.calendars.appointments.update",
        "appointments",
        "eventId",
        lambda a: {"eventId": booking(a), "appointmentStatus": "showed"},
        field="appointmentStatus",
        before="confirmed",
        after="showed",
        result=same("eventId"),
    ),
    removes("ghl.calendars.events.delete", "appointments", "eventId", lambda a: {"eventId": booking(a)}),
    makes(
        "ghl.calendars.block_slots.create",
        "blockedSlots",
        {"title": "title"},
        lambda a: {
            "calendarId": a.first("calendars"),
            "title": "Holiday",
            "startTime": in_days(4, 9),
            "endTime": in_days(4, 17),
        },
        refused=unknown("calendarId"),
    ),
    changes(
        "ghl.calendars.block_slots.update",
        "blockedSlots",
        "eventId",
        lambda a: {"eventId": block(a), "calendarId": a.first("calendars"), "title": "Long fair"},
        field="title",
        before="Fair",
        after="Long fair",
        result=same("eventId"),
    ),
    makes(
        "ghl.calendars.appointments.notes.create",
        "appointmentNotes",
        {"body": "body"},
        lambda a: {"appointmentId": booking(a), "body": "Ring twice"},
        refused=unknown("appointmentId"),
    ),
    changes(
        "ghl.calendars.appointments.notes.update",
        "appointmentNotes",
        "noteId",
        lambda a: {**booking_note(a), "body": "Knock"},
        field="body",
        before="Ring",
        after="Knock",
        result=same("noteId"),
    ),
    removes("ghl.calendars.appointments.notes.delete", "appointmentNotes", "noteId", booking_note),
    makes(
        "ghl.calendars.notifications.create",
        "notifications",
        {"subject": "subject"},
        lambda a: {
            "calendarId": a.first("calendars"),
            "receiverType": "contact",
            "channel": "sms",
            "notificationType": "booked",
            "subject": "See you",
        },
        refused=unknown("calendarId"),
    ),
    changes(
        "ghl.calendars.notifications.update",
        "notifications",
        "notificationId",
        lambda a: {**notification(a), "isActive": False},
        field="isActive",
        before=True,
        after=False,
    ),
    changes(
        "ghl.calendars.notifications.delete",
        "notifications",
        "notificationId",
        notification,
        field="deleted",
        before=False,
        after=True,
        refused=None,
    ),
    makes(
        "ghl.calendars.resources.create",
        "resources",
        {"name": "name"},
        lambda _: {"resourceType": "rooms", **ROOM},
    ),
    changes(
        "ghl.calendars.resources.update",
        "resources",
        "id",
        lambda a: {**room(a), "capacity": 30},
        field="capacity",
        before=20,
        after=30,
        result=same("id"),
    ),
    removes("ghl.calendars.resources.delete", "resources", "id", room),
)
