from __future__ import annotations

import importlib.util
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def pins(name: str) -> dict[str, str]:
    """The exact versions in a lock file."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (REPOSITORY / name).read_text(), flags=re.MULTILINE))


def copied(stage: list[Any]) -> list[str]:
    """What a stage takes from this folder."""
    lines = [line.words.split() for line in stage if line.name == "COPY" and not line.words.startswith("--from")]
    return [source for words in lines for source in words[:-1]]


def in_context(path: str) -> bool:
    """Whether .dockerignore lets a path through."""
    kept = True
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and not line.startswith("#") and (fnmatchcase(path, pattern) or path.startswith(f"{pattern}/")):
            kept = line.startswith("!")
    return kept


def test_what_is_copied_is_there_and_reaches_the_builder(dockerfile: list[list[Any]]) -> None:
    sources = [source for stage in dockerfile for source in copied(stage)]
    assert sources
    assert [source for source in sources if not (REPOSITORY / source).exists() or not in_context(source)] == []


def test_what_is_secret_or_large_does_not_reach_the_builder() -> None:
    for path in (".env", ".git/config", ".venv/bin/python", "tests/conftest.py", "shop/connections.yaml"):
        assert not in_context(path)


def test_the_wheel_is_built_from_every_package(dockerfile: list[list[Any]]) -> None:
    packages = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    _, wheel, _ = dockerfile
    assert packages <= set(copied(wheel))
    assert {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} <= set(copied(wheel))


def test_the_image_holds_what_the_lock_file_says_and_no_sources(dockerfile: list[list[Any]]) -> None:
    _, _, image = dockerfile
    assert copied(image) == ["requirements.lock"]
    installs = [line.words for line in image if line.name == "RUN" and "pip install" in line.words]
    assert all("--require-hashes" in words or "--no-deps" in words for words in installs)


def test_the_image_runs_as_nobody_in_particular(dockerfile: list[list[Any]]) -> None:
    _, _, image = dockerfile
    users = [line.words for line in image if line.name == "USER"]
    assert users == ["10001"]
    last = max(number for number, line in enumerate(image) if line.name in {"RUN", "COPY"})
    assert image.index(next(line for line in image if line.name == "USER")) > last


def test_the_project_folder_cannot_hide_our_packages(dockerfile: list[list[Any]]) -> None:
    _, _, image = dockerfile
    assert any("PYTHONSAFEPATH=1" in line.words for line in image if line.name == "ENV")


def test_the_health_check_and_the_command_are_ours(dockerfile: list[list[Any]]) -> None:
    _, _, image = dockerfile
    [check] = [line.command for line in image if line.name == "HEALTHCHECK"]
    assert check[:2] == ["python", "-m"]
    assert importlib.util.find_spec(check[2])
    [command] = [line.command for line in image if line.name == "CMD"]
    assert command == ["hightide", "run"]


def test_no_stage_takes_a_secret(dockerfile: list[list[Any]]) -> None:
    told = [line.words for stage in dockerfile for line in stage if line.name in {"ARG", "ENV"}]
    assert not any(re.search(r"(?i)password|secret|token|key=", words) for words in told)


def test_the_pythons_of_image_and_project_agree(dockerfile: list[list[Any]]) -> None:
    arguments, wheel, image = dockerfile
    version = arguments[0].words.removeprefix("PYTHON=")
    assert version in SpecifierSet(PROJECT["project"]["requires-python"])
    assert f"Programming Language :: Python :: {version}" in PROJECT["project"]["classifiers"]
    assert {stage[0].words.split()[0] for stage in (wheel, image)} == {"python:${PYTHON}-slim"}


def test_every_dependency_is_locked_at_a_version_that_fits() -> None:
    project = PROJECT["project"]
    for wanted, name in (
        (project["dependencies"], "requirements.lock"),
        (project["optional-dependencies"]["dev"], "requirements-dev.lock"),
        (PROJECT["build-system"]["requires"], "requirements-build.lock"),
    ):
        locked = pins(name)
        for requirement in map(Requirement, wanted):
            found = locked.get(re.sub(r"[-_.]+", "-", requirement.name).lower())
            assert found is not None, f"{requirement} is not in {name}: make lock"
            assert found in requirement.specifier, f"{name} has {requirement.name} {found}: make lock"


def test_the_lock_files_agree() -> None:
    everything = pins("requirements-dev.lock")
    for name in ("requirements.lock", "requirements-build.lock"):
        assert pins(name).items() <= everything.items()


def test_the_lock_files_pin_by_hash_and_name_no_server() -> None:
    for path in REPOSITORY.glob("requirements*.lock"):
        text = path.read_text()
        assert "://" not in text
        assert "index-url" not in text
        entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in entry for entry in entries)
