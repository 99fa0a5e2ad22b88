"""`hightide run` as the parent of processes: they are started again when they die, and never outlive it."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from console.stage import EXAMPLES
from tests.console.shell import Vendor, gone, hightide, running, write_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NOTES = "/contacts/{contactId}/notes"


def test_ctrl_c_ends_everything_and_says_so(project: Path, vendor: Vendor) -> None:
    with running(project) as engine:
        engine.ready()
        family = engine.family()
        assert engine.end(signal.SIGINT) == 0
        assert gone(family)
        assert (project / "run.err").read_text().splitlines()[-1] == "hightide: ended"
    assert {each["state"] for each in hightide("status", "--json", project=project).json["processes"]} == {"stopped"}


def test_nothing_outlives_a_run_that_is_killed(project: Path, vendor: Vendor) -> None:
    with running(project) as engine:
        engine.ready()
        family = engine.family()
        assert len(family) >= 5  # beat, worker and its two, Valkey and who keeps it
        engine.process.kill()
        assert gone(family)


def test_whoever_is_killed_is_started_again_and_each_lead_is_greeted_once(project: Path, vendor: Vendor) -> None:
    leads = []
    with running(project) as engine:
        engine.ready()
        for who in ("console beat", "console worker", "console valkey", "valkey-server"):
            engine.child(who).kill()
            leads += vendor.leads(1)

        def greeted() -> bool:
            hightide("nudge", "greet", project=project)
            return len(vendor.effects(NOTES)) >= len(leads)

        engine.wait(greeted, 150)
        for who in ("console beat", "console worker", "console valkey", "valkey-server"):
            assert engine.child(who).is_running()
        assert engine.end() == 0
    assert sorted(each["path"].split("/")[2] for each in vendor.effects(NOTES)) == sorted(leads)


def test_a_second_signal_ends_it_at_once(project: Path, vendor: Vendor) -> None:
    with running(project) as engine:
        engine.ready()
        match = {"method": "POST", "path": "/contacts/*/notes"}
        vendor.ask("POST", "faults", {"match": match, "delay": 25, "count": 1})
        vendor.leads(1)
        hightide("nudge", "greet", project=project)
        engine.wait(lambda: vendor.effects("/contacts/{contactId}/tags"))
        family, began = engine.family(), time.monotonic()
        engine.process.send_signal(signal.SIGTERM)
        engine.wait(lambda: "ending" in engine.said)
        assert engine.end() == 0
        assert time.monotonic() - began < 22
        assert gone(family)


def test_beat_and_worker_run_alone_on_a_database_and_a_redis_of_ones_own(
    project: Path, vendor: Vendor, postgres_url: str, valkey_url: str
) -> None:
    env = {"HIGHTIDE_DATABASE_URL": postgres_url, "HIGHTIDE_REDIS_URL": valkey_url}
    with running(project, "beat", env=env) as beat, running(project, "worker", "-c", "2", env=env) as worker:
        beat.ready()
        [contact] = vendor.leads(1)
        assert hightide("nudge", "greet", project=project, env=env).status == 0
        worker.wait(lambda: any(contact in each["path"] for each in vendor.effects(NOTES)))
        assert {each["role"] for each in beat.status()["processes"]} == {"beat", "worker"}
        assert hightide("doctor", project=project, env=env).status == 0
        assert worker.end() == 0
        assert beat.end() == 0
    assert not (project / ".hightide").exists()


def test_a_worker_that_takes_one_queue_leaves_the_others_alone(project: Path, vendor: Vendor) -> None:
    with running(project, "beat") as beat, running(project, "worker", "-c", "1", "--queues", "act") as worker:
        beat.wait(lambda: hightide("status", "--json", project=project).status == 0)
        beat.wait(lambda: any(each["role"] == "worker" for each in beat.status()["processes"]))
        hightide("nudge", "greet", project=project)
        time.sleep(3)  # long enough for a worker that took the wrong queue to show itself
        assert beat.status()["feeds"][0]["polls"] == 0
        assert worker.process.poll() is None


def test_a_vendor_that_keeps_failing_is_shown_as_left_alone(tmp_path: Path) -> None:
    shop = write_project(tmp_path / "shop", "http://127.0.0.1:9")
    with running(shop) as engine:

        def opened() -> bool:
            done = hightide("nudge", "greet", project=shop)
            return done.status == 0 and bool(engine.status()["breakers"])

        engine.wait(opened, 120)
        [breaker] = engine.status()["breakers"]
        assert breaker["connection"] == "acme"
        assert breaker["failures"] >= 5
        assert "connection acme is left alone" in hightide("status", project=shop).out
        assert engine.status()["feeds"][0]["state"] == "failing"


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_passes_the_check_as_it_is(name: str) -> None:
    done = hightide("check", "--json", project=Path(__file__).parents[2] / "examples" / name)
    assert done.status == 0
    assert done.json["ok"]
