"""What the templates of a run see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from config.automation import Automation
from config.references import CUSTOM
from config.templates import TemplateError
from connections.errors import VendorError
from connections.request import InvalidInputs
from worker.kit import Kit
from worker.ledger.runs import ClaimedRun, Entry
from worker.outcomes import Postponed, unready

ATTEMPTS = 6
"""What cannot be looked up now is tried again as after so many attempts: within a minute or so."""


async def seen(run: ClaimedRun, automation: Automation, outputs: Mapping[str, Any], kit: Kit) -> dict[str, Any]:
    """The names that the templates of this run may start from; `outputs` are filled in as it goes on.

    Raises:
        TemplateError: they ask for custom fields where there are none.
        VendorError: the custom fields of the location could not be looked up.
    """
    context = {
        "record": run.record,
        "event": {"kind": run.kind, "key": run.key, "version": run.version, "feed": run.feed},
        "steps": outputs,
        "automation": {"name": automation.name},
        "connection": {"name": automation.trigger.connection},
        "now": datetime.fromtimestamp(run.created_at / 1000, UTC),
    }
    if automation.customs is not None:
        connection = kit.connections.get(automation.trigger.connection)
        if connection is None:
            message = f"connection {automation.trigger.connection} is not known to this worker; see `hightide check`"
            raise TemplateError(message)
        try:
            context[CUSTOM] = await kit.customs(connection, automation.customs)
        except InvalidInputs as error:
            raise TemplateError(f"`custom` fails: {error}") from error
    return context


def unseen(run: ClaimedRun, automation: Automation, error: VendorError, now: int) -> Entry:
    """The entry with which a run waits, or fails, since something could not be looked up for its templates.

    It may wait as long as a step may, counted from when the run last went on.
    """
    collected = round((automation.collect or timedelta()).total_seconds() * 1000)
    began = max(run.created_at + collected, *(row.ended_at or 0 for row in run.steps.values()), 0)
    outcome = unready(error, now=now, attempts=ATTEMPTS, started_at=began)
    reason = f"custom fields could not be looked up: {error}"
    if isinstance(outcome, Postponed):
        return Entry(run=run.id, fence=run.fence, due_at=outcome.at, reason=reason, tries=0)
    return Entry(run=run.id, fence=run.fence, due_at=now, state="failed", reason=reason, ended_at=now, tries=0)
