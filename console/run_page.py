"""One run as `hightide show-run` shows it: its event, its steps, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from config.language import FAILURES
from config.reads import ABSENT, values_of
from console import output
from worker.admission import PASSED_OVER
from worker.histories import RunHistory
from worker.ledger.runs import WAIT, StepRow
from worker.ledger.turns import TAKEN
from worker.outcomes import INPUTS, TEMPLATE


def show(found: RunHistory, now: int) -> None:
    """Print it for people."""
    run = found.run
    replay = f" (replay {run.replay})" if run.replay else ""
    standing = run.standing(now)
    output.fields(
        {
            "run": str(run.id),
            "automation": f"{run.automation}{replay}",
            "state": f"{standing}: {run.reason}" if run.reason else standing,
            "when": condition(found),
            "next attempt": output.ago(run.due_at, now) if run.state == "open" else None,
            "event": f"{run.kind} {run.key}, version {run.version}, found {output.ago(found.found_at, now)}",
            "feed": run.feed,
            "begun": output.moment(run.created_at),
            "ended": output.moment(run.ended_at),
            "record": _compact(found.record),
            "collected": _collected(found.collected),
        }
    )
    for step in found.steps:
        if step.action != TAKEN:
            output.result("")
            output.fields(_wait_fields(step) if step.action == WAIT else _step_fields(step))
    output.result("")
    output.result(advice(found))


def condition(found: RunHistory) -> str | None:
    """The `when` that kept the run from doing anything, with the values of what it names; None where none did."""
    when = found.definition.get("when")
    if found.run.reason != PASSED_OVER or when is None:
        return None
    return "; ".join([when, *values(when, found.record)])


def values(when: str, record: Any) -> Iterator[str]:
    """What the fields of a record are that a condition names, in words."""
    try:
        named = values_of(when, record)
    except FAILURES:  # it was written for another version
        return
    for path, value in named.items():
        yield f"record.{path} is not there" if value is ABSENT else f"record.{path} is {_compact(value, 200)}"


def advice(found: RunHistory) -> str:
    """What a person can do next."""
    run = found.run
    if run.batch not in {None, run.id}:
        return f"Nothing is left to do here: `hightide show-run {run.batch}` tells what became of its record."
    ways: Mapping[str, str] = {
        "open": "It is carried out, or tried again, by itself.",
        "done": "Nothing is left to do.",
        "skipped": f"Nothing is left to do; `hightide replay {run.automation} --since T` would fire it again.",
        "failed": _retrying(run.id, run.reason or ""),
        "uncertain": f"Look at the vendor whether it was done, then `hightide resolve {run.id} done|retry|skip`.",
    }
    return ways[run.state]


def _retrying(run: int, reason: str) -> str:
    """How a failed run is taken up again: what the YAML is to blame for fails again as it was."""
    if reason.startswith((TEMPLATE, INPUTS)):
        return f"Mend the automation, then `hightide retry {run} --current`, which takes it as it is then."
    return (
        f"Put right what the reason says, then `hightide retry {run}` (`--current` takes the automation as it is now)."
    )


def _collected(runs: Sequence[int], most: int = 10) -> str | None:
    """The runs whose records one carries out beside its own."""
    named = ", ".join(map(str, runs[:most])) + (", ..." if len(runs) > most else "")
    return f"{len(runs) + 1} records, those of runs {named} too" if runs else None


def _step_fields(step: StepRow) -> dict[str, Any]:
    call = f"{step.action} on {step.connection}"
    return {
        f"step {step.number}": call if step.name is None or step.name.isdigit() else f"{step.name}: {call}",
        "state": step.state if step.status is None else f"{step.state} (HTTP {step.status})",
        "attempts": step.attempts,
        "inputs": _compact(orjson.loads(step.inputs)),
        "sent": output.moment(step.sent_at),
        "reason": step.reason,
        "made": step.result_id,
        "result": None if step.result is None else _compact(orjson.loads(step.result)),
    }


def _wait_fields(step: StepRow) -> dict[str, Any]:
    """The `wait` before a step, which has no inputs and no attempts."""
    named = step.number.partition(".")[0]
    return {f"wait before step {named}": step.reason or step.state, "ended": output.moment(step.ended_at)}


def _compact(value: Any, longest: int = 1000) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text):,} characters; --json shows all)"
