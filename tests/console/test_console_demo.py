"""The demo: nothing lost, nothing twice, also when processes are killed in the middle."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.catalogues import catalogues
from config.project import load
from console import dues
from console.stage import ADDRESS, EXAMPLES, built
from tests.console.shell import HIGHTIDE, environment, gone, hightide

FIELDS = {
    *("seconds", "leads", "events", "runs", "held", "settled", "drained", "effects", "due", "met", "lost", "twice"),
    *("repeated", "requests", "worst_10s", "refused_429", "vendors"),
}
CLIENT = {"name": "Ada", "email": "ada@example.com"}
SOMETHING_OF_EACH = {
    "contacts": [
        {"id": "c1", "email": "lead@example.com", "source": dues.SOURCE, "tags": ["lead"]},
        {"id": "c2", "email": dues.OFFERED, "tags": []},
    ],
    "rankr.leads": [{"email": CLIENT["email"], "source": dues.SOURCE}],
    "rankr.clients": [{**CLIENT, "company": dues.COMPANY}],
    "rankr.documents": [
        {"id": "d1", "client": CLIENT, "status": "approved", "template_id": "offer", "external_id": "c2-today"}
    ],
    "rankr.contracts": [{"id": "k1", "external_id": "c1", "client": CLIENT, "status": "active", "ends_at": 1}],
}


@contextmanager
def played(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [*HIGHTIDE, "demo", "--json", "--keep", str(folder), *words]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_what_the_demo_expects_is_what_the_examples_do(tmp_path: Path) -> None:
    built(tmp_path, ADDRESS).close()
    project = load(tmp_path, {})
    rows = catalogues().actions
    used = {step.use for automation in project.automations.values() for step in automation.steps}
    writing = {use for use in used if rows[use].send.method != "GET"}
    assert {due.action for due in dues.owed(SOMETHING_OF_EACH, 0)} == writing
    assert {path.name for path in (Path(__file__).parents[2] / "examples").iterdir() if path.is_dir()} >= set(EXAMPLES)


def test_what_did_not_come_about_is_due_all_the_same() -> None:
    """A lead that was lost has no contact, no contract and no offer to be counted by."""
    nothing = {**SOMETHING_OF_EACH, "rankr.documents": [], "rankr.contracts": []}
    owed = {(due.action, each) for due in dues.owed(nothing, 0) for each in due.each}
    assert {("rankr.contracts.create", "c1"), ("rankr.templates.fill", "c2")} <= owed
    assert {("ghl.contacts.upsert", CLIENT["email"]), ("rankr.clients.upsert", CLIENT["email"])} <= owed


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_demo_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    with played(tmp_path / "stage", "--seconds", "4") as process:
        out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    told: dict[str, Any] = json.loads(out)
    assert set(told) == FIELDS
    assert told["drained"]
    assert (told["lost"], told["twice"], told["held"], told["refused_429"]) == (0, 0, 0, 0)
    for vendor, of_each_lead in (("ghl", 7), ("rankr", 2)):
        counted = told["vendors"][vendor]
        assert counted["leads"] >= 1
        assert counted["due"] == counted["met"] > of_each_lead * counted["leads"]
        assert (counted["lost"], counted["twice"], counted["refused_429"]) == (0, 0, 0)
    assert told["vendors"]["ghl"]["worst_10s"] <= 100
    assert told["vendors"]["rankr"]["worst_10s"] <= 50
    assert (tmp_path / "stage" / "automations" / "welcome.yaml").is_file()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_demo_survives_the_death_of_its_processes(tmp_path: Path) -> None:
    with played(tmp_path / "stage", "--seconds", "12") as process:
        root = psutil.Process(process.pid)
        for who in ("console worker", "console worker", "console beat", "valkey-server", "console worker"):
            _killed(root, tmp_path / "stage", who)
            time.sleep(1.5)  # time for work to begin again, so that the next one dies in the middle of it
        left = root.children(recursive=True)
        out, err = process.communicate(timeout=380)
    assert process.returncode == 0, err + out
    told: dict[str, Any] = json.loads(out)
    assert told["drained"]
    assert (told["lost"], told["twice"]) == (0, 0)
    assert gone(left)


def _killed(root: psutil.Process, folder: Path, who: str) -> None:
    """Kill the youngest process of that name, a worker's child before the worker, once leads are coming in."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        there = [each for each in root.children(recursive=True) if who in _words(each)]
        if there and _leads_come_in(folder):
            with suppress(psutil.NoSuchProcess):  # it has ended by itself: the next one, then
                there[-1].kill()
                return
        time.sleep(0.2)
    pytest.fail(f"there is no {who}")


def _leads_come_in(folder: Path) -> bool:
    done = hightide("runs", "--json", "--limit", "100", project=folder) if (folder / ".hightide").exists() else None
    return done is not None and done.status == 0 and any(each["automation"] == "welcome" for each in done.json)


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


@pytest.mark.slow
def test_a_demo_does_not_write_into_a_folder_that_is_in_use(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = hightide("demo", "--keep", str(tmp_path))
    assert done.status == 1
    assert "is not empty" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_demo_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    with played(tmp_path / "stage", "--seconds", "60") as process:
        root = psutil.Process(process.pid)
        deadline = time.monotonic() + 120
        while not [each for each in root.children(recursive=True) if "console worker" in _words(each)]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        family = root.children(recursive=True)
        process.kill()
        assert gone(family, 60)
