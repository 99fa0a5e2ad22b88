"""Counting at the vendor: what was due, what came, what came twice."""

from __future__ import annotations

from typing import Any

from console.tally import Due, tally

NOTE, TAG, UPSERT = "ghl.contacts.notes.create", "ghl.contacts.tags.add", "ghl.contacts.upsert"


def effect(method: str, route: str, contact: str, id_: str = "made") -> dict[str, Any]:
    return {"method": method, "route": route, "path": route.replace("{contactId}", contact), "id": id_}


def note(contact: str) -> dict[str, Any]:
    return effect("POST", "/contacts/{contactId}/notes", contact)


def tag(contact: str) -> dict[str, Any]:
    return effect("POST", "/contacts/{contactId}/tags", contact)


def due(*actions: str) -> list[Due]:
    return [Due(action=action, each=frozenset({"a", "b"})) for action in actions]


def test_everything_once_is_neither_lost_nor_twice() -> None:
    found = tally(due(NOTE, TAG), [note("a"), note("b"), tag("a"), tag("b")])
    assert (found.due, found.met, found.lost, found.twice, found.repeated) == (4, 4, 0, 0, 0)


def test_what_did_not_come_is_lost() -> None:
    found = tally(due(NOTE, TAG), [note("a"), tag("b")])
    assert (found.met, found.lost) == (2, 2)


def test_a_second_note_is_twice_a_second_tag_is_only_repeated() -> None:
    found = tally(due(NOTE, TAG), [note("a"), note("a"), note("b"), tag("a"), tag("a"), tag("b")])
    assert (found.twice, found.repeated, found.lost) == (1, 1, 0)


def test_an_effect_that_was_never_due_counts_as_twice() -> None:
    stranger = effect("POST", "/contacts/{contactId}/notes", "c")
    unknown = effect("POST", "/somewhere/else", "c")
    assert tally(due(NOTE), [note("a"), note("b"), stranger, unknown]).twice == 2


def test_an_effect_without_a_contact_in_its_path_is_known_by_what_it_made() -> None:
    upserted = effect("POST", "/contacts/upsert", "", "office")
    found = tally([Due(action=UPSERT, each=frozenset({"office"}))], [upserted])
    assert (found.met, found.lost, found.twice) == (1, 0, 0)
