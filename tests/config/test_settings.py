from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from config.problems import ConfigError
from config.settings import read_settings

KEY = Fernet.generate_key().decode()


def told(environ: dict[str, str], folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_settings(environ, folder)
    return [str(problem) for problem in caught.value.problems]


def test_nothing_configured_is_embedded_and_on_loopback(tmp_path: Path) -> None:
    found = read_settings({}, tmp_path)
    assert found.embedded
    assert found.project == tmp_path
    assert found.state_dir == tmp_path / ".hightide"
    assert (found.web_host, found.web_port) == ("127.0.0.1", 8765)
    assert found.secret_keys == ()


def test_the_environment_wins_over_the_projects_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# where things are\nHIGHTIDE_REDIS_URL=redis://file:6379/0\nexport HIGHTIDE_DATABASE_URL='postgres://file/db'\n"
    )
    found = read_settings({"HIGHTIDE_REDIS_URL": "redis://real:6379/0"}, tmp_path)
    assert found.redis_url == "redis://real:6379/0"
    assert found.database_url == "postgresql+psycopg://file/db"
    assert not found.embedded


def test_the_folder_may_come_from_the_environment(tmp_path: Path) -> None:
    assert read_settings({"HIGHTIDE_PROJECT": str(tmp_path)}).project == tmp_path
    assert read_settings({}).project == Path.cwd()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
    ],
)
def test_a_database_gets_the_driver_that_is_installed(tmp_path: Path, given: str, expected: str) -> None:
    assert read_settings({"HIGHTIDE_DATABASE_URL": given}, tmp_path).database_url == expected


def test_what_hightide_keeps_lies_in_the_project_or_where_it_is_told(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path).state_dir == tmp_path / ".hightide"
    assert read_settings({"HIGHTIDE_STATE_DIR": "state"}, tmp_path).state_dir == tmp_path / "state"
    assert read_settings({"HIGHTIDE_STATE_DIR": "/state"}, tmp_path).files == Path("/state/files")


def test_secrets_do_not_show_in_the_repr(tmp_path: Path) -> None:
    environ = {
        "HIGHTIDE_SECRET_KEY": KEY,
        "HIGHTIDE_WEB_PASSWORD": "canary-password",
        "HIGHTIDE_DATABASE_URL": "postgresql://u:canary-db@h/d",
        "HIGHTIDE_REDIS_URL": "redis://:canary-redis@h/0",
    }
    shown = repr(read_settings(environ, tmp_path))
    assert "canary" not in shown
    assert KEY not in shown


def test_keys_are_kept_newest_first(tmp_path: Path) -> None:
    newer, older = Fernet.generate_key().decode(), KEY
    found = read_settings({"HIGHTIDE_SECRET_KEY": f"{newer}, {older}"}, tmp_path)
    assert [key.get_secret_value() for key in found.secret_keys] == [newer, older]


def test_other_addresses_than_loopback_demand_a_password(tmp_path: Path) -> None:
    environ = {"HIGHTIDE_WEB_ADDRESS": "0.0.0.0:80"}
    assert told(environ, tmp_path) == [
        "environment: HIGHTIDE_WEB_ADDRESS is open to other machines (set HIGHTIDE_WEB_PASSWORD too)"
    ]
    assert read_settings({**environ, "HIGHTIDE_WEB_PASSWORD": "x"}, tmp_path).web_host == "0.0.0.0"  # noqa: S104
    assert read_settings({"HIGHTIDE_WEB_ADDRESS": "[::1]:8080"}, tmp_path).web_host == "::1"


POSTGRESQL = "expected postgresql://USER:PASSWORD@HOST/DATABASE; without it Hightide has a SQLite file of its own"
ADDRESS = "environment: HIGHTIDE_WEB_ADDRESS is no address to listen on (expected HOST:PORT, such as 127.0.0.1:8765)"

DAYS = "environment: HIGHTIDE_KEEP_DAYS is no number of days (expected a whole number such as 30)"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HIGHTIDE_WEB_ADDRESS": "8765"}, ADDRESS),
        ({"HIGHTIDE_WEB_ADDRESS": "localhost:99999"}, ADDRESS),
        ({"HIGHTIDE_WEB_ADDRESS": "::1:80"}, ADDRESS),
        (
            {"HIGHTIDE_SECRET_KEY": f"{KEY},secret"},
            "environment: HIGHTIDE_SECRET_KEY holds no Fernet key at place 2 (32 bytes in URL-safe base64)",
        ),
        (
            {"HIGHTIDE_DATABASE_URL": "mysql://h/d"},
            f"environment: HIGHTIDE_DATABASE_URL is no PostgreSQL ({POSTGRESQL})",
        ),
        (
            {"HIGHTIDE_DATABASE_URL": "sqlite:////var/x.db"},
            f"environment: HIGHTIDE_DATABASE_URL is no PostgreSQL ({POSTGRESQL})",
        ),
        ({"HIGHTIDE_KEEP_DAYS": "0"}, DAYS),
        ({"HIGHTIDE_KEEP_DAYS": "9" * 5000}, DAYS),
        ({"HIGHTIDE_KEEP_FILES_DAYS": "never"}, DAYS.replace("KEEP_DAYS", "KEEP_FILES_DAYS")),
        (
            {"HIGHTIDE_REDIS_URL": "localhost:6379"},
            "environment: HIGHTIDE_REDIS_URL is no Redis we know (expected redis://HOST:PORT/0)",
        ),
        (
            {"HIGHTIDE_REDIS_URL": "redis://h:port/0"},
            "environment: HIGHTIDE_REDIS_URL is no Redis we know (expected redis://HOST:PORT/0)",
        ),
        (
            {"HIGHTIDE_DATABSE_URL": "x"},
            "environment: HIGHTIDE_DATABSE_URL is no setting (did you mean `HIGHTIDE_DATABASE_URL`?)",
        ),
    ],
)
def test_what_cannot_be_is_told_without_its_value(tmp_path: Path, environ: dict[str, str], expected: str) -> None:
    assert told(environ, tmp_path) == [expected]


def test_lines_of_the_env_file_that_say_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB\n\nC='unclosed\n")
    assert told({}, tmp_path) == [".env:2:1: expected NAME=value", ".env:4:1: expected NAME=value"]
    (tmp_path / ".env").write_bytes(b"A=\xff")
    assert told({}, tmp_path)[0].startswith(".env: cannot be read")


def test_a_dollar_in_the_env_file_is_a_dollar(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HIGHTIDE_WEB_PASSWORD=a${HOME}b$c\n")
    password = read_settings({}, tmp_path).web_password
    assert password is not None
    assert password.get_secret_value() == "a${HOME}b$c"


def test_a_folder_called_env_is_no_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert read_settings({}, tmp_path).embedded
