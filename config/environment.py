"""Environment variables: the project's .env file, and `${NAME}` in what people write."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import Original, parse_stream

from config.problems import Problem

_NAME = re.compile(r"\$\{([^${}]*)\}")
_VALID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class MissingVariable(Exception):
    """A `${NAME}` stands for an environment variable that is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f"environment variable `{name}` is not set; set it in the environment or in .env")
        self.name = name


class Environment(Mapping[str, str]):
    """The environment as a value whose repr shows names only."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        """The value of that variable."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Environment({len(self)} variables)"


def read_environment(environ: Mapping[str, str], project: Path) -> tuple[Environment, tuple[Problem, ...]]:
    """The project's .env beneath the given environment, which wins; lines of .env that say nothing are problems.

    Nothing in the file refers to other variables: a `$` is a `$`.
    """
    path = project / ".env"
    if not path.is_file():
        return Environment(environ), ()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        return Environment(environ), (Problem(file=".env", message=f"cannot be read: {exc}"),)
    bindings = list(parse_stream(io.StringIO(text)))
    problems = tuple(
        Problem(file=".env", line=_line(each.original), column=1, message="expected NAME=value")
        for each in bindings
        if each.error or (each.key is not None and each.value is None)
    )
    values = {each.key: each.value for each in bindings if each.key and each.value is not None}
    return Environment({**values, **environ}), problems


def _line(original: Original) -> int:
    """The line of a binding; the blank lines before it are part of what it was read from."""
    text = original.string
    return original.line + text[: len(text) - len(text.lstrip())].count("\n")


def names_in(text: str) -> list[str]:
    """The names of the environment variables that a text stands on, also those that cannot be names."""
    return _NAME.findall(text) if "${" in text else []


def neutral(text: str) -> str:
    """The text with a plain word in place of every `${NAME}`, for messages that quote parts of it."""
    return _NAME.sub("x", text)


def is_name(name: str) -> bool:
    """Whether an environment variable can be called that."""
    return _VALID.fullmatch(name) is not None


def filled_in(value: Any, environ: Mapping[str, str]) -> Any:
    """The value with every `${NAME}` in its strings replaced; nested lists and mappings are copied.

    Raises:
        MissingVariable: the environment lacks one of them.
    """
    if isinstance(value, str):
        return _NAME.sub(lambda found: _look_up(found[1], environ), value) if "${" in value else value
    if isinstance(value, Mapping):
        return {name: filled_in(each, environ) for name, each in value.items()}
    if isinstance(value, list):
        return [filled_in(each, environ) for each in value]
    return value


def _look_up(name: str, environ: Mapping[str, str]) -> str:
    try:
        return environ[name]
    except KeyError:
        raise MissingVariable(name) from None
