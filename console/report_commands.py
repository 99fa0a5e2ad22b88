"""How things stand: processes, feeds, runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer

from connections.breaker import FAILURES
from connections.errors import BreakerOpen
from console import output, run_page
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
OUTAGES = {each.__name__ for each in (BreakerOpen, *FAILURES)}
"""What the errors of feeds begin with that only say that the vendor cannot be had."""
RUNS = ("RUN", "STATE", "AUTOMATION", "EVENT", "KEY", "BEGUN", "REASON")


class State(StrEnum):
    """What a run can be: as the ledger has it, and what is shown of open and skipped ones."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"
    WAITING = "waiting"
    COLLECTED = "collected"


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
    A skipped run whose record another one carries out is shown as `collected`.
    """
    chosen, now = None if state is None else state.value, now_ms()
    with ledger(project) as store:
        found = store.read_now(histories.runs, now, automation=automation, state=chosen, limit=limit)
    if as_json:
        output.json([run_json(run) for run in found])
        return
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
        run_page.show(found, now_ms())


def status_json(found: Status) -> dict[str, Any]:
    """The status as `--json` prints it; times are ISO 8601, intervals in seconds."""
    return {
        "now": output.moment(found.now),
        "processes": [_timed(asdict(process), "started_at", "seen_at") for process in found.processes],
        "feeds": [feed_json(feed) for feed in found.feeds],
        "stopped_feeds": found.stopped,
        "runs": dict(found.runs),
        "collected_runs": found.collected,
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
        "next": run_page.advice(found),
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
    for line in troubles(found):
        output.result(f"  {line}")
    for token in found.tokens:
        if token.reason:
            output.result(f"  token of {token.connection} is {token.state}: {token.reason}")
    output.result("")
    output.table(("RUNS", "COUNT"), list(_counts(found).items()))
    if found.stopped:
        output.note(f"{output.counted(found.stopped, 'feed is', 'feeds are')} stopped: no automation listens to them")
    if not any(process.state == "running" for process in found.processes):
        output.note("nothing is running: `hightide run` starts beat and worker")


def troubles(found: Status) -> Iterator[str]:
    """What feeds fail with, and connections that are left alone, told once for all the feeds that wait for them."""
    silent = {each.connection for each in found.breakers}
    waiting: Counter[str] = Counter()
    for feed in found.feeds:
        kind, _, reason = (feed.error or "").partition(": ")
        if feed.connection in silent and kind in OUTAGES:
            waiting[feed.connection] += 1
        elif feed.error:
            # what nobody foresaw is known by its name only
            yield f"{feed.id}: {feed.error if kind.endswith('Error') else reason or kind}"
    for each in found.breakers:
        again = output.ago(each.retry_at, found.now)
        yield f"connection {each.connection} is left alone after {each.failures} failures, tried {again}:"
        yield f"  {each.reason}"
        if waiting[each.connection]:
            yield f"  {output.counted(waiting[each.connection], 'feed waits', 'feeds wait')} for it"


def _counts(found: Status) -> dict[str, int]:
    """How many runs stand how; those that were collected apart from those that were passed over."""
    if not found.collected:
        return dict(found.runs)
    return {**found.runs, "skipped": found.runs["skipped"] - found.collected, "collected": found.collected}


def _process_cells(process: ProcessReport, now: int) -> tuple[Any, ...]:
    times = (output.ago(process.started_at, now), output.ago(process.seen_at, now))
    return (process.role, process.host, str(process.pid), process.state, *times)


def _feed_cells(feed: FeedReport, now: int) -> tuple[Any, ...]:
    times = (output.ago(feed.due_at, now), output.ago(feed.succeeded_at, now))
    return (feed.id, feed.state, *times, feed.events, feed.missed, feed.set_aside, ", ".join(feed.automations))


def _run_cells(run: RunLine, now: int) -> tuple[Any, ...]:
    name = f"{run.automation} (replay {run.replay})" if run.replay else run.automation
    return (str(run.id), run.standing(now), name, run.kind, run.key, output.ago(run.created_at, now), run.reason)
