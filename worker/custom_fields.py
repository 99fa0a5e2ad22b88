"""Custom fields by name: they are looked up in the location's own list, and names become ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Required

from typing_extensions import TypedDict

from actions.action import Action
from config.custom_values import CustomValues
from connections.connection import Connection
from connections.fields import ByName, UnknownCustomField, custom_fields
from connections.operation import AT_LOCATION, Operation, get, parameters_of
from connections.request import InvalidInputs, build, check
from worker.lookups import Lookups


class Fields(TypedDict, total=False):
    """Of what the custom fields are; of contacts, unless all are asked for."""

    model: Required[str]


LISTED = get("/locations/{locationId}/customFields", Fields, path_from_connection=AT_LOCATION)


LOOK = Action(id="ghl.locations.custom_fields.list", summary="Look the custom fields of a location up", send=LISTED)
"""The same as something that a run does: nothing is the worse for asking again."""


class CustomFieldNames:
    """The custom fields of each connection's location, asked for when a name has to become an id."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._values: dict[str, CustomValues] = {}

    async def values(self, connection: Connection, names: Collection[str]) -> CustomValues:
        """`custom` for the location of a connection; where a name is not known, as the location's list is now.

        Raises:
            InvalidInputs: the connection has no location.
            VendorError: the list could not be had.
        """
        asked = build(LISTED, {"model": "all"}, connection)
        known = await self._lookups.rows(connection, asked, "customFields")
        values = self._values.get(connection.name)
        if values is None or values.known is not known:
            values = CustomValues(known)
        if not all(map(values.knows, names)):
            newer = await self._lookups.newer(connection, asked, "customFields", known)
            values = values if newer is None else CustomValues(newer)
        self._values[connection.name] = values
        return values

    async def checked(self, action: Action, given: Any, connection: Connection) -> dict[str, Any]:
        """The rendered inputs of an action, checked, with custom fields by id.

        Raises:
            InvalidInputs: they do not fit the action, or name a field that the location does not have.
            VendorError: the location's list could not be had.
        """
        if not isinstance(given, Mapping):
            raise InvalidInputs([("with", f"should be a mapping, not {type(given).__name__}")])
        operation = action.operation(given)
        inputs = check(operation, given, one_of=action.one_of, only_one_of=action.only_one_of)
        for name, model in named_fields(operation).items():
            if _by_name(inputs.get(name)):
                inputs[name] = await self._resolved(name, model, inputs[name], connection)
        return inputs

    async def _resolved(self, name: str, model: str, given: Any, connection: Connection) -> Any:
        asked = build(LISTED, {"model": "all"}, connection)
        known = await self._lookups.rows(connection, asked, "customFields")
        try:
            return custom_fields(given, known, model)
        except UnknownCustomField as error:
            # the field may have been made since the list was read
            newer = await self._lookups.newer(connection, asked, "customFields", known)
            if newer is None:
                raise InvalidInputs([(name, str(error))]) from None
        try:
            return custom_fields(given, newer, model)
        except UnknownCustomField as error:
            raise InvalidInputs([(name, str(error))]) from None


@cache
def named_fields(operation: Operation) -> Mapping[str, str]:
    """The parameters in which custom fields may be written by name, each with whose fields they are."""
    return {
        parameter.name: mark.model
        for parameter in parameters_of(operation)
        for mark in getattr(parameter.hint, "__metadata__", ())
        if isinstance(mark, ByName)
    }


def _by_name(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and any("id" not in entry for entry in value))
