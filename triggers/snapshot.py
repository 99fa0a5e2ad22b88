"""Snapshot cursors: every key with its version, for lists without a time filter, single objects and computed answers.

Everything here is pure. Versions are numbered per feed, so that A -> B -> A is two changes and a record that comes back
after its removal is new again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from connections.paging import Offset, Position, at_path
from triggers.reading import Event, Page, PageRepeated, Reading, SetAside, digest, key_of, time_at
from triggers.trigger import Availability, Kind, Object, Snapshot, Trigger, Window

DAY = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A listing that is being read: where the next page starts, what it has shown, the keys of its last page.

    `whole` turns false when a record could not be judged: such a listing proves no removal.
    """

    at: Position = None
    found: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    window: tuple[int, int] | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotCursor:
    """What a snapshot feed remembers: `known` keys with their versions, how often each `absent` one was missing.

    `phase` is `baseline` until the first whole listing; `start` is the time (epoch ms) from which that one fires, None
    for not at all. `count` numbers the versions. `window` is the one last read whole, `places` the own times of the
    entries in it, `latest` the latest time at which one was added. `over`: the feed has had its one event.
    """

    phase: Literal["baseline", "steady"] = "baseline"
    start: int | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, int] = field(default_factory=dict)
    count: int = 0
    listing: Listing | None = None
    window: tuple[int, int] | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    latest: int | None = None
    over: bool = False
    way: int = 0


def begin(start: Literal["now", "beginning"] | int) -> SnapshotCursor:
    """The cursor of a feed that was never polled; a date fires for what was added at or after it (epoch ms)."""
    return SnapshotCursor(start={"now": None, "beginning": 0}.get(start) if isinstance(start, str) else start)


