"""What the pages show is so: links lead somewhere, YAML loads, commands are understood, generated parts are fresh."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from ruamel.yaml import YAML

from config.automation import Automation
from config.project import load
from console.commands import ROWS, made

REPOSITORY = Path(__file__).parents[2]
VARIABLES = (
    "ACME_TOKEN",
    "VIENNA_TOKEN",
    "GRAZ_TOKEN",
    "AGENCY_TOKEN",
    "TRIAL_TOKEN",
    "ACME_LOCATION_ID",
    "APP_ID",
    "APP_SECRET",
    "GITHUB_TOKEN",
    "SHOP_SECRET",
)
ENVIRON = dict.fromkeys(VARIABLES, "pit-0123456789")
CONNECTIONS = """
connections:
  acme:
    kind: ghl
    location_id: ve9EPM428h8vShlRW1KT
    company_id: 5DP41231LkQsiKESj6rh
    auth: {type: private_token, token: "${ACME_TOKEN}"}
  branch:
    kind: ghl
    location_id: Xb3CqM6UzRzL8kTn2PdY
    auth: {type: private_token, token: "${ACME_TOKEN}"}
  rankr:
    kind: rankr
    base_url: https://rankr.example
    auth: {type: client_credentials, client_id: a, client_secret: "${APP_SECRET}"}
  0codekit:
    kind: 0codekit
    auth: {type: api_key, key: "${APP_SECRET}", header: auth}
"""
TRIGGER = {"use": "ghl.contacts.search", "connection": "acme"}
STEP = {"use": "ghl.contacts.tags.add", "connection": "acme", "with": {"contactId": "{{ record.id }}", "tags": ["a"]}}
PROGRAMS = {"make", "docker", "cp", "curl", "python", ".", "hightide"}


A_LIST = {"a.list": {"summary": "An a is new", "request": "GET /a", "snapshot": {}}}


def loaded(folder: Path, connections: str, automations: str | None) -> dict[str, Automation]:
    """The automations of a project with these files, read by the real loader."""
    (folder / "automations").mkdir(exist_ok=True)
    (folder / "connections.yaml").write_text(connections)
    if automations is not None:
        (folder / "automations" / "page.yaml").write_text(automations)
    return dict(load(folder, ENVIRON).automations)


def connector(folder: Path, text: str, kind: str = "shop") -> None:
    """Writes a connector, or a part of one, to which a trigger is added."""
    (folder / "connectors").mkdir(exist_ok=True)
    value = YAML(typ="safe").load(text)
    more = {} if value.keys() & {"triggers", "actions", "extends"} else {"triggers": A_LIST}
    with (folder / "connectors" / f"{value.get('extends', kind)}.yaml").open("w") as file:
        file.write(text)
        YAML().dump(more, file) if more else None


def test_yaml_in_pages_is_right(yaml_block: Any, files_before: dict[str, str], tmp_path: Path) -> None:
    value = YAML(typ="safe").load(yaml_block.text)
    own = {name: text for name, text in files_before.items() if name.startswith("connectors/")}
    for name, text in own.items():
        connector(tmp_path, text, Path(name).stem)
    if own and yaml_block.file is not None:
        connections = files_before.get("connections.yaml", CONNECTIONS)
        loaded(tmp_path, connections, files_before.get("automations/deals.yaml"))
    elif not value.keys() & {"connections", "automations"}:
        connector(tmp_path, yaml_block.text)
        assert loaded(tmp_path, CONNECTIONS, None) == {}
    elif "connections" in value:
        loaded(tmp_path, yaml_block.text, None)
    else:
        assert set(value) == {"automations"}
        assert len(loaded(tmp_path, CONNECTIONS, yaml_block.text)) == len(value["automations"])


def whole(value: Any, number: int) -> dict[str, Any]:
    """An automation with the trigger or the steps that the catalogue shows."""
    if isinstance(value, dict):
        return {f"a{number}": {**value, "steps": [STEP]}}
    return {f"a{number}": {"trigger": TRIGGER, "steps": value}}


def test_yaml_of_the_catalogue_is_right(catalogue_page: Path, tmp_path: Path) -> None:
    texts = re.findall(r"^```yaml\n(.*?)^```$", catalogue_page.read_text(), flags=re.DOTALL | re.MULTILINE)
    automations: dict[str, Any] = {}
    for number, text in enumerate(texts):
        automations |= whole(YAML(typ="safe").load(text), number)
    with (tmp_path / "dumped.yaml").open("w") as file:
        YAML().dump({"automations": automations}, file)
    assert len(loaded(tmp_path, CONNECTIONS, (tmp_path / "dumped.yaml").read_text())) == len(texts) > 0


def understood(words: list[str]) -> None:
    """Fails unless `hightide` takes these words; nothing is carried out."""
    row = next((row for row in ROWS if row.name == words[0]), None)
    assert row is not None, f"there is no command {words[0]}"
    command, rest = made(row), words[1:]
    while isinstance(command, click.Group | typer.core.TyperGroup):
        context = click.Context(command)
        inner = command.get_command(context, rest[0])
        assert inner is not None, f"{words[0]} has no command {rest[0]}"
        command, rest = inner, rest[1:]
    command.make_context(" ".join(words), list(rest))


def test_commands_in_pages_are_understood(console_block: Any) -> None:
    assert console_block.commands
    for line in console_block.commands:
        words = shlex.split(line.removesuffix("&"), comments=True)
        assert words[0] in PROGRAMS, f"{console_block}: {words[0]} is not known to this test"
        match words:
            case ["hightide", *rest]:
                understood(rest)
            case ["make", target]:
                assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE)
            case ["python", "-m", module]:
                assert module in {"worker.migrate", "worker.health", "benchmarks.burst", "benchmarks.idle_poll"}
            case ["docker", "compose", *_]:
                services = YAML(typ="safe").load((REPOSITORY / "docker-compose.yml").read_text())["services"]
                named = [word.partition("=")[0] for word in words if word.partition("=")[0] in services]
                assert named or "up" in words
            case ["cp", source, _]:
                assert (REPOSITORY / source).exists()


def test_commands_inside_sentences_are_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    named = set(re.findall(r"`hightide ([a-z][a-z-]*)", text))
    assert named - {row.name for row in ROWS} == set()
    targets = set(re.findall(r"`make ([a-z-]+)", text))
    assert targets <= set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """The places in a page that a link may lead to."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(other), f"{page.name}: {target}"


