from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.contacts import contact_id

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REPOSITORY = Path(__file__).parents[2]


def ran(module: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *options]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_baselines_handle_every_contact_once_and_the_table_says_how_fast(tmp_path: Path) -> None:
    options = ["--only", "celery", "bare", "--pools", "2", "--in-flight", "32", "--rounds", "1", "--records", "200"]
    page, data = tmp_path / "burst.md", tmp_path / "burst.json"
    done = ran("benchmarks.burst", *options, "--save", str(page), "--json", str(data))
    assert done.returncode == 0, done.stderr
    found = json.loads(data.read_text())
    lines = {line["system"]: line for line in found["lines"]}
    assert len(lines) == 6
    assert {line["lost"] + line["doubled"] for line in lines.values()} == {0}
    assert lines["bare httpx"]["bare"] == 1
    assert lines["bare httpx"]["celery"] > 1
    assert max(line["celery"] for name, line in lines.items() if name.startswith("Celery")) == 1
    assert all(line["cpu"] > 0 and line["memory"] > 10 for line in lines.values())
    assert all(name in page.read_text() and name in done.stdout for name in lines)


@dataclass(frozen=True, slots=True)
class Careless:
    """Leaves out the last contact, and handles the first one twice."""

    url: str
    pids: tuple[int, ...] = ()
    name: str = "careless"

    @contextmanager
    def running(self, _: object) -> Iterator[Careless]:
        yield self

    def prepare(self, burst: Any) -> None:
        pass

    def begin(self, burst: Any) -> float:
        begun = time.monotonic()
        for number in [burst.first, *range(burst.first, burst.first + burst.count - 1)]:
            httpx.post(f"{self.url}/contacts/{contact_id(number)}/tags", json={"tags": []}).raise_for_status()
        return begun

    def settle(self) -> None:
        pass


def test_what_is_lost_or_doubled_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # read when the PostgreSQL wheel is imported
    from benchmarks import rounds  # noqa: PLC0415  # after the line above

    monkeypatch.setattr(rounds, "PATIENCE", 0.2)
    monkeypatch.setattr(rounds, "WARMING", 2)
    with rounds.staged() as stage:
        one = rounds.measured(Careless(stage.vendor.url), stage, 5)
    assert (one.lost, one.doubled) == (2, 2)  # one of each while warming up
    assert 0 < one.seconds < 10


def test_hightide_handles_every_contact_once_on_both_databases(tmp_path: Path) -> None:
    page, data = tmp_path / "burst.md", tmp_path / "burst.json"
    options = ["--only", "hightide", "--rounds", "1", "--records", "300", "--save", str(page), "--json", str(data)]
    done = ran("benchmarks.burst", *options)
    assert done.returncode == 0, done.stderr
    lines = json.loads(data.read_text())["lines"]
    assert {line["system"] for line in lines} == {"Hightide, SQLite", "Hightide, PostgreSQL"}
    assert {line["lost"] + line["doubled"] for line in lines} == {0}


def test_an_idle_poll_is_one_request_however_large_the_account() -> None:
    done = ran("benchmarks.idle_poll", "--sizes", "1000", "1000000", "--polls", "2")
    assert done.returncode == 0, done.stdout + done.stderr
