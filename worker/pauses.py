"""Why a run pauses: a step's `wait`, and an earlier run about the same record.

A `wait` is a row of its own before the step's calls, which says since when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from config.automation import Step
from worker.ledger.runs import LEASE, WAIT, ClaimedRun, Entry, StepRow

AGAIN = 1000
"""After so long (ms) it is asked again whether the earlier run has ended."""


def pause(step: Step, index: int, before: Mapping[str, StepRow], now: int) -> tuple[StepRow, int | None] | None:
    """The row of the wait before a step, and when it ends (epoch ms), None where it has; None where it is over.

    The first call begins the wait; whenever the run is taken up again, the row tells how much of it is left.
    """
    number = f"{index}.0"
    row = before.get(number)
    if step.wait is None or (row is not None and row.state == "done"):
        return None
    if row is None or row.started_at is None:
        fresh = StepRow(number=number, name=step.id, action=WAIT, connection=step.connection, state="waiting")
        row = replace(fresh, started_at=now, reason=_until(now, step.wait, step.id))
    until = _end(row.started_at or now, step.wait)
    return (row, until) if now < until else (replace(row, state="done", reason=None, ended_at=now), None)


def _end(began: int, wait: timedelta) -> int:
    return began + round(wait.total_seconds() * 1000)


def _until(began: int, wait: timedelta, step: str) -> str:
    at = datetime.fromtimestamp(_end(began, wait) / 1000, UTC)
    return f"waits until {at:%Y-%m-%d %H:%M:%S} UTC before step {step}"


def queued(run: ClaimedRun, earlier: int, due_at: int, now: int) -> Entry:
    """The entry with which a run waits for an earlier one about the same record, lest older data come after newer."""
    # what is due within a lease may be in the middle of being carried out
    again = (now if due_at <= now + LEASE else due_at) + AGAIN
    return Entry(run=run.id, fence=run.fence, due_at=again, reason=f"waits for run {earlier}", tries=0)
