"""Importing any of our modules reads no environment, opens no connection, starts nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

NOT_IMPORTED = {
    "worker.app": "the entry point for `celery -A worker.app`: the one module that reads the environment",
    "worker.ledger.migrations.env": "Alembic's entry point: it migrates when it is imported",
}

WATCH = """
import collections.abc, importlib, json, os, sys, threading

ours, modules, repository = json.loads(sys.argv[1])
seen = []
EFFECTS = {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.fork", "os.posix_spawn"}


def reader():
    return next((name for name in callers() if name not in ("__main__", "os", "collections.abc")), "")


def callers():
    frame = sys._getframe(1)
    while frame:
        yield frame.f_globals.get("__name__", "")
        frame = frame.f_back


class Watched(collections.abc.MutableMapping):
    def __init__(self): self.values_ = {}
    def note(self, name):
        module = reader()
        if module.partition(".")[0] in ours:
            seen.append(f"{module} reads {name} of the environment")
    def __getitem__(self, name):
        self.note(name)
        return self.values_[name]
    def __setitem__(self, name, value): self.values_[name] = value
    def __delitem__(self, name): del self.values_[name]
    def __iter__(self):
        self.note("all")
        return iter(self.values_)
    def __len__(self): return len(self.values_)


def audit(event, arguments):
    # a library asks the platform module for the machine's word size, which asks the program `file`
    if event in EFFECTS and "platform" not in callers():
        seen.append(f"{current} does {event} {arguments!r}")


current = "?"
os.environ = Watched()
sys.addaudithook(audit)
for current in modules:
    importlib.import_module(current)
seen += [f"thread {each.name}" for each in threading.enumerate() if each is not threading.main_thread()]
print(json.dumps(seen))
"""


def module_name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_of(sources: tuple[Path, ...], packages: tuple[str, ...]) -> list[str]:
    names = sorted(module_name(path) for path in sources if path.relative_to(REPOSITORY).parts[0] in packages)
    return [name for name in names if not name.endswith("__main__") and name not in NOT_IMPORTED]


def imported(modules: list[str], packages: tuple[str, ...], *path: Path) -> subprocess.CompletedProcess[str]:
    script = f"import sys; sys.path[:0] = {[str(each) for each in path]!r}\n{WATCH}"
    arguments = json.dumps([list(packages), modules, str(REPOSITORY)])
    command = [sys.executable, "-I", "-c", script, arguments]
    return subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_importing_has_no_effects(sources: tuple[Path, ...], packages: tuple[str, ...]) -> None:
    modules = modules_of(sources, packages)
    assert {"triggers.catalog", "worker.factory", "console.main", "sandbox.server"} <= set(modules)
    done = imported(modules, packages)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_the_exceptions_are_there(sources: tuple[Path, ...]) -> None:
    assert set(NOT_IMPORTED) <= {module_name(path) for path in sources}


GUILTY = {
    "reads": "import os\nHOME = os.environ.get('HOME')",
    "gets": "import os\nHOME = os.getenv('HOME')",
    "asks": "import os\nCOLOUR = 'NO_COLOR' in os.environ",
    "listens": "import socket\nsocket.socket().bind(('127.0.0.1', 0))",
    "starts": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
}


@pytest.mark.parametrize("name", GUILTY)
def test_what_has_effects_is_seen(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text(GUILTY[name])
    done = imported([name], (name,), tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 1


def test_only_the_entry_point_imports_the_application(sources: tuple[Path, ...]) -> None:
    guilty = [module_name(path) for path in sources if "import worker.app" in path.read_text()]
    assert guilty == []
