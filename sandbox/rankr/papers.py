"""Rankr's templates, documents and contracts, and what people do with what they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.ids import new_id
from sandbox.rankr.access import HOME, refused
from sandbox.rankr.listing import found, listing, moment, view
from sandbox.rankr.people import client_of, party
from sandbox.route import Call, Route, get, post, put
from sandbox.shape import ISO_TIME, shape
from sandbox.state import Record, State
from sandbox.tables import TABLES

SIGNER = shape("name! email phone company external_id")
FILL = shape("client!:SIGNER fields!:object title external_id", SIGNER=SIGNER)
CONTRACT = shape(
    "template_id! client!:SIGNER title starts_at:time ends_at:time value:number currency fields:object external_id",
    SIGNER=SIGNER,
)
DOCUMENT = shape("title! content url client_id contract_id external_id")
SEND = shape("purpose:signature|approval signers:[WHO] subject message", WHO=shape("name email!"))
ATTACH = shape("system url note")
OWN = {name: f"rankr.{name}s" for name in ("lead", "client", "contact", "contract")}
"""The kinds of record in Rankr itself that documents can be attached to."""
ENDS = {"signed": "active", "approved": "active", "declined": "declined"}
"""What a contract becomes when its document has come to its end."""
STEPS = {"draft": (), "sent": ("viewed", *ENDS), "viewed": tuple(ENDS)}
"""What people can do with a document in each state."""


def _filled(template: Record, given: Mapping[str, Any], client: Mapping[str, Any]) -> str:
    """A template's text with its fields filled, and what it says of the client."""
    wrong = list(_faults(template, given))
    if wrong:
        raise refused(422, "; ".join(wrong))
    values = {**{f"client_{name}": value for name, value in client.items()}, **given}
    return re.sub(r"\{(\w+)\}", lambda name: str(values.get(name[1]) or ""), template["content"])


def _faults(template: Record, given: Mapping[str, Any]) -> Iterator[str]:
    fields = {field["name"]: field for field in template["fields"]}
    for name in given:
        if name not in fields:
            yield f"fields.{name}: the template {template['id']} has no such field, only {', '.join(fields)}"
    for name, field in fields.items():
        value = given.get(name)
        if value is None or value == "":
            if field["required"]:
                yield f"fields.{name} is required by the template {template['id']}"
        elif not _fits(field["type"], value):
            yield f"fields.{name} must be a {field['type']}"


def _fits(kind: str, value: Any) -> bool:
    text = str(value)
    if kind == "number":
        return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
    return kind != "date" or ISO_TIME.fullmatch(text) is not None


def _document(state: State, fields: Record) -> Record:
    key = TABLES["rankr.documents"].prefix + new_id()
    return state.create("rankr.documents", HOME, {"url": f"https://rankr.example/d/{key}", **fields}, key=key)


def _with_client(client: Record) -> Record:
    return {"client_id": client["id"], "client": party(client)}


def _create_contract(call: Call) -> Record:
    state, body = call.state, call.body
    template = found(state, "rankr.templates", body["template_id"])
    content = _filled(template, body.get("fields", {}), body["client"])
    ends = {name: moment(name, body[name]) for name in ("starts_at", "ends_at") if name in body}
    if ends.get("ends_at", 1 << 62) <= ends.get("starts_at", 0):
        raise refused(422, "ends_at must be after starts_at")
    client = client_of(state, body["client"])
    title = body.get("title") or f"{template['name']}, {client['name']}"
    fields = {**body, **ends, **_with_client(client), "title": title}
    made = state.create("rankr.contracts", HOME, fields)
    paper = {"title": title, "content": content, "contract_id": made["id"], **_with_client(client)}
    return _contract(state.update("rankr.contracts", made, {"document_id": _document(state, paper)["id"]}))


def _contract(contract: Record) -> Record:
    return {"contract": view("rankr.contracts", contract)}


def _told(document: Record) -> Record:
    return {"document": view("rankr.documents", document)}


def _create_document(call: Call) -> Record:
    state, fields = call.state, dict(call.body)
    if fields.get("contract_id"):
        contract = found(state, "rankr.contracts", fields["contract_id"])
        fields.setdefault("client_id", contract["client_id"])
    if fields.get("client_id"):
        fields |= _with_client(found(state, "rankr.clients", fields["client_id"]))
    return _told(_document(state, fields))


