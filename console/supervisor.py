"""Running the engine's processes as one: started together, started again when they die, ended together."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from config.project import load
from config.settings import Settings
from console import output
from console.failures import Fault, OutOfReach
from worker.embedded import EmbeddedBroker
from worker.ledger.database import migrate
from worker.place import place_of

HIGHTIDE = (sys.executable, "-P", "-m", "console")
"""How to call ourselves: the same interpreter, nothing taken from the folder we are in."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY = 60.0
"""A child that has lived so long (s) is started again without a longer pause."""
PATIENCE = 150.0
"""How long (s) children may take to end; a task is ended by its time limit well before."""
QUICK = 5.0
"""The same after a second signal."""
LOOK_EVERY = 0.2


@dataclass(slots=True)
class Child:
    """A process that should be running.

    Those that come after it are first started when it is `ready`. One that is `last` is ended after all others.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    ready: Callable[[], bool] = lambda: True
    last: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    pause: float = FIRST_PAUSE


@dataclass(slots=True)
class Supervisor:
    """Keeps children running until it is told to stop.

    Each child has a session of its own, so that Ctrl-C reaches only us, and a pipe as stdin whose other end we hold: if
    we are killed, it closes, and they end by themselves. `tell` takes one line for each change.
    """

    children: Sequence[Child]
    tell: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _asked: int = 0
    _wake: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Return when a signal has asked for the end, and every child has ended."""
        with self._listening():
            while not self._asked:
                for child in self.children:
                    self._look_after(child)
                    if not child.ready():
                        break
                self._wait()
            self.tell("ending: what is under way is finished first; a second signal ends it at once")
            for last in (False, True):
                self._end([child for child in self.children if child.last is last])

    @contextmanager
    def _listening(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1
        self._wake.set()

    def _wait(self) -> None:
        self._wake.wait(LOOK_EVERY)
        self._wake.clear()

    def _look_after(self, child: Child) -> None:
        if child.process is not None and child.process.poll() is not None:
            self._bury(child)
        if child.process is None and self.clock() >= child.due_at:
            child.process = subprocess.Popen(  # noqa: S603  # our own commands
                child.command, env=dict(child.environ), stdin=subprocess.PIPE, start_new_session=True
            )
            child.started_at = self.clock()
            self.tell(f"{child.name} started (pid {child.process.pid})")

    def _bury(self, child: Child) -> None:
        """Note that a child has ended, end what it left behind, and set when it is started again."""
        assert child.process is not None  # noqa: S101  # the caller looked
        how, now = _how(child.process.returncode), self.clock()
        self._swept(child)
        child.pause = FIRST_PAUSE if now - child.started_at >= STEADY else child.pause
        child.due_at, child.process = now + child.pause, None
        self.tell(f"{child.name} {how}; it is started again in {child.pause:g} s")
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _swept(self, child: Child) -> None:
        assert child.process is not None  # noqa: S101  # as above
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
        if child.process.stdin is not None:
            child.process.stdin.close()

    def _end(self, children: Sequence[Child]) -> None:
        """Ask these to end when their work is done; at a second signal at once; after a while without asking."""
        for child in self._living(children):
            _signalled(child, signal.SIGTERM)
        deadline, heard = self.clock() + PATIENCE, 1
        while living := self._living(children):
            if self._asked > heard:
                heard, deadline = self._asked, min(deadline, self.clock() + QUICK)
                for child in living:
                    _signalled(child, signal.SIGQUIT)
            if self.clock() >= deadline:
                for child in living:
                    self.tell(f"{child.name} does not end; it is killed")
                    self._swept(child)
            self._wait()

    def _living(self, children: Sequence[Child]) -> list[Child]:
        living = []
        for child in children:
            if child.process is None:
                continue
            if child.process.poll() is None:
                living.append(child)
                continue
            self.tell(f"{child.name} {_how(child.process.returncode, asked=signal.SIGTERM)}")
            self._swept(child)
            child.process = None
        return living


def engine(settings: Settings, environ: Mapping[str, str], concurrency: int | None, *, web: bool = True) -> None:
    """Run beat, worker and web process of this project, and Valkey where none is configured, until told to end.

    Raises:
        ConfigError: the project is at fault.
        Fault: it is running already.
        OutOfReach: no Valkey can be started here.
    """
    for warning in load(settings.project, environ).warnings:
        output.note(f"warning: {warning}")
    place = place_of(settings)
    migrate(place.database_url)
    known: Mapping[str, str] = environ
    children = []
    if place.broker is not None:
        _possible(place.broker)
        command = [*HIGHTIDE, "valkey", "--with-parent"]
        children = [Child("valkey", command, environ, ready=place.broker.answers, last=True)]
        # for the others it is an address like any: only one process should see to the server
        known = {**environ, "HIGHTIDE_REDIS_URL": place.broker.url}
    size = [f"--concurrency={concurrency}"] if concurrency else []
    children += [
        Child("beat", [*HIGHTIDE, "beat", "--with-parent"], known),
        Child("worker", [*HIGHTIDE, "worker", "--with-parent", *size], known),
    ]
    if web and _free(settings):
        children.append(Child("web", [*HIGHTIDE, "web", "--with-parent"], known))
    with _alone(settings):
        Supervisor(children, lambda line: output.note(f"hightide: {line}")).run()
    output.note("hightide: ended")


def _free(settings: Settings) -> bool:
    """Whether the web process could listen where it should; the engine runs without it."""
    try:
        with socket.create_server((settings.web_host, settings.web_port)):
            return True
    except OSError as error:
        address = settings.web_address
        output.note(f"hightide: no web process, {address} cannot be had ({error.strerror}); set HIGHTIDE_WEB_ADDRESS")
        return False


def _possible(broker: EmbeddedBroker) -> None:
    try:
        broker.check()
    except RuntimeError as error:
        raise OutOfReach(str(error)) from error


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Refuse a second one in the same project; several are right only where database and Redis are shared."""
    if not settings.embedded:
        yield
        return
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.state_dir / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Fault(f"`hightide run` is running in {settings.project} already") from None
        yield


def _how(status: int, *, asked: int = 0) -> str:
    """How a process ended, from its exit status; by the signal that asked for it is no other end than by itself."""
    if status in {0, -asked}:
        return "ended"
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _signalled(child: Child, number: signal.Signals) -> None:
    if child.process is not None:
        with suppress(ProcessLookupError):
            child.process.send_signal(number)
