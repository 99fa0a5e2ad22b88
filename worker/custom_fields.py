"""Custom fields by name: the location's own list is looked up once in a while, and names become ids."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Required

from typing_extensions import TypedDict

from actions.action import Action
from connections.connection import Connection
from connections.fields import ByName, Known, UnknownCustomField, custom_fields
from connections.operation import AT_LOCATION, Operation, get, parameters_of
from connections.request import InvalidInputs, build, check
from worker.kit import Caller

LIFETIME = 300.0
"""How long (s) a location's list is believed."""


class Fields(TypedDict, total=False):
    """Of what the custom fields are; of contacts, unless all are asked for."""

    model: Required[str]


LISTED = get("/locations/{locationId}/customFields", Fields, path_from_connection=AT_LOCATION)


class CustomFieldNames:
    """The custom fields of each connection's location, asked for when a name has to become an id."""

    def __init__(self, client: Caller, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[float, list[Known]]] = {}

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
        asked, known = self._known.get(connection.name, (0.0, None))
        fresh = known is None or self._clock() - asked > LIFETIME
        if known is None or fresh:
            known = await self._listed(connection)
        try:
            return custom_fields(given, known, model)
        except UnknownCustomField as error:
            if fresh:
                raise InvalidInputs([(name, str(error))]) from None
        try:  # the field may have been made since the list was read
            return custom_fields(given, await self._listed(connection), model)
        except UnknownCustomField as error:
            raise InvalidInputs([(name, str(error))]) from None

    async def _listed(self, connection: Connection) -> list[Known]:
        answer = await self._client.call(connection, build(LISTED, {"model": "all"}, connection), "action")
        known: list[Known] = answer.data.get("customFields", []) if isinstance(answer.data, dict) else []
        self._known[connection.name] = (self._clock(), known)
        return known


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
