"""An attempt at a call: its inputs rendered, checked and put into a request, before anything is recorded or sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.action import Action
from config.templates import TemplateError
from connections.connection import Connection
from connections.errors import VendorError
from connections.request import InvalidInputs, build, masked
from connections.wire import Request
from worker.calls import Call
from worker.kit import Kit
from worker.ledger.runs import StepRow
from worker.outcomes import INPUTS, Outcome, Rejected, unready


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A call that can be sent: what was rendered (as it may be shown), what it became, and the request."""

    run: int
    call: Call
    action: Action
    connection: Connection
    shown: Any
    inputs: Mapping[str, Any]
    request: Request


async def attempt_at(call: Call, run: int, row: StepRow, kit: Kit) -> Attempt | Outcome:
    """The call of this run made ready, or the outcome of trying to; `row` is the step as it stands.

    Raises:
        TemplateError: its inputs cannot be rendered.
    """
    step = call.step
    action, connection = kit.actions.get(step.use), kit.connections.get(step.connection)
    if action is None or connection is None:
        missing = f"action {step.use}" if action is None else f"connection {step.connection}"
        return Rejected(reason=f"{missing} is not known to this worker; see `hightide check`")
    given = call.rendered(step.with_, action)
    try:
        inputs = await kit.inputs(action, given, connection)
        request = build(action.operation(inputs), inputs, connection)
    except InvalidInputs as error:
        return Rejected(reason=f"{INPUTS}: {error}")
    except VendorError as error:
        now = kit.clock()
        return unready(error, now=now, attempts=row.attempts, started_at=row.started_at or now)
    shown = _shown(call, given, action)
    return Attempt(
        run=run, call=call, action=action, connection=connection, shown=shown, inputs=inputs, request=request
    )


def _shown(call: Call, given: Any, action: Action) -> Any:
    """What was rendered as people may see it: `${NAME}` as it was written, passwords hidden."""
    written = call.step.written
    try:
        shown = given if written is None else call.rendered(written, action)
    except TemplateError:  # the variable is part of an expression, which says nothing without it
        shown = dict.fromkeys(written or (), "***")
    return masked(action.operation(shown), shown) if isinstance(shown, dict) else None
