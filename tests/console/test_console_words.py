"""Words of the command line: times, amounts, what a terminal must not be steered by, failures."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from config.problems import ConfigError, Problem
from connections.errors import Refused, Unreachable
from console import output
from console.failures import Fault, OutOfReach, told
from console.folder import mask_of_command
from console.times import moment
from worker.ledger.database import open_database
from worker.logs import Mask

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("90s", NOW - 90_000),
        ("2h", NOW - 7_200_000),
        ("3d", NOW - 3 * 86_400_000),
        ("1w", NOW - 7 * 86_400_000),
        ("2026-03-01T09:00:00+01:00", 1_772_352_000_000),
        ("2026-03-01T08:00:00", 1_772_352_000_000),
        ("2026-03-01", 1_772_323_200_000),
    ],
)
def test_times_are_read_from_iso_or_from_how_long_ago_they_were(text: str, at: int) -> None:
    assert moment(text, NOW, "--since") == at


@pytest.mark.parametrize("text", ["", "yesterday", "-2h", "2 hours", "2999-01-01", "99999999d"])
def test_what_is_no_time_of_the_past_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment(text, NOW, "--since")


def test_moments_are_iso_in_utc_and_zero_is_never() -> None:
    assert output.moment(1_772_352_000_123) == "2026-03-01T08:00:00.123Z"
    assert output.moment(None) is None
    assert output.moment(0) is None


@pytest.mark.parametrize(
    ("at", "said"),
    [(NOW - 5_000, "5 s ago"), (NOW + 90_000, "in 90 s"), (NOW - 600_000, "10 m ago"), (None, "-"), (0, "-")],
)
def test_spans_are_told_in_the_unit_that_fits(at: int | None, said: str) -> None:
    assert output.ago(at, NOW) == said


def test_what_could_steer_a_terminal_is_shown_as_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    output.result("a\x1b[31mred\x07\x9b")
    output.table(("NAME",), [("\x1b]0;title\x07",)])
    output.note("\x1b[2J")
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\\x1b[31mred" in said.out


def test_a_table_elsewhere_than_on_a_terminal_is_plain_and_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("ID", "COUNT"), [("one", 12_000), ("second", None)])
    assert capsys.readouterr().out.splitlines() == ["ID      COUNT", "one     12,000", "second  -"]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ConfigError([Problem(file="a.yaml", line=1, column=2, message="is wrong", hint="mend it")]), 1, "a.yaml:1:2"),
        (Fault("no such run"), 1, "no such run"),
        (Refused("POST /x: 400 no"), 3, "POST /x: 400 no"),
        (Unreachable("no connection"), 3, "no connection"),
        (OutOfReach("it does not start"), 3, "it does not start"),
        (RedisAway("refused"), 3, "Redis is out of reach"),
        (OperationalError("SELECT 1", {}, Exception("gone away")), 3, "the database cannot be used (gone away)"),
        (ZeroDivisionError("division"), 1, "please report it: ZeroDivisionError: division"),
    ],
)
def test_every_failure_has_its_words_and_its_status(error: Exception, status: int, said: str) -> None:
    message, found = told(error, {}, Mask)
    assert found == status
    assert said in message
    assert "\n" not in message


def test_a_trace_is_shown_only_to_those_who_ask_for_it() -> None:
    with pytest.raises(KeyError) as caught:
        _ = {}["lost"]
    assert "Traceback" not in told(caught.value, {}, Mask)[0]
    assert "Traceback" in told(caught.value, {"HIGHTIDE_DEBUG": "1"}, Mask)[0]


def test_a_trace_shows_no_secret_and_no_values_of_a_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HIGHTIDE_PROJECT", raising=False)
    (tmp_path / "connections.yaml").write_text(
        "connections:\n  acme: {kind: ghl, location_id: l, auth: {type: private_token, token: pit-in-the-file}}\n"
    )
    database = open_database(f"sqlite:///{tmp_path / 'some.db'}")
    record = {"ann": "ann" + "@example.com"}
    with database.connect() as connection, pytest.raises(OperationalError) as caught:
        connection.execute(text("SELECT :ann FROM nowhere"), record)
    database.dispose()
    caught.value.add_note("sent with pit-in-the-file")
    words = ["hightide", "status", f"--project={tmp_path}"]
    shown, _ = told(caught.value, {"HIGHTIDE_DEBUG": "1"}, lambda: mask_of_command(words))
    assert "SELECT ? FROM nowhere" in shown
    assert "sent with ***" in shown
    assert "ann@example.com" not in shown


def test_a_trace_from_a_folder_that_is_no_project_is_masked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "pit-in-the-environment")
    mask = mask_of_command(["hightide", "status", "--project", "/nowhere"])
    assert mask("sent with pit-in-the-environment") == "sent with ***"
