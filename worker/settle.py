"""Settling an attempt whose outcome nobody knows: the worker died, the connection broke, the vendor failed."""

from __future__ import annotations

from collections.abc import Collection

from actions.action import Guarded, Natural, Probe
from connections.errors import Later, NotFound, OutcomeUnknown, VendorError
from connections.request import InvalidInputs
from worker.attempt import Attempt
from worker.kit import Kit
from worker.ledger.runs import StepRow
from worker.outcomes import Done, Outcome, Postponed, Uncertain, backoff, made
from worker.probe import Found, Untold, look

INTERRUPTED = "the worker was ended while it was being sent"


async def settle(attempt: Attempt, row: StepRow, kit: Kit) -> Outcome | None:
    """What became of the attempt that the row tells of; None when it may be sent again.

    What can be repeated is repeated. Otherwise one looks, once the vendor has had time to settle; what is not there is
    sent again where the row is guarded, or where the vendor itself answered that it failed.
    """
    repeat = attempt.action.repeat
    if isinstance(repeat, Natural):
        return None
    reason = row.reason or INTERRUPTED
    if repeat.probe is None:
        return Uncertain(reason=reason, status=row.status)
    settled = (row.sent_at or 0) + round(repeat.probe.settles.total_seconds() * 1000)
    if kit.clock() < settled:
        return Postponed(at=settled, reason=reason, unknown=True, status=row.status)
    found = await _looked_up(attempt, repeat.probe, row, kit)
    if isinstance(found, Found):
        return Done(result=found.record, id=made(attempt.action, found.record) or found.id)
    if found is not None:
        return found
    failed = row.status is not None and row.status >= 500
    return None if isinstance(repeat, Guarded) or failed else Uncertain(reason=reason, status=row.status)


async def _looked_up(attempt: Attempt, probe: Probe, row: StepRow, kit: Kit) -> Found | Outcome | None:
    """The record that the attempt made; None where there is none; an outcome where nobody could look."""

    async def taken(ids: Collection[str]) -> Collection[str]:
        return await kit.taken(attempt.action.id, ids, attempt.run, attempt.call.number)

    try:
        return await look(
            probe,
            attempt.inputs,
            connection=attempt.connection,
            sent_at=row.sent_at or 0,
            ask=lambda request: kit.client.call(attempt.connection, request, "action"),
            taken=taken,
        )
    except NotFound:
        return None
    except (Later, OutcomeUnknown) as error:
        again = backoff(kit.clock(), row.attempts) if error.retry_at is None else round(error.retry_at * 1000)
        return Postponed(at=again, reason=str(error), unknown=True, status=row.status)
    except (VendorError, Untold, InvalidInputs) as error:
        return Uncertain(reason=f"it could not be looked up: {error}", status=row.status)
