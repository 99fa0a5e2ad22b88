"""Looking whether an attempt took effect whose outcome nobody knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from actions.action import Probe
from connections.connection import Connection
from connections.paging import at_path, first_at, link_at
from connections.request import build, check
from connections.wire import Answer, Request
from triggers.reading import time_at

SKEW = 60_000
"""How far (ms) the vendor's clock may be behind ours."""
MOST_PAGES = 20

Ask = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The record that the attempt made."""

    record: Mapping[str, Any]
    id: str | None


class Untold(Exception):
    """Nothing that was given can tell one record from another, so that looking is of no use."""


def chosen(probe: Probe, inputs: Mapping[str, Any]) -> Probe:
    """The probe to use with these inputs.

    Raises:
        Untold: no probe can tell anything with them.
    """
    given = [name for name in probe.asks.values() if at_path(inputs, name) is not None]
    if not given and probe.otherwise is not None:
        return chosen(probe.otherwise, inputs)
    if probe.same and not any(at_path(inputs, name) is not None for name in probe.same.values()):
        raise Untold("none of the inputs by which it could be recognised was given")
    return probe


async def look(
    probe: Probe,
    inputs: Mapping[str, Any],
    *,
    connection: Connection,
    sent_at: int,
    ask: Ask,
    taken: Callable[[Collection[str]], Awaitable[Collection[str]]],
) -> Found | None:
    """The record that the attempt at `sent_at` (epoch ms) made, if the vendor has one; `ask` carries out a request.

    Raises:
        Untold: the inputs do not tell enough.
        VendorError: the look-up itself failed.
        InvalidInputs: the look-up cannot be asked with these inputs.
    """
    probe = chosen(probe, inputs)
    more: str | None = None
    if probe.more is not None:
        first = await look(probe.more, inputs, connection=connection, sent_at=0, ask=ask, taken=_nobody)
        if first is None:
            return None
        more = first.id
    asked = check(probe.find, _asked(probe, inputs, more))
    at: Any = None
    for _ in range(MOST_PAGES):
        extra = {**probe.fixed, **probe.paging.ask(at)}
        answer = await ask(build(probe.find, asked, connection, extra, link_at(probe.paging, at)))
        records = _records(probe, answer.data)
        ids = [id_ for record in records if (id_ := _id(probe, record)) is not None]
        found = match(probe, records, inputs, sent_at, await taken(ids) if ids else ())
        at = probe.paging.after(at, answer.data, records, answer.next)
        if found is not None or at is None:
            return found
    return None


def match(
    probe: Probe,
    records: Collection[Mapping[str, Any]],
    inputs: Mapping[str, Any],
    sent_at: int,
    taken: Collection[str],
) -> Found | None:
    """The record that counts as made by the attempt; `taken` are ids known to be made by others."""
    for record in records:
        id_ = _id(probe, record)
        made = time_at(record, probe.since)
        if id_ in taken or (made is not None and made < sent_at - SKEW):
            continue
        if any(at_path(record, name) == value for name, value in probe.unless.items()):
            continue
        if all(_same(probe, record, field, at_path(inputs, name)) for field, name in probe.same.items()):
            return Found(record=record, id=id_)
    return None


def _asked(probe: Probe, inputs: Mapping[str, Any], more: str | None) -> dict[str, Any]:
    given = {name: value for name, source in probe.asks.items() if (value := at_path(inputs, source)) is not None}
    return {**given, probe.more_as: more} if probe.more_as and more is not None else given


def _records(probe: Probe, answer: Any) -> list[Mapping[str, Any]]:
    places = (probe.records,) if isinstance(probe.records, str) else probe.records
    found = first_at(answer, places)
    return [record for record in (found if isinstance(found, list) else [found]) if isinstance(record, dict)]


def _same(probe: Probe, record: Mapping[str, Any], field: str, given: Any) -> bool:
    if given is None:
        return True
    held = first_at(record, tuple(field.split("|")))
    return bool(probe.tidy(held) == probe.tidy(given))


def _id(probe: Probe, record: Mapping[str, Any]) -> str | None:
    found = first_at(record, tuple(probe.id.split("|")))
    return None if found is None else str(found)


async def _nobody(_ids: Collection[str]) -> Collection[str]:
    return ()
