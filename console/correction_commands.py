"""Putting right what went wrong: runs taken up again, settled by hand, or fired once more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from console import output
from console.failures import Fault
from console.folder import environment, ledger
from console.options import Json, Project
from console.times import moment
from worker import corrections
from worker.corrections import Refusal
from worker.ledger.database import now_ms
from worker.ledger.store import Store


class Settlement(StrEnum):
    """What a person says about an uncertain step."""

    DONE = "done"
    RETRY = "retry"
    SKIP = "skip"


def retry(
    runs: Annotated[list[int], typer.Argument(metavar="RUN...", help="Failed runs, by number.")],
    project: Project = None,
    current: Annotated[
        bool, typer.Option("--current", help="With the automation as it is now, not as the run was begun.")
    ] = False,
) -> None:
    """Take failed runs up again, each from the step that failed. Steps that are done are not done again."""
    with ledger(project) as store:
        refused = [said for run in runs if (said := _tried(store, corrections.retry, run, now_ms(), current=current))]
    _woken(project, len(runs) - len(refused))
    if refused:
        raise Fault("\n".join(refused))


def resolve(
    run: Annotated[int, typer.Argument(metavar="RUN", help="An uncertain run, by number.")],
    how: Annotated[
        Settlement, typer.Argument(metavar="done|retry|skip", help="It was done; do it again; go on without it.")
    ],
    project: Project = None,
    made: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="With `done`: the id of what was made, for later steps.")
    ] = None,
) -> None:
    """Settle a run whose step may or may not have taken effect; look at the vendor first.

    The run then goes on with its next step.
    """
    if made is not None and how is not Settlement.DONE:
        raise typer.BadParameter("it goes with `done` only", param_hint="--id")
    with ledger(project) as store:
        refused = _tried(store, corrections.resolve, run, how.value, now_ms(), made)
    if refused:
        raise Fault(refused)
    _woken(project, 1)


def replay(
    automation: Annotated[str, typer.Argument(metavar="AUTOMATION", help="An automation that is listening.")],
    since: Annotated[str, typer.Option(metavar="T", help="A time in ISO 8601, or how long ago: 90s, 2h, 3d.")],
    project: Project = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the events.")] = False,
    as_json: Json = False,
) -> None:
    """Fire an automation again for the events of its feed that were found since a time.

    Each event gets a new run, beside those it had. Events whose run is still open are left alone.
    """
    now = now_ms()
    start = moment(since, now, "--since")
    with ledger(project) as store:
        try:
            done = store.write_now(corrections.replay, automation, start, now, dry=dry_run)
        except Refusal as error:
            raise Fault(str(error)) from None
    if as_json:
        output.json({"automation": automation, "since": output.moment(start), "fired": done.fired, "open": done.open})
    else:
        word = "would fire" if dry_run else "fire"
        left = f"; {done.open} are left alone, their run is still open" if done.open else ""
        output.result(f"{done.fired} events {word} again{left}")
    if done.fired and not dry_run:
        _woken(project, done.fired)


def _tried(store: Store, correct: Callable[..., Any], run: int, *more: Any, **named: Any) -> str | None:
    """Why the run cannot be put right so; None where it was."""
    try:
        store.write_now(correct, run, *more, **named)
    except Refusal as error:
        return str(error)
    output.note(f"run {run} goes on")
    return None


def _woken(project: Path | None, runs: int) -> None:
    """Wake a worker; where the queue is away, beat finds the runs within a second of being there."""
    if not runs:
        return
    from worker.bell import Bell  # noqa: PLC0415  # Celery takes its time
    from worker.factory import make_app  # noqa: PLC0415
    from worker.logs import configure  # noqa: PLC0415

    app: Any = make_app(environment(project))
    configure(app.desk.mask, level=logging.ERROR)
    broker = app.desk.place.broker
    bell: Bell = app.bell
    if broker is None or broker.answers():
        bell.hint(runs)