def test_every_page_can_be_found() -> None:
    index = REPOSITORY / "docs" / "README.md"
    reached, waiting = {index}, [index]
    while waiting:
        page = waiting.pop()
        for target in re.findall(r"\]\(([^)#\s]+\.md)", page.read_text()):
            other = (page.parent / target).resolve()
            if not target.startswith("http") and other not in reached:
                reached.add(other)
                waiting.append(other)
    assert set((REPOSITORY / "docs").rglob("*.md")) <= reached


def test_decisions_are_short_and_numbered() -> None:
    decisions = sorted((REPOSITORY / "docs" / "decisions").glob("0*.md"))
    assert [page.name[:4] for page in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    assert [page.name for page in decisions if len(page.read_text().splitlines()) > 40] == []
    assert all(page.read_text().startswith(f"# {page.name[:4]}: ") for page in decisions)


def test_one_sentence_a_line(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!-- generated.*?<!-- end -->", "", text, flags=re.DOTALL)
    if "catalogue" in page.parts or page.name == "command-line.md" or "examples" in page.parts:
        return
    crowded = [line for line in text.splitlines() if re.match(r"[A-Z]", line) and re.search(r"[a-z)`]\. [A-Z]", line)]
    assert crowded == []


def test_python_in_pages_parses() -> None:
    for page in (REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "docs" / "how-to" / "celery.md"):
        found = re.findall(r"^```python\n(.*?)^```$", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        assert found
        for text in found:
            ast.parse(textwrap.dedent(text))


@pytest.mark.slow
def test_generated_pages_are_fresh() -> None:
    command = [sys.executable, "-m", "docs.generate", "--check"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_house_that_is_described_is_the_one_that_stands() -> None:
    text = (REPOSITORY / "docs" / "explanation" / "house.md").read_text()
    told = set(re.findall(r"^\| `(\w+)/`", text, flags=re.MULTILINE))
    listed = subprocess.run(["git", "-C", str(REPOSITORY), "ls-files"], capture_output=True, text=True, check=True)
    folders = {name.partition("/")[0] for name in listed.stdout.splitlines() if "/" in name}
    assert told == {name for name in folders if not name.startswith(".")}
