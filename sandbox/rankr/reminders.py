"""Rankr's reminders."""

from __future__ import annotations

from typing import Any

from sandbox.rankr.access import HOME
from sandbox.rankr.listing import listing, moment, view
from sandbox.route import Call, Route, post
from sandbox.shape import shape
from sandbox.state import Record

CREATE = shape("at!:time subject! note record_type record_id")


def _create(call: Call) -> Record:
    fields = {**call.body, "at": moment("at", call.body["at"])}
    return {"reminder": view("rankr.reminders", call.state.create("rankr.reminders", HOME, fields))}


WRITE: dict[str, Any] = {"scope": "reminders:write", "version": None}
ROUTES: tuple[Route, ...] = (
    listing("/v1/reminders", "rankr.reminders", "record_type record_id", "reminders:read"),
    post("/v1/reminders", _create, body=CREATE, ok=201, **WRITE),
)
