"""What an automation reads of a record: the fields that its expressions and templates name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import nodes

from config.automation import Automation
from config.findings import strings
from config.language import parsed, parsed_expression
from config.references import CUSTOM, RECORDS
from config.templates import Path, dotted, is_template
from triggers.trigger import Trigger

CUSTOM_FIELDS: Path = ("customFields",)
ABSENT = object()
"""What stands for the value of a field that the record does not have."""


def reads_of(automation: Automation, trigger: Trigger) -> frozenset[Path] | None:
    """The fields below `record` that decide what a run does, None where that may be any.

    What identifies a record and its times are not among them. An automation that names no other field, or uses the
    record as a whole, may react to whatever changes.
    """
    steps, once = automation.steps, automation.once_per
    asked = [
        automation.when,
        once and once.expression,
        *(each for step in steps for each in (step.when, step.for_each)),
    ]
    paths = {path for text in asked if text is not None for path in _paths(text, parsed_expression)}
    rendered = [text for step in steps for _, text in strings(step.with_, ()) if is_template(text)]
    paths |= {path for text in rendered for path in _paths(text, parsed)}
    return None if () in paths else frozenset(paths) - unread(trigger) or None


def values_of(expression: str, record: Any) -> dict[str, Any]:
    """The values of the fields that an expression names, by their paths in the record; ABSENT for what is not there."""
    paths = sorted(_paths(expression, parsed_expression) - {()})
    return {".".join(path): _value_at(record, path) for path in paths}


def _value_at(record: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(record, Mapping) or name not in record:
            return ABSENT
        record = record[name]
    return record


@lru_cache(maxsize=256)
def unread(trigger: Trigger) -> frozenset[Path]:
    """The fields of a record that say which one it is, or when it changed."""
    names = [name for field in trigger.key for name in field.split("|")]
    times = (getattr(trigger.strategy, name, None) for name in ("added", "updated", "version"))
    return frozenset(tuple(name.split(".")) for name in (*names, *trigger.volatile, *filter(None, times)))


@lru_cache(maxsize=4096)
def _paths(source: str, parse: Callable[[str], nodes.Template]) -> frozenset[Path]:
    return frozenset(_named(parse(source)))


def _named(node: nodes.Node) -> Iterator[Path]:
    """What is named below `record`, as far down as the names are plain; `()` is the record itself."""
    match dotted(node):
        case ("record", *path):
            yield tuple(path)
            return
        case (name,) if name == CUSTOM:
            yield CUSTOM_FIELDS
        case (name, *_) if name == RECORDS:  # what becomes of a list's items is not followed
            yield ()
    inner = node.node if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) else None
    for child in node.iter_child_nodes():
        # `record.tags.index(x)`: the name of a method is no field
        yield from _named(inner.node if inner is not None and child is inner else child)
