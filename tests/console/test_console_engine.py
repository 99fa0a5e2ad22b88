"""The engine at work under `hightide run`, and every command that looks at it or puts it right."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.console.shell import GREET, TOKEN, Engine, Vendor, gone, hightide, running, sandbox, write_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NOTES = "/contacts/{contactId}/notes"
AUTOMATIONS = (
    GREET
    + """\
  campaign:
    trigger: {use: ghl.contacts.search, connection: acme, on: new, every: 1m}
    when: "'campaign' in record.tags"
    steps:
      - id: added
        use: ghl.contacts.campaigns.add
        with: {contactId: "{{ record.id }}", campaignId: "${CAMPAIGN}"}
      - use: ghl.contacts.notes.create
        with: {contactId: "{{ record.id }}", body: "added"}
"""
)


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Vendor]]:
    """An engine that has read its feed once; the tests of this file share it."""
    folder = tmp_path_factory.mktemp("work") / "shop"
    with sandbox() as vendor:
        [campaign] = vendor.ask("GET", "state?table=campaigns") and [None]
        write_project(folder, vendor.url, AUTOMATIONS)
        with (folder / ".env").open("a") as env:
            env.write(f"CAMPAIGN={campaign}\n")
        with running(folder) as engine:
            engine.ready()
            yield engine, vendor
