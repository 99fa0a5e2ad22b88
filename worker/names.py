"""From names to ids: custom fields, pipelines, stages, users and calendars are looked up in the location's lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from actions.action import Action
from config.custom_values import CustomValues
from connections.connection import Connection
from connections.fields import ByName, custom_fields
from connections.names import Named, Thing, UnknownName, found, is_id, names_of
from connections.operation import Operation, parameters_of
from connections.request import InvalidInputs, build, check
from connections.wire import Request
from triggers.catalog import CATALOG
from triggers.trigger import Trigger
from worker.lookups import Lookups, Rows

Result = TypeVar("Result")
_FROM_A_RECORD = re.compile(r"\{\{\s*(record|steps|item)\b[\w.\s]*\}\}|.*\$\{.*")
"""A text that is most probably an id by the time it counts: it comes from the vendor, or from the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Where things are listed: the trigger that asks for the list, and with what.

    They are called by what stands in the fields `names`. Where they lie `inside` the listed ones, it is in that field.
    """

    trigger: str
    given: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ("name",)
    inside: str | None = None

    @property
    def row(self) -> Trigger:
        """The trigger's row, with its request and its scopes."""
        return CATALOG[self.trigger]


LISTINGS: Mapping[Thing, Listing] = {
    "calendar": Listing(trigger="ghl.calendars.list"),
    "custom field": Listing(trigger="ghl.locations.custom_fields.list", given={"model": "all"}),
    "pipeline": Listing(trigger="ghl.opportunities.pipelines.list"),
    "stage": Listing(trigger="ghl.opportunities.pipelines.list", inside="stages"),
    "user": Listing(trigger="ghl.users.by_location", names=("email", "name")),
}


class Names:
    """What each connection's location calls its things; it is asked when a name has to become an id."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._values: dict[str, CustomValues] = {}

    async def values(self, connection: Connection, names: Collection[str]) -> CustomValues:
        """`custom` for the location of a connection; where a name is not known, as the location's list is now.

        Raises:
            InvalidInputs: the connection has no location.
            VendorError: the list could not be had.
        """
        asked, place = _asked(LISTINGS["custom field"], connection)
        known = await self._lookups.rows(connection, asked, place)
        values = self._values.get(connection.name)
        if values is None or values.known is not known:
            values = CustomValues(known)
        if not all(map(values.knows, names)):
            newer = await self._lookups.newer(connection, asked, place, known)
            values = values if newer is None else CustomValues(newer)
        self._values[connection.name] = values
        return values

    async def checked(self, action: Action, given: Any, connection: Connection) -> dict[str, Any]:
        """The rendered inputs of an action, checked, with ids for names.

        Raises:
            InvalidInputs: they do not fit the action, or name something that the location does not have.
            VendorError: a list of the location could not be had.
        """
        if not isinstance(given, Mapping):
            raise InvalidInputs([("with", f"should be a mapping, not {type(given).__name__}")])
        operation = action.operation(given)
        inputs = check(operation, given, one_of=action.one_of, only_one_of=action.only_one_of)
        return await self.resolved(operation, inputs, connection)

    async def resolved(self, operation: Operation, given: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
        """These inputs with ids for names; what is an id already costs nothing.

        Raises:
            InvalidInputs, VendorError: as `checked`.
        """
        inputs = dict(given)
        for name, mark in marks(operation).items():
            value = inputs.get(name)
            if not _by_name(value, mark):
                continue
            try:
                inputs[name] = await self._resolved(value, mark, given, connection)
            except UnknownName as error:
                raise InvalidInputs([(name, str(error))]) from None
        return inputs

    async def _resolved(
        self, value: Any, mark: Named | ByName, given: Mapping[str, Any], connection: Connection
    ) -> Any:
        if isinstance(mark, ByName):
            return await self._picked(
                LISTINGS["custom field"], connection, lambda known: custom_fields(value, known, mark.model)
            )
        listing = LISTINGS[mark.thing]
        outer = given.get(mark.within) if mark.within else None

        def picked(known: Rows) -> Any:
            one = _finding(mark, listing, known, outer)
            return [one(each) for each in value] if isinstance(value, list) else one(value)

        return await self._picked(listing, connection, picked)

    async def _picked(self, listing: Listing, connection: Connection, pick: Callable[[Rows], Result]) -> Result:
        """What is picked from a list; from a newer one where something is not in it, as it may have been made since."""
        asked, place = _asked(listing, connection)
        known = await self._lookups.rows(connection, asked, place)
        try:
            return pick(known)
        except UnknownName:
            newer = await self._lookups.newer(connection, asked, place, known)
            if newer is None:
                raise
        return pick(newer)


def _asked(listing: Listing, connection: Connection) -> tuple[Request, str]:
    """The request for a list, and where it lies in the answer."""
    row = listing.row
    return build(row.fetch, listing.given, connection, row.fixed), str(row.records)


def _finding(mark: Named, listing: Listing, known: Rows, outer: str | None) -> Callable[[str], str]:
    """What finds the id of one name; among all that are listed, or inside the listed one that `outer` names."""
    where = "the location"
    if listing.inside is not None:
        if outer is not None:
            id_ = found(outer, names_of(known, listing.names), "pipeline", listing.trigger)
            known, where = [each for each in known if each["id"] == id_], f"pipeline {outer!r}"
        known = [inner for each in known for inner in each.get(listing.inside, ())]
    names = names_of(known, listing.names)
    return lambda name: found(name, names, mark.thing, listing.trigger, where) if _is_name(name, mark) else name


@cache
def marks(operation: Operation) -> Mapping[str, Named | ByName]:
    """The parameters in which something may be written by name, each with its mark."""
    return {
        parameter.name: mark
        for parameter in parameters_of(operation)
        for mark in getattr(parameter.hint, "__metadata__", ())
        if isinstance(mark, Named | ByName)
    }


def looked_up(operation: Operation, written: Mapping[str, Any]) -> set[Thing]:
    """What will be looked up for these inputs, as they are written with templates in them, or may be."""
    found: set[Thing] = set()
    for name, mark in marks(operation).items():
        value = written.get(name)
        if isinstance(mark, ByName):
            found |= {"custom field"} if name in written else set()
        elif any(not _FROM_A_RECORD.fullmatch(each) for each in _texts(value) if _is_name(each, mark)):
            found.add(mark.thing)
    return found


def _by_name(value: Any, mark: Named | ByName) -> bool:
    if isinstance(mark, Named):
        return any(_is_name(each, mark) for each in _texts(value))
    return isinstance(value, Mapping) or (isinstance(value, list) and any("id" not in entry for entry in value))


def _texts(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _is_name(text: str, mark: Named) -> bool:
    stand_in = text.startswith("<") and text.endswith(">")  # for an id that a rehearsal does not know yet
    return bool(text.strip()) and not (stand_in or is_id(text) or text in mark.but)
