"""The project's own files, as far as they are tracked, and our modules."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = tuple(
    tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
)


@pytest.fixture(scope="session")
def packages() -> tuple[str, ...]:
    """The names of our top-level packages."""
    return PACKAGES


@pytest.fixture(scope="session")
def tracked() -> tuple[Path, ...]:
    """The files that git knows and that are there."""
    command = ["git", "-C", str(REPOSITORY), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := REPOSITORY / name).is_file())


@pytest.fixture(scope="session")
def sources(tracked: tuple[Path, ...]) -> tuple[Path, ...]:
    """The Python files that are shipped, or make documents and figures."""
    places = {*PACKAGES, "benchmarks", "docs"}
    return tuple(path for path in tracked if path.suffix == ".py" and path.relative_to(REPOSITORY).parts[0] in places)
