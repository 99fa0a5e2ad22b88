"""What a template refers to, and whether it can: filters, names, and steps that come before."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from jinja2 import nodes

from config.language import FAILURES, LANGUAGE, parsed, parsed_expression
from config.problems import Said, listed, meant
from config.templates import dotted, fault

ROOTS = ("record", "event", "steps", "item", "automation", "connection", "now")
"""What a template starts from: the record and its event, earlier steps, the item of `for_each`, and what it runs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a template at one place may name: its roots, and the steps that come before it."""

    roots: Collection[str]
    steps: Collection[str] = ()


def faults_of_template(source: str, scope: Scope) -> list[Said]:
    """Everything that is wrong with a template in that scope."""
    try:
        tree = parsed(source)
    except FAILURES as exc:
        return [(f"the template {fault(exc)}", None)]
    return list(_faults(tree, scope))


def faults_of_expression(source: str, scope: Scope) -> list[Said]:
    """Everything that is wrong with an expression (`when`, `for_each`) in that scope."""
    try:
        tree = parsed_expression(source)
    except FAILURES as exc:
        return [(f"the expression {fault(exc)}", None)]
    return list(_faults(tree, scope))


def _faults(tree: nodes.Template, scope: Scope) -> Iterator[Said]:
    found = list(tree.find_all(nodes.Node))
    for node in found:
        match node:
            case nodes.Filter(name=name) if name not in LANGUAGE.filters:
                yield f"unknown filter `{name}`", meant(name, LANGUAGE.filters)
            case nodes.Test(name=name) if name not in LANGUAGE.tests:
                yield f"unknown test `{name}`", meant(name, [test for test in LANGUAGE.tests if test.isalpha()])
    own = {node.name for node in found if isinstance(node, nodes.Name) and node.ctx == "store"} | {
        "loop",
        *LANGUAGE.globals,
    }
    for name in dict.fromkeys(node.name for node in found if isinstance(node, nodes.Name) and node.ctx == "load"):
        if name not in own and name not in scope.roots:
            yield _unknown_root(name, scope)
    paths = (dotted(node) or () for node in found)
    for step in dict.fromkeys(path[1] for path in paths if path[:1] == ("steps",) and len(path) > 1):
        if step not in scope.steps and "steps" in scope.roots:
            yield _unknown_step(step, scope)


def _unknown_root(name: str, scope: Scope) -> Said:
    match name:
        case "item":
            return "`item` is only there in a step with `for_each`", None
        case "steps":
            return "`steps` is only there in the steps after the first", None
        case _:
            hint = meant(name, scope.roots)
            return f"unknown name `{name}`", hint or f"known: {listed(scope.roots)}"


def _unknown_step(name: str, scope: Scope) -> Said:
    hint = meant(name, scope.steps) if scope.steps else "no step before it has an `id`"
    return f"no step `{name}` comes before this one", hint
