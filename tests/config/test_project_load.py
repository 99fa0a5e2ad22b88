from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actions.catalog import CATALOG as ACTIONS
from config.problems import ConfigError, Problem
from config.project import load
from triggers.catalog import CATALOG as TRIGGERS


def told(folder: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, environ or {})
    return [str(problem) for problem in caught.value.problems]


def test_an_empty_folder_is_told_what_to_do(tmp_path: Path) -> None:
    assert told(tmp_path) == [f"connections.yaml: is not in {tmp_path} (`hightide init` makes a project)"]
    assert told(tmp_path / "gone") == [f"connections.yaml: is not in {tmp_path / 'gone'} (there is no such folder)"]


def test_automations_are_checked_also_where_there_are_no_connections(tmp_path: Path, toy) -> None:
    toy.write(tmp_path, {"automations/a.yaml": toy.automations.replace("toy.notes.create", "toy.notes.crate")})
    with pytest.raises(ConfigError) as caught:
        toy.load(tmp_path)
    assert [str(problem) for problem in caught.value.problems] == [
        f"connections.yaml: is not in {tmp_path} (`hightide init` makes a project)",
        "automations/a.yaml:11:14: unknown operation `toy.notes.crate` (did you mean `toy.notes.create`?)",
    ]


def test_a_project_may_have_connections_alone(tmp_path: Path, toy) -> None:
    toy.write(tmp_path, {"connections.yaml": toy.connections})
    project = toy.load(tmp_path)
    assert list(project.connections) == ["acme", "agency", "paper"]
    assert project.automations == {}


def test_a_file_that_would_be_overlooked_is_told(tmp_path: Path, toy) -> None:
    toy.write(tmp_path, {"connections.yaml": toy.connections, "automations/a.yml": "", "automations/.#b.yaml": "["})
    (tmp_path / "automations" / "c.yaml").mkdir()
    with pytest.raises(ConfigError) as caught:
        toy.load(tmp_path)
    assert [str(problem) for problem in caught.value.problems] == ["automations/a.yml: is not read (name it .yaml)"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, toy) -> None:
    toy.write(tmp_path, {"connections.yaml": toy.connections})
    (tmp_path / "connections.yaml").chmod(0)
    with pytest.raises(ConfigError, match=r"connections\.yaml: cannot be read: Permission denied"):
        toy.load(tmp_path)


def test_settings_and_files_are_told_together(tmp_path: Path, toy) -> None:
    toy.write(tmp_path, {"connections.yaml": "x: 1", ".env": "HIGHTIDE_WEB_ADDRESS=nowhere\nnonsense\n"})
    assert told(tmp_path) == [
        ".env:2:1: expected NAME=value",
        "connections.yaml:1:1: `connections` is missing",
        "connections.yaml:1:1: unknown field `x` (known: `connections`)",
        "environment: HIGHTIDE_WEB_ADDRESS is no address to listen on (expected HOST:PORT, such as 127.0.0.1:8765)",
    ]


def test_variables_come_from_the_env_file_and_nothing_of_the_process_changes(tmp_path: Path, toy) -> None:
    toy.write(tmp_path, {"connections.yaml": toy.connections, ".env": "ACME_TOKEN=from-file\n"})
    before = dict(os.environ)
    project = toy.load(tmp_path, {})
    assert project.connections["acme"].auth.token.get_secret_value() == "from-file"
    assert dict(os.environ) == before
    assert toy.load(tmp_path, {"ACME_TOKEN": "real"}).environ["ACME_TOKEN"] == "real"


def test_problems_come_in_reading_order_and_once() -> None:
    second = Problem(file="a", line=10, column=1, message="m")
    first = Problem(file="a", line=9, column=1, message="m", hint="h")
    error = ConfigError([second, first, second])
    assert error.problems == (first, second)
    assert str(error) == "a:9:1: m (h)\na:10:1: m"


REAL = {
    "connections.yaml": """
        connections:
          acme:
            kind: ghl
            location_id: ve9EPM428h8vShlRW1KT
            auth: {type: private_token, token: "${ACME_TOKEN}"}
        """,
    "automations/new-lead.yaml": """
        automations:
          new-lead:
            trigger: {use: ghl.contacts.search, connection: acme, on: new, every: 2m}
            when: "'lead' in record.tags and record.email"
            steps:
              - id: task
                use: ghl.contacts.tasks.create
                with:
                  contactId: "{{ record.id }}"
                  title: "Call {{ record.firstName | default('the new lead') }}"
                  dueDate: "{{ now | date('iso') }}"
                  completed: false
              - use: ghl.contacts.notes.create
                with: {contactId: "{{ record.id }}", body: "Task {{ steps.task.id }} made"}
        """,
}


def test_the_real_catalogue_is_the_default(tmp_path: Path, toy) -> None:
    toy.write(tmp_path, REAL)
    project = load(tmp_path, {"ACME_TOKEN": "t"})
    assert project.connections["acme"].base_url == "https://services.leadconnectorhq.com"
    assert [step.use for step in project.automations["new-lead"].steps] == [
        "ghl.contacts.tasks.create",
        "ghl.contacts.notes.create",
    ]


@pytest.mark.parametrize("use", sorted(TRIGGERS))
def test_every_trigger_can_be_checked(tmp_path: Path, toy, use: str) -> None:
    trigger = f"{{use: {use}, connection: acme, with: {{nonsense: 1}}}}"
    text = f"automations: {{x: {{trigger: {trigger}, steps: [{{use: {NOTE}}}]}}}}"
    toy.write(tmp_path, {**REAL, "automations/new-lead.yaml": text})
    assert any("unknown parameter `nonsense`" in problem for problem in told(tmp_path, {"ACME_TOKEN": "t"}))


@pytest.mark.parametrize("use", sorted(ACTIONS))
def test_every_action_can_be_checked(tmp_path: Path, toy, use: str) -> None:
    trigger = "{use: ghl.contacts.search, connection: acme}"
    text = f"automations: {{x: {{trigger: {trigger}, steps: [{{use: {use}, with: {{nonsense: 1}}}}]}}}}"
    toy.write(tmp_path, {**REAL, "automations/new-lead.yaml": text})
    assert any("unknown parameter `nonsense`" in problem for problem in told(tmp_path, {"ACME_TOKEN": "t"}))


NOTE = "ghl.contacts.notes.create, with: {contactId: a, body: b}"


@pytest.mark.slow
def test_importing_the_loader_reads_no_environment_and_opens_nothing(tmp_path: Path) -> None:
    code = "import socket; socket.socket = None; import config.project, config.schema; print('ok')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/usr/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("ok\n", "")
