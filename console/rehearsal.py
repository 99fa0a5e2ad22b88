"""Rehearsing an automation on one record: what each step would send, with nothing sent but look-ups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from actions.action import Action
from config.automation import Automation, Step
from config.catalogues import catalogues
from config.custom_values import CustomValues
from config.language import LANGUAGE, Missing
from config.reads import named
from config.references import CUSTOM, RECORDS
from config.templates import Path, TemplateError, evaluate, holds, items
from connections.connection import Connection
from connections.errors import VendorError
from connections.request import InvalidInputs, build
from connections.wire import Request
from triggers.reading import Event
from triggers.samples import sample
from worker.admission import value_of
from worker.calls import Call, calls_of, is_list
from worker.kit import Caller
from worker.lookups import Lookups
from worker.names import Names
from worker.outcomes import made

Checked = Callable[[Action, Any, Connection], Awaitable[dict[str, Any]]]
UNKNOWN = "<steps."
"""How a name begins that stands for what a step would answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """One call of a step: the request it would send, or why it would send none.

    `skipped` says that its `when` is false; `error` what is wrong, with the field's name.
    """

    number: str
    step: Step
    request: Request | None = None
    inputs: Mapping[str, Any] | None = None
    skipped: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A whole automation on one event: whether its `when` holds (None without one), and what its steps would send.

    `once` is the value that `once_per` goes by, None where there is none and nothing is limited.
    """

    event: Event
    when: bool | None
    steps: tuple[Rehearsed, ...]
    error: str | None = None
    once: Any = None

    @property
    def sound(self) -> bool:
        """Whether nothing was found to be wrong; where the event is passed over, its steps are left out of account."""
        return self.error is None and (self.when is False or all(step.error is None for step in self.steps))


class Answer(dict[str, Any]):
    """What a vendor's answer would be, as far as the row tells; whatever else is asked of it is a name in `<>`."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __missing__(self, name: str) -> str:
        return f"<{self.path}.{name}>"


class StandIns(CustomValues):
    """`custom` where steps were not carried out: a field of what one would answer is a name in `<>`, too."""

    __slots__ = ()

    def value(self, name: Any, of: Any) -> Any:
        """The value of the field with that name in a record, or what stands in for it.

        Raises:
            UnknownName: the location has no such field, or more than one.
        """
        self.ids(name)
        path = of.path if isinstance(of, Answer) else of.strip("<>") if isinstance(of, str) else None
        return super().value(name, of) if path is None else f"<{path}: {name}>"


async def rehearse(
    automation: Automation,
    event: Event,
    feed: str,
    connections: Mapping[str, Connection],
    client: Caller,
    now: datetime,
    actions: Mapping[str, Action] | None = None,
) -> Rehearsal:
    """Go through an automation, its variables filled in, as a run would; answers are stood in for.

    A step that only looks something up is carried out, unless it looks for what an earlier step would make.

    Raises:
        VendorError: the custom fields of a location could not be looked up.
    """
    rows = catalogues().actions if actions is None else actions
    fields = Names(Lookups(client))
    outputs: dict[str, Any] = {}
    context = {
        "record": event.record,
        "event": {"kind": event.kind, "key": event.key, "version": event.version, "feed": feed},
        "steps": outputs,
        "automation": {"name": automation.name},
        "connection": {"name": automation.trigger.connection},
        "now": now,
    }
    if automation.customs is not None:
        found = await fields.values(connections[automation.trigger.connection], automation.customs)
        context[CUSTOM] = StandIns(found.known)
    if automation.collect is not None:
        context[RECORDS] = [event.record]
    when, once = None, None
    try:
        if automation.when is not None:
            when = holds(automation.when, context)
        if automation.once_per is not None:
            once = value_of(automation.once_per, context)
    except TemplateError as error:
        return Rehearsal(event=event, when=when, steps=(), error=str(error))
    steps: list[Rehearsed] = []
    for number, step in enumerate(automation.steps, 1):
        row = rows[step.use]
        sends = partial(_rehearsed, action=row, connection=connections[step.connection], checked=fields.checked)
        calls = await _calls(number, step, row, context, sends)
        calls, answers = await _answered(calls, step, row, connections[step.connection], client)
        steps += calls
        outputs[step.id] = answers if is_list(step, row) else answers[0]
    return Rehearsal(event=event, when=when, steps=tuple(steps), once=once)


