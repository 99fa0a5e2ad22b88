"""What each action is to bring about: its inputs, the vendor's records before and after it, the id that it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
        a.post(f"/{path}/{thing}/followers", {"followers": ["user0000000000000001"]})
        return {key: thing, "followers": ["user0000000000000001"]}

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
    Deed(
        action="ghl.contacts.notes.find",
        given=lambda a: {"contactId": a.contact()},
        seen=lambda a, _: len(a.held("contacts")),
        before=1,
        after=1,
        refused=unknown("contactId"),
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
        lambda a: {"contactId": a.contact(), "followers": ["user0000000000000001"]},
        field="followers",
        before=[],
        after=["user0000000000000001"],
    ),
    changes(
        "ghl.contacts.followers.remove",
        "contacts",
        "contactId",
        followed("contacts", "contactId", Account.contact),
        field="followers",
        before=["user0000000000000001"],
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
