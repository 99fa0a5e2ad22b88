"""What runs needs nothing but what `requirements.lock` brings; the tools bring more, which would hide a lack."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SKIPPED = ("worker.app", "worker.ledger.migrations.env")
"""Modules that act when they are imported."""
AT_RUN_TIME = (
    *("celery.apps.beat", "celery.apps.worker", "celery.bin.celery", "celery.concurrency.prefork"),
    *("kombu.transport.redis", "sqlalchemy.dialects.postgresql.psycopg", "uvicorn.protocols.http.h11_impl"),
)
"""What is imported by name when beat, worker and web process start."""

LOOK = """
import importlib, json, sys

foreign, modules = json.loads(sys.argv[1])


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent())
for each in modules:
    importlib.import_module(each)
print("all there")
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def foreign() -> list[str]:
    """The top-level names of what is installed here and is not in requirements.lock."""
    lock = (REPOSITORY / "requirements.lock").read_text()
    locked = {"hightide", *re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE)}
    owners = importlib.metadata.packages_distributions()
    return sorted(name for name, of in owners.items() if not {normal(each) for each in of} & locked)


def looked(modules: list[str]) -> subprocess.CompletedProcess[str]:
    arguments = json.dumps([foreign(), modules])
    command = [sys.executable, "-c", LOOK, arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_what_runs_needs_nothing_of_the_tools(sources: tuple[Path, ...], packages: tuple[str, ...]) -> None:
    paths = [path.relative_to(REPOSITORY).with_suffix("") for path in sources]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths if path.parts[0] in packages]
    ours = [name for name in names if not name.endswith("__main__") and name not in SKIPPED]
    done = looked([*ours, *AT_RUN_TIME])
    assert done.returncode == 0, done.stderr
    assert done.stdout == "all there\n"


def test_what_is_missing_is_seen() -> None:
    assert {"pytest", "hypothesis", "mypy"} <= set(foreign())
    assert "No module named 'hypothesis'" in looked(["hypothesis"]).stderr
