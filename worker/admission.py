"""Whether a run begins at all: its automation's `when`, whether its event is news, and whether it is its turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from config.automation import Automation, OncePer
from config.span import spelled
from config.templates import TemplateError, evaluate, holds
from triggers.reading import fingerprint
from worker.kit import Kit
from worker.ledger.runs import ClaimedRun
from worker.ledger.turns import Bid

PASSED_OVER = "its `when` is false"
"""The reason of a run or a step that does nothing by its own condition."""
LONGEST_VALUE = 200
"""Of a longer value (characters of JSON) only the fingerprint is kept."""


async def kept_out(run: ClaimedRun, automation: Automation, context: Mapping[str, Any], kit: Kit) -> str | None:
    """Why the run does nothing, None where it goes on; a run that has begun is not asked again.

    Raises:
        TemplateError: an expression fails on its context.
        LeaseLost: another worker has taken the run over.
    """
    if run.steps or run.batch is not None:
        return None
    if automation.when is not None and not holds(automation.when, context):
        return PASSED_OVER
    echo = await kit.echo(run, automation) if automation.echoes == "skip" else None
    if echo is not None:
        return echo
    once = automation.once_per
    value = None if once is None else value_of(once, context)
    if once is None or value is None or value == "":
        return None
    holder = await kit.turn(_bid(run, automation, once, value, kit.clock()))
    return None if holder == run.id else f"run {holder} had its `{once.expression}` less than {spelled(once.span)} ago"


def value_of(once: OncePer, context: Mapping[str, Any]) -> Any:
    """The value that `once_per` goes by; None or empty is no limit.

    Raises:
        TemplateError: the expression fails on this context; the path says that it is `once_per`.
    """
    try:
        return evaluate(once.expression, context)
    except TemplateError as error:
        raise TemplateError(error.message, ("once_per", *error.path)) from error.__cause__


def _bid(run: ClaimedRun, automation: Automation, once: OncePer, value: Any, now: int) -> Bid:
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return Bid(
        run=run.id,
        fence=run.fence,
        automation=automation.name,
        connection=automation.trigger.connection,
        value=text if len(text) <= LONGEST_VALUE else fingerprint(value),
        now=now,
        until=now + round(once.span.total_seconds() * 1000),
    )
