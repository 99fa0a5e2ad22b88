"""Asking a trigger's question once: the records that the vendor gives, without a cursor and without events."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from config.inputs import faults
from config.parameters import polled
from connections.client import Client
from connections.connection import Connection
from connections.errors import Refused
from connections.operation import inputs_of
from connections.paging import Position, link_at
from connections.request import build
from console.failures import Fault
from triggers import snapshot, watermark
from triggers.reading import key_of, time_at
from triggers.trigger import Trigger, Watch, Watermark
from worker.poll import another_way, present, records_of, ways

MOST_PAGES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A record with its key, and its own time (epoch ms) where the trigger goes by time; None where it has none."""

    key: str | None
    at: int | None
    record: Mapping[str, Any]


def check_inputs(trigger: Trigger, given: Mapping[str, Any]) -> None:
    """Make sure that a trigger can be asked with these parameters.

    Raises:
        Fault: something is missing, surplus, or of the wrong type; all of it is said.
    """
    call = polled(trigger)
    wrong = [f"`{name}` is set by Hightide" for name in call.fixed & given.keys()]
    wanted = {name: value for name, value in given.items() if name not in call.fixed}
    wrong += [
        f"{each.message} ({each.hint})" if each.hint else each.message
        for each in faults(inputs_of(call.operation), wanted, "parameter", templates=False)
        if each.about != "missing" or each.place[0] not in call.supplied
    ]
    if call.one_of and not any(name in given for name in call.one_of):
        wrong.append(f"one of {', '.join(call.one_of)} is missing")
    if wrong:
        raise Fault(f"{trigger.id}: {'; '.join(wrong)}")


async def ask(
    client: Client, trigger: Trigger, connection: Connection, given: Mapping[str, Any], watch: Watch, most: int
) -> list[Found]:
    """The first `most` records, newest first where the vendor sorts by time.

    Raises:
        VendorError: the vendor refused, or its answer cannot be read.
    """
    refused: Refused | None = None
    for way in ways(snapshot.bound(trigger, given)):
        try:
            return await _read(client, way, connection, given, watch, most)
        except Refused as error:
            refused = refused or error
            if not another_way(error):
                break
    assert refused is not None  # noqa: S101  # there is at least one way, and it did not return
    raise refused


async def _read(
    client: Client, trigger: Trigger, connection: Connection, given: Mapping[str, Any], watch: Watch, most: int
) -> list[Found]:
    found: list[Found] = []
    at: Position = None
    for _ in range(MOST_PAGES):
        extra = {**trigger.fixed, **_first_ask(trigger, watch), **trigger.paging.ask(at)}
        request = build(trigger.fetch, given, connection, extra, link_at(trigger.paging, at))
        answer = await client.call(connection, request, "poll")
        records = records_of(trigger, answer.data, given)
        now = round(time.time() * 1000) if answer.at is None else answer.at
        near = [record for record in present(trigger, records, given) if snapshot.near(trigger, record, now)]
        found += [_found(trigger, watch, record) for record in near]
        at = trigger.paging.after(at, answer.data, records, answer.next)
        if at is None or len(found) >= most:
            break
    return found[:most]


def _first_ask(trigger: Trigger, watch: Watch) -> dict[str, Any]:
    """The parameters of time of a first poll: newest first, or the window as of today."""
    if isinstance(trigger.strategy, Watermark):
        return watermark.ask(trigger, watch, watermark.begin("now"))
    midnight = datetime.fromtimestamp(time.time(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return snapshot.ask(trigger, snapshot.begin("now"), round(midnight.timestamp() * 1000))


def _found(trigger: Trigger, watch: Watch, record: Mapping[str, Any]) -> Found:
    strategy = trigger.strategy
    field = None
    if isinstance(strategy, Watermark):
        field = strategy.updated if watch == "updated" and strategy.updated else strategy.added
    return Found(key=key_of(record, trigger.key), at=time_at(record, field), record=record)


def as_watched(trigger: Trigger, kinds: Sequence[str]) -> Watch:
    """Which of a record's two times counts for these kinds of event."""
    timed = isinstance(trigger.strategy, Watermark)
    return "updated" if timed and "updated" in kinds else "new"
