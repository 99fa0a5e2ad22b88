from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from benchmarks.processes import cpu_seconds, metered, started, tree

pytestmark = pytest.mark.slow

BURNER = """
import os, sys, time
if os.fork() == 0:
    end = time.process_time() + 0.5
    block = bytearray(50_000_000)
    while time.process_time() < end:
        pass
    open(sys.argv[1], "w").write("burnt")
time.sleep(60)
"""


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_tree_is_metered_with_its_descendants(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with (
        started([sys.executable, "-c", BURNER, str(done)], tmp_path / "log") as process,
        metered({"burner": [process.pid], "none": []}) as usage,
    ):
        eventually(done.exists)
    assert 0.4 < usage.cpu["burner"] < 1.5
    assert usage.memory["burner"] > 50
    assert (usage.cpu["none"], usage.memory["none"]) == (0, 0)


def test_nothing_is_left_of_a_process_that_was_started(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with started([sys.executable, "-c", BURNER, str(done)], tmp_path / "log") as process:
        eventually(done.exists)
        family = tree(process.pid)
        assert len(family) == 2
    eventually(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family))
    assert cpu_seconds([process.pid]) == 0
