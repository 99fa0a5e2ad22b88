"""Carrying out one run: its steps in order, each attempt recorded before it is sent, each outcome after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

import orjson

from actions.action import Action, Natural
from config.automation import Automation, Step
from config.references import RECORDS
from config.templates import TemplateError
from connections.errors import VendorError
from worker.admission import PASSED_OVER, kept_out
from worker.attempt import Attempt, attempt_at
from worker.calls import Call, calls_of, is_list
from worker.collecting import collected
from worker.context import seen, unseen
from worker.kit import Kit
from worker.ledger.runs import FRESH, LEASE, ClaimedRun, Entry, State, StepRow
from worker.outcomes import (
    PATIENCE,
    TEMPLATE,
    Done,
    Outcome,
    Postponed,
    Rejected,
    Uncertain,
    backoff,
    classify,
    succeeded,
)
from worker.pauses import pause, queued
from worker.settle import INTERRUPTED, settle

CALL = 30_000
"""How long (ms) a call may take, waiting included. As much of the lease has to be left, or others look too early."""
MOST_TRIES = 10
"""So often may a run be taken up without a word in the ledger; after that it is what ends the workers."""
LONGEST_RESULT = 262_144
"""Of a longer answer (bytes of JSON) only the id is kept for later steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stand:
    """Where a call stands: its row, and when to go on with it (epoch ms), where it has to wait."""

    row: StepRow
    due_at: int | None = None
    written: bool = False


async def carry_out(run: ClaimedRun, automation: Automation, kit: Kit) -> None:
    """Go on with this run from where the ledger says it is, until it ends or has to wait.

    Raises:
        LeaseLost: another worker has taken the run over.
    """
    if run.tries > MOST_TRIES:
        reason = f"taken up {MOST_TRIES} times without an outcome; it may be what ends the workers"
        await kit.write(_ended(run, kit, "failed", reason))
        return
    if run.ahead is not None:
        await kit.write(queued(run, *run.ahead, kit.clock()))
        return
    outputs: dict[str, Any] = {}
    try:
        context = await seen(run, automation, outputs, kit)
        kept = await kept_out(run, automation, context, kit)
        if kept is None and automation.collect is not None:
            records = await collected(run, automation.collect, kit)
            if records is None:
                return
            context[RECORDS] = records
        if kept is not None:
            entry = _ended(run, kit, "skipped", kept)
        else:
            entry = await _through(run, automation, context, outputs, kit)
    except TemplateError as error:
        entry = _ended(run, kit, "failed", f"{TEMPLATE}: {error}")
    except VendorError as error:
        entry = unseen(run, automation, error, kit.clock())
    await kit.write(entry)


async def _through(
    run: ClaimedRun, automation: Automation, context: Mapping[str, Any], outputs: dict[str, Any], kit: Kit
) -> Entry:
    """Go through the steps; the entry with which the run ends or waits. The last outcome is written with it."""
    last: StepRow | None = None
    for index, step in enumerate(automation.steps, 1):
        results = []
        action = kit.actions.get(step.use)
        calls = _calls(step, index, context, action)
        waiting = await _waiting(run, index, calls, kit)
        if waiting is not None:
            return waiting
        for call in calls:
            if kit.closing():
                return Entry(run=run.id, fence=run.fence, due_at=kit.clock(), tries=0)
            stand = await _stand(run, call, kit)
            if not _passed(step, stand.row):
                return _stopped(run, stand, kit)
            results.append(_output(stand.row))
            if index == len(automation.steps) and call is calls[-1]:
                last = None if stand.written else stand.row
            elif not stand.written:
                await kit.write(_going_on(run, stand.row, kit))
        outputs[step.id] = results if is_list(step, action) else results[0]
    return _ended(run, kit, "done", None, last)


def _calls(step: Step, index: int, context: Mapping[str, Any], action: Action | None) -> list[Call]:
    try:
        return calls_of(step, index, context, action)
    except TemplateError as error:
        raise TemplateError(error.message, (step.id, *error.path)) from error


async def _waiting(run: ClaimedRun, index: int, calls: Sequence[Call], kit: Kit) -> Entry | None:
    """The entry with which the run waits before a step; None where it need not (any more), or the step is left out."""
    if not calls or calls[0].step.wait is None or not any(map(_wanted, calls)):
        return None
    found = pause(calls[0].step, index, run.steps, kit.clock())
    if found is None:
        return None
    row, until = found
    if until is not None:
        return _stopped(run, _Stand(row=row, due_at=until), kit)
    await kit.write(_going_on(run, row, kit))
    return None


def _wanted(call: Call) -> bool:
    """Whether the call's `when` holds; where that fails, the call itself will say so."""
    try:
        return call.wanted
    except TemplateError:
        return False


def _passed(step: Step, row: StepRow) -> bool:
    """Whether the run goes on after a step that stands so."""
    tolerated = row.state == "failed" and step.on_error == "continue"
    return tolerated or row.state in {"done", "skipped"}


