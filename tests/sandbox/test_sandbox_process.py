"""The sandbox as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from sandbox.server import VENDORS
from tests.sandbox.process import REPOSITORY, Start

pytestmark = pytest.mark.slow


def test_it_says_in_its_first_line_where_it_is_and_answers_there(start: Start) -> None:
    sandbox = start()
    assert sandbox.line.startswith("sandbox ready on http://127.0.0.1:")
    assert sandbox.create("a@example.com") == 201
    status, said, headers = sandbox.call("GET", "/contacts/?locationId=L1")
    assert (status, said["count"], headers["X-RateLimit-Remaining"]) == (200, 1, "98")
    sandbox.process.send_signal(signal.SIGTERM)
    rest, errors = sandbox.process.communicate(timeout=10)
    assert (rest, errors) == ("", "")


def test_it_says_where_each_vendor_is_and_how_one_gets_in(start: Start) -> None:
    sandbox = start()
    for vendor, line in zip(reversed(VENDORS), sandbox.told, strict=True):
        assert line.split()[:2] == [vendor.title, sandbox.url + vendor.prefix]
        assert line.strip().endswith(vendor.credential)


def test_a_killed_sandbox_goes_on_where_it_was(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    file = str(path)
    first = start("--state", file)
    first.create("a@example.com")
    first.create("b@example.com")
    first.process.kill()
    first.process.wait(10)
    second = start("--state", file)
    assert second.contacts() == ["b@example.com", "a@example.com"]
    second.create("c@example.com")
    second.process.send_signal(signal.SIGTERM)
    second.process.wait(10)
    assert path.stat().st_size > 1000
    third = start("--state", file)
    assert third.contacts() == ["c@example.com", "b@example.com", "a@example.com"]
    effects = third.call("GET", "/_sandbox/effects")[1]
    assert [each["n"] for each in effects["effects"]] == [1, 2, 3]
    assert third.create("a@example.com") == 400


def test_rankr_goes_on_where_it_was_with_the_same_tokens(start: Start, tmp_path: Path) -> None:
    file = str(tmp_path / "state.json")
    first = start("--state", file)
    made = first.call("POST", "/_sandbox/leads", {"vendor": "rankr", "count": 1})[1]["ids"]
    first.call("POST", "/_sandbox/records/rankr.leads", {"op": "delete", "id": "lead_stone"})
    status, before = first.leads()
    assert (status, before[:1], "lead_stone" in before) == (200, made, False)
    first.process.kill()
    first.process.wait(10)
    second = start("--state", file)
    second.token = first.token
    assert second.leads() == (200, before)


def test_leads_are_numbered_on_after_a_restart(start: Start, tmp_path: Path) -> None:
    file = str(tmp_path / "state.json")
    first = start("--state", file)
    first.call("POST", "/_sandbox/leads", {"location": "L1", "count": 2})
    first.process.kill()
    first.process.wait(10)
    second = start("--state", file)
    second.call("POST", "/_sandbox/leads", {"location": "L1", "count": 1})
    assert second.contacts() == [f"lead-{number}@example.com" for number in (3, 2, 1)]


def test_a_half_written_last_line_is_left_out(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    first = start("--state", str(file))
    first.create("a@example.com")
    first.process.kill()
    first.process.wait(10)
    with (tmp_path / "state.json.journal").open("ab") as journal:
        journal.write(b'{"changes":[["contacts","L1","x",{"id"')
    assert start("--state", str(file)).contacts() == ["a@example.com"]


def test_it_ends_with_its_parent_when_told_so(start: Start) -> None:
    sandbox = start("--with-parent")
    assert sandbox.process.stdin
    sandbox.process.stdin.close()
    assert sandbox.process.wait(10) == 0


@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["a@example.com"])])
def test_a_cut_connection_is_closed_without_an_answer(start: Start, when: str, left: list[str]) -> None:
    sandbox = start()
    sandbox.call("POST", "/_sandbox/faults", {"match": {"path": "/contacts/"}, "cut": True, "when": when, "count": 1})
    with pytest.raises(httpx.TransportError):
        sandbox.create("a@example.com")
    assert sandbox.contacts() == left


def test_path_parameters_are_decoded(start: Start) -> None:
    sandbox = start()
    status, said, _ = sandbox.call("GET", "/contacts/a%2Fb%20c")
    assert (status, said["message"]) == (400, "Contact with id a/b c not found")


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"tables": {"unicorns": {}}}', '{"tables": {"contacts": {"L1": [1]}}}']
)
def test_a_state_file_that_is_none_is_told_in_a_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(content)
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--state", str(file)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"sandbox: {file} holds no state of a sandbox; name another file or remove it\n"


def test_a_port_that_is_taken_is_told_in_a_sentence(start: Start) -> None:
    port = start().url.rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", "--port", port]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("sandbox: ")
    assert "Traceback" not in ended.stderr
