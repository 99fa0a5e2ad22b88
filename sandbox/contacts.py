"""Contacts: create, read, update, upsert, delete, look up duplicates."""

from __future__ import annotations

from typing import Any

from sandbox.clock import iso
from sandbox.refusal import bad_request
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import joined, shape
from sandbox.state import Record, State
from sandbox.views import pick

STATUS = shape("status!:active|inactive|permanent message code")
DND = shape("Call:S Email:S SMS:S WhatsApp:S GMB:S FB:S", S=STATUS)
INBOUND = shape("all:ALL", ALL=shape("status!:active|inactive message"))
CUSTOM = shape("id! key field_value:any value:any")
UPDATE = shape(
    "firstName? lastName? name? email? phone? address1? city? state? postalCode website? timezone? dnd:bool "
    "dndSettings:DND inboundDndSettings:INBOUND tags:[text] customFields:[CUSTOM] source? dateOfBirth:any country "
    "assignedTo?",
    DND=DND,
    INBOUND=INBOUND,
    CUSTOM=CUSTOM,
)
CREATE = joined(UPDATE, shape("locationId! gender companyName? source assignedTo"))
UPSERT = joined(CREATE, shape("createNewIfDuplicateAllowed:bool"))
PLAIN = (
    "id locationId firstName lastName email timezone companyName phone dnd dndSettings type source assignedTo address1 "
    "city state country postalCode website tags dateOfBirth businessId visitorId attributionSource "
    "lastAttributionSource gender inboundDndSettings"
)


def view(contact: Record) -> Record:
    """A contact as reading it shows it."""
    shown = pick(contact, PLAIN)
    first, last = str(contact.get("firstName", "")), str(contact.get("lastName", ""))
    shown["name"] = shown["fullNameLowerCase"] = f"{first} {last}".strip().lower()
    shown["firstNameLowerCase"], shown["lastNameLowerCase"] = first.lower(), last.lower()
    if "email" in shown:
        shown["emailLowerCase"] = shown["email"].lower()
    shown["dateAdded"] = shown["lastActivity"] = iso(contact["dateAdded"])
    shown["dateUpdated"] = iso(contact["dateUpdated"])
    shown["customFields"] = contact["customFields"]
    return shown


def created_view(contact: Record) -> Record:
    """A contact as creating it shows it: as reading does, less a few fields, with a few flags."""
    shown = view(contact)
    for name in ("name", "timezone", "lastActivity", "visitorId", "attributionSource", "lastAttributionSource"):
        shown.pop(name, None)
    return {**shown, "deleted": False, "bounceEmail": False, "unsubscribeEmail": False, "offers": [], "products": []}


def fields_of(state: State, location: str, body: Record, before: Record | None = None) -> Record:
    """What a body says about a contact, as it is stored. A null takes a field away.

    Raises:
        Refusal: a custom field is not known.
    """
    fields = {name: value for name, value in body.items() if name not in {"locationId", "createNewIfDuplicateAllowed"}}
    name = fields.pop("name", None)
    if name and not (fields.get("firstName") or fields.get("lastName")):
        fields["firstName"], _, fields["lastName"] = name.partition(" ")
    if fields.get("email"):
        fields["email"] = fields["email"].strip().lower()
    if "tags" in fields:
        fields["tags"] = tidy_tags(fields["tags"])
    if "customFields" in fields:
        kept = (before or {}).get("customFields", [])
        fields["customFields"] = custom_values(state, location, kept, fields["customFields"])
    return fields


def tidy_tags(tags: list[str]) -> list[str]:
    """Tags as the vendor keeps them: lower case, each once."""
    return list(dict.fromkeys(tag.strip().lower() for tag in tags))


