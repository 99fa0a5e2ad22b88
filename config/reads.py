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
RECORD = frozenset({"record"})


def reads_of(automation: Automation, trigger: Trigger) -> frozenset[Path] | None:
    """The fields below `record` that decide what a run does, None where that may be any.

    What identifies a record and its times are not among them. An automation that names no other field, or uses the
    record as a whole, may react to whatever changes.
    """
    paths = named(automation)
    return None if () in paths else paths - unread(trigger) or None


def named(automation: Automation) -> frozenset[Path]:
    """The fields that an automation names below `record`, or below each of `records`; `()` is a whole record."""
    once = automation.once_per
    paths = [_paths(text, parsed_expression) for text in (automation.when, once and once.expression) if text]
    for step in automation.steps:
        each = step.for_each == RECORDS
        asked = [text for text in (step.when, None if each else step.for_each) if text]
        rendered = [text for _, text in strings(step.with_, ()) if is_template(text)]
        records = RECORD | {"item"} if each else RECORD
        paths += [_paths(text, parsed_expression, records) for text in asked]
        paths += [_paths(text, parsed, records) for text in rendered]
    return frozenset().union(*paths)


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
def _paths(source: str, parse: Callable[[str], nodes.Template], records: frozenset[str] = RECORD) -> frozenset[Path]:
    return frozenset(_named(parse(source), records))


def _named(node: nodes.Node, records: frozenset[str]) -> Iterator[Path]:
    """What is named below these records, as far down as the names are plain; `()` is a record itself."""
    match dotted(node):
        case (name, *path) if name in records:
            yield tuple(path)
            return
        case (name,) if name == CUSTOM:
            yield CUSTOM_FIELDS
        case (name, *_) if name == RECORDS:  # nothing but a loop over them is followed
            yield ()
    children = node.iter_child_nodes()
    match node:
        case nodes.For(target=nodes.Name(name=name), iter=listed) if dotted(listed) == (RECORDS,):
            records |= {name}
            children = node.iter_child_nodes(exclude=("iter",))
        case nodes.Call(node=nodes.Getattr(node=inner)):  # `record.tags.index(x)`: the name of a method is no field
            yield from _named(inner, records)
            children = node.iter_child_nodes(exclude=("node",))
    for child in children:
        yield from _named(child, records)
