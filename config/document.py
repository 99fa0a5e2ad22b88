"""A YAML file as plain values, with the line and column of every key and value."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from config.problems import Problem, Said

T = TypeVar("T")

Place = tuple[str | int, ...]
"""The way from the top of a file to a value: names and list positions."""
Mark = tuple[int, int]
"""Line and column, from 1."""

LARGEST = 1024 * 1024
"""How many bytes a file may have."""
DEEPEST = 40
"""How many lists and mappings may lie within one another."""
MOST = 100_000
"""How many values a file may have, those of anchors counted wherever they are used."""

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file says: `value` as JSON has it, and for each place the marks of its key and of its value.

    `refused` are the marks of what is no YAML or no JSON; such a value is None.
    """

    file: str
    value: Any
    keys: Mapping[Place, Mark]
    values: Mapping[Place, Mark]
    refused: frozenset[Mark]

    def problem(self, place: Place, message: str, hint: str | None = None, *, key: bool = False) -> Problem:
        """A problem with the value at a place, or with its key; what is not there is shown at what it should be in."""
        while place and place not in self.values:
            place, key = place[:-1], True
        line, column = (self.keys if key else self.values).get(place) or self.values.get(place, (1, 1))
        return Problem(file=self.file, line=line, column=column, message=message, hint=hint)


def read_document(path: Path, file: str) -> tuple[Document | None, tuple[Problem, ...]]:
    """The file as values, or None, with everything that is wrong with it as YAML; `file` is how problems call it."""
    try:
        data = path.read_bytes()
    except OSError as exc:
        return None, (Problem(file=file, message=f"cannot be read: {exc.strerror}"),)
    if len(data) > LARGEST:
        return None, (Problem(file=file, message=f"is larger than {LARGEST:,} bytes", hint="split it"),)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line, column = _position(data[: exc.start].decode("utf-8", "replace"))
        return None, (Problem(file=file, line=line, column=column, message="is not UTF-8 here"),)
    return parse(text, file)


