"""What is wrong in what people wrote: where, what, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Said = tuple[str, str | None]
"""A message and its hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault at one place; line and column count from 1, and are 0 where there is none to name."""

    file: str
    line: int = 0
    column: int = 0
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """`automations/x.yaml:7:14: unknown operation `a` (did you mean `b`?)`."""
        place = ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(Exception):
    """The project cannot be used as it is; `problems` holds everything that is wrong, in reading order.

    The files at the top of the project come first: what is wrong in them may be why others are at fault.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=_order))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def _order(found: Problem) -> tuple[bool, str, int, int, str]:
    return "/" in found.file, found.file, found.line, found.column, found.message


def close(word: str, words: Iterable[str]) -> str | None:
    """The hint that names the word that was probably meant."""
    known = {each.casefold(): each for each in words}
    wanted = word.casefold()[:100]
    longer = [each for each in known if each.startswith(f"{wanted}_")]  # `location_id` rather than `locations`
    found = longer or get_close_matches(wanted, known, n=1, cutoff=0.6)
    return guess(known[found[0]]) if found else None


def guess(word: str) -> str:
    """The hint that a word was probably meant."""
    return f"did you mean `{word}`?"


def meant(word: str, words: Iterable[str]) -> str | None:
    """The hint that names the word that was probably meant, or what there is to choose from when that is short."""
    known = list(words)
    return close(word, known) or (f"known: {listed(known)}" if 0 < len(known) <= 12 else None)


def listed(words: Iterable[str]) -> str:
    """The words in backquotes, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)
