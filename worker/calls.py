"""The calls of a step: one, or one for each item of a list, and in parts where a vendor takes only so much at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from actions.action import Action, Bulk
from config.automation import Step
from config.templates import TemplateError, holds, items, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One action call of a run: a step, its number, what its templates see, and its part of a bulk action's list."""

    step: Step
    number: str
    context: Mapping[str, Any]
    part: slice | None = None

    @property
    def wanted(self) -> bool:
        """Whether its `when` holds.

        Raises:
            TemplateError: nobody can say.
        """
        return self.step.when is None or holds(self.step.when, self.context)

    def rendered(self, written: Any, action: Action) -> Any:
        """The inputs of this call: what templates make, or its part of that.

        Raises:
            TemplateError: they make nothing.
        """
        given = render(written, self.context)
        return given if action.bulk is None or self.part is None else action.bulk.cut(given, self.part)


def calls_of(
    step: Step,
    place: int,
    context: Mapping[str, Any],
    action: Action | None,
    items: Callable[[str, Mapping[str, Any]], list[Any]] = items,
) -> list[Call]:
    """The calls of the step at that place in its automation, numbered; `items` reads the list of its `for_each`.

    Raises:
        TemplateError: its list is none, or what it would send in parts cannot be made.
    """
    calls = [Call(step=step, number=str(place), context=context)]
    if step.for_each is not None:
        try:
            found = items(step.for_each, context)
        except TemplateError as error:
            raise TemplateError(error.message, ("for_each", *error.path)) from error
        numbered = ((f"{place}.{at}", item) for at, item in enumerate(found, 1))
        calls = [Call(step=step, number=at, context={**context, "item": item}) for at, item in numbered]
    bulk = None if action is None else action.bulk
    return calls if bulk is None else [part for call in calls for part in _parts(call, bulk)]


def is_list(step: Step, action: Action | None) -> bool:
    """Whether what a step gives is a list, with an answer for each of its calls, be it only one."""
    return step.for_each is not None or (action is not None and action.bulk is not None)


def _parts(call: Call, bulk: Bulk) -> list[Call]:
    """A call as the several that it takes; where its `when` is false, as the one that is skipped."""
    parts = bulk.parts(render(call.step.with_, call.context)) if call.wanted else [None]
    return [replace(call, number=f"{call.number}.{place}", part=part) for place, part in enumerate(parts, 1)]
