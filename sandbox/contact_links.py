"""What hangs on contacts: tags, followers, campaigns, workflows, businesses, appointments."""

from __future__ import annotations

from typing import Any

from sandbox.appointments import contact_view
from sandbox.contacts import tidy_tags
from sandbox.refusal import bad_request
from sandbox.route import Call, Route, delete, get, post
from sandbox.shape import shape
from sandbox.state import Record

TAGS = shape("tags!:[text]")
FOLLOWERS = shape("followers!:[text]")
WORKFLOW = shape("eventStartTime:time")
DONE = {"succeded": True}


def _contact(call: Call) -> Record:
    return call.record("contacts", "contactId")


def _change_set(call: Call, contact: Record, field: str, value: list[str]) -> None:
    if value != contact.get(field, []):
        call.state.update("contacts", contact, {field: value})


def _add_tags(call: Call) -> Record:
    contact = _contact(call)
    tags = list(dict.fromkeys([*contact["tags"], *tidy_tags(call.body["tags"])]))
    _change_set(call, contact, "tags", tags)
    return {"tags": tags}


def _remove_tags(call: Call) -> Record:
    contact = _contact(call)
    gone = set(tidy_tags(call.body["tags"]))
    tags = [tag for tag in contact["tags"] if tag not in gone]
    _change_set(call, contact, "tags", tags)
    return {"tags": tags}


def _bulk_tags(call: Call) -> Record:
    named = tidy_tags(call.body["tags"])
    responses, errors = [], 0
    for key in call.body["contacts"]:
        contact = call.state.find("contacts", key)
        if contact is None or contact["locationId"] != call.body["locationId"]:
            errors += 1
            responses.append(f"Contact with id {key} not found")
            continue
        if call.path["type"] == "add":
            tags = list(dict.fromkeys([*contact["tags"], *named]))
        else:
            tags = [] if call.body.get("removeAllTags") else [tag for tag in contact["tags"] if tag not in named]
        _change_set(call, contact, "tags", tags)
        responses.append(key)
    return {"succeded": errors == 0, "errorCount": errors, "responses": responses}


def _add_followers(call: Call) -> Record:
    contact = _contact(call)
    held = contact.get("followers", [])
    added = [key for key in dict.fromkeys(call.body["followers"]) if key not in held]
    _change_set(call, contact, "followers", [*held, *added])
    return {"followers": [*held, *added], "followersAdded": added}


def _remove_followers(call: Call) -> Record:
    contact = _contact(call)
    held = contact.get("followers", [])
    left = [key for key in held if key not in call.body["followers"]]
    _change_set(call, contact, "followers", left)
    return {"followers": left, "followersRemoved": [key for key in held if key not in left]}


def _enter(call: Call, table: str, parameter: str, field: str) -> Record:
    contact = _contact(call)
    call.record(table, parameter)
    _change_set(call, contact, field, list(dict.fromkeys([*contact.get(field, []), call.path[parameter]])))
    return DONE


def _leave(call: Call, table: str, parameter: str, field: str) -> Record:
    contact = _contact(call)
    call.record(table, parameter)
    _change_set(call, contact, field, [key for key in contact.get(field, []) if key != call.path[parameter]])
    return DONE


def _add_campaign(call: Call) -> Record:
    return _enter(call, "campaigns", "campaignId", "campaigns")


def _remove_campaign(call: Call) -> Record:
    return _leave(call, "campaigns", "campaignId", "campaigns")


def _remove_campaigns(call: Call) -> Record:
    _change_set(call, _contact(call), "campaigns", [])
    return DONE


def _add_workflow(call: Call) -> Record:
    return _enter(call, "workflows", "workflowId", "workflows")


def _remove_workflow(call: Call) -> Record:
    return _leave(call, "workflows", "workflowId", "workflows")


def _bulk_business(call: Call) -> Record:
    business = call.body["businessId"]
    if business is not None:
        call.state.get("businesses", business)
    found = [call.state.get("contacts", key) for key in call.body["ids"]]
    if any(contact["locationId"] != call.body["locationId"] for contact in found):
        raise bad_request("A contact does not belong to this location")
    for contact in found:
        if contact.get("businessId") != business:
            call.state.update("contacts", contact, {"businessId": business})
    return {"success": True, "ids": call.body["ids"]}


def _appointments(call: Call) -> Record:
    contact = _contact(call)
    found = call.state.by_value("appointments", contact["locationId"], "contactId", contact["id"])
    return {"events": [contact_view(call.state, record) for record in found]}


ONE = "/contacts/{contactId}"
W: dict[str, Any] = {"scope": "contacts.write"}
ROUTES: tuple[Route, ...] = (
    post(f"{ONE}/tags", _add_tags, body=TAGS, ok=201, **W),
    delete(f"{ONE}/tags", _remove_tags, body=TAGS, **W),
    post(
        "/contacts/bulk/tags/update/{type}",
        _bulk_tags,
        body=shape("contacts!:[text] tags!:[text] locationId! removeAllTags:bool"),
        enums={"type": ("add", "remove")},
        ok=201,
        **W,
    ),
    post("/contacts/bulk/business", _bulk_business, body=shape("locationId! ids!:[text]<=50 businessId!?"), **W),
    post(f"{ONE}/followers", _add_followers, body=FOLLOWERS, ok=201, **W),
    delete(f"{ONE}/followers", _remove_followers, body=FOLLOWERS, **W),
    post(f"{ONE}/campaigns/{{campaignId}}", _add_campaign, body=shape(""), ok=201, **W),
    delete(f"{ONE}/campaigns/removeAll", _remove_campaigns, **W),
    delete(f"{ONE}/campaigns/{{campaignId}}", _remove_campaign, **W),
    post(f"{ONE}/workflow/{{workflowId}}", _add_workflow, body=WORKFLOW, **W),
    delete(f"{ONE}/workflow/{{workflowId}}", _remove_workflow, body=WORKFLOW, **W),
    get(f"{ONE}/appointments", _appointments, scope="contacts.readonly", lists="appointments"),
)
