"""`custom('Name')` in templates: the value of a record's custom field, by the field's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from config.language import Function, Missing
from connections.fields import Known, field_ids
from connections.names import UnknownName


class CustomValues(Function):
    """The function, for the custom fields of one location.

    Records of contacts hold `{id, value}`, those of opportunities `{id, fieldValue}`, or `fieldValueString` and the
    like in the answer to a search (seen in the vendor's issue tracker).
    """

    __slots__ = ("_ids", "known")

    def __init__(self, known: Sequence[Known]) -> None:
        self.known = known
        self._ids: dict[str, list[str]] = {}

    @pass_context
    def __call__(self, context: Context, name: Any, of: Any = None) -> Any:
        """The value of that field in the record, or in the record `of`; missing where it holds none."""
        return self.value(name, context.resolve("record") if of is None else of)

    def value(self, name: Any, of: Any) -> Any:
        """The value of the field with that name, key or id in a record.

        Raises:
            UnknownName: the location has no such field, or more than one.
        """
        ids = self.ids(name)
        if isinstance(of, Missing):
            return of
        held = of.get("customFields") if isinstance(of, Mapping) else None
        if not isinstance(held, list):
            return Missing(hint=f"custom field {name!r} is not there: the record has no `customFields`")
        entries = (each for each in held if isinstance(each, Mapping) and each.get("id") in ids)
        return next(map(_value, entries), Missing(hint=f"custom field {name!r} is not there: the record has none"))

    def knows(self, name: str) -> bool:
        """Whether there is one field of that name."""
        try:
            return bool(self.ids(name))
        except UnknownName:
            return False

    def ids(self, name: Any) -> list[str]:
        """The ids that the name stands for.

        Raises:
            UnknownName: the location has no such field, or more than one.
        """
        if not isinstance(name, str):
            raise TypeError("`custom` wants the name of a custom field, a text")
        if name not in self._ids:
            self._ids[name] = field_ids(name, self.known)
        return self._ids[name]


def _value(entry: Mapping[str, Any]) -> Any:
    values = (value for name, value in entry.items() if name.startswith(("value", "fieldValue", "field_value")))
    return next((value for value in values if value is not None), None)
