"""`make` tells what there is, and says what is missing where there is no Python to work with."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
MAKEFILE = (REPOSITORY / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE)


def bare(folder: Path, *programs: str) -> dict[str, str]:
    """An environment whose path has these programs and no others."""
    for name in ("sh", "awk", "rm", "touch", *programs):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return {"PATH": str(folder)}


def make(folder: Path, *words: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make")
    if program is None:
        pytest.fail("make is not there")
    return subprocess.run([program, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_make_alone_prints_every_target_with_what_it_does(tmp_path: Path) -> None:
    done = make(REPOSITORY, environ=bare(tmp_path))
    assert done.returncode == 0, done.stderr
    shown = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", done.stdout, flags=re.MULTILINE))
    assert list(shown) == TARGETS


def test_every_target_is_phony() -> None:
    declared = re.search(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert declared is not None
    assert sorted(declared[1].split()) == sorted(TARGETS)


def test_without_python_it_says_what_is_needed(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    environ = bare(programs)
    for name in ("python3", "python3.12"):  # one that is too old, or a shim that leads nowhere
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    done = make(tmp_path, "demo", environ=environ)
    assert done.returncode != 0
    assert "Hightide needs Python 3.11 or newer" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_calls_the_same_targets() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text()
    called = [word for line in re.findall(r"^make ([a-z -]+)", script, flags=re.MULTILINE) for word in line.split()]
    assert {"lint", "types", "check-docs", "test"} <= set(called) <= set(TARGETS)
    assert "set -euo pipefail" in script


def test_commit_hooks_call_the_tools_of_the_environment() -> None:
    hooks = YAML(typ="safe").load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    entries = [hook["entry"] for hook in hooks[0]["hooks"]]
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    for tool in ("ruff check", "ruff format", "lint-imports", "mypy"):
        assert any(tool in entry for entry in entries)
        assert f"$(BIN)/{tool}" in MAKEFILE
