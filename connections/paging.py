"""How a vendor hands out a list in pages: each style a row, each step a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connections.errors import Garbage

Position = Any
"""Where the next page starts: whatever the style needs, as JSON; None is the first page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePage:
    """The whole list comes in one answer."""

    def ask(self, at: Position) -> dict[str, Any]:
        """The parameters that ask for the page at this position."""
        return {}

    def after(self, at: Position, answer: Any, records: Sequence[Any], link: str | None = None) -> Position:
        """The position of the next page; None when this was the last."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """Pages are counted: `skip` records are left out.

    Pages overlap by one record, so that a list that shifts while it is read is noticed (see `triggers.snapshot`).
    """

    skip: str = "skip"
    limit: str = "limit"
    size: int = 100
    as_text: bool = False

    def ask(self, at: Position) -> dict[str, Any]:
        """The parameters that ask for the page at this position."""
        numbers = {self.limit: self.size, self.skip: at or 0}
        return {name: str(number) for name, number in numbers.items()} if self.as_text else dict(numbers)

    def after(self, at: Position, answer: Any, records: Sequence[Any], link: str | None = None) -> Position:
        """The position of the next page; None when this was the last."""
        return (at or 0) + len(records) - 1 if len(records) >= self.size else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """Pages have numbers; a full one means that there is another.

    A record that is deleted while the list is read can make another slip by: a list from which removals are told needs
    `missing` of two.
    """

    page: str = "page"
    limit: str = "per_page"
    size: int = 100
    first: int = 1

    def ask(self, at: Position) -> dict[str, Any]:
        """The parameters that ask for the page at this position."""
        return {self.limit: self.size, self.page: self.first if at is None else at}

    def after(self, at: Position, answer: Any, records: Sequence[Any], link: str | None = None) -> Position:
        """The position of the next page; None when this was the last."""
        return (self.first if at is None else at) + 1 if len(records) >= self.size else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyset:
    """The next page is asked for with values taken from this one.

    `values` maps a parameter to the places it is read from, first found wins; a place that begins with `last.` is in
    the page's last record, any other in the answer. `more` names places of a flag that says whether there is more;
    without it a full page means more. `overlap` is added to values that are numbers, where the vendor leaves out
    records that have the same value as the page's last.
    """

    values: Mapping[str, tuple[str, ...]]
    limit: str = "limit"
    size: int = 100
    more: tuple[str, ...] = field(default=())
    overlap: int = 0

    def ask(self, at: Position) -> dict[str, Any]:
        """The parameters that ask for the page at this position."""
        return {self.limit: self.size, **(at or {})}

    def after(self, at: Position, answer: Any, records: Sequence[Any], link: str | None = None) -> Position:
        """The position of the next page; None when this was the last.

        Raises:
            Garbage: there is more, and no record says where it starts.
        """
        more = first_at(answer, self.more) if self.more else len(records) >= self.size
        if not more or not records:
            return None
        # a record that does not say where it stands is passed over; those after it are then read once more
        found = next((told for record in reversed(records) if (told := self._told(answer, record))), None)
        if found is None and any(place.startswith("last.") for places in self.values.values() for place in places):
            raise Garbage(f"a full page in which no record says how to go on ({', '.join(self.values)})")
        return found

    def _told(self, answer: Any, last: Any) -> dict[str, Any] | None:
        found = {name: self._value(places, answer, last) for name, places in self.values.items()}
        return None if any(value is None for value in found.values()) else found

    def _value(self, places: tuple[str, ...], answer: Any, last: Any) -> Any:
        for place in places:
            source, path = (last, place[5:]) if place.startswith("last.") else (answer, place)
            value = at_path(source, path)
            if value is not None:
                return value + self.overlap if isinstance(value, int) else value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Each page says in its `Link` header where the next one is (RFC 8288, `rel="next"`).

    A position is that address, below the connection's base URL; `limit` is sent with the first page only, as links hold
    all that is needed. What a vendor counts behind its links is its own affair: they may shift as numbered pages do.
    """

    limit: str | None = None
    size: int = 100

    def ask(self, at: Position) -> dict[str, Any]:
        """The parameters that ask for the page at this position."""
        return {} if self.limit is None else {self.limit: self.size}

    def after(self, at: Position, answer: Any, records: Sequence[Any], link: str | None = None) -> Position:
        """The position of the next page; None when this was the last.

        Raises:
            Garbage: the next page would lie at another host.
        """
        if link is not None and not link.startswith("/"):
            raise Garbage(f"the next page is said to be at {link}, which is not below the connection's base_url")
        return link


Paging = OnePage | Offset | Numbered | Keyset | Linked


def link_at(paging: Paging, at: Position) -> str | None:
    """The address to ask for the page at this position, where the vendor has said it."""
    return at if isinstance(paging, Linked) else None


def at_path(data: Any, path: str) -> Any:
    """What lies at a dotted path (`messages.messages`, `sort.0`); the data itself for "", None where nothing is."""
    for name in path.split(".") if path else ():
        if isinstance(data, Mapping):
            data = data.get(name)
        elif isinstance(data, list) and name.isdigit() and int(name) < len(data):
            data = data[int(name)]
        else:
            return None
    return data


def first_at(data: Any, paths: tuple[str, ...]) -> Any:
    """What lies at the first of these paths that leads to anything."""
    return next((value for path in paths if (value := at_path(data, path)) is not None), None)


def object_in(answer: Any) -> Mapping[str, Any]:
    """The answer, which should be one JSON object.

    Raises:
        Garbage: it is something else.
    """
    if not isinstance(answer, Mapping):
        raise Garbage(f"expected an object, found {type(answer).__name__}")
    return answer
