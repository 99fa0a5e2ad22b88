"""Snapshot cursors: every key with its version, for lists without a time filter, single objects and computed answers.

Everything here is pure. Versions are numbered per feed, so that A -> B -> A is two changes and a record that comes back
after its removal is new again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from connections.fields import span as length
from connections.paging import Offset, Position, at_path
from triggers.reading import (
    Event,
    Page,
    PageRepeated,
    Reading,
    SetAside,
    digest,
    fields_of,
    fingerprint,
    key_of,
    moment,
    time_at,
)
from triggers.trigger import Availability, Kind, Object, Snapshot, Trigger, Window

DAY = 86_400_000
NAMELESS = "object"
"""The key of an object that carries none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A listing that is being read: where the next page starts, what it has shown, the keys of its last page.

    `now` is the vendor's clock at its first page. `repeated`: the last page was the same as the one before. `whole`
    turns false when a record could not be judged: such a listing proves no removal.
    """

    at: Position = None
    now: int | None = None
    window: tuple[int, int] | None = None
    found: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    repeated: bool = False
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotCursor:
    """What a snapshot feed remembers: `known` keys with their versions, how often each `absent` one was missing.

    `phase` is `baseline` until the first listing has ended; `start` is the time (epoch ms) from which that one fires,
    None for not at all. `count` numbers the versions. Of a list with a rolling window it also remembers the `window`
    last listed, the vendor's clock then (`listed`), and the own times of the known entries (`places`). `over`: the feed
    has had its one event.
    """

    phase: Literal["baseline", "steady"] = "baseline"
    start: int | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, int] = field(default_factory=dict)
    count: int = 0
    listing: Listing | None = None
    window: tuple[int, int] | None = None
    listed: int | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    over: bool = False
    way: int = 0


def begin(start: Literal["now", "beginning"] | int) -> SnapshotCursor:
    """The cursor of a feed that was never polled; a date fires for what was added at or after it (epoch ms)."""
    return SnapshotCursor(start={"now": None, "beginning": 0}.get(start) if isinstance(start, str) else start)


def load(stored: Mapping[str, Any]) -> SnapshotCursor:
    """The cursor that was stored as JSON."""
    listing = stored.get("listing")
    return SnapshotCursor(
        **{**_with_tuples(stored, ("window",)), "listing": Listing(**_with_tuples(listing)) if listing else None}
    )


def _with_tuples(stored: Mapping[str, Any], names: Iterable[str] = ("found", "keys", "window")) -> dict[str, Any]:
    return {**stored, **{name: tuple(stored[name]) for name in names if stored.get(name) is not None}}


def window_of(trigger: Trigger) -> Window | None:
    """The rolling window in which the trigger's list is asked for, if it has one."""
    return getattr(trigger.strategy, "window", None)


def ask(trigger: Trigger, cursor: SnapshotCursor, today: int) -> dict[str, Any]:
    """The paging and window parameters of the next request; `today` is the start of the day in epoch ms."""
    paging = trigger.paging.ask(cursor.listing.at if cursor.listing else None)
    window = window_of(trigger)
    if window is None:
        return paging
    start, end = span(window, today) if cursor.listing is None else cursor.listing.window or span(window, today)
    written: Callable[[int], Any] = str if window.unit == "ms_text" else int
    return {**paging, window.start: written(start), window.end: written(end)}


def span(window: Window, today: int) -> tuple[int, int]:
    """The window's two ends in epoch ms."""
    return today + window.days[0] * DAY, today + window.days[1] * DAY


