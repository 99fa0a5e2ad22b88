"""Watermark cursors: how far a list sorted by time is known, and which versions were met beyond that.

Everything here is pure. Times are the vendor's own, in epoch milliseconds: the time fields of its records, and the Date
header of its answers. The two clocks need not agree. A record dated `t` in an answer of `now` shows that the records'
clock is at most `now - t` behind the Date header; a record dated later than the header shows nothing and moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile, takewhile
from typing import Any, Literal

from connections.paging import Linked, Numbered, Offset, Position
from triggers.reading import Disordered, Event, Page, PageRepeated, Reading, SetAside, key_of, time_at
from triggers.trigger import Kind, Trigger, Watch, Watermark

Marks = Mapping[str, Sequence[Any]]
"""Versions by key, in the order they were met: a time, or `[time, also]` where the strategy has an `also`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A list that is being read page by page.

    `at` is where the next page starts, `now` the vendor's clock at the first page, `edge` the furthest time met, `met`
    the versions that this walk met and that it, or the next one, could meet again.

    Where pages are counted off: `keys` are those of the last one, `repeated` says that it was as the one before.
    """

    at: Position = None
    now: int | None = None
    edge: int | None = None
    met: Marks = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkCursor:
    """What a watermark feed remembers.

    Below `floor` all is known and nothing is emitted; `seen` are the versions at or after it that finished walks met.
    `since` is the highest time met that the vendor's clock had reached, `lag` how far (ms) the records' clock is behind
    the Date header at most. `phase` is `baseline` until what existed at the start is known, `way` says in which of the
    trigger's ways the vendor is asked.
    """

    phase: Literal["baseline", "steady"] = "baseline"
    floor: int | None = None
    since: int | None = None
    lag: int | None = None
    seen: Marks = field(default_factory=dict)
    walk: Walk | None = None
    way: int = 0


def begin(start: Literal["now", "beginning"] | int) -> WatermarkCursor:
    """The cursor of a feed that was never polled; a date (epoch ms) fires for what lies at or after it."""
    if start == "now":
        return WatermarkCursor()
    return WatermarkCursor(phase="steady", floor=None if start == "beginning" else start)


def load(stored: Mapping[str, Any]) -> WatermarkCursor:
    """The cursor that was stored as JSON."""
    walk = stored.get("walk")
    begun = Walk(**{**walk, "keys": tuple(walk.get("keys", ()))}) if walk else None
    return WatermarkCursor(**{**stored, "walk": begun})


def back(cursor: WatermarkCursor) -> WatermarkCursor:
    """The cursor with its walk at the beginning of the list again; what the walk met it still knows."""
    return replace(cursor, walk=cursor.walk and Walk(now=cursor.walk.now, met=cursor.walk.met))


def ask(trigger: Trigger, watch: Watch, cursor: WatermarkCursor) -> dict[str, Any]:
    """The time and paging parameters of the next request, in the first dialect that the trigger has.

    Pages that are counted off shift when a record moves from one that was read to one that was not. So a list that
    comes oldest first is not counted through: each page is the first one from the furthest time met on.
    """
    strategy = _strategy(trigger)
    paging = trigger.paging.ask(cursor.walk.at if cursor.walk else None)
    if not strategy.since:
        return paging
    baseline = cursor.phase == "baseline"
    moment = cursor.floor
    if _counted(trigger) and not baseline and cursor.walk is not None and cursor.walk.edge is not None:
        moment = cursor.walk.edge
    return {**paging, **strategy.since[0](watch, moment, baseline)}


def absorb(trigger: Trigger, watch: Watch, cursor: WatermarkCursor, page: Page) -> Reading[WatermarkCursor]:
    """What this page brings, and the cursor after it; the walk has ended when the cursor holds none.

    Raises:
        PageRepeated: the next page starts where this one did.
        Disordered: the records are not in the order of their times.
    """
    strategy = _strategy(trigger)
    walk = cursor.walk or Walk(now=page.now)
    if page.next is not None and page.next == walk.at:
        raise PageRepeated(f"{trigger.id}: the page at {page.next} leads to itself; reading on would never end")
    lines, aside = _told(trigger, watch, page.records)
    descending = _descending(strategy, cursor)
    if _counted(trigger):
        walk, lines = _counted_off(trigger, walk, lines, descending=descending)
    edge = _edge(trigger, walk.edge, lines, descending=descending)
    onward = _counted(trigger) and not descending and edge != walk.edge
    events, met = _judged(strategy, cursor, walk, lines)
    cursor = _observed(cursor, lines, page.now)
    walk = replace(walk, at=None if onward else page.next, edge=edge, met=met)
    bottom = cursor.floor if cursor.phase == "steady" else _rise(strategy, cursor, walk)
    whole = descending and edge is not None and bottom is not None and edge < bottom
    if page.next is None or whole:
        after = _ended(strategy, cursor, walk)
    else:
        _forget(strategy, cursor, walk, met)
        after = replace(cursor, walk=walk)
    if cursor.phase == "baseline":
        events = []
    return Reading(events=tuple(events[::-1] if descending else events), cursor=after, aside=aside)


@dataclass(frozen=True, slots=True)
class _Line:
    """A record as it is judged: its version as `mark`, and when it came into being."""

    key: str
    time: int
    mark: Any
    added: int
    record: Mapping[str, Any]


def _strategy(trigger: Trigger) -> Watermark:
    assert isinstance(trigger.strategy, Watermark), trigger.id  # noqa: S101  # the caller chose this module by it
    return trigger.strategy


def _counted(trigger: Trigger) -> bool:
    return isinstance(trigger.paging, Offset | Numbered | Linked)


def _counted_off(trigger: Trigger, walk: Walk, lines: list[_Line], *, descending: bool) -> tuple[Walk, list[_Line]]:
    """The walk with this page, and what of it counts.

    Newest first, what lies above the last page was met already, or came in meanwhile and is left to the next walk.

    Raises:
        PageRepeated: it is the same page for the third time. A page may come twice, as the list shifts.
    """
    keys = tuple(line.key for line in lines)
    repeated = bool(keys) and walk.at is not None and keys == walk.keys
    if repeated and walk.repeated:
        raise PageRepeated(f"{trigger.id}: three pages in a row hold the same records; reading on would never end")
    within = [line for line in lines if not descending or walk.edge is None or line.time <= walk.edge]
    return replace(walk, keys=keys, repeated=repeated), within


def _descending(strategy: Watermark, cursor: WatermarkCursor) -> bool:
    return not strategy.since or cursor.phase == "baseline"


def _told(
    trigger: Trigger, watch: Watch, records: Sequence[Mapping[str, Any]]
) -> tuple[list[_Line], tuple[SetAside, ...]]:
    strategy = _strategy(trigger)
    watched = strategy.added
    if strategy.updated is not None and (watch == "updated" or not strategy.since):
        watched = strategy.updated
    lines, aside = [], []
    for record in records:
        key, time = key_of(record, trigger.key), time_at(record, watched)
        if key is None or time is None:
            missing = "/".join(trigger.key) if key is None else watched
            aside.append(SetAside(reason=f"it has no usable {missing}", record=record))
            continue
        mark = time if strategy.also is None else [time, record.get(strategy.also)]
        added = time_at(record, strategy.added)
        lines.append(_Line(key, time, mark, time if added is None else added, record))
    return lines, tuple(aside)


def _edge(trigger: Trigger, edge: int | None, lines: Sequence[_Line], *, descending: bool) -> int | None:
    """The furthest time met; a vendor may be out of order by the look-back, but not by more."""
    slack = _lookback(_strategy(trigger))
    for line in lines:
        if edge is None:
            edge = line.time
        if line.time > edge + slack if descending else line.time < edge - slack:
            order = "newest first" if descending else "oldest first"
            raise Disordered(f"{trigger.id}: the list should come {order}, but {line.key} is out of order")
        edge = min(edge, line.time) if descending else max(edge, line.time)
    return edge


def _judged(
    strategy: Watermark, cursor: WatermarkCursor, walk: Walk, lines: Sequence[_Line]
) -> tuple[list[Event], dict[str, Sequence[Any]]]:
    """The versions that neither this walk nor an earlier one met, and all that this walk met."""
    met = dict(walk.met)
    events = []
    low = _forgotten(strategy, cursor, walk)
    for line in lines:
        known = [*cursor.seen.get(line.key, ()), *met.get(line.key, ())]
        again = line.mark in known if strategy.also is None else known[-1:] == [line.mark]
        if again or (cursor.floor is not None and line.time < cursor.floor):
            continue
        met[line.key] = [*met.pop(line.key, ()), line.mark]  # last met, last in order
        kind: Kind = "new" if not known and _is_new(strategy, cursor, walk, line, low) else "updated"
        # the count makes A -> B -> A two changes, where a record keeps its time when its `also` changes
        version = str(line.time) if strategy.also is None else f"{line.time}.{line.mark[1]}.{len(known)}"
        events.append(Event(key=line.key, version=version, kind=kind, record=line.record))
    return events, met


def _is_new(strategy: Watermark, cursor: WatermarkCursor, walk: Walk, line: _Line, low: int | None) -> bool:
    """Whether a record of which no version is known has not been met before.

    It has, if it came into being below the floor. And it may have, if it came into being where this walk has forgotten
    what it met (below `low`) and could have moved ahead since: then it counts as updated, which it was.
    """
    if cursor.floor is not None and line.added < cursor.floor:
        return False
    return low is None or line.added >= low or walk.now is None or line.time < walk.now - _lookback(strategy)


def _observed(cursor: WatermarkCursor, lines: Sequence[_Line], now: int | None) -> WatermarkCursor:
    """The cursor with what the times in a page show of the records' clock."""
    high = max((line.time for line in lines if now is None or line.time <= now), default=None)
    if high is None:
        return cursor
    since = high if cursor.since is None else max(cursor.since, high)
    if now is None:
        return replace(cursor, since=since)
    return replace(cursor, since=since, lag=now - high if cursor.lag is None else min(cursor.lag, now - high))


