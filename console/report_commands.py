"""How things stand: processes, feeds, runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from console import output
from console.folder import ledger
from console.options import Json, Project
from worker import reports
from worker.ledger.database import now_ms
from worker.reports import FeedReport, ProcessReport, Status


def status(project: Project = None, as_json: Json = False) -> None:
    """Show the processes that were seen, the feeds, and how many runs are in which state."""
    with ledger(project) as store:
        found = store.read_now(reports.status, now_ms())
    if as_json:
        output.json(status_json(found))
    else:
        _shown(found)


def status_json(found: Status) -> dict[str, Any]:
    """The status as `--json` prints it; times are ISO 8601, intervals in seconds."""
    return {
        "now": output.moment(found.now),
        "processes": [_timed(asdict(process), "started_at", "seen_at") for process in found.processes],
        "feeds": [feed_json(feed) for feed in found.feeds],
        "stopped_feeds": found.stopped,
        "runs": dict(found.runs),
    }


def feed_json(feed: FeedReport) -> dict[str, Any]:
    """One feed as `--json` prints it."""
    timed = _timed(asdict(feed), "due_at", "polled_at", "succeeded_at", "brought_at")
    return {**timed, "interval": None if feed.interval is None else feed.interval / 1000}


def _timed(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**values, **{name: output.moment(values[name]) for name in names}}


def _shown(found: Status) -> None:
    now = found.now
    output.table(
        ("PROCESS", "HOST", "PID", "STATE", "STARTED", "SEEN"), [_process(process, now) for process in found.processes]
    )
    print()
    output.table(
        ("FEED", "STATE", "NEXT", "SUCCEEDED", "EVENTS", "MISSED", "ASIDE", "AUTOMATIONS"),
        [_feed(feed, now) for feed in found.feeds],
    )
    for feed in found.feeds:
        if feed.error:
            output.result(f"  {feed.id}: {feed.error}")
    print()
    output.table(("RUNS", "COUNT"), list(found.runs.items()))
    if found.stopped:
        output.note(f"{found.stopped} feeds are stopped: no automation listens to them")
    if not any(process.state == "running" for process in found.processes):
        output.note("nothing is running: `hightide run` starts beat and worker")


def _process(process: ProcessReport, now: int) -> tuple[Any, ...]:
    times = (output.ago(process.started_at, now), output.ago(process.seen_at, now))
    return (process.role, process.host, str(process.pid), process.state, *times)


def _feed(feed: FeedReport, now: int) -> tuple[Any, ...]:
    times = (output.ago(feed.due_at, now), output.ago(feed.succeeded_at, now))
    return (feed.id, feed.state, *times, feed.events, feed.missed, feed.set_aside, ", ".join(feed.automations))
