"""Polling one feed: asking the vendor page by page, and writing down what each part of it brought."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson

from config.automation import Auto, schedule_of
from connections.connection import Connection
from connections.errors import Garbage, Later, NotFound, OutcomeUnknown, Refused, Unauthorized, VendorError
from connections.paging import first_at, link_at
from connections.request import InvalidInputs, build
from connections.wire import Request
from triggers import snapshot, watermark
from triggers.reading import Disordered, Event, Page, PageRepeated, SetAside, key_of
from triggers.snapshot import SnapshotCursor
from triggers.trigger import Availability, Object, Trigger, Watermark
from triggers.watermark import WatermarkCursor
from worker.files import Files, NotKept
from worker.kit import Caller
from worker.ledger.feeds import LEASE, ClaimedFeed, Poll
from worker.schedule import FASTEST, missed_slots, next_slot, paced

PAGES_PER_COMMIT = 5
ECHO = 3_000
ECHOES = 60_000
"""A nudge that brought nothing is followed up (ms): a vendor's index shows some seconds later what it told about."""
PAGES_PER_TURN = 100
"""A feed with more to read than this is due again at once, so that others get their turn."""
REFUSED_OFTEN = 2
"""After so many failures in a row a list that cannot be gone on with is read from its beginning."""
NEVER = 2**53
SWITCHING = frozenset({400, 401, 404, 422})
"""Refusals after which another way of asking is tried, where the trigger has one and the credential is not at fault."""

Cursor = WatermarkCursor | SnapshotCursor


class GivenUp(Exception):
    """What a feed waits for has not come in time; it is not asked for any more."""


