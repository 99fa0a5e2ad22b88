"""Watermark cursors: the highest time seen, and what was seen inside the look-back behind it.

Everything here is pure. Times are the vendor's own, in epoch milliseconds: a record's time fields, and the Date header
of the answers, which keeps a record dated in the future from carrying the watermark past the records still to come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from connections.paging import Position
from triggers.reading import Disordered, Event, Page, PageRepeated, Reading, SetAside, key_of, time_at
from triggers.trigger import Kind, Trigger, Watch, Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A list that is being read: where the next page starts, and what holds for all of its pages.

    `bound` is the time down to which (newest first) or from which (oldest first) it is read, `now` the vendor's clock
    at its first page, `high` the highest time met, `edge` the last time met, `keys` those of the last page.
    """

    at: Position = None
    bound: int | None = None
    now: int | None = None
    high: int | None = None
    edge: int | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkCursor:
    """What a watermark feed remembers.

    `since` is the highest time read whole, `floor` the time below which nothing is emitted, `seen` the keys inside the
    look-back with their times (and their `also` value, where the strategy has one). `moved` and `checked` are the
    vendor's clock when `since` last rose and when the list was last read whole: the look-back is over when that much
    of the vendor's time has passed between the two. `phase` is `baseline` until what existed at the start is known,
    `way` the dialect that the vendor accepts.
    """

    phase: Literal["baseline", "steady"] = "baseline"
    since: int | None = None
    floor: int | None = None
    moved: int | None = None
    checked: int | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)
    walk: Walk | None = None
    way: int = 0


def begin(start: Literal["now", "beginning"] | int) -> WatermarkCursor:
    """The cursor of a feed that was never polled; a date (epoch ms) fires for what lies at or after it."""
    if start == "now":
        return WatermarkCursor()
    if start == "beginning":
        return WatermarkCursor(phase="steady")
    return WatermarkCursor(phase="steady", since=start, floor=start)


def load(stored: Mapping[str, Any]) -> WatermarkCursor:
    """The cursor that was stored as JSON."""
    walk = stored.get("walk")
    kept = {**walk, "keys": tuple(walk["keys"])} if walk else None
    return WatermarkCursor(**{**stored, "walk": Walk(**kept) if kept else None})


def ask(trigger: Trigger, watch: Watch, cursor: WatermarkCursor) -> dict[str, Any]:
    """The time and paging parameters of the next request."""
    strategy = _strategy(trigger)
    paging = trigger.paging.ask(cursor.walk.at if cursor.walk else None)
    if not strategy.since:
        return paging
    newest_first = cursor.phase == "baseline"
    bound = None if newest_first else _bound(strategy, cursor)
    return {**paging, **strategy.since[0](watch, bound, newest_first)}


def absorb(trigger: Trigger, watch: Watch, cursor: WatermarkCursor, page: Page) -> Reading[WatermarkCursor]:
    """What this page brings, and the cursor after it; the walk has ended when the cursor holds none.

    Raises:
        PageRepeated: the page has the keys of the one before.
        Disordered: the records are not in the order of their times.
    """
    strategy = _strategy(trigger)
    watched = strategy.updated if strategy.updated and (watch == "updated" or not strategy.since) else strategy.added
    told = list(_told(trigger, strategy, watched, page.records))
    aside = tuple(item for item in told if isinstance(item, SetAside))
    lines = [item for item in told if not isinstance(item, SetAside)]
    keys = tuple(line.key for line in lines)
    walk = cursor.walk or Walk(bound=_bound(strategy, cursor), now=page.now)
    if keys and keys == walk.keys:
        raise PageRepeated(f"{trigger.id}: two pages in a row hold the same {len(keys)} records")
    descending = not strategy.since or cursor.phase == "baseline"
    _check_order(trigger, strategy, walk, lines, descending=descending)
    high = max((line.time for line in lines), default=None)
    walk = replace(
        walk,
        at=page.next,
        high=_highest(walk.high, high),
        edge=lines[-1].time if lines else walk.edge,
        keys=keys,
    )
    if cursor.phase == "steady":
        fresh = [line for line in lines if cursor.floor is None or line.time >= cursor.floor]
        once = watched == strategy.added and strategy.also is None
        return _steady(strategy, cursor, walk, fresh, aside, descending=descending, once=once)
    return _baseline(strategy, cursor, walk, lines, aside)


@dataclass(frozen=True, slots=True)
class _Line:
    """A record as it is judged: `mark` is what `seen` holds of it, `added` when it came into being."""

    key: str
    time: int
    mark: Any
    version: str
    added: int
    record: Mapping[str, Any]


def _strategy(trigger: Trigger) -> Watermark:
    assert isinstance(trigger.strategy, Watermark), trigger.id  # noqa: S101  # the caller chose this module by it
    return trigger.strategy


def _told(
    trigger: Trigger, strategy: Watermark, watched: str, records: Sequence[Mapping[str, Any]]
) -> Iterator[_Line | SetAside]:
    for record in records:
        key = key_of(record, trigger.key)
        time = time_at(record, watched)
        if key is None or time is None:
            missing = "/".join(trigger.key) if key is None else watched
            yield SetAside(reason=f"it has no usable {missing}", record=record)
            continue
        also = record.get(strategy.also) if strategy.also else None
        mark, version = (time, str(time)) if strategy.also is None else ([time, also], f"{time}.{also}")
        yield _Line(key, time, mark, version, time_at(record, strategy.added) or time, record)


