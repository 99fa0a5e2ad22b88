"""Plain Celery under measurement; the application itself is `benchmarks.celery_app`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from celery import Celery

from benchmarks.processes import started
from benchmarks.rounds import Stage
from benchmarks.services import Burst

PATIENCE = 60.0
"""Seconds that a worker may take to start, and a queue to be filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCelery:
    """A prefork worker of `pool` processes.

    `filled` starts the clock when all messages are in the queue: neither the poll nor publishing is measured.
    """

    ack: Literal["early", "late"]
    pool: int = os.cpu_count() or 1
    filled: bool = False

    @property
    def name(self) -> str:
        """What the table calls it."""
        return f"Celery, {self.ack} ack{', queue filled' if self.filled else ''}"

    @contextmanager
    def running(self, stage: Stage) -> Iterator[Worker]:
        """A worker that has answered a ping."""
        env = {"BENCH_BROKER": stage.broker.url, "BENCH_VENDOR": stage.vendor.url, "BENCH_ACK": self.ack}
        flags = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "benchmarks.celery_app",
            "worker",
            "-c",
            str(self.pool),
            *flags,
        ]
        log = stage.folder / "celery.log"
        with started(command, log, env) as process, Celery(broker=stage.broker.url) as app:
            deadline = time.monotonic() + PATIENCE
            while not app.control.ping(timeout=0.5):
                assert time.monotonic() < deadline, f"no Celery worker: {log.read_text()}"
            yield Worker(pids=[process.pid], app=app, stage=stage, filled=self.filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that runs."""

    pids: list[int]
    app: Celery
    stage: Stage
    filled: bool

    def prepare(self, burst: Burst) -> None:
        """Fills a queue that nobody reads yet, if it is to be filled before."""
        if not self.filled:
            return
        self.app.send_task("benchmarks.celery_app.poll", args=[burst.since, _queue(burst)])
        deadline = time.monotonic() + PATIENCE
        while self.stage.broker.client.llen(_queue(burst)) < burst.count:
            assert time.monotonic() < deadline, "the queue was not filled"
            time.sleep(0.05)

    def begin(self, burst: Burst) -> float:
        """Sends the poll task, or lets the worker read the queue that was filled."""
        start = time.monotonic()
        if self.filled:
            self.app.control.add_consumer(_queue(burst))
        else:
            self.app.send_task("benchmarks.celery_app.poll", args=[burst.since])
        return start

    def settle(self) -> None:
        """Nothing: the messages are the only books, and the worker finishes them when it is ended."""


def _queue(burst: Burst) -> str:
    return f"filled-{burst.first}"