async def _stand(run: ClaimedRun, call: Call, kit: Kit) -> _Stand:
    """Where the call stands after as much as can be done about it now."""
    before, step, now = run.steps.get(call.number), call.step, kit.clock()
    if before is not None and before.state in {"done", "skipped", "failed"}:
        return _Stand(row=before, written=True)
    fresh = StepRow(
        number=call.number, name=step.id, action=step.use, connection=step.connection, state="waiting", started_at=now
    )
    row = before or fresh
    try:
        if before is None and not call.wanted:
            return _Stand(row=replace(row, state="skipped", reason=PASSED_OVER, ended_at=now))
        attempt = await attempt_at(call, run.id, row, kit)
    except TemplateError as error:
        attempt = Rejected(reason=f"{TEMPLATE}: {error}")
    if not isinstance(attempt, Attempt):
        return _after(row, _still(row, attempt), step, now)
    if row.state == "sent":
        settled = await settle(attempt, row, kit)
        if settled is not None:
            return _after(row, settled, step, kit.clock())
    return await _send(run, row, attempt, kit)


def _still(row: StepRow, outcome: Outcome) -> Outcome:
    """What follows when nothing could be sent: an earlier attempt's outcome stays as unknown as it was."""
    match outcome:
        case Postponed() if row.state == "sent":
            return replace(outcome, unknown=True, status=row.status)
        case Rejected(reason=reason) if row.state == "sent":
            return Uncertain(reason=f"{row.reason or INTERRUPTED}; it cannot be looked up: {reason}", status=row.status)
        case _:
            return outcome


async def _send(run: ClaimedRun, row: StepRow, attempt: Attempt, kit: Kit) -> _Stand:
    """Record the attempt, send it, and say what became of it."""
    now = kit.clock()
    shown = orjson.dumps(attempt.shown, default=str).decode()
    sent = replace(row, state="sent", attempts=row.attempts + 1, inputs=shown, sent_at=now, status=None, reason=None)
    renew = now - run.claimed_at > FRESH or row.connection != run.connection
    # the claim itself is the record of what may be repeated at will; anything else is recorded call by call
    if renew or not isinstance(attempt.action.repeat, Natural):
        entry = Entry(
            run=run.id, fence=run.fence, step=sent, due_at=now + LEASE, connection=row.connection, renew=renew
        )
        await kit.write(entry)
        if (now if renew else run.claimed_at) + LEASE - kit.clock() < CALL:  # the ledger was slow
            return _Stand(row=row, due_at=kit.clock())
    outcome: Outcome
    try:
        answer = await kit.client.call(attempt.connection, attempt.request, "action")
        outcome = succeeded(attempt.action, answer.data)
    except VendorError as error:
        started, attempts = sent.started_at or now, sent.attempts
        outcome = classify(attempt.action, error, now=kit.clock(), attempts=attempts, started_at=started)
    return _after(sent, outcome, attempt.call.step, kit.clock())


def _after(row: StepRow, outcome: Outcome, step: Step, now: int) -> _Stand:
    match outcome:
        case Done(result=result, id=id_):
            text = orjson.dumps(result)
            kept = text.decode() if len(text) <= LONGEST_RESULT else None
            return _Stand(row=replace(row, state="done", result=kept, result_id=id_, reason=None, ended_at=now))
        case Postponed(at=at, reason=reason, unknown=unknown, status=status):
            waiting = replace(row, state="waiting", reason=reason, status=status)
            return _Stand(row=replace(waiting, state="sent") if unknown else waiting, due_at=at)
        case Rejected(reason=reason, status=status):
            return _Stand(row=replace(row, state="failed", reason=reason, status=status, ended_at=now))
        case Uncertain(reason=reason, status=status):
            return _held(replace(row, state="uncertain", reason=reason, status=status, ended_at=now), step, now)
        case _:
            assert_never(outcome)


def _held(row: StepRow, step: Step, now: int) -> _Stand:
    """Where a call stands of which nobody can say whether it took effect: as its author wants it."""
    match step.on_uncertain:
        case "skip":
            return _Stand(row=replace(row, state="skipped"))
        case "retry" if now - (row.started_at or now) < PATIENCE:
            return _Stand(row=replace(row, state="waiting", ended_at=None), due_at=backoff(now, row.attempts))
        case "hold" | "retry":
            return _Stand(row=row)
        case _:
            assert_never(step.on_uncertain)


def _stopped(run: ClaimedRun, stand: _Stand, kit: Kit) -> Entry:
    """The entry with which a run ends or waits at a step."""
    now, row = kit.clock(), stand.row
    states: Mapping[str, State] = {"failed": "failed", "uncertain": "uncertain"}
    return Entry(
        run=run.id,
        fence=run.fence,
        step=row,
        state=states.get(row.state, "open"),
        due_at=now if stand.due_at is None else stand.due_at,
        connection=row.connection,
        reason=row.reason,
        ended_at=now if stand.due_at is None else None,
        tries=0,
    )


def _going_on(run: ClaimedRun, row: StepRow, kit: Kit) -> Entry:
    """The entry of a step that has passed, with more to come."""
    return Entry(run=run.id, fence=run.fence, step=row, due_at=kit.clock() + LEASE, tries=0)


def _ended(run: ClaimedRun, kit: Kit, state: State, reason: str | None, step: StepRow | None = None) -> Entry:
    now = kit.clock()
    return Entry(run=run.id, fence=run.fence, step=step, due_at=now, state=state, reason=reason, ended_at=now, tries=0)


def _output(row: StepRow) -> Any:
    """What `steps.NAME` gives: the vendor's answer, with the id of what was made as `id`."""
    result = orjson.loads(row.result) if row.result is not None else None
    named = {} if row.result_id is None else {"id": row.result_id}
    return {**named, **result} if isinstance(result, dict) else {"id": row.result_id, "value": result}
