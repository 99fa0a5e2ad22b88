"""How things stand: processes, feeds, runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer

from console import output
from console.failures import Fault
from console.folder import ledger, mask_of
from console.options import Json, Project
from worker import histories, reports
from worker.histories import RunHistory, RunLine
from worker.ledger.database import now_ms
from worker.ledger.runs import StepRow
from worker.logs import Mask
from worker.reports import FeedReport, ProcessReport, Status

PROCESSES = ("PROCESS", "HOST", "PID", "STATE", "STARTED", "SEEN")
FEEDS = ("FEED", "STATE", "NEXT", "SUCCEEDED", "EVENTS", "MISSED", "ASIDE", "AUTOMATIONS")
RUNS = ("RUN", "STATE", "AUTOMATION", "EVENT", "KEY", "BEGUN", "REASON")


class State(StrEnum):
    """What a run can be."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"


def status(project: Project = None, as_json: Json = False) -> None:
    """Show the processes that were seen, the feeds, and how many runs are in which state.

    A feed is `baseline` until its first poll has ended, `failing` after an error, `stale` when it has not succeeded
    for three intervals, and `ok` otherwise.
    """
    with ledger(project) as store:
        found = store.read_now(reports.status, now_ms())
    if as_json:
        output.json(status_json(found))
    else:
        _status_shown(found)


