"""A new operation is one row: added at run time, it is found everywhere with no other edit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.slow

TRIGGER = '''
"""Trigger links."""

from __future__ import annotations

from connections.operation import InLocation, get
from triggers.trigger import Snapshot, Trigger, minutes

CATEGORY = "Links"
ROWS = (
    Trigger(
        id="ghl.links.list",
        summary="A trigger link of a location is new, has changed, or is gone",
        fetch=get("/links/", InLocation),
        records="links",
        strategy=Snapshot(),
        every=minutes(15),
        scopes=("links.readonly",),
    ),
)
'''
ACTION = '''
"""Trigger links."""

from __future__ import annotations

from actions.action import Action, Natural
from connections.operation import delete

CATEGORY = "Links"
ROWS = (
    Action(
        id="ghl.links.delete",
        summary="Delete a trigger link",
        send=delete("/links/{linkId}"),
        repeat=Natural(),
        missing_is_done=True,
        scopes=("links.write",),
    ),
)
'''
LOOK = """
import contextlib, io, json, sys
from pathlib import Path

folder, project = Path(sys.argv[1]), Path(sys.argv[2])
import actions.ghl, triggers.ghl
triggers.ghl.__path__.append(str(folder / "triggers"))
actions.ghl.__path__.append(str(folder / "actions"))


def printed(*words):
    from console.commands import Commands

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        Commands(name="hightide").main(list(words), prog_name="hightide", standalone_mode=False)
    return out.getvalue()


from config.project import load
from docs.generate import pages
from worker.factory import make_app

found = {row["id"]: row for row in json.loads(printed("catalog", "links", "--json"))}
schema = json.loads(printed("schema", "automations"))
app = make_app({"HIGHTIDE_PROJECT": str(project)})
loaded = load(project, {})
print(json.dumps({
    "catalogue": found,
    "shown": [printed("show", name) for name in ("ghl.links.list", "ghl.links.delete")],
    "schema": json.dumps(schema),
    "tasks": sorted(name for name in app.tasks if "links" in name),
    "page": pages().get("reference/catalogue/links.md"),
    "automations": list(loaded.automations),
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process sees that has the two rows in it."""
    folder, project = tmp_path_factory.mktemp("rows"), tmp_path_factory.mktemp("project")
    for kind, text in (("triggers", TRIGGER), ("actions", ACTION)):
        (folder / kind).mkdir()
        (folder / kind / "links.py").write_text(text)
    (project / "automations").mkdir()
    (project / "connections.yaml").write_text(
        "connections: {acme: {kind: ghl, location_id: x, auth: {type: private_token, token: pit-x}}}\n"
    )
    (project / "automations" / "links.yaml").write_text(
        "automations:\n"
        "  tidy:\n"
        "    trigger: {use: ghl.links.list, connection: acme, on: new}\n"
        '    steps: [{use: ghl.links.delete, with: {linkId: "{{ record.id }}"}}]\n'
    )
    command = [sys.executable, "-c", LOOK, str(folder), str(project)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_catalogue_and_the_command_line_have_it(found: dict[str, Any]) -> None:
    assert set(found["catalogue"]) == {"ghl.links.list", "ghl.links.delete"}
    assert found["catalogue"]["ghl.links.list"]["category"] == "Links"
    for name, text in zip(("ghl.links.list", "ghl.links.delete"), found["shown"], strict=True):
        assert text.startswith(f"{name}: ")


def test_the_json_schema_has_it(found: dict[str, Any]) -> None:
    assert "ghl.links.list" in found["schema"]
    assert "linkId" in found["schema"]


def test_celery_has_it(found: dict[str, Any]) -> None:
    assert found["tasks"] == ["actions.ghl.links.delete", "triggers.ghl.links.list"]


def test_the_reference_has_it(found: dict[str, Any]) -> None:
    assert "### ghl.links.list" in found["page"]
    assert "| `linkId` | yes |" in found["page"]


def test_an_automation_may_use_it(found: dict[str, Any]) -> None:
    assert found["automations"] == ["tidy"]


def test_the_guide_shows_these_rows() -> None:
    guide = " ".join((REPOSITORY / "CONTRIBUTING.md").read_text().split())
    for text, name in ((TRIGGER, "Trigger("), (ACTION, "Action(")):
        row = " ".join(text[text.index(f"    {name}") : text.rindex("),") + 1].split())
        assert row in guide