def load(stored: Mapping[str, Any]) -> SnapshotCursor:
    """The cursor that was stored as JSON."""
    listing = stored.get("listing")
    if listing:
        tuples = {name: tuple(listing[name]) for name in ("found", "keys", "window") if listing[name] is not None}
        listing = Listing(**{**listing, **tuples})
    window = tuple(stored["window"]) if stored.get("window") else None
    return SnapshotCursor(**{**stored, "listing": listing or None, "window": window})


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
        PageRepeated: the page has the keys of the one before.
    """
    window = window_of(trigger)
    listing = cursor.listing or Listing(window=span(window, today) if window else None)
    only = "object" if isinstance(trigger.strategy, Object) else None
    keyed = [(key_of(record, trigger.key) or only, record) for record in page.records]
    nameless = f"it has no {'/'.join(trigger.key)}"
    aside = tuple(SetAside(reason=nameless, record=record) for key, record in keyed if not key)
    lines = [(key, record) for key, record in keyed if key]
    keys = tuple(key for key, _ in lines)
    if keys and keys == listing.keys:
        raise PageRepeated(f"{trigger.id}: two pages in a row hold the same {len(keys)} records")
    if torn(listing, keys, trigger):
        return Reading(events=(), cursor=replace(cursor, listing=_stepped_back(listing, trigger)), aside=aside)
    events, cursor = _met(trigger, cursor, listing, lines, page.now)
    listing = replace(
        listing,
        at=page.next,
        found=tuple(dict.fromkeys((*listing.found, *keys))),
        keys=keys,
        whole=listing.whole and not aside,
    )
    if page.next is not None:
        return Reading(events=tuple(events), cursor=replace(cursor, listing=listing), aside=aside)
    gone, cursor = _missed(trigger, cursor, listing, page.now)
    return Reading(events=(*events, *gone), cursor=cursor, aside=aside)


def torn(listing: Listing, keys: Sequence[str], trigger: Trigger) -> bool:
    """Whether the list shifted between two pages that are counted off.

    Such pages overlap by a record (see `Offset`); when the new one knows none of the last one's, records were deleted
    in between, and as many slipped by unread.
    """
    counted = isinstance(trigger.paging, Offset) and bool(listing.at)
    return counted and bool(listing.keys) and not set(listing.keys) & set(keys)


def _stepped_back(listing: Listing, trigger: Trigger) -> Listing:
    assert isinstance(trigger.paging, Offset)  # noqa: S101  # only such pages can be torn
    return replace(listing, at=max(0, listing.at - max(trigger.paging.size // 2, 1)) or None)


def _met(
    trigger: Trigger,
    cursor: SnapshotCursor,
    listing: Listing,
    lines: Sequence[tuple[str, Mapping[str, Any]]],
    now: int | None,
) -> tuple[list[Event], SnapshotCursor]:
    known, absent, places = dict(cursor.known), dict(cursor.absent), dict(cursor.places)
    count, latest, events = cursor.count, cursor.latest, []
    window = window_of(trigger)
    for key, record in lines:
        absent.pop(key, None)
        place = time_at(record, window.at) if window else None
        if place is not None:
            places[key] = place
        content = _content(trigger, record)
        if known.get(key) == content:
            continue
        kind: Kind = "updated" if key in known else "new"
        silent = _old(trigger, cursor, record) if cursor.phase == "baseline" else False
        silent = silent or (kind == "new" and _entered(trigger, cursor, record, place, now))
        known[key] = content
        if silent:
            continue
        count += 1
        events.append(_event(trigger, key, f"{content}.{count}", kind, record))
    added = [time for _, record in lines if (time := time_at(record, _added(trigger))) is not None]
    latest = max([*added, *([] if latest is None else [latest])], default=None)
    spoken = [event for event in events if event.kind in trigger.events]
    over = cursor.over or (bool(spoken) and getattr(trigger.strategy, "once", False))
    state = replace(cursor, known=known, absent=absent, places=places, count=count, latest=latest, over=over)
    return spoken, replace(state, listing=listing)


def _missed(
    trigger: Trigger, cursor: SnapshotCursor, listing: Listing, now: int | None
) -> tuple[list[Event], SnapshotCursor]:
    """Judge, after a whole listing, what was not in it."""
    done = replace(cursor, phase="steady", listing=None, window=listing.window)
    if not listing.whole:
        return [], replace(done, window=cursor.window)
    found = set(listing.found)
    patience = getattr(trigger.strategy, "missing", 1)
    known, absent, places = dict(cursor.known), dict(cursor.absent), dict(cursor.places)
    count, events = cursor.count, []
    for key in [key for key in known if key not in found]:
        left = _left(trigger, places.get(key), cursor.window, listing.window, now)
        absent[key] = absent.get(key, 0) + 1
        if not left and cursor.phase == "steady" and absent[key] < patience:
            continue
        gone = known.pop(key)
        absent.pop(key, None)
        places.pop(key, None)
        if left or cursor.phase == "baseline":
            continue
        count += 1
        record = dict(zip(_key_names(trigger), key.split("/"), strict=False))
        events.append(_event(trigger, key, f"{gone}.removed.{count}", "removed", record))
    spoken = [event for event in events if event.kind in trigger.events]
    return spoken, replace(done, known=known, absent=absent, places=places, count=count)


def _content(trigger: Trigger, record: Mapping[str, Any]) -> str:
    version = trigger.strategy.version if isinstance(trigger.strategy, Snapshot) else None
    value = at_path(record, version) if version else None
    return digest(record, trigger) if value is None else str(value)


def _added(trigger: Trigger) -> str | None:
    return trigger.strategy.added if isinstance(trigger.strategy, Snapshot) else None


def _old(trigger: Trigger, cursor: SnapshotCursor, record: Mapping[str, Any]) -> bool:
    """Whether a record of the first listing was there before the start."""
    if not cursor.start:
        return cursor.start is None
    added = time_at(record, _added(trigger))
    return added is None or added < cursor.start


def _entered(
    trigger: Trigger, cursor: SnapshotCursor, record: Mapping[str, Any], place: int | None, now: int | None
) -> bool:
    """Whether an unknown entry only came in over the edge of the window, or has passed already."""
    if place is None or cursor.window is None:
        return False
    added = time_at(record, _added(trigger))
    if added is not None and cursor.latest is not None and added > cursor.latest:
        return False
    return not cursor.window[0] <= place < cursor.window[1] or _past(trigger, place, now)


def _left(
    trigger: Trigger, place: int | None, before: tuple[int, int] | None, after: tuple[int, int] | None, now: int | None
) -> bool:
    """Whether a missing entry only went out over the edge of the window, or has passed."""
    if place is None or before is None or after is None:
        return False
    return not max(before[0], after[0]) <= place < min(before[1], after[1]) or _past(trigger, place, now)


def _past(trigger: Trigger, place: int, now: int | None) -> bool:
    return isinstance(trigger.strategy, Availability) and now is not None and place <= now


def _event(trigger: Trigger, key: str, version: str, kind: Kind, record: Mapping[str, Any]) -> Event:
    names: Mapping[Kind, Kind] = {"updated": "changed"}
    if isinstance(trigger.strategy, Object):
        names = {"updated": "changed", "new": "changed"}
    spoken = kind if kind in trigger.events else names.get(kind, kind)
    return Event(key=key, version=version, kind=spoken, record=record)


def _key_names(trigger: Trigger) -> list[str]:
    return [name.split("|")[0] for name in trigger.key]
