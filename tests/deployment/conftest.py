"""The deployment's files as values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}")


def filled_in(value: Any, variables: Mapping[str, str]) -> Any:
    """The value as compose would read it, with these variables in .env."""
    if isinstance(value, dict):
        return {name: filled_in(each, variables) for name, each in value.items()}
    if isinstance(value, list):
        return [filled_in(each, variables) for each in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: variables.get(found[1]) or found[2], value)
    return value


@dataclass(frozen=True)
class Line:
    """One instruction of a Dockerfile."""

    name: str
    words: str

    @property
    def command(self) -> list[str]:
        """The command in exec form."""
        return list(json.loads(self.words[self.words.index("[") :]))


def stages(text: str) -> list[list[Line]]:
    """The instructions of each stage; what comes before the first FROM is a stage of its own."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    found: list[list[Line]] = [[]]
    for name, _, words in (line.strip().partition(" ") for line in lines if line.strip()):
        if name == "FROM":
            found.append([])
        found[-1].append(Line(name, " ".join(words.split())))
    return found


@pytest.fixture(scope="session")
def raw_compose() -> dict[str, Any]:
    """docker-compose.yml with its anchors followed and its variables as they stand."""
    loaded = YAML(typ="safe").load((REPOSITORY / "docker-compose.yml").read_text())
    return json.loads(json.dumps(loaded))  # plain dictionaries, merged


@pytest.fixture(scope="session")
def example_env() -> dict[str, str]:
    """What .env.example sets."""
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="session")
def compose(raw_compose: dict[str, Any], example_env: dict[str, str]) -> dict[str, Any]:
    """docker-compose.yml as compose sees it with a .env that is filled in."""
    return filled_in(raw_compose, {**example_env, "POSTGRES_PASSWORD": "abc123", "HIGHTIDE_WEB_PASSWORD": "xyz"})


@pytest.fixture(scope="session")
def engine_services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    return {name: service for name, service in compose["services"].items() if "build" in service}


@pytest.fixture(scope="session")
def dockerfile() -> list[list[Line]]:
    """The Dockerfile's stages: its arguments, the wheel, the image."""
    return stages((REPOSITORY / "Dockerfile").read_text())
