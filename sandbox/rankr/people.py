"""Rankr's leads, clients and contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.rankr.access import HOME, refused
from sandbox.rankr.listing import found, listing, view
from sandbox.route import Call, Reply, Route, get, post
from sandbox.shape import shape
from sandbox.state import Record, State

ADDRESS = shape("street city state postal_code country")
CLIENT = shape(
    "external_id email name phone company address:ADDRESS lead_id fields:object",
    ADDRESS=ADDRESS,
)
CONTACT = shape("external_id email name phone company client_id fields:object")


def known(state: State, table: str, given: Mapping[str, Any]) -> Record | None:
    """The record with the external id that is given, else the one with the e-mail address."""
    for name in ("external_id", "email"):
        value = given.get(name)
        rows = state.by_value(table, HOME, name, value.lower() if name == "email" else value) if value else []
        if rows:
            return rows[0]
    return None


def put_in(state: State, table: str, given: Mapping[str, Any]) -> tuple[Record, bool]:
    """Changes the record that is meant, or makes one; whether it was made."""
    fields = dict(given)
    if fields.get("email"):
        fields["email"] = fields["email"].lower()
    record = known(state, table, fields)
    if record is None:
        return state.create(table, HOME, fields), True
    for name in ("fields", "address"):
        if name in fields:
            fields[name] = {**(record.get(name) or {}), **fields[name]}
    return state.update(table, record, fields), False


def client_of(state: State, given: Mapping[str, Any]) -> Record:
    """The client that a contract or document is with: the one that is there, or a new one."""
    return known(state, "rankr.clients", given) or put_in(state, "rankr.clients", given)[0]


def party(client: Record) -> Record:
    """A client as contracts and documents show it."""
    return {name: client.get(name) for name in ("id", "name", "email", "external_id")}


def _check_named(body: Record) -> None:
    if not (body.get("external_id") or body.get("email")):
        raise refused(422, "external_id or email must be given")


def _read_client(call: Call) -> Record:
    return {"client": view("rankr.clients", found(call.state, "rankr.clients", call.path["client_id"]))}


def _upsert_client(call: Call) -> Reply:
    state, body = call.state, call.body
    _check_named(body)
    lead = found(state, "rankr.leads", body["lead_id"]) if body.get("lead_id") else None
    client, made = put_in(state, "rankr.clients", body)
    if lead and lead.get("client_id") != client["id"]:
        state.update("rankr.leads", lead, {"client_id": client["id"], "status": "converted"})
    return Reply(201 if made else 200, {"client": view("rankr.clients", client), "created": made})


def _upsert_contact(call: Call) -> Reply:
    _check_named(call.body)
    if call.body.get("client_id"):
        found(call.state, "rankr.clients", call.body["client_id"])
    contact, made = put_in(call.state, "rankr.contacts", call.body)
    return Reply(201 if made else 200, {"contact": view("rankr.contacts", contact), "created": made})


WRITE: dict[str, Any] = {"scope": "clients:write", "version": None}
ROUTES: tuple[Route, ...] = (
    listing("/v1/leads", "rankr.leads", "status source email external_id", "leads:read"),
    listing("/v1/clients", "rankr.clients", "status email external_id", "clients:read"),
    listing("/v1/contacts", "rankr.contacts", "client_id email external_id", "clients:read"),
    get("/v1/clients/{client_id}", _read_client, scope="clients:read", version=None),
    post("/v1/clients/upsert", _upsert_client, body=CLIENT, **WRITE),
    post("/v1/contacts/upsert", _upsert_contact, body=CONTACT, **WRITE),
)
