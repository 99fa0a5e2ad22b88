"""Rankr's lists: filtered by fields and by times, sorted by a time, page by page behind a cursor; and its records."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import orjson

from sandbox.clock import iso, stamp_of
from sandbox.rankr.access import HOME, refused
from sandbox.route import Call, Route, get
from sandbox.shape import shape
from sandbox.state import Record, State
from sandbox.tables import TABLES

MOST = 100
USUAL = 25
TIMES = ("created_at", "updated_at")


def view(table: str, record: Record) -> Record:
    """A record as Rankr shows it: every field, null where it has none, times in ISO 8601."""
    row = TABLES[table]
    moments = {row.added, row.updated, *row.moments, *row.follows.values()}
    whole = {"id": record["id"], **row.blank, **record}
    return {name: iso(each) if name in moments and each is not None else each for name, each in whole.items()}


def found(state: State, table: str, key: str) -> Record:
    """The record of that id.

    Raises:
        Refusal: there is none; Rankr's 404.
    """
    record = state.find(table, key)
    if record is None:
        raise refused(404, f"There is no {TABLES[table].word} {key}.")
    return record


def moment(name: str, text: str) -> int:
    """A time or a day as milliseconds.

    Raises:
        Refusal: it is none.
    """
    try:
        return stamp_of(text)
    except ValueError as exc:
        raise refused(422, f"{name} must be a time in ISO 8601") from exc


def listing(path: str, table: str, fields: str, scope: str, times: tuple[str, ...] = TIMES) -> Route:
    """The route of a list that can be filtered by these fields, and filtered and sorted by these times."""
    since = {f"{time.removesuffix('_at')}_since": time for time in times}
    asked = f"{fields} {' '.join(f'{name}:time' for name in since)} sort:{'|'.join(times)}| order:asc|desc"

    def answer(call: Call) -> Record:
        fits = _filter(call, fields.split(), since)
        rows = [record for record in call.state.rows(table, HOME) if fits(record)]
        return _page(call, table, rows, call.query.get("sort", times[0]), call.query.get("order", "desc"))

    query = shape(f"{asked} cursor limit:count<={MOST}")
    return get(path, answer, query=query, scope=scope, lists=table, version=None)


def _filter(call: Call, fields: list[str], since: dict[str, str]) -> Callable[[Record], bool]:
    query = call.query
    wanted = {name: query[name].lower() for name in fields if name in query}
    least = {time: moment(name, query[name]) for name, time in since.items() if name in query}

    def fits(record: Record) -> bool:
        same = all(str(_field(record, name) or "").lower() == value for name, value in wanted.items())
        return same and all(record[time] >= stamp for time, stamp in least.items())

    return fits


def _field(record: Record, name: str) -> Any:
    """`client_email` is the e-mail address of the client in the record."""
    return (record.get("client") or {}).get("email") if name == "client_email" else record.get(name)


def _page(call: Call, table: str, rows: list[Record], sort: str, order: str) -> Record:
    down = order == "desc"
    rows.sort(key=lambda record: (record[sort], record["id"]), reverse=down)
    if call.query.get("cursor"):
        at = _place_of(call.query["cursor"], sort, order)
        rows = [each for each in rows if ((each[sort], each["id"]) < at if down else (each[sort], each["id"]) > at)]
    limit = call.query.get("limit", USUAL)
    page = rows[:limit]
    more = len(rows) > limit
    following = _cursor_of([sort, order, page[-1][sort], page[-1]["id"]]) if more else None
    return {"data": [view(table, record) for record in page], "next_cursor": following}


def _cursor_of(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def _place_of(cursor: str, sort: str, order: str) -> tuple[int, str]:
    try:
        told = orjson.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError) as exc:
        raise refused(400, "The cursor is none of ours.") from exc
    match told:
        case [str(by), str(way), int(stamp), str(key)] if (by, way) == (sort, order):
            return stamp, key
    raise refused(400, "The cursor belongs to another list.")