def absorb(trigger: Trigger, cursor: SnapshotCursor, page: Page, today: int) -> Reading[SnapshotCursor]:
    """What this page brings, and the cursor after it; the listing has ended when the cursor holds none.

    Raises:
        PageRepeated: the page is the same as the two before it. It may come twice, by a fault or as the list shifted.
    """
    window = window_of(trigger)
    listing = cursor.listing or Listing(now=page.now, window=span(window, today) if window else None)
    lines, aside = _told(trigger, page.records)
    keys = (*lines, *(fingerprint(item.record) for item in aside))
    repeated = bool(keys) and keys == listing.keys
    if repeated and listing.repeated:
        raise PageRepeated(f"{trigger.id}: three pages in a row hold the same {len(keys)} records")
    if torn(listing, keys, trigger):
        return Reading(events=(), cursor=replace(cursor, listing=_stepped_back(listing, trigger)), aside=aside)
    now = today if page.now is None else page.now
    lines = {key: record for key, record in lines.items() if near(trigger, record, now)}
    events, cursor = _met(trigger, cursor, lines, page.now)
    listing = replace(
        listing,
        at=page.next,
        found=tuple(dict.fromkeys((*listing.found, *lines))),
        keys=keys,
        repeated=repeated,
        whole=listing.whole and not aside,
    )
    if page.next is not None:
        return Reading(events=tuple(events), cursor=replace(cursor, listing=listing), aside=aside)
    gone, cursor = _missed(trigger, cursor, listing, page.now) if listing.whole else ([], cursor)
    ended = replace(cursor, phase="steady", listing=None, window=listing.window, listed=listing.now if window else None)
    return Reading(events=(*events, *gone), cursor=ended, aside=aside)


def bound(trigger: Trigger, params: Mapping[str, Any]) -> Trigger:
    """The trigger for a feed with these parameters: it knows how near a record must be, if that counts."""
    within = getattr(trigger.strategy, "within", None)
    return trigger if within is None else _bound(trigger, str(params.get(within.parameter, "0s")))


@cache
def _bound(trigger: Trigger, text: str) -> Trigger:
    strategy: Any = trigger.strategy
    return replace(trigger, strategy=replace(strategy, within=replace(strategy.within, span=length(text))))


def near(trigger: Trigger, record: Mapping[str, Any], now: int) -> bool:
    """Whether a record counts as there at that time (epoch ms), as far as its own time goes."""
    within = getattr(trigger.strategy, "within", None)
    if within is None:
        return True
    place = time_at(record, within.at)
    return place is not None and place <= now + round(within.span.total_seconds() * 1000)


def torn(listing: Listing, keys: Sequence[str], trigger: Trigger) -> bool:
    """Whether the list shifted between two pages that are counted off.

    Such pages overlap by a record (see `Offset`); when the new one knows none of the last one's, records were deleted
    in between, and as many slipped by unread. A record that changes its place can slip by unnoticed: lists in an order
    that changes need `missing` of two.
    """
    counted = isinstance(trigger.paging, Offset) and bool(listing.at)
    return counted and bool(listing.keys) and not set(listing.keys) & set(keys)