def custom_values(state: State, location: str, kept: list[Record], written: list[Record]) -> list[Record]:
    """Custom fields after some of them were written; an empty value takes one away.

    Raises:
        Refusal: a field is not known.
    """
    known = {field["id"] for field in state.rows("customFields", location)}
    values = {field["id"]: field["value"] for field in kept}
    for field in written:
        value = field.get("field_value", field.get("value"))
        if field["id"] not in known:
            raise bad_request(f"Custom field with id {field['id']} not found")
        if value is None or value == "":
            values.pop(field["id"], None)
        else:
            values[field["id"]] = value
    return [{"id": key, "value": value} for key, value in values.items()]


def twin(state: State, location: str, email: Any, phone: Any) -> tuple[Record, str] | None:
    """The contact of that e-mail or else that phone, and which of the two it was."""
    for field, value in (("email", str(email).strip().lower() if email else None), ("phone", phone)):
        found = state.by_value("contacts", location, field, value) if value else []
        if found:
            return found[0], field
    return None


def _allows_twins(state: State, location: str) -> bool:
    return bool(state.location(location).get("settings", {}).get("allowDuplicateContact"))


def _refuse_twin(state: State, location: str, fields: Record, own: str | None = None) -> None:
    found = twin(state, location, fields.get("email"), fields.get("phone"))
    if found and found[0]["id"] != own and not _allows_twins(state, location):
        contact, field = found
        raise bad_request(
            "This location does not allow duplicated contacts.",
            meta={"contactId": contact["id"], "matchingField": field},
        )


def new_contact(state: State, location: str, fields: Record) -> Record:
    """Stores a new contact."""
    return state.create("contacts", location, {name: value for name, value in fields.items() if value is not None})


def _create(call: Call) -> Record:
    location = call.body["locationId"]
    if not any(call.body.get(name) for name in ("email", "phone", "firstName", "lastName", "name")):
        raise bad_request("Pass at least one of email, phone, firstName, lastName or name")
    fields = fields_of(call.state, location, call.body)
    _refuse_twin(call.state, location, fields)
    return {"contact": created_view(new_contact(call.state, location, fields))}


def _upsert(call: Call) -> Record:
    location = call.body["locationId"]
    found = twin(call.state, location, call.body.get("email"), call.body.get("phone"))
    if found and call.body.get("createNewIfDuplicateAllowed") and _allows_twins(call.state, location):
        found = None
    if found is None:
        contact = new_contact(call.state, location, fields_of(call.state, location, call.body))
    else:
        contact = call.state.update("contacts", found[0], fields_of(call.state, location, call.body, found[0]))
    return {"new": found is None, "contact": view(contact)}


def _read(call: Call) -> Record:
    return {"contact": view(call.record("contacts", "contactId"))}


def _update(call: Call) -> Record:
    contact = call.record("contacts", "contactId")
    fields = fields_of(call.state, contact["locationId"], call.body, contact)
    _refuse_twin(call.state, contact["locationId"], fields, contact["id"])
    return {"succeded": True, "contact": view(call.state.update("contacts", contact, fields))}


def _delete(call: Call) -> Record:
    contact = call.record("contacts", "contactId")
    for table in ("tasks", "notes", "appointments"):
        for record in call.state.by_value(table, contact["locationId"], "contactId", contact["id"]):
            call.state.remove(table, record["id"])
    call.state.remove("contacts", contact["id"])
    return {"succeded": True}


def _duplicate(call: Call) -> Record:
    email, phone = call.query.get("email"), call.query.get("number")
    if not (email or phone):
        raise bad_request("Pass at least one of email or number")
    found = twin(call.state, call.location, email, phone)
    return {"contact": view(found[0]) if found else None}


ROUTES: tuple[Route, ...] = (
    post("/contacts/", _create, body=CREATE, ok=201, scope="contacts.write"),
    post("/contacts/upsert", _upsert, body=UPSERT, scope="contacts.write"),
    get("/contacts/search/duplicate", _duplicate, query=shape("locationId! number email"), scope="contacts.readonly"),
    get("/contacts/{contactId}", _read, scope="contacts.readonly"),
    put("/contacts/{contactId}", _update, body=UPDATE, scope="contacts.write"),
    delete("/contacts/{contactId}", _delete, scope="contacts.write"),
)