def _read_document(call: Call) -> Record:
    return _told(found(call.state, "rankr.documents", call.path["document_id"]))


def _fill(call: Call) -> Record:
    state, body = call.state, call.body
    template = found(state, "rankr.templates", call.path["template_id"])
    content = _filled(template, body["fields"], body["client"])
    client = client_of(state, body["client"])
    title = body.get("title") or f"{template['name']}, {client['name']}"
    fields = {name: body[name] for name in ("fields", "external_id") if name in body}
    paper = {"title": title, "content": content, "template_id": template["id"], **_with_client(client), **fields}
    return _told(_document(state, paper))


def _send(call: Call) -> Record:
    document, body = found(call.state, "rankr.documents", call.path["document_id"]), call.body
    if document["status"] != "draft":
        raise refused(409, f"The document {document['id']} is {document['status']}; only a draft can be sent.")
    client = document.get("client") or {}
    by_default = [{"name": client["name"], "email": client["email"]}] if client.get("email") else []
    signers = body.get("signers") or by_default
    if not signers:
        raise refused(422, "signers must be given: the document's client has no e-mail address")
    sent = {"status": "sent", "purpose": body.get("purpose", "signature"), "signers": signers}
    return _told(call.state.update("rankr.documents", document, sent))


def _attach(call: Call) -> Record:
    state, path = call.state, call.path
    document = found(state, "rankr.documents", path["document_id"])
    link = {"system": "rankr", "url": None, "note": None, **call.body}
    link = {"record_type": path["record_type"], "record_id": path["record_id"], **link}
    if link["system"] == "rankr":
        if link["record_type"] not in OWN:
            raise refused(422, f"record_type must be one of {', '.join(OWN)} unless system says where the record is")
        found(state, OWN[link["record_type"]], link["record_id"])
    where = ("system", "record_type", "record_id")
    others = [each for each in document["attachments"] if any(each[name] != link[name] for name in where)]
    if link not in document["attachments"]:
        state.update("rankr.documents", document, {"attachments": [*others, link]})
    return {"attachment": {"document_id": document["id"], **link}}


def answer_document(state: State, key: str, status: str) -> Record:
    """Somebody views, signs, approves or declines a document that was sent; its contract follows.

    Raises:
        Refusal: the document cannot come to that from where it is.
    """
    document = found(state, "rankr.documents", key)
    if status not in STEPS.get(document["status"], ()):
        raise refused(422, f"The document is {document['status']} and cannot be {status}.")
    document = state.update("rankr.documents", document, {"status": status})
    contract = state.find("rankr.contracts", document.get("contract_id") or "")
    if contract and status in ENDS:
        state.update("rankr.contracts", contract, {"status": ENDS[status]})
    return view("rankr.documents", document)


PLAIN: dict[str, Any] = {"version": None}
WRITE: dict[str, Any] = {**PLAIN, "scope": "documents:write"}
OF_DOCUMENTS = "status client_id template_id contract_id client_email external_id"
OF_CONTRACTS = "status client_id template_id client_email external_id"
BY_STATUS = ("created_at", "updated_at", "status_changed_at")
ROUTES: tuple[Route, ...] = (
    listing("/v1/templates", "rankr.templates", "kind", "templates:read"),
    listing("/v1/documents", "rankr.documents", OF_DOCUMENTS, "documents:read", BY_STATUS),
    listing("/v1/contracts", "rankr.contracts", OF_CONTRACTS, "contracts:read"),
    post("/v1/contracts", _create_contract, body=CONTRACT, ok=201, scope="contracts:write", **PLAIN),
    post("/v1/documents", _create_document, body=DOCUMENT, ok=201, **WRITE),
    get("/v1/documents/{document_id}", _read_document, scope="documents:read", **PLAIN),
    post("/v1/documents/{document_id}/send", _send, body=SEND, **WRITE),
    put("/v1/documents/{document_id}/attachments/{record_type}/{record_id}", _attach, body=ATTACH, **WRITE),
    post("/v1/templates/{template_id}/fill", _fill, body=FILL, ok=201, **WRITE),
)