def _stepped_back(listing: Listing, trigger: Trigger) -> Listing:
    assert isinstance(trigger.paging, Offset)  # noqa: S101  # only such pages can be torn
    return replace(listing, at=max(0, listing.at - max(trigger.paging.size // 2, 1)) or None)


def _told(
    trigger: Trigger, records: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Mapping[str, Any]], tuple[SetAside, ...]]:
    """The records of one answer by their keys; an answer can hold but one version of each."""
    only = NAMELESS if isinstance(trigger.strategy, Object) else None
    keyed = [(key_of(record, trigger.key) or only, record) for record in records]
    reason = f"it has no usable {'/'.join(trigger.key)}"
    aside = tuple(SetAside(reason=reason, record=record) for key, record in keyed if key is None)
    return {key: record for key, record in keyed if key is not None}, aside


def _met(
    trigger: Trigger, cursor: SnapshotCursor, lines: Mapping[str, Mapping[str, Any]], now: int | None
) -> tuple[list[Event], SnapshotCursor]:
    """The records that are new or differ from what is known of them."""
    known, places = dict(cursor.known), dict(cursor.places)
    count, events = cursor.count, []
    window = window_of(trigger)
    for key, record in lines.items():
        place = time_at(record, window.at) if window else None
        if place is not None:
            places[key] = place
        content = _content(trigger, record)
        before, known[key] = known.get(key), content
        kind = _spoken(trigger, "new" if before is None else "updated")
        if before == content or kind is None or _silent(trigger, cursor, record, before, place, now):
            continue
        count += 1
        events.append(Event(key=key, version=f"{content}.{count}", kind=kind, record=record))
    absent = {key: times for key, times in cursor.absent.items() if key not in lines}
    over = _over(trigger, cursor, known, brought=bool(events))
    return events, replace(cursor, known=known, absent=absent, places=places, count=count, over=over)


def _missed(
    trigger: Trigger, cursor: SnapshotCursor, listing: Listing, now: int | None
) -> tuple[list[Event], SnapshotCursor]:
    """Judge, after a whole listing, what was not in it."""
    known, absent, places = dict(cursor.known), dict(cursor.absent), dict(cursor.places)
    count, events = cursor.count, []
    kind = _spoken(trigger, "removed")
    found = set(listing.found)
    for key in [key for key in cursor.known if key not in found]:
        left = _left(trigger, places.get(key), listing.window, now)
        absent[key] = absent.get(key, 0) + 1
        if not left and absent[key] < getattr(trigger.strategy, "missing", 1):
            continue
        content = known.pop(key)
        absent.pop(key)
        places.pop(key, None)
        if left or kind is None:
            continue
        count += 1
        record = {} if key == NAMELESS else fields_of(key, trigger.key)
        events.append(Event(key=key, version=f"{content}.removed.{count}", kind=kind, record=record))
    return events, replace(cursor, known=known, absent=absent, places=places, count=count)


def _content(trigger: Trigger, record: Mapping[str, Any]) -> str:
    """What tells a version of a record from others: its time of change, or a digest where it has none.

    A time in whole seconds does not do alone: a record may change twice in one.
    """
    version = trigger.strategy.version if isinstance(trigger.strategy, Snapshot) else None
    value = at_path(record, version) if version else None
    if value is None:
        return digest(record, trigger)
    time = moment(value)
    return str(value) if time is None or time % 1000 else f"{value}.{digest(record, trigger)}"


def _over(trigger: Trigger, cursor: SnapshotCursor, known: Mapping[str, str], *, brought: bool) -> bool:
    """Whether nothing more is to come: the one entry is there and, where changes are told, a poll found none."""
    if cursor.over or not known or not getattr(trigger.strategy, "once", False):
        return cursor.over
    return "changed" not in trigger.events or (cursor.phase == "steady" and not brought)


def _spoken(trigger: Trigger, kind: Kind) -> Kind | None:
    """By which name the trigger tells of this kind of event; None where it does not."""
    names: tuple[Kind, ...] = (kind,) if kind == "removed" else (kind, "changed")
    return next((name for name in names if name in trigger.events), None)


def _silent(
    trigger: Trigger,
    cursor: SnapshotCursor,
    record: Mapping[str, Any],
    before: str | None,
    place: int | None,
    now: int | None,
) -> bool:
    """Whether a record is only taken note of: it was there before the start, or crossed the edge of the window."""
    added = time_at(record, trigger.strategy.added if isinstance(trigger.strategy, Snapshot) else None)
    if cursor.phase == "baseline":
        return cursor.start is None or (cursor.start > 0 and (added is None or added < cursor.start))
    if before is not None or place is None or cursor.window is None:
        return False
    if added is not None and cursor.listed is not None and added >= cursor.listed:
        return False
    return not cursor.window[0] <= place < cursor.window[1] or _past(trigger, place, now)


def _left(trigger: Trigger, place: int | None, window: tuple[int, int] | None, now: int | None) -> bool:
    """Whether a missing entry only went out over the edge of the window, or has passed."""
    if place is None or window is None:
        return False
    return not window[0] <= place < window[1] or _past(trigger, place, now)


def _past(trigger: Trigger, place: int, now: int | None) -> bool:
    return isinstance(trigger.strategy, Availability) and now is not None and place <= now
