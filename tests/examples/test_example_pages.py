"""The examples and their pages: checked as they are, the same in both, rehearsed with each request shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.project import load
from tests.console.shell import hightide
from tests.examples.acting import BOTH, EXAMPLES, Stage, acted

RECIPES = EXAMPLES.parent / "docs" / "recipes"
PAGES = (*BOTH, "tidy-names")
"""The examples that have a page."""
CONTACT = {"id": "wTgeZAFrBn1vbC3mB8uK", "email": "ada@example.com", "tags": ["lead", "send-offer", "rankr"]}
CLIENT = {"name": "Ada Rivers", "email": "ada@example.com"}
RECORDS: dict[str, dict[str, Any]] = {
    "lead-to-contact": {"id": "lead_1", "email": "ada@example.com", "name": None},
    "document-to-note": {"id": "doc_1", "title": "Lease", "status": "signed", "client": CLIENT, "url": None},
    "client-to-contact": {"id": "cli_1", **CLIENT, "external_id": None, "address": None},
    "contact-to-client": CONTACT,
    "lead-contract": CONTACT,
    "offer-approval": CONTACT,
    "renewal-in-30-days": {"id": "con_1", "client": CLIENT, "ends_at": "2030-01-31T00:00:00Z", "title": None},
    "renewal-in-7-days": {"id": "con_1", "client": CLIENT, "ends_at": "2030-01-31T00:00:00Z", "title": None},
}
"""A record for each automation with as little as it takes."""


@pytest.mark.parametrize("example", PAGES)
def test_a_page_shows_its_example_as_it_is(example: str) -> None:
    page = (RECIPES / f"{example}.md").read_text(encoding="utf-8")
    [file] = (EXAMPLES / example / "automations").iterdir()
    [shown] = re.findall(r"^```yaml\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert shown == file.read_text(encoding="utf-8")
    assert {path.stem for path in RECIPES.iterdir()} == set(PAGES)


@pytest.mark.parametrize("example", PAGES)
def test_an_example_is_a_sound_project_with_a_readme(example: str) -> None:
    assert load(EXAMPLES / example, {}).automations
    assert (EXAMPLES / example / "README.md").is_file()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with acted(tmp_path_factory.mktemp("stage"), *BOTH) as made:
        made.quiet()  # what was there at the start may lead to something
        yield made


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("automation", RECORDS)
def test_a_rehearsal_shows_each_request_and_sends_nothing(automation: str, stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(json.dumps(RECORDS[automation]))
    before = stage.vendor.effects()
    words = ("test", automation, "--record", str(tmp_path / "record.json"), "--json")
    done = hightide(*words, project=stage.house.folder)
    assert done.status == 0, done.out + done.err
    told = done.json
    assert told["when"] in {True, None}
    shown = [step for step in told["steps"] if not step["skipped"]]
    assert len(shown) >= 2 or automation == "contact-to-client"
    assert [step["error"] for step in shown] == [None] * len(shown)
    assert all(step["request"]["method"] for step in shown)
    assert stage.vendor.effects() == before
