"""README and quickstart as a person follows them: their files are written, their commands run, on real processes."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60
PORT = "8766"
NOT_HERE = ("make ", ". .venv")
"""What the reader has done before: the tests run in the environment that these make."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Terminal:
    """A terminal in an empty folder, with a port of its own for the sandbox."""

    folder: Path
    port: str
    background: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environ(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        known = {"PATH": path, "HOME": str(self.folder), "NO_COLOR": "1", "COLUMNS": "200"}
        return {**known, "HIGHTIDE_WEB_ADDRESS": "127.0.0.1:0"}

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(PORT, self.port))

    def ask(self, command: str) -> subprocess.CompletedProcess[str]:
        """The answer of a command that ends."""
        words = shlex.split(command.replace(PORT, self.port))
        return subprocess.run(
            words, cwd=self.folder, env=self.environ(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def start(self, command: str) -> None:
        """A command that runs in the background."""
        words = shlex.split(command.replace("hightide sandbox", f"hightide sandbox --port {self.port}"))
        with (self.folder / f"{len(self.background)}.log").open("wb") as log:
            process = subprocess.Popen(
                words, cwd=self.folder, env=self.environ(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.background.append(process)

    def shows(self, command: str, wanted: list[str]) -> None:
        """The command ends with 0 and shows these lines, at once or after a while, as a person would look again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            done = self.ask(command)
            if done.returncode == 0 and not missing(wanted, done.stdout):
                return
            assert time.monotonic() < deadline, f"$ {command}\n{done.stdout}{done.stderr}{self.logs()}"
            time.sleep(0.5)

    def logs(self) -> str:
        """What the background printed."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        """End what runs in the background, the last one first."""
        for process in reversed(self.background):
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE * 3)


def missing(wanted: list[str], shown: str) -> list[str]:
    """The lines of which not every word stands in one line that was shown; `...` stands for anything."""
    lines = [line.split() for line in shown.splitlines()]
    words = [[word for word in line.split() if word != "..."] for line in wanted]
    return [" ".join(each) for each in words if not any(set(each) <= set(line) for line in lines)]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    made = Terminal(tmp_path, port)
    yield made
    made.close()


def told(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines that are shown after it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield command.strip(), shown


def followed(terminal: Terminal, blocks: list[Any]) -> None:
    """Does what the page says."""
    for block in blocks:
        if block.file is not None:
            terminal.write(block.file, block.text)
        if block.language != "console":
            continue
        for command, shown in told(block.text):
            if command.startswith(NOT_HERE):
                continue
            if command.endswith("&"):
                terminal.start(command.removesuffix("&").strip())
            else:
                terminal.shows(command, shown)


@pytest.mark.parametrize("story", ["README.md", "docs/quickstart.md"])
def test_the_page_does_what_it_says(story: str, terminal: Terminal, blocks_of: Callable[[str], list[Any]]) -> None:
    followed(terminal, blocks_of(story))
    runs = json.loads(terminal.ask("hightide runs --json --project shop").stdout)
    assert [run["state"] for run in runs] == ["done"] * 3


def keys(documented: Any, actual: Any, where: str) -> Iterator[str]:
    """Where the names in a JSON value differ from the documented ones; what is documented as `{}` may hold anything."""
    if isinstance(documented, dict) and documented:
        if set(documented) != set(actual):
            yield f"{where}: documented {sorted(documented)}, found {sorted(actual)}"
            return
        for name, value in documented.items():
            yield from keys(value, actual[name], f"{where}.{name}")
    if isinstance(documented, list) and documented and actual:
        yield from keys(documented[0], actual[0], f"{where}[]")


def test_json_is_as_it_is_documented(terminal: Terminal, blocks_of: Callable[[str], list[Any]]) -> None:
    followed(terminal, blocks_of("README.md"))
    documented: dict[str, list[Any]] = {}
    page = Path(__file__).parents[2] / "docs" / "reference" / "json.md"
    for section in re.split(r"^## ", page.read_text(), flags=re.MULTILINE)[1:]:
        found = re.findall(r"^```json\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
        documented[section.splitlines()[0]] = [json.loads(text) for text in found]
    [run, *_] = json.loads(terminal.ask("hightide runs --json --project shop").stdout)
    inputs = shlex.quote(json.dumps({"contactId": run["key"], "tags": ["a"]}))
    act = f"hightide act ghl.contacts.tags.add -c acme --json --project shop --with {inputs}"
    commands = {
        "status": ["hightide status --json --project shop"],
        "runs": ["hightide runs --json --project shop"],
        "show-run": ["hightide show-run 1 --json --project shop"],
        "check": ["hightide check --json --project shop"],
        "test": ["hightide test welcome --json --project shop"],
        "poll and act": [act, f"{act} --dry-run"],
        "explain": [f"hightide explain welcome {run['key']} --json --project shop"],
        "cursor show": ["hightide cursor show welcome --json --project shop"],
        "replay": ["hightide replay welcome --since 1h --dry-run --json --project shop"],
        "catalog and show": ["hightide catalog ghl.contacts.search --json"],
        "plan": ["hightide plan --json --project shop"],
        "doctor": ["hightide doctor --json --project shop"],
        "demo": [f"hightide demo --seconds 1 --json --keep {terminal.folder}/demo"],
    }
    assert set(documented) == set(commands)
    different: list[str] = []
    for section, lines in commands.items():
        assert len(lines) == len(documented[section]), section
        for line, shape in zip(lines, documented[section], strict=True):
            done = terminal.ask(line)
            assert done.returncode == 0, f"{line}\n{done.stderr}"
            different += keys(shape, json.loads(done.stdout), section)
    assert different == []
