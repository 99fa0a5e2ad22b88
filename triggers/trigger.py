"""A trigger: an operation that is polled, plus how to tell what is new in its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from connections.operation import Operation, Token
from connections.paging import OnePage, Paging

Kind = Literal["new", "updated", "changed", "removed"]
Watch = Literal["new", "updated"]


def minutes(count: int) -> timedelta:
    """An interval of that many minutes."""
    return timedelta(minutes=count)


def seconds(count: int) -> timedelta:
    """A span of that many seconds."""
    return timedelta(seconds=count)


Since = Callable[[Watch, int | None, bool], dict[str, Any]]
"""(watch, since in epoch ms or None for everything, newest first?) -> parameters that filter and sort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The vendor sorts or filters by time; the cursor holds the highest time seen.

    `added` and `updated` name the time fields of a record; `also` a field beside the time whose change is an update.
    With `since` the vendor is asked for what lies at or after a time, oldest first; without it the list comes newest
    first, by its `updated` time (`added` where there is none), and is read down to the watermark.
    Several `since` are tried in turn where the vendor refuses the one before: some accounts take only one of them.
    """

    added: str
    updated: str | None = None
    also: str | None = None
    since: tuple[Since, ...] = ()
    lookback: timedelta = timedelta(seconds=120)
    events: tuple[Kind, ...] = ("new", "updated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A list that is asked for between two times, moving on by whole days.

    `unit` says how the two times are written; `at` names the record's own time, so that an entry that merely crosses
    the edge of the window is no event.
    """

    start: str
    end: str
    days: tuple[int, int]
    at: str
    unit: Literal["ms", "ms_text"] = "ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Records count as there only once the time in their field `at` is no further off than a feed's parameter says.

    `parameter` is that parameter's name (a duration), `span` its value, once a feed is being polled.
    """

    at: str
    parameter: str
    span: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A list without a time filter: every key is remembered with its version.

    `version` names the record's own time of change; without it a digest is taken, less the trigger's `volatile` fields.
    A record is `removed` when it is missing from `missing` complete listings in a row. With `within` a record that is
    not near yet counts as missing: so it is `new` once when it comes near, and again only after it was not.
    """

    version: str | None = None
    added: str | None = None
    window: Window | None = None
    missing: int = 1
    within: Within | None = None
    events: tuple[Kind, ...] = ("new", "updated", "removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """One object: an event when its version changes, or when it is gone; an answer without its key is none of it.

    An object that is not `named` has no key of its own.
    """

    named: bool = True
    events: tuple[Kind, ...] = ("changed", "removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Computed answers: an event when an entry appears, changes or disappears.

    `entries` makes the entries of an answer, given the answer and the feed's parameters; without it the records are the
    entries. `once` ends the feed when its entry is there, and has stayed the same where a change would be told;
    `waiting` lists the statuses that mean "not there yet", `patience` is how long that may go on before the feed ends.
    `binary` says that the answer is a file, which is streamed into the project's folder; the one entry holds the feed's
    parameters with the file's `contentType`, `size`, `sha256` and path (`file`).
    """

    entries: Callable[[Any, Mapping[str, Any]], Sequence[dict[str, Any]]] | None = None
    window: Window | None = None
    once: bool = False
    binary: bool = False
    missing: int = 1
    waiting: tuple[int, ...] = ()
    patience: timedelta | None = None
    events: tuple[Kind, ...] = ("new", "removed")


Strategy = Watermark | Snapshot | Object | Availability


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trigger:
    """One polled question.

    `records` is where the records lie in an answer (several places where documents and reality differ), `key` the
    fields that identify one (alternatives joined by `|`). `fixed` are parameters that are always sent. `one_of` are
    parameters of which at least one must be given. A record that holds what `gone` says counts as not there, unless
    the author asks for just that. `volatile` fields are left out of digests; lists in `sets` have no order there.
    `wakes` are the vendor's webhooks that make its feeds due. `fallback` is asked instead where the
    vendor refuses this one.
    """

    id: str
    summary: str
    fetch: Operation
    strategy: Strategy
    records: str | tuple[str, ...] = ""
    key: tuple[str, ...] = ("id",)
    paging: Paging = field(default_factory=OnePage)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    gone: Mapping[str, Any] = field(default_factory=dict)
    volatile: tuple[str, ...] = ("traceId",)
    sets: tuple[str, ...] = ("tags", "customFields", "followers")
    scopes: tuple[str, ...] = ()
    token: Token = "location"
    every: timedelta = timedelta(minutes=5)
    default_event: Kind = "new"
    wakes: tuple[str, ...] = ()
    warning: str | None = None
    fallback: Trigger | None = None
    category: str = ""

    @property
    def events(self) -> tuple[Kind, ...]:
        """The kinds of event an automation may listen to."""
        return self.strategy.events
