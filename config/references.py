"""What a template refers to, and whether it can: filters, names, and steps that come before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from jinja2 import nodes

from config.filters import WRITTEN_OUT
from config.language import FAILURES, LANGUAGE, parsed, parsed_expression
from config.problems import Said, listed, meant
from config.syntax import remedy
from config.templates import dotted, fault, is_template

CUSTOM = "custom"
"""The function for custom fields by name; it is there where the trigger's connection has such fields."""

RECORDS = "records"
"""The records of a batch; they are there in the steps of an automation with `collect`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a template at one place may name: its roots, and the steps that come before it; those `later` it may not."""

    roots: Collection[str]
    steps: Collection[str] = ()
    later: Collection[str] = ()


def faults_of_template(source: str, scope: Scope) -> list[Said]:
    """Everything that is wrong with a template in that scope."""
    try:
        tree = parsed(source)
    except FAILURES as exc:
        return [(f"the template {fault(exc)}", remedy(exc, source, template=True))]
    return list(_faults(tree, scope))


def faults_of_expression(source: str, scope: Scope) -> list[Said]:
    """Everything that is wrong with an expression (`when`, `for_each`) in that scope."""
    try:
        tree = parsed_expression(source)
    except FAILURES as exc:
        return [(f"the expression {fault(exc)}", remedy(exc, source, template=False))]
    return list(_faults(tree, scope))


def custom_names(expressions: Iterable[str | None], templates: Iterable[str]) -> frozenset[str] | None:
    """The names that are written out in the calls of `custom`; None where it is not called at all.

    What does not parse is passed over: whoever renders it will say so.
    """
    sources = [(parsed_expression, text) for text in expressions if text and CUSTOM in text]
    sources += [(parsed, text) for text in templates if CUSTOM in text and is_template(text)]
    calls: list[nodes.Call] = []
    for parse, text in sources:
        with suppress(*FAILURES):
            calls += _custom_calls(parse(text))
    if not calls:
        return None
    given = [each for call in calls for each in (*call.args[:1], *(pair.value for pair in call.kwargs))]
    return frozenset(each.value for each in given if isinstance(each, nodes.Const) and isinstance(each.value, str))


def _unknown_words(found: Collection[nodes.Node]) -> Iterator[Said]:
    for node in found:
        match node:
            case nodes.Filter(name=name) if name not in LANGUAGE.filters:
                yield f"unknown filter `{name}`", meant(name, LANGUAGE.filters)
            case nodes.Test(name=name) if name not in LANGUAGE.tests:
                yield f"unknown test `{name}`", meant(name, [test for test in LANGUAGE.tests if test.isalpha()])


def _faults_of_arguments(found: Collection[nodes.Node]) -> Iterator[Said]:
    """What is wrong with times, spans and zones that are written out: a run need not be the first to find it."""
    for node in (each for each in found if isinstance(each, nodes.Filter)):
        named = {str(pair.key): pair.value for pair in node.kwargs}
        for name, number, check in WRITTEN_OUT.get(node.name, ()):
            argument = node.args[number] if number < len(node.args) else named.get(name)
            if isinstance(argument, nodes.Const):
                try:
                    check(argument.value)
                except (TypeError, ValueError) as exc:
                    yield f"`{node.name}`: {exc}", None


def _faults_of_custom(tree: nodes.Template, found: Collection[nodes.Node]) -> Iterator[Said]:
    calls = _custom_calls(tree)
    if len(calls) < sum(dotted(node) == (CUSTOM,) for node in found):
        yield "`custom` is a function", "write `custom('NAME')`, with the name of a custom field"
    for call in calls:
        given = len(call.args) + len(call.kwargs)
        if not 1 <= given <= 2 or any(pair.key not in {"name", "of"} for pair in call.kwargs):
            yield "`custom` wants the name of a custom field, and perhaps `of=` whose it is", None


def _custom_calls(tree: nodes.Template) -> list[nodes.Call]:
    return [call for call in tree.find_all(nodes.Call) if dotted(call.node) == (CUSTOM,)]


def _faults(tree: nodes.Template, scope: Scope) -> Iterator[Said]:
    found = list(tree.find_all(nodes.Node))
    yield from _unknown_words(found)
    yield from _faults_of_arguments(found)
    own = {"loop", *LANGUAGE.globals}
    own |= {node.name for node in found if isinstance(node, nodes.Name) and node.ctx == "store"}
    for name in dict.fromkeys(node.name for node in found if isinstance(node, nodes.Name) and node.ctx == "load"):
        if name not in own and name not in scope.roots:
            yield _unknown_root(name, scope)
    if CUSTOM not in own and CUSTOM in scope.roots:
        yield from _faults_of_custom(tree, found)
    paths = (dotted(node) or () for node in found)
    for step in dict.fromkeys(path[1] for path in paths if path[:1] == ("steps",) and len(path) > 1):
        if step not in scope.steps and "steps" in scope.roots:
            yield _unknown_step(step, scope)


_WHERE_CUSTOM = "HighLevel's locations have them: the trigger's connection has to be of kind ghl, with a location"


def _unknown_root(name: str, scope: Scope) -> Said:
    match name:
        case "item":
            return "`item` is only there in a step with `for_each`", None
        case "steps":
            return "`steps` is only there in the steps after the first", None
        case "records":
            return "`records` is only there in the steps of an automation with `collect`", None
        case "custom":
            return "`custom` is not there: the trigger's connection has no custom fields", _WHERE_CUSTOM
        case _:
            hint = meant(name, scope.roots)
            return f"unknown name `{name}`", hint or f"known: {listed(scope.roots)}"


def _unknown_step(name: str, scope: Scope) -> Said:
    if name in scope.later:
        return f"step `{name}` comes after this one", "move it up"
    hint = meant(name, scope.steps) if scope.steps else "no step before it has an `id`"
    return f"no step `{name}` comes before this one", hint