def _check_order(
    trigger: Trigger, strategy: Watermark, walk: Walk, lines: Sequence[_Line], *, descending: bool
) -> None:
    slack = _lookback(strategy)
    last = walk.edge
    for line in lines:
        if last is not None and (line.time > last + slack if descending else line.time < last - slack):
            order = "newest first" if descending else "oldest first"
            raise Disordered(f"{trigger.id}: the list should come {order}, but {line.key} is out of order")
        last = line.time if last is None else (min if descending else max)(last, line.time)


def _steady(
    strategy: Watermark,
    cursor: WatermarkCursor,
    walk: Walk,
    lines: Sequence[_Line],
    aside: tuple[SetAside, ...],
    *,
    descending: bool,
    once: bool,
) -> Reading[WatermarkCursor]:
    """Emit what `seen` does not hold; in a list by time of creation a key is new only `once`."""
    seen = dict(cursor.seen)
    events: list[Event] = []
    for line in lines:
        if line.key in seen and (once or seen[line.key] == line.mark):
            continue
        kind = _kind(cursor, seen, line)
        seen[line.key] = line.mark
        events.append(Event(key=line.key, version=line.version, kind=kind, record=line.record))
    if descending:
        events.reverse()
    below = walk.bound is not None and walk.edge is not None and walk.edge < walk.bound
    ended = walk.at is None or (descending and below)
    if descending and not ended:
        after = _thinned(strategy, replace(cursor, walk=walk), seen)
    else:
        raised = replace(_raised(cursor, walk), walk=None if ended else walk)
        after = _pruned(strategy, replace(raised, checked=walk.now) if ended else raised, seen)
    return Reading(events=tuple(events), cursor=after, aside=aside)


def _baseline(
    strategy: Watermark, cursor: WatermarkCursor, walk: Walk, lines: Sequence[_Line], aside: tuple[SetAside, ...]
) -> Reading[WatermarkCursor]:
    """Read from the newest record down through the look-back, and fire nothing: what is there is known from now on."""
    seen = {**{line.key: line.mark for line in lines}, **cursor.seen}
    raised = _raised(cursor, walk)
    below = raised.since is None or (walk.edge is not None and walk.edge < raised.since - _lookback(strategy))
    if walk.at is None or below:
        after = replace(raised, phase="steady", checked=walk.now, walk=None)
    else:
        after = replace(raised, walk=walk)
    return Reading(events=(), cursor=_pruned(strategy, after, seen), aside=aside)


def _raised(cursor: WatermarkCursor, walk: Walk) -> WatermarkCursor:
    """The cursor with its watermark at the highest time met, which is never later than the vendor's clock."""
    high = walk.high if walk.high is None or walk.now is None else min(walk.high, walk.now)
    if high is None or (cursor.since is not None and high <= cursor.since):
        return cursor
    return replace(cursor, since=high, moved=walk.now)


def _kind(cursor: WatermarkCursor, seen: Mapping[str, Any], line: _Line) -> Kind:
    """New is what was never seen and came into being at or after the floor: anything older would still be in `seen`."""
    fresh = line.key not in seen and (cursor.floor is None or line.added >= cursor.floor)
    return "new" if fresh else "updated"


def _pruned(strategy: Watermark, cursor: WatermarkCursor, seen: Mapping[str, Any]) -> WatermarkCursor:
    """Forget keys older than the look-back; nothing is emitted below the oldest that could still be remembered."""
    bound = _bound(strategy, replace(cursor, walk=None))
    if bound is None:
        return replace(cursor, seen=seen)
    return replace(cursor, floor=bound, seen={key: mark for key, mark in seen.items() if _time(mark) >= bound})


def _thinned(strategy: Watermark, cursor: WatermarkCursor, seen: Mapping[str, Any]) -> WatermarkCursor:
    """Inside a long walk down, keep what the next walk needs and what a repeated page could bring back."""
    assert cursor.walk is not None  # noqa: S101  # it is called inside a walk
    top, here = _raised(cursor, cursor.walk).since, cursor.walk.edge
    if top is None or here is None:
        return replace(cursor, seen=seen)
    slack = _lookback(strategy)
    kept = {key: mark for key, mark in seen.items() if _time(mark) >= top - slack or _time(mark) <= here + slack}
    return replace(cursor, seen=kept)


def _time(mark: Any) -> int:
    return int(mark[0] if isinstance(mark, list) else mark)


def _bound(strategy: Watermark, cursor: WatermarkCursor) -> int | None:
    """From which time on the next request asks.

    A record may show up late, by the look-back at most. Once the vendor's clock has moved on that far since the
    watermark last rose, nothing behind it can still be late: an idle poll stays one request even after a burst.
    """
    if cursor.walk is not None:
        return cursor.walk.bound
    if cursor.since is None:
        return cursor.floor
    waited = 0 if cursor.checked is None or cursor.moved is None else max(cursor.checked - cursor.moved, 0)
    return max(cursor.since - max(_lookback(strategy) - waited, 0), cursor.floor or 0)


def _highest(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _lookback(strategy: Watermark) -> int:
    return round(strategy.lookback.total_seconds() * 1000)