def absent(automation: Automation, found: Rehearsal) -> list[str]:
    """What an automation names and neither its record nor the trigger's sample has, where no error says so already.

    It counts as false and as empty, so that a slip of the pen is easily overlooked.
    """
    known = sample(automation.trigger.use) or {}
    told = str([found.error, *(each.error for each in found.steps)])
    paths = [path for path in sorted(named(automation)) if _lack(known, path)]
    lacks = dict.fromkeys(_lack(found.event.record, path) for path in paths)
    return [said for said in lacks if said is not None and said not in told]


def _lack(record: Any, path: Path) -> str | None:
    """The sentence about the first name of a path that a record does not have; what is null may have any."""
    for place, name in enumerate(path, 1):
        found = LANGUAGE.getattr(record, name)
        if isinstance(found, Missing):
            return found.explained(".".join(("record", *path[:place]))) if isinstance(record, Mapping) else None
        record = found
    return None


async def _calls(
    number: int, step: Step, action: Action, context: Mapping[str, Any], sends: Callable[[Call], Awaitable[Rehearsed]]
) -> list[Rehearsed]:
    try:
        return [await sends(call) for call in calls_of(step, number, context, action, _items)]
    except TemplateError as error:
        return [Rehearsed(number=str(number), step=step, error=str(error))]


async def _answered(
    calls: list[Rehearsed], step: Step, action: Action, connection: Connection, client: Caller
) -> tuple[list[Rehearsed], list[Any]]:
    """The calls, and what they answer: what was found by those that only look, else what stands in for it."""
    told, answers = [], []
    listed = is_list(step, action)
    for place, call in enumerate(calls):
        name = f"{step.id}[{place}]" if listed else step.id
        answer: Any = {"id": None, "value": None} if call.skipped else stand_in(name, action)
        request = call.request
        if request and request.method == "GET" and UNKNOWN not in str(call.inputs):
            try:
                data = (await client.call(connection, request, "action")).data
                answer = {"id": made(action, data), **data} if isinstance(data, dict) else {"id": None, "value": data}
            except VendorError as error:
                call = replace(call, error=str(error))  # noqa: PLW2901  # it is the same call
        told.append(call)
        answers.append(answer)
    return told, answers


def _items(expression: str, context: Mapping[str, Any]) -> list[Any]:
    """What a step is carried out for; of a list that only stands for one, an item that stands for each.

    Raises:
        TemplateError: it is no list.
    """
    given = evaluate(expression, context)
    if isinstance(given, str) and given.startswith(UNKNOWN):
        return [Answer(f"{given.strip('<>')}.item")]
    return items(expression, context)


async def _rehearsed(call: Call, action: Action, connection: Connection, checked: Checked) -> Rehearsed:
    told = Rehearsed(number=call.number, step=call.step)
    try:
        if not call.wanted:
            return replace(told, skipped=True)
        inputs = await checked(action, call.rendered(call.step.with_, action), connection)
        return replace(told, request=build(action.operation(inputs), inputs, connection), inputs=inputs)
    except TemplateError as error:
        return replace(told, error=str(error))
    except InvalidInputs as error:
        return replace(told, error=f"with: {error}")


def stand_in(step: str, action: Action) -> Answer:
    """The answer of a step that was not carried out: the id of what it makes stands where the row says."""
    places = (action.returns,) if isinstance(action.returns, str) else action.returns or ()
    whole = Answer(f"steps.{step}")
    for place in places[:1]:
        inner = whole
        *path, last = place.split(".")
        for name in path:
            inner[name] = Answer(f"{inner.path}.{name}")
            inner = inner[name]
        inner[last] = f"<steps.{step}.id>"
    whole["id"] = f"<steps.{step}.id>"
    return whole