@dataclass(slots=True, kw_only=True)
class _Part:
    """What has been read since the last commit."""

    pages: int = 0
    events: list[Event] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Poller:
    """One poll of one feed.

    `write` makes a part durable and gives the number of runs that it opened; `clock` is the time in epoch ms; at
    `deadline` (the same clock) the poll stops after the page in hand. `least` is the shortest interval (ms) that
    `every: auto` may choose. `files` is where files are kept, for triggers that fetch some.
    """

    feed: ClaimedFeed
    trigger: Trigger
    connection: Connection
    client: Caller
    write: Callable[[Poll], Awaitable[int]]
    clock: Callable[[], int]
    deadline: int
    least: int = FASTEST
    files: Files | None = None
    brought: bool = False

    def __post_init__(self) -> None:
        self.trigger = snapshot.bound(self.trigger, self.feed.params)

    async def poll(self) -> str | None:
        """Read what there is to read; the reason if it was cut short by an error.

        Raises:
            LeaseLost: another worker has taken the feed over.
        """
        cursor, part, turn = self._stored(), _Part(), 0
        before, over = cursor, isinstance(cursor, SnapshotCursor) and cursor.over
        error: VendorError | Disordered | PageRepeated | InvalidInputs | NotKept | GivenUp | None = None
        try:
            while not over:
                cursor, ended = await self._page(cursor, part)
                turn += 1
                if ended or turn >= PAGES_PER_TURN or self.clock() >= self.deadline:
                    break
                if part.pages >= PAGES_PER_COMMIT and not _descending(ways(self.trigger)[cursor.way]):
                    await self._commit(cursor, before, part)
                    before, part = cursor, _Part()
        except (VendorError, Disordered, PageRepeated, InvalidInputs, NotKept) as caught:
            error, cursor = caught, _begun_anew(cursor, caught, self.feed.failures)
        waited = timedelta(milliseconds=self.clock() - self.feed.created_at)
        if error is None and isinstance(cursor, SnapshotCursor) and _in_vain(self.trigger, cursor, waited):
            error = GivenUp(f"{self.trigger.id}: what it waits for has not come in {waited}")
            cursor = replace(cursor, over=True)
        await self._finish(cursor, before, part, error)
        return None if error is None else str(error)

    async def _page(self, cursor: Cursor, part: _Part) -> tuple[Cursor, bool]:
        today = _start_of_day(self.clock())
        trigger, cursor, page = await self._accepted(cursor, part, today)
        if isinstance(cursor, WatermarkCursor):
            read = watermark.absorb(trigger, self.feed.watch, cursor, page)
            after: Cursor = read.cursor
            ended = read.cursor.walk is None
        else:
            shot = snapshot.absorb(trigger, cursor, page, today)
            read, after, ended = shot, shot.cursor, shot.cursor.listing is None  # type: ignore[assignment]
        # a list that comes newest first is committed whole, oldest record first
        part.events[:] = [*read.events, *part.events] if _descending(trigger) else [*part.events, *read.events]
        part.aside += read.aside
        return after, ended

    async def _accepted(self, cursor: Cursor, part: _Part, today: int) -> tuple[Trigger, Cursor, Page]:
        """The next page, asked for in the way that the vendor accepts; inside a listing the way stays the same."""
        inside = cursor.walk if isinstance(cursor, WatermarkCursor) else cursor.listing
        left = ways(self.trigger)[cursor.way :]
        first: Refused | None = None
        for number, trigger in enumerate(left, cursor.way):
            part.pages += 1
            try:
                tried = replace(cursor, way=number)
                return trigger, tried, await self._ask(trigger, tried, today)
            except Refused as refused:
                first = first or refused
                if inside is not None or not another_way(refused):
                    break
        raise first or Refused(f"{self.trigger.id} has no way of asking number {cursor.way}")

    async def _ask(self, trigger: Trigger, cursor: Cursor, today: int) -> Page:
        inputs = dict(self.feed.params)
        if isinstance(cursor, WatermarkCursor):
            asked = watermark.ask(trigger, self.feed.watch, cursor)
            at = cursor.walk.at if cursor.walk else None
        else:
            asked = snapshot.ask(trigger, cursor, today)
            at = cursor.listing.at if cursor.listing else None
        link = link_at(trigger.paging, at)
        request = build(trigger.fetch, inputs, self.connection, {**trigger.fixed, **asked}, link)
        binary = isinstance(trigger.strategy, Availability) and trigger.strategy.binary
        try:
            if binary:
                return Page(records=[await self._file(trigger, request)])
            answer = await self.client.call(self.connection, request, "poll")
        except Refused as refused:
            if _gone(trigger, refused):
                return Page(records=(), now=None)
            raise
        records = records_of(trigger, answer.data, inputs)
        after = trigger.paging.after(at, answer.data, records, answer.next)
        return Page(records=present(trigger, records, inputs), next=after, now=answer.at)

    async def _file(self, trigger: Trigger, request: Request) -> Mapping[str, Any]:
        if self.files is None:
            raise NotKept(f"{trigger.id} fetches a file, and there is no folder for it")
        return await self.files.fetch(trigger, self.connection, request, self.feed.params)

    def _stored(self) -> Cursor:
        module: Any = watermark if isinstance(self.trigger.strategy, Watermark) else snapshot
        if self.feed.cursor is not None:
            return module.load(self.feed.cursor)  # type: ignore[no-any-return]  # one of the two kinds
        start = self.feed.start
        moment = start if start in {"now", "beginning"} else round(datetime.fromisoformat(start).timestamp() * 1000)
        return module.begin(moment)  # type: ignore[no-any-return]  # as above

    async def _commit(self, cursor: Cursor, before: Cursor, part: _Part) -> None:
        self.brought = self.brought or bool(part.events)
        await self.write(self._poll(cursor, before, part, due_at=self.clock() + LEASE, ended=False))

    async def _finish(self, cursor: Cursor, before: Cursor, part: _Part, error: Exception | None) -> None:
        now = self.clock()
        schedules = [schedule_of(stored) for stored in self.feed.schedule]
        brought = self.brought or bool(part.events)
        pace = paced(self.feed.pace, brought=brought, least=self.least) if Auto() in schedules else self.feed.pace
        over = isinstance(cursor, SnapshotCursor) and cursor.over
        due = next_slot(schedules, self.feed.id, now, pace) if schedules else NEVER
        missed = missed_slots(schedules, self.feed.id, self.feed.slot, now, pace) if schedules else 0
        poll = self._poll(
            cursor, before, part, due_at=_again(self.feed, cursor, error, now, due, brought=brought), ended=True
        )
        reason = None if error is None else f"{type(error).__name__}: {error}"[:2000]
        await self.write(replace(poll, error=reason, missed=missed, pace=pace, active=not over))

    def _poll(self, cursor: Cursor, before: Cursor, part: _Part, *, due_at: int, ended: bool) -> Poll:
        return Poll(
            feed=self.feed.id,
            fence=self.feed.fence,
            due_at=due_at,
            cursor=None if cursor == before and self.feed.cursor is not None else orjson.dumps(cursor),
            events=part.events,
            aside=part.aside,
            requests=part.pages,
            ended=ended,
        )