def runs(
    project: Project = None,
    automation: Annotated[str | None, typer.Option("--automation", "-a", metavar="NAME", help="Only its runs.")] = None,
    state: Annotated[
        State | None, typer.Option("--state", "-s", metavar="STATE", help="Only those that are so.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List runs, the newest first. States are open, done, failed, uncertain and skipped.

    An open run that waits, for a step's `wait` or for its next attempt, is shown as `waiting` with the reason.
    """
    chosen = None if state is None else state.value
    with ledger(project) as store:
        found = store.read_now(histories.runs, automation=automation, state=chosen, limit=limit)
    if as_json:
        output.json([run_json(run) for run in found])
        return
    now = now_ms()
    output.table(RUNS, [_run_cells(run, now) for run in found])


def show_run(
    run: Annotated[int, typer.Argument(metavar="RUN", help="A run, by number.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show one run: its event and record, each step with its attempts and outcome, and what can be done about it.

    Secrets are not stored: what came from `${NAME}` is shown as it was written.
    """
    with ledger(project) as store:
        found = store.read_now(histories.run, run)
    if found is None:
        raise Fault(f"there is no run {run}; `hightide runs` lists them")
    found = _masked(found, mask_of(project))
    if as_json:
        output.json(history_json(found))
    else:
        _history_shown(found)


def status_json(found: Status) -> dict[str, Any]:
    """The status as `--json` prints it; times are ISO 8601, intervals in seconds."""
    return {
        "now": output.moment(found.now),
        "processes": [_timed(asdict(process), "started_at", "seen_at") for process in found.processes],
        "feeds": [feed_json(feed) for feed in found.feeds],
        "stopped_feeds": found.stopped,
        "runs": dict(found.runs),
        "tokens": [_timed(asdict(each), "expires_at", "updated_at") for each in found.tokens],
        "breakers": [_timed(asdict(each), "retry_at") for each in found.breakers],
    }


def feed_json(feed: FeedReport) -> dict[str, Any]:
    """One feed as `--json` prints it."""
    timed = _timed(asdict(feed), "due_at", "polled_at", "succeeded_at", "brought_at")
    return {**timed, "interval": None if feed.interval is None else feed.interval / 1000}


def run_json(run: RunLine) -> dict[str, Any]:
    """One run as `--json` prints it in a list; `due_at` is None once it has ended."""
    due = run.due_at if run.state == "open" else None
    return _timed({**asdict(run), "due_at": due}, "created_at", "due_at", "ended_at")


def history_json(found: RunHistory) -> dict[str, Any]:
    """One run as `show-run --json` prints it."""
    return {
        **run_json(found.run),
        "found_at": output.moment(found.found_at),
        "record": found.record,
        "collected": list(found.collected),
        "steps": [_step_json(step) for step in found.steps],
        "definition": found.definition,
        "next": _advice(found),
    }


def _masked(found: RunHistory, mask: Mask) -> RunHistory:
    """The same without the project's tokens and keys, which a vendor's answer may repeat."""
    steps = [
        replace(step, result=step.result and mask(step.result), reason=step.reason and mask(step.reason))
        for step in found.steps
    ]
    return replace(found, record=orjson.loads(mask(orjson.dumps(found.record).decode())), steps=tuple(steps))


def _step_json(step: StepRow) -> dict[str, Any]:
    told = {**asdict(step), "inputs": orjson.loads(step.inputs)}
    told["result"] = None if step.result is None else orjson.loads(step.result)
    return _timed(told, "started_at", "sent_at", "ended_at")


def _timed(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**values, **{name: output.moment(values[name]) for name in names}}


def _status_shown(found: Status) -> None:
    now = found.now
    output.table(PROCESSES, [_process_cells(process, now) for process in found.processes])
    output.result("")
    output.table(FEEDS, [_feed_cells(feed, now) for feed in found.feeds])
    for feed in found.feeds:
        if feed.error:
            output.result(f"  {feed.id}: {feed.error}")
    for each in found.breakers:
        again = output.ago(each.retry_at, now)
        output.result(f"  connection {each.connection} is left alone after {each.failures} failures, tried {again}:")
        output.result(f"    {each.reason}")
    for token in found.tokens:
        if token.reason:
            output.result(f"  token of {token.connection} is {token.state}: {token.reason}")
    output.result("")
    output.table(("RUNS", "COUNT"), list(found.runs.items()))
    if found.stopped:
        output.note(f"{found.stopped} feeds are stopped: no automation listens to them")
    if not any(process.state == "running" for process in found.processes):
        output.note("nothing is running: `hightide run` starts beat and worker")


def _process_cells(process: ProcessReport, now: int) -> tuple[Any, ...]:
    times = (output.ago(process.started_at, now), output.ago(process.seen_at, now))
    return (process.role, process.host, str(process.pid), process.state, *times)


def _feed_cells(feed: FeedReport, now: int) -> tuple[Any, ...]:
    times = (output.ago(feed.due_at, now), output.ago(feed.succeeded_at, now))
    return (feed.id, feed.state, *times, feed.events, feed.missed, feed.set_aside, ", ".join(feed.automations))


def _run_cells(run: RunLine, now: int) -> tuple[Any, ...]:
    name = f"{run.automation} (replay {run.replay})" if run.replay else run.automation
    return (str(run.id), _stands(run, now), name, run.kind, run.key, output.ago(run.created_at, now), run.reason)


def _stands(run: RunLine, now: int) -> str:
    """The state of a run; one that is open and has said why it is not due yet is `waiting`."""
    return "waiting" if run.state == "open" and run.reason and run.due_at > now else run.state


def _history_shown(found: RunHistory) -> None:
    run, now = found.run, now_ms()
    replay = f" (replay {run.replay})" if run.replay else ""
    output.fields(
        {
            "run": str(run.id),
            "automation": f"{run.automation}{replay}",
            "state": f"{_stands(run, now)}: {run.reason}" if run.reason else run.state,
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
        output.result("")
        _step_shown(step)
    output.result("")
    output.result(_advice(found))


def _collected(runs: Sequence[int], most: int = 10) -> str | None:
    """The runs whose records one carries out beside its own."""
    named = ", ".join(map(str, runs[:most])) + (", ..." if len(runs) > most else "")
    return f"{len(runs) + 1} records, those of runs {named} too" if runs else None


def _step_shown(step: StepRow) -> None:
    output.fields(
        {
            f"step {step.number}": f"{step.name}: {step.action} on {step.connection}",
            "state": step.state if step.status is None else f"{step.state} (HTTP {step.status})",
            "attempts": step.attempts,
            "inputs": _compact(orjson.loads(step.inputs)),
            "sent": output.moment(step.sent_at),
            "reason": step.reason,
            "made": step.result_id,
            "result": None if step.result is None else _compact(orjson.loads(step.result)),
        }
    )


def _compact(value: Any, longest: int = 1000) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text):,} characters; --json shows all)"


def _advice(found: RunHistory) -> str:
    """What a person can do next."""
    run = found.run
    if run.batch not in {None, run.id}:
        return f"Nothing is left to do here: `hightide show-run {run.batch}` tells what became of its record."
    ways: Mapping[str, str] = {
        "open": "It is carried out, or tried again, by itself.",
        "done": "Nothing is left to do.",
        "skipped": f"Nothing is left to do; `hightide replay {run.automation} --since T` would fire it again.",
        "failed": f"Put right what the reason says, then `hightide retry {run.id}` (`--current` takes the automation "
        "as it is now).",
        "uncertain": f"Look at the vendor whether it was done, then `hightide resolve {run.id} done|retry|skip`.",
    }
    return ways[run.state]
