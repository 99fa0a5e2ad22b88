"""The table of commands: every row leads to a command, and none is paid for that is not called."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest

from console.commands import HELP, ROWS, Commands, Row, made
from tests.console.shell import hightide

HEAVY = {
    "sqlalchemy",
    "celery",
    "pydantic",
    "httpx",
    "redis",
    "rich",
    "actions.catalog",
    "config.project",
    "worker.desk",
}

ON_A_PROJECT = {
    *("check", "run", "beat", "worker", "poll", "act", "test", "status", "runs", "show-run"),
    *("retry", "resolve", "replay", "nudge", "explain", "doctor"),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_a_command_that_explains_itself(row: Row) -> None:
    command: Any = made(row)
    assert row.summary.endswith(".")
    assert command.help


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in ON_A_PROJECT], ids=lambda row: row.name)
def test_a_command_that_works_on_a_project_takes_its_folder(row: Row) -> None:
    command: Any = made(row)
    assert "--project" in {name for option in command.params for name in option.opts}


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        Commands(name="hightide", help=HELP).main(words, prog_name="hightide")
    return ended.value.code, *capsys.readouterr()


def test_the_version_is_that_of_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == (0, f"hightide {version('hightide')}\n", "")
    assert "hightide --version" in said(capsys, "--help")[1]


def test_a_wrong_choice_is_told_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = said(capsys, "runs", "--state", "nope")
    assert status == 2
    assert "'nope' is not one of 'open', 'done'" in err
    assert "Value error" not in err


@pytest.mark.parametrize("name", ["show", "rewind", "reset"])
def test_the_ways_of_a_cursor_take_the_project_too(name: str) -> None:
    cursor: Any = made(next(row for row in ROWS if row.name == "cursor"))
    assert "--project" in {word for option in cursor.commands[name].params for word in option.opts}


def test_help_imports_nothing_heavy() -> None:
    asked = "import sys\nfrom console.main import main\ntry:\n    main()\nexcept SystemExit:\n    print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", asked, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert not HEAVY & set(done.stdout.split())
    assert "status" in done.stdout


@pytest.mark.slow
def test_help_lists_every_command_but_the_hidden_ones() -> None:
    done = hightide("--help")
    assert done.status == 0
    listed = {line.split()[0] for line in done.out.splitlines() if line.startswith("  ") and line.split()}
    assert {row.name for row in ROWS if not row.hidden} <= listed
    assert "valkey" not in listed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts"], "Did you mean 'status'?"),
        (["status", "--jsn"], "No such option"),
        (["show-run"], "Missing argument"),
        (["show-run", "seven"], "should be a valid integer"),
        (["runs", "--state", "dead"], "is not one of"),
        (["resolve", "1", "perhaps"], "is not one of"),
        (["replay", "greet", "--since", "soon"], "is no time"),
        (["act", "ghl.contacts.create", "-c", "acme", "--with", "{"], "it is no JSON"),
        (["act", "ghl.contacts.create", "-c", "acme", "--with", "[1]"], "expected an object"),
        (["act", "ghl.contacts.create", "-c", "acme", "--with", "@/nowhere"], "cannot be read"),
        (["resolve", "1", "skip", "--id", "x"], "it goes with `done` only"),
        (["worker", "--log-level", "loud"], "expected one of"),
        (["worker", "--queues", "act,pol"], "`pol` is no queue"),
    ],
)
def test_wrong_usage_is_told_and_is_status_2(words: list[str], said: str, tmp_path: Any) -> None:
    done = hightide(*words, project=tmp_path)
    assert done.status == 2, done.err
    assert said in done.err
    assert done.out == ""
