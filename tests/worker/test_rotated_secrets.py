"""A secret in a file of its own (`file:`) is read again when that file changes, as the project's own files are."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import read_settings
from connections.connection import PrivateToken
from worker import desk
from worker.desk import Desk


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(desk, "LOOK_EVERY", 0.0)
    (tmp_path / "token").write_text("the-first-token")
    auth = f"{{type: private_token, token: 'file:{tmp_path}/token'}}"
    (tmp_path / "connections.yaml").write_text(f"connections:\n  acme: {{kind: ghl, location_id: l, auth: {auth}}}\n")
    return Desk(read_settings({}, tmp_path), {})


def token(ours: Desk) -> PrivateToken:
    auth = ours.project().connections["acme"].auth
    assert isinstance(auth, PrivateToken)
    return auth


def test_a_rotated_secret_needs_no_restart(ours: Desk, tmp_path: Path) -> None:
    assert token(ours).token == SecretStr("the-first-token")
    (tmp_path / "token").write_text("another-token")
    assert token(ours).token == SecretStr("another-token")
    assert ours.mask("the-first-token, another-token") == "***, ***"


def test_what_has_not_changed_is_not_read_again(ours: Desk) -> None:
    assert ours.project() is ours.project()


def test_a_secret_that_is_away_for_a_moment_stays_in_force(ours: Desk, tmp_path: Path) -> None:
    assert token(ours).token == SecretStr("the-first-token")
    (tmp_path / "token").unlink()
    assert token(ours).token == SecretStr("the-first-token")
    (tmp_path / "token").write_text("another-token")
    assert token(ours).token == SecretStr("another-token")
