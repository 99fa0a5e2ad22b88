"""What is found while one file is read: its problems and warnings pile up, and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from config.document import Document, Mark, Place
from config.environment import filled_in, is_name, names_in, neutral
from config.inputs import faults
from config.problems import Problem, Said, close

_LONG = re.compile(r"`([^`]{77})[^`]{4,}`")
_SECRET = 6
"""How many characters make a variable's value worth hiding in a message."""


@dataclass(slots=True, kw_only=True)
class Findings:
    """One file being read, and what was found to be wrong in it."""

    document: Document
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    used: dict[str, str] = field(default_factory=dict)
    """The values of the variables that the file names, and how it names them."""
    files: list[Path] = field(default_factory=list)
    """The files that secrets were read from."""
    told: set[Mark] = field(init=False)
    """Marks of values that are known to be unusable: what else is wrong with them is of no interest."""

    def __post_init__(self) -> None:
        self.told = set(self.document.refused)

    def fault(self, place: Place, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """Adds a problem with the value at a place, or with its key."""
        problem = self.document.problem(place, self._masked(message), hint and self._masked(hint), key=key)
        if (problem.line, problem.column) not in self.told:
            self.problems.append(problem)

    def warn(self, place: Place, message: str, hint: str | None = None) -> None:
        """Adds a warning: it can be used as it is, and may not do what is expected."""
        self.warnings.append(self.document.problem(place, self._masked(message), hint))

    def sound(self, shape: TypeAdapter[Any], value: Any, place: Place) -> dict[str, Any]:
        """The fields of a mapping that fit its shape; the others are faults."""
        found = faults(shape, value, templates=False)
        for each in found:
            self.fault((*place, *each.place), each.message, each.hint, key=each.about != "value")
        if not isinstance(value, dict):
            return {}
        unsound = {each.place[0] for each in found if each.place}
        return {name: each for name, each in value.items() if name not in unsound}

    def check_variables(self, value: Any, place: Place) -> None:
        """Faults for each `${NAME}` in the strings of a value that names no variable, or one that is not set."""
        for where, text in strings(value, place):
            self.used |= {self.environ[name]: f"${{{name}}}" for name in names_in(text) if name in self.environ}
            wrong = [self.document.problem(where, *fault) for fault in self._faults_of_variables(text)]
            self.problems += wrong
            self.told |= {(problem.line, problem.column) for problem in wrong}

    def _masked(self, text: str) -> str:
        """The text with what may be a secret put back as it is written, and with what is long cut short."""
        for value in sorted(self.used, key=len, reverse=True):
            text = text.replace(value, self.used[value]) if len(value) >= _SECRET else text
        text = "".join(each if each.isprintable() else " " for each in text)
        return _LONG.sub(r"`\1...`", text)

    def _faults_of_variables(self, text: str) -> Iterator[tuple[str, str | None]]:
        for name in names_in(text):
            if not is_name(name):
                yield f"`${{{name}}}` is no name of an environment variable", None
            elif name not in self.environ:
                near = close(name, self.environ)
                hint = "set it in the environment or in .env" + (f"; {near}" if near else "")
                yield f"environment variable `{name}` is not set", hint

    def check_text(self, text: str, place: Place, check: Callable[[str], list[Said]]) -> None:
        """Faults that a check finds in a text with its variables filled in; none quotes what they hold."""
        wrong = check(self.filled(text))
        if wrong and names_in(text):
            wrong = check(neutral(text)) or [("fails once its variables are filled in", None)]
        for message, hint in wrong:
            self.fault(place, message, hint)

    def filled(self, value: Any) -> Any:
        """The value with those of its `${NAME}` replaced that are set."""
        return _mapped(value, lambda text: text if self._unset(text) else filled_in(text, self.environ))

    def _unset(self, text: str) -> bool:
        return any(name not in self.environ for name in names_in(text))


def strings(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every string in a value, with its place; names of mappings are not among them."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from strings(each, (*place, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from strings(each, (*place, number))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _mapped(each, change) for name, each in value.items()}
    return [_mapped(each, change) for each in value] if isinstance(value, list) else value
