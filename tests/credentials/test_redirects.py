"""Where a person comes back to after a consent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.project import load
from connections.connection import OAuth
from console.consent import redirect_of
from console.failures import Fault

APP = OAuth(client_id="app-1", client_secret=SecretStr("hush-hush"))


@pytest.mark.parametrize("address", ["0.0.0.0:8765", "[::]:8765"])
def test_an_address_that_no_browser_can_go_to_is_no_redirect(address: str, tmp_path: Path) -> None:
    (tmp_path / "connections.yaml").write_text("connections: {}\n")
    project = load(tmp_path, {"HIGHTIDE_WEB_ADDRESS": address, "HIGHTIDE_WEB_PASSWORD": "open sesame"})
    with pytest.raises(Fault, match=r"`redirect_uri`, such as https://YOUR.HOST/oauth/callback"):
        redirect_of(project, APP)
    given = "https://hightide.example/oauth/callback"
    assert redirect_of(project, replace(APP, redirect_uri=given)) == given


def test_by_default_it_is_the_web_process_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "connections.yaml").write_text("connections: {}\n")
    assert redirect_of(load(tmp_path, {}), APP) == "http://127.0.0.1:8765/oauth/callback"