def parse(text: str, file: str) -> tuple[Document | None, tuple[Problem, ...]]:
    """The text as values, or None, with everything that is wrong with it as YAML."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message, hint = _in_words(exc.problem or exc.context or "cannot be read")
        return None, (Problem(file=file, line=line, column=column, message=message, hint=hint),)
    except ReaderError as exc:
        line, column = _position(text[: exc.position])
        return None, (Problem(file=file, line=line, column=column, message="a character that YAML does not allow"),)
    except (YAMLError, ValueError) as exc:
        return None, (Problem(file=file, line=1, column=1, message=f"is no YAML: {exc}"),)
    except RecursionError:
        return None, (Problem(file=file, line=1, column=1, message="is nested too deeply"),)
    reading = _Reading(file)
    value = reading.value(root, ()) if root is not None else None
    refused = frozenset((problem.line, problem.column) for problem in reading.problems)
    document = Document(file=file, value=value, keys=reading.keys, values=reading.values, refused=refused)
    return document, tuple(reading.problems)


_IN_WORDS: Sequence[tuple[str, Said]] = (
    (
        r"expected <block end>, but found '(<block \w+ start>|\?|-)'",
        ("is indented wrongly", "begin it in the same column as its neighbours"),
    ),
    (r"expected <block end>, but found '<scalar>'", ("goes on after its end", "put the whole text in quotes")),
    (r"found character '\\t'", ("a tab", "YAML is indented by spaces")),
    (r"found character '[%@`]'", ("a text cannot begin so", "put it in quotes")),
    (
        r"mapping values are not allowed here",
        (
            "a colon that belongs to nothing",
            "text with `: ` in it needs quotes; or the line before is indented wrongly",
        ),
    ),
)
"""What the parser says of common mistakes, and how to say it to people."""


def _in_words(said: str) -> Said:
    known = (words for pattern, words in _IN_WORDS if re.match(pattern, said))
    return next(known, (f"is no YAML: {said}", None))


def _position(before: str) -> Mark:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@dataclass(slots=True)
class _Reading:
    """One walk over the nodes of a file: values come back, marks and problems pile up."""

    file: str
    keys: dict[Place, Mark] = field(default_factory=dict)
    values: dict[Place, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    open_nodes: list[int] = field(default_factory=list)

    def value(self, node: Node, place: Place) -> Any:
        nothing = node.start_mark.index == node.end_mark.index and place in self.keys
        self.values[place] = self.keys[place] if nothing else _mark(node)
        self.count += 1
        if self.count > MOST:
            return self.refuse(node, f"the file has more than {MOST:,} values") if self.count == MOST + 1 else None
        if isinstance(node, ScalarNode):
            return self.scalar(node)
        if id(node) in self.open_nodes:
            return self.refuse(node, "an anchor that contains itself")
        if len(self.open_nodes) >= DEEPEST:
            return self.refuse(node, "is nested too deeply")
        self.open_nodes.append(id(node))
        try:
            return self.collection(node, place)
        finally:
            self.open_nodes.pop()

    def collection(self, node: Node, place: Place) -> Any:
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            found = {}
            for name, (key, value) in self.entries(node).items():
                self.keys[(*place, name)] = _mark(key)
                found[name] = self.value(value, (*place, name))
            return found
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(each, (*place, number)) for number, each in enumerate(node.value)]
        return self.refuse(node, "a YAML tag that means nothing here")

    def entries(self, node: MappingNode) -> dict[str, tuple[Node, Node]]:
        """The keys and values of a mapping, with those of `<<` beneath its own."""
        own: dict[str, tuple[Node, Node]] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merged += value.value if isinstance(value, SequenceNode) else [value]
            elif not isinstance(key, ScalarNode) or not str(key.tag).startswith(_TAG):
                if node.flow_style and isinstance(key, MappingNode):
                    self.refuse(node, "a template without quotes", 'write "{{ ... }}"')
                else:
                    self.refuse(key, "a key must be plain text")
            elif key.value in own:
                first = _mark(own[key.value][0])[0]
                self.refuse(key, f"`{key.value}` is here a second time", f"the first is in line {first}")
            else:
                own[key.value] = (key, value)
        for each in merged:
            own = self.merged(each) | own
        return own

    def merged(self, node: Node) -> dict[str, tuple[Node, Node]]:
        if not isinstance(node, MappingNode) or id(node) in self.open_nodes or len(self.open_nodes) >= DEEPEST:
            self.refuse(node, "expected a mapping to merge")
            return {}
        self.open_nodes.append(id(node))
        try:
            return self.entries(node)
        finally:
            self.open_nodes.pop()

    def scalar(self, node: ScalarNode) -> Any:
        try:
            return _scalar(str(node.tag).removeprefix(_TAG), node.value)
        except ValueError as exc:
            return self.refuse(node, str(exc), "put it in quotes to have it as text")

    def refuse(self, node: Node, message: str, hint: str | None = None) -> None:
        line, column = _mark(node)
        self.problems.append(Problem(file=self.file, line=line, column=column, message=message, hint=hint))


def _mark(node: Node) -> Mark:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _scalar(kind: str, text: str) -> Any:
    """The value of a scalar; times stay text, as JSON has none."""
    match kind:
        case "str" | "timestamp":
            return text
        case "null":
            return None
        case "bool" if text.lower() in {"true", "false"}:
            return text.lower() == "true"
        case "int":
            return _integer(text)
        case "float":
            return _number(text)
        case _:
            raise ValueError("a YAML tag that means nothing here")


def _integer(text: str) -> int:
    digits = text.lstrip("+-").replace("_", "")
    if len(digits) > 1 and digits.startswith("0") and digits.isdigit():
        raise ValueError("a number cannot begin with 0")
    number = _parsed(lambda: int(text.replace("_", "")[:80], 0))
    if not -(2**63) <= number < 2**63:
        raise ValueError("the number is too large")
    return number


def _number(text: str) -> float:
    number = _parsed(lambda: float(text.replace("_", "").replace(".nan", "nan").replace(".inf", "inf")))
    if not math.isfinite(number):
        raise ValueError("a number that JSON does not know")
    return number


def _parsed(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except ValueError:
        raise ValueError("is not the number it is marked as") from None
