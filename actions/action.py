"""An action: an operation that is carried out as a queued task, and what makes it safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from actions.comparison import comparable
from connections.operation import Operation, Token
from connections.paging import OnePage, Paging


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How to look whether an earlier attempt took effect.

    `find` is asked with the action's own inputs, renamed by `asks` (probe parameter -> input) and checked like any
    inputs; `fixed` is sent beside them, and its pages are read to the end. Among the `records` of its answers, one
    counts as ours when
    - every field in `same` equals its input (`same` maps a record's field, alternatives joined by `|`, to the input's
      name; both go through `tidy`; what was not given is not compared),
    - no field in `unless` has the value given there,
    - its `since` time is not before the attempt, and
    - no other step already has its id.

    Where `same` names inputs and none of them was given, nothing can be told. `otherwise` is asked instead when none
    of the inputs in `asks` was given. `more` is asked first where the answer needs another look-up: the `id` it finds
    becomes the parameter named by `more_as`. `id` may name alternatives, too. A record that is not there counts as
    "did not take effect" only once `settles` has gone by since the attempt (a search index lags).
    """

    find: Operation
    records: str | tuple[str, ...] = ""
    same: Mapping[str, str] = field(default_factory=dict)
    asks: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    paging: Paging = field(default_factory=OnePage)
    unless: Mapping[str, Any] = field(default_factory=dict)
    since: str | None = None
    id: str = "id"
    tidy: Callable[[Any], Any] = comparable
    otherwise: Probe | None = None
    more: Probe | None = None
    more_as: str = ""
    settles: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Natural:
    """Carrying it out twice leaves the same state: it is simply sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """Looks first whether the earlier attempt took effect; sent again only when it did not.

    `refusals` maps words in the vendor's refusal of a second one to the place of the existing id in the answer.
    """

    probe: Probe
    refusals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsafe:
    """Never sent twice on a guess: probes where it can, and is held as `uncertain` otherwise."""

    probe: Probe | None = None


Repeat = Natural | Guarded | Unsafe


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """The input `field` is a list of which one call takes at most `limit` items; a longer one goes in several calls."""

    field: str
    limit: int

    def parts(self, inputs: Any) -> list[slice]:
        """The stretches of the list that go in one call each; there is at least one."""
        listed = inputs.get(self.field) if isinstance(inputs, Mapping) else None
        length = len(listed) if isinstance(listed, list) else 0
        return [slice(start, start + self.limit) for start in range(0, max(length, 1), self.limit)]

    def cut(self, inputs: Any, part: slice) -> Any:
        """The inputs with that stretch of the list; inputs without a list stay as they are, for whoever checks them."""
        listed = inputs.get(self.field) if isinstance(inputs, Mapping) else None
        return {**inputs, self.field: listed[part]} if isinstance(listed, list) else inputs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Action:
    """One thing that can be done.

    `returns` is where the id of what was made lies in the answer. `one_of` are inputs of which at least one must be
    given, `only_one_of` of which exactly one. `missing_is_done` counts "not found" as success (deleting what is gone).
    `instead` maps an input to the operation that is called when that input is given. The answers of a step whose action
    has a `bulk` are always a list, one for each call. `warning` is about the inputs `warned`, or about all calls.
    """

    id: str
    summary: str
    send: Operation
    repeat: Repeat = field(default_factory=Natural)
    returns: str | tuple[str, ...] | None = None
    one_of: tuple[str, ...] = ()
    only_one_of: tuple[str, ...] = ()
    missing_is_done: bool = False
    instead: Mapping[str, Operation] = field(default_factory=dict)
    bulk: Bulk | None = None
    scopes: tuple[str, ...] = ()
    token: Token = "location"
    warning: str | None = None
    warned: tuple[str, ...] = ()
    category: str = ""

    def operation(self, inputs: Collection[str]) -> Operation:
        """The operation that is called when these inputs are given."""
        return next((operation for name, operation in self.instead.items() if name in inputs), self.send)
