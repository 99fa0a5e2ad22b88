"""The vendor's advanced search: filters, sort, and pages by number or by the values of the last record."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.clock import stamp_of
from sandbox.refusal import bad_request, unprocessable
from sandbox.state import Record, State

TEXT = (
    "eq",
    "not_eq",
    "contains",
    "not_contains",
    "wildcard",
    "not_wildcard",
    "match",
    "not_match",
    "exists",
    "not_exists",
)
RANGE = ("range", "exists", "not_exists")
NUMBER = ("eq", "not_eq", "range", "exists", "not_exists")
PAGED = 10_000
"""As many records as pages by number reach; beyond that only searchAfter does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one table is searched: the names of its time and number fields, its other fields, what `query` looks at.

    The names on the left are those of filters and sorts, on the right those of records.
    """

    table: str
    times: Mapping[str, str]
    texts: Mapping[str, str]
    numbers: Mapping[str, str]
    custom: str
    words: tuple[str, ...]
    default_sort: str


Test = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """A search made ready: a range on one time field that an index serves, tests for the rest."""

    field: str
    since: int | None
    until: int | None
    tests: tuple[Test, ...]


def plan(dialect: Dialect, filters: Iterable[Any], query: str, preferred: str) -> Plan:
    """Reads filters; ranges on the preferred time field go to its index, the rest becomes tests.

    Raises:
        Refusal: a filter is not understood.
    """
    since = until = None
    tests: list[Test] = []
    for each in filters:
        if _word(each, "operator") == "range" and dialect.times.get(_word(each, "field")) == preferred:
            low, high = _bounds(each)
            since = low if since is None else max(since, low or since)
            until = high if until is None else min(until, high or until)
        else:
            tests.append(_test(dialect, each))
    if query:
        words = query.lower()
        tests.append(lambda record: any(words in str(record.get(name, "")).lower() for name in dialect.words))
    return Plan(preferred, since, until, tuple(tests))


def _test(dialect: Dialect, asked: Any) -> Test:
    if not isinstance(asked, dict):
        raise unprocessable("each value in filters must be an object")
    if "group" in asked:
        return _group(dialect, asked)
    field, operator = _word(asked, "field"), _word(asked, "operator")
    if not field or not operator:
        raise unprocessable("filters must have field and operator")
    read, allowed = _reader(dialect, field)
    if operator not in allowed:
        raise unprocessable(f"Invalid operator {operator} for {field}. Allowed operators: {', '.join(allowed)}")
    return _compared(read, operator, asked)


def _group(dialect: Dialect, asked: Mapping[str, Any]) -> Test:
    kind, inner = _word(asked, "group"), asked.get("filters", [])
    if kind not in {"AND", "OR"} or not isinstance(inner, list):
        raise unprocessable("group must be one of the following values: AND, OR, with filters as an array")
    tests = [_test(dialect, each) for each in inner]
    every = all if kind == "AND" else any
    return lambda record: every(test(record) for test in tests)


def _word(asked: Any, name: str) -> str:
    """A text out of a filter or sort, empty where there is none."""
    value = asked.get(name) if isinstance(asked, dict) else None
    return value if isinstance(value, str) else ""


def _value(name: str, record: Record) -> Any:
    return record.get(name)


def _reader(dialect: Dialect, field: str) -> tuple[Callable[[Record], Any], tuple[str, ...]]:
    for names, allowed in ((dialect.times, RANGE), (dialect.texts, TEXT), (dialect.numbers, NUMBER)):
        if field in names:
            return partial(_value, names[field]), allowed
    if field.startswith(f"{dialect.custom}."):
        key = field.partition(".")[2]
        return (
            lambda record: next((each["value"] for each in record.get("customFields", ()) if each["id"] == key), None)
        ), (*TEXT, "range")
    raise unprocessable(f"Invalid field {field} in filters")


def _compared(read: Callable[[Record], Any], operator: str, asked: Mapping[str, Any]) -> Test:
    wanted = asked.get("value")
    if operator in {"exists", "not_exists"}:
        return lambda record: (read(record) not in (None, "", [])) == (operator == "exists")
    if operator == "range":
        low, high = _bounds(asked)
        return lambda record: _within(read(record), low, high)
    if wanted is None:
        raise unprocessable("value should not be empty")
    sought = [str(each).lower().strip("*") for each in (wanted if isinstance(wanted, list) else [wanted])]
    exact = operator in {"eq", "not_eq", "match", "not_match"}
    return lambda record: _meets(read(record), sought, exact) != operator.startswith("not_")


def _meets(value: Any, sought: list[str], exact: bool) -> bool:
    values = [str(each).lower() for each in (value if isinstance(value, list) else [value]) if each is not None]
    if isinstance(value, bool):
        values = [str(value).lower()]
    return any(want == each if exact else want in each for want in sought for each in values)


def _bounds(asked: Mapping[str, Any]) -> tuple[int | None, int | None]:
    value = asked.get("value")
    if not isinstance(value, dict) or not value or not set(value) <= {"gte", "gt", "lte", "lt"}:
        raise unprocessable(f"value of {asked.get('field')} must be an object with gte, gt, lte or lt")
    try:
        read = {name: stamp_of(each) for name, each in value.items()}
    except (ValueError, TypeError, AttributeError) as exc:
        raise unprocessable(f"value of {asked.get('field')} must hold dates") from exc
    lows = [read[name] + (name == "gt") for name in ("gte", "gt") if name in read]
    highs = [read[name] - (name == "lt") for name in ("lte", "lt") if name in read]
    return max(lows, default=None), min(highs, default=None)


def _within(value: Any, low: int | None, high: int | None) -> bool:
    try:
        number = stamp_of(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return (low is None or number >= low) and (high is None or number <= high)


@dataclass(frozen=True, slots=True)
class Found:
    """One page: its records with the values to go on after each, and how many there are in all."""

    page: list[tuple[Record, list[Any]]]
    total: int


def search(state: State, location: str, dialect: Dialect, body: Mapping[str, Any], limit: int) -> Found:
    """Carries out a search.

    Raises:
        Refusal: its filters, sort or page are not understood.
    """
    field, descending = _sorting(dialect, body.get("sort") or [])
    asked = plan(dialect, body.get("filters") or [], str(body.get("query") or ""), field)
    times = state.by_time(dialect.table, location, field, asked.since, asked.until)
    rows = state.tables[dialect.table].get(location, {})
    if asked.tests:
        times = [entry for entry in times if all(test(rows[entry[1]]) for test in asked.tests)]
    part = _part(times, descending, body, limit)
    return Found([(rows[key], [stamp, key]) for stamp, key in part], len(times))


def _part(times: list[tuple[int, str]], descending: bool, body: Mapping[str, Any], limit: int) -> list[tuple[int, str]]:
    after, page = body.get("searchAfter") or None, body.get("page")
    if after is None:
        start = (int(page or 1) - 1) * limit
        if start + limit > PAGED:
            raise bad_request(f"Result window is too large, page * limit must not exceed {PAGED}: use searchAfter")
        if descending:
            end = max(0, len(times) - start)
            return times[max(0, end - limit) : end][::-1]
        return times[start : start + limit]
    if page:
        raise bad_request("page and searchAfter must not be given together")
    return _after(times, descending, after, limit)


def _after(times: list[tuple[int, str]], descending: bool, after: Any, limit: int) -> list[tuple[int, str]]:
    if not isinstance(after, list) or len(after) != 2:
        raise bad_request("searchAfter must be the searchAfter of a record")
    try:
        mark = (stamp_of(after[0]), str(after[1]))
    except (ValueError, TypeError, AttributeError) as exc:
        raise bad_request("searchAfter must be the searchAfter of a record") from exc
    if descending:
        end = bisect_left(times, mark)
        return times[max(0, end - limit) : end][::-1]
    start = bisect_right(times, mark)
    return times[start : start + limit]


def _sorting(dialect: Dialect, asked: Any) -> tuple[str, bool]:
    if not asked:
        return dialect.times[dialect.default_sort], True
    if not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
        raise unprocessable("sort must be an array of objects")
    field, direction = _word(asked[0], "field"), _word(asked[0], "direction")
    if field not in dialect.times:
        raise unprocessable(f"sort must be by one of the following fields: {', '.join(dialect.times)}")
    if direction not in {"asc", "desc"}:
        raise unprocessable("direction must be one of the following values: asc, desc")
    return dialect.times[field], direction == "desc"