def _shown(strategy: Watermark, cursor: WatermarkCursor, walk: Walk) -> int | None:
    """Below this time everything had shown up when the walk began, however late: it lies the look-back in the past."""
    clock = cursor.since if walk.now is None or cursor.lag is None else walk.now - cursor.lag
    return None if clock is None else clock - _lookback(strategy)


def _rise(strategy: Watermark, cursor: WatermarkCursor, walk: Walk) -> int | None:
    """Where the floor will lie once the walk has ended.

    It never lies beyond the highest time met, whatever a Date header says; but past it once nothing can show up there
    any more, so that an idle poll finds nothing, not even after ten thousand records of one moment.
    """
    shown = _shown(strategy, cursor, walk)
    return None if shown is None or cursor.since is None else min(cursor.since + 1, shown)


def _ended(strategy: Watermark, cursor: WatermarkCursor, walk: Walk) -> WatermarkCursor:
    """The cursor after a walk: the floor has risen, and what lies below it is forgotten."""
    floor = max((time for time in (cursor.floor, _rise(strategy, cursor, walk)) if time is not None), default=None)
    seen = {**cursor.seen, **{key: [*cursor.seen.get(key, ()), *marks] for key, marks in walk.met.items()}}
    if floor is not None:
        left = {key: [mark for mark in marks if _time(mark) >= floor] for key, marks in seen.items()}
        seen = {key: marks for key, marks in left.items() if marks}
    return replace(cursor, phase="steady", floor=floor, seen=seen, walk=None)


