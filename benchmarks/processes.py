"""Processes under measurement: started, metered as trees, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

SAMPLE_SECONDS = 0.2


@contextmanager
def started(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, its output in `log`; ended politely at the end, then with all it left behind."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **(env or {})}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tree(pid: int) -> list[psutil.Process]:
    """The process and all that descend from it; empty when it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time of these trees so far, user and system, with that of their children which have ended."""
    total = 0.0
    for process in (process for pid in pids for process in tree(pid)):
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def memory_mb(pids: Sequence[int]) -> float:
    """Resident memory of these trees, in MB; pages that processes share count once for each."""
    total = 0
    for process in (process for pid in pids for process in tree(pid)):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 1e6


@dataclass(slots=True)
class Usage:
    """What the parts of a system have used: CPU seconds, and the most memory at one time in MB."""

    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)


@contextmanager
def metered(parts: Mapping[str, Sequence[int]]) -> Iterator[Usage]:
    """Meters each part, a name and the roots of its process trees; the usage is complete at the end of the block."""
    usage, over = Usage(), threading.Event()

    def sample() -> None:
        for part, pids in parts.items():
            usage.memory[part] = max(usage.memory.get(part, 0.0), memory_mb(pids))

    def watch() -> None:
        while not over.wait(SAMPLE_SECONDS):
            sample()

    watcher = threading.Thread(target=watch, daemon=True)
    before = {part: cpu_seconds(pids) for part, pids in parts.items()}
    watcher.start()
    try:
        yield usage
    finally:
        over.set()
        watcher.join()
        usage.cpu.update({part: cpu_seconds(pids) - before[part] for part, pids in parts.items()})
        sample()
