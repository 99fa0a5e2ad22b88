"""Looking up what a later step has to know: beside the catalogue, and not counted in it."""

from __future__ import annotations

from actions.action import Action
from connections.operation import get

CATEGORY = "Look-ups"
EXTRA = True

ROWS = (
    Action(
        id="ghl.contacts.notes.find",
        summary="Find the notes of a contact",
        send=get("/contacts/{contactId}/notes"),
        scopes=("contacts.readonly",),
    ),
)