def _forget(strategy: Watermark, cursor: WatermarkCursor, walk: Walk, met: dict[str, Sequence[Any]]) -> None:
    """Take out what neither this walk nor the next one can meet again; `met` is in the order of reading.

    A walk upwards keeps what lies within the look-back of its edge, or above the coming floor. A walk downwards keeps
    both of these, at its two ends, and drops what lies between.
    """
    low, rise = _forgotten(strategy, cursor, walk), _rise(strategy, cursor, walk)
    if rise is None or walk.edge is None:
        return
    if low is not None:
        old = takewhile(lambda key: _latest(met[key]) < low, met)
    else:
        near = walk.edge + _lookback(strategy)
        passed = dropwhile(lambda key: _latest(met[key]) <= near, reversed(met))
        old = takewhile(lambda key: _latest(met[key]) < rise, passed if walk.edge < rise else ())
    for key in list(old):
        del met[key]


def _forgotten(strategy: Watermark, cursor: WatermarkCursor, walk: Walk) -> int | None:
    """The time below which a walk upwards no longer knows what it met; None where it knows all that matters."""
    rise = _rise(strategy, cursor, walk)
    if rise is None or walk.edge is None or _descending(strategy, cursor):
        return None
    return min(rise, walk.edge - _lookback(strategy))


def _time(mark: Any) -> int:
    return int(mark[0] if isinstance(mark, list) else mark)


def _latest(marks: Sequence[Any]) -> int:
    return max(map(_time, marks))


def _lookback(strategy: Watermark) -> int:
    return round(strategy.lookback.total_seconds() * 1000)
