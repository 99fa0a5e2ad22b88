"""A demo in a person's place: held runs are settled by what the vendor has."""

from __future__ import annotations

import orjson
import pytest

from console.settling import settle
from tests.console.test_console_corrections import deployed, ended, polled, states, step, taken, told
from worker.ledger.store import Store

INPUTS = {"contactId": "c1", "body": "hello"}


def effect(contact: str) -> dict[str, str]:
    """A note at a contact, as the sandbox remembers it."""
    path = f"/contacts/{contact}/notes"
    return {"method": "POST", "route": "/contacts/{id}/notes", "path": path, "id": "note-7"}


@pytest.fixture
def held(ledger: Store) -> int:
    """A run of which nobody knows whether its note was made."""
    polled(ledger, deployed(ledger), "c1")
    [run] = taken(ledger)
    unknown = step("2", "uncertain", action="ghl.contacts.notes.create", inputs=orjson.dumps(INPUTS).decode())
    ended(ledger, run, "uncertain", step("1", "done"), unknown)
    return run.id


def test_what_the_vendor_has_was_done(ledger: Store, held: int) -> None:
    assert settle(ledger, [effect("c1"), effect("c2")]) == 1
    assert states(ledger, held) == {"1": "done", "2": "done"}


def test_what_the_vendor_has_not_is_tried_again(ledger: Store, held: int) -> None:
    assert settle(ledger, [effect("c2")]) == 1
    assert states(ledger, held) == {"1": "done", "2": "waiting"}
    assert told(ledger, held).state == "open"


def test_without_held_runs_there_is_nothing_to_settle(ledger: Store) -> None:
    assert settle(ledger, [effect("c1")]) == 0