def _begun_anew(cursor: Cursor, error: Exception, failures: int) -> Cursor:
    """The cursor without its place in a list, where there is no going on from there again and again.

    The place may name a record that is gone, or have been outrun by what came in on top. What was found is known all
    the same; done once, a fault that lies elsewhere does not have the list read from its beginning at every poll.
    """
    stuck = isinstance(error, PageRepeated) or (isinstance(error, Refused) and another_way(error))
    if failures != REFUSED_OFTEN or not stuck:
        return cursor
    return watermark.back(cursor) if isinstance(cursor, WatermarkCursor) else replace(cursor, listing=None)


def _again(feed: ClaimedFeed, cursor: Cursor, error: Exception | None, now: int, due: int, *, brought: bool) -> int:
    """When to poll next: at once with more to read, soon after a passing fault, else at the next slot."""
    if isinstance(error, Later) and error.retry_at is not None:
        return max(now + 1000, round(error.retry_at * 1000))
    if isinstance(error, Later | OutcomeUnknown):
        return min(due, now + (5000 << min(feed.failures, 8)))
    unfinished = cursor.walk if isinstance(cursor, WatermarkCursor) else cursor.listing
    if error is None and unfinished is not None:
        return now
    since = now - feed.nudged_at
    echo = not brought and since < ECHOES and feed.schedule
    return min(due, now + max(ECHO, since)) if echo else due


@cache
def ways(trigger: Trigger) -> tuple[Trigger, ...]:
    """The ways in which a trigger may be asked, in the order they are tried: each dialect, then the fallback's."""
    strategy = trigger.strategy
    if isinstance(strategy, Watermark) and strategy.since:
        own = tuple(replace(trigger, strategy=replace(strategy, since=(since,))) for since in strategy.since)
    else:
        own = (trigger,)
    return own + (ways(trigger.fallback) if trigger.fallback else ())


def another_way(refused: Refused) -> bool:
    """Whether a vendor that refused a question so may take it in another form."""
    return refused.status in SWITCHING and not isinstance(refused, Unauthorized)


def records_of(trigger: Trigger, answer: Any, inputs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The records in an answer.

    Raises:
        Garbage: the answer has not the shape that the vendor's documents give it.
    """
    strategy = trigger.strategy
    if isinstance(strategy, Availability) and strategy.entries is not None:
        return strategy.entries(answer, inputs)
    places = (trigger.records,) if isinstance(trigger.records, str) else trigger.records
    found = first_at(answer, places)
    if isinstance(strategy, Object | Availability):
        found = [found] if isinstance(found, dict) else found
        found = [] if found is None and isinstance(strategy, Availability) else found
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        where = " or ".join(repr(place) for place in places if place) or "the answer"
        raise Garbage(f"{trigger.id}: expected a list of records at {where}, found {type(found).__name__}")
    if isinstance(strategy, Object) and strategy.named and any(key_of(each, trigger.key) is None for each in found):
        raise Garbage(f"{trigger.id}: expected an object with its {'/'.join(trigger.key)}, found one without")
    return found


def present(
    trigger: Trigger, records: Sequence[Mapping[str, Any]], inputs: Mapping[str, Any]
) -> Sequence[Mapping[str, Any]]:
    """The records less those that the vendor shows although they are gone."""
    gone = {name: value for name, value in trigger.gone.items() if inputs.get(name) != value}
    return [record for record in records if not gone.items() <= record.items()] if gone else records


def _in_vain(trigger: Trigger, cursor: SnapshotCursor, waited: timedelta) -> bool:
    """Whether what the trigger waits for is not there after all the time that it is given."""
    patience = trigger.strategy.patience if isinstance(trigger.strategy, Availability) else None
    return patience is not None and waited >= patience and not cursor.known


def _gone(trigger: Trigger, refused: Refused) -> bool:
    """Whether a refusal says that there is nothing (yet, or any more), which is an answer in itself."""
    if isinstance(trigger.strategy, Availability):
        return refused.status in trigger.strategy.waiting
    return isinstance(trigger.strategy, Object) and isinstance(refused, NotFound)


def _descending(trigger: Trigger) -> bool:
    return isinstance(trigger.strategy, Watermark) and not trigger.strategy.since


def _start_of_day(now: int) -> int:
    day = datetime.fromtimestamp(now / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return round(day.timestamp() * 1000)
