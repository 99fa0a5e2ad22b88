"""The processes of the engine: beat, worker, and both under one supervisor."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from console import output
from console.failures import Fault
from console.folder import environment, settings_of
from console.options import Project

LEVELS = ("debug", "info", "warning", "error")
QUEUES = ("celery", "control", "act", "poll")

Concurrency = Annotated[
    int | None,
    typer.Option("--concurrency", "-c", min=1, metavar="N", help="Processes that work; cores + 1, at least 3."),
]
Queues = Annotated[
    str | None,
    typer.Option("--queues", "-Q", metavar="NAMES", help="Only these queues: celery, control, act, poll; by commas."),
]
LogLevel = Annotated[str, typer.Option("--log-level", metavar="LEVEL", help="What Celery tells: debug ... error.")]
WithParent = Annotated[bool, typer.Option("--with-parent", hidden=True, help="End when stdin is closed.")]


def beat(project: Project = None, log_level: LogLevel = "warning", with_parent: WithParent = False) -> None:
    """Run the scheduler: it wakes workers for what is due. Any number may run; none fires a feed twice.

    It is `celery -A worker.app beat`, and takes the same signals.
    """
    words = ["--quiet", "beat", f"--loglevel={_level(log_level)}"]
    _start(_application(project, with_parent=with_parent), words)


def worker(
    project: Project = None,
    concurrency: Concurrency = None,
    queues: Queues = None,
    log_level: LogLevel = "warning",
    with_parent: WithParent = False,
) -> None:
    """Run a worker: it polls feeds and carries out runs. Any number may run.

    It is `celery -A worker.app worker`, and takes the same signals: SIGTERM ends it when its tasks are done.
    """
    # by default one more than there are cores, so that a poll finds a free process while all others carry out
    words = ["--quiet", "worker", f"--loglevel={_level(log_level)}", "--pool=prefork", "--optimization=fair"]
    words += [f"--concurrency={concurrency or max(3, (os.cpu_count() or 1) + 1)}"]
    words += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    words += [f"--queues={_queues(queues)}"] if queues else []
    _start(_application(project, with_parent=with_parent), words)


def web(project: Project = None, with_parent: WithParent = False) -> None:
    """Run the web process: it takes webhooks, and answers /health, /ready and /metrics.

    It listens on HIGHTIDE_WEB_ADDRESS, on this machine alone unless told otherwise.
    """
    from console.web import serve  # noqa: PLC0415  # the others do without it

    serve(_application(project, with_parent=with_parent))


def run(
    project: Project = None,
    concurrency: Concurrency = None,
    web: Annotated[bool, typer.Option("--web/--no-web", help="Whether to run the web process as well.")] = True,
    with_parent: WithParent = False,
) -> None:
    """Run beat, worker and web process in one go, and start again whichever ends.

    Where nothing is configured it brings its own SQLite and Valkey. Ctrl-C or SIGTERM ends it when the tasks under way
    are done; a second one ends it at once.
    """
    from console.supervisor import engine  # noqa: PLC0415  # beat and worker do without it

    settings = settings_of(project)
    if with_parent:
        _follow_parent()
    engine(settings, environment(project), concurrency, web=web)


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")] = 8766,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="Keep what happened in this file, and go on from it.")
    ] = None,
) -> None:
    """Run the simulated vendors, HighLevel, Rankr and 0CodeKit over HTTP with a memory, until Ctrl-C.

    They are one process of its own, which shares no code with the engine; it prints where each of them is and with what
    one gets in. `/_sandbox/` steers them.
    """
    words = [sys.executable, "-P", "-m", "sandbox", "--port", str(port)]
    words += ["--state", str(state.absolute())] if state else []
    sys.stdout.flush()
    os.execv(sys.executable, words)  # noqa: S606  # our own interpreter


def valkey(project: Project = None, with_parent: WithParent = False) -> None:
    """Run the project's own Valkey until told to end; `hightide run` does it where no Redis is configured."""
    from worker.logs import Mask, configure, secrets_of_settings  # noqa: PLC0415
    from worker.place import place_of  # noqa: PLC0415

    settings, over = settings_of(project), threading.Event()
    configure(Mask(secrets_of_settings(settings)))
    broker = place_of(settings).broker
    if broker is None:
        raise Fault("HIGHTIDE_REDIS_URL names a Redis; no Valkey of our own is needed")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: over.set())
    if with_parent:
        _follow_parent()
    broker.keep()
    over.wait()
    broker.end()


def _application(project: Any, *, with_parent: bool) -> Any:
    """The Celery application of the project, once the project is known to be in order."""
    from config.project import load  # noqa: PLC0415

    environ = environment(project)
    os.environ["HIGHTIDE_PROJECT"] = environ["HIGHTIDE_PROJECT"]
    for warning in load(settings_of(project).project, environ).warnings:
        output.note(f"warning: {warning}")
    if with_parent:
        _follow_parent()
    from worker.app import app  # noqa: PLC0415  # it reads the environment

    return app


def _start(app: Any, words: list[str]) -> None:
    from celery.exceptions import SecurityWarning  # noqa: PLC0415

    # it warns of root because of pickle, which we do not accept
    warnings.simplefilter("ignore", SecurityWarning)
    sys.argv = ["hightide", *words]  # what Celery shows as the title of the process
    app.start(argv=words)


def _queues(names: str) -> str:
    for name in names.split(","):
        if name not in QUEUES:
            raise typer.BadParameter(f"`{name}` is no queue; there are {', '.join(QUEUES)}", param_hint="--queues")
    return names


def _level(name: str) -> str:
    if name.lower() not in LEVELS:
        raise typer.BadParameter(f"expected one of {', '.join(LEVELS)}", param_hint="--log-level")
    return name.upper()


def _follow_parent() -> None:
    threading.Thread(target=_end_with_stdin, name="parent", daemon=True).start()


def _end_with_stdin() -> None:
    """End as SIGTERM would when whoever started us is gone: the other end of stdin is then closed."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
