"""Templates: `{{ }}` in what people write, rendered from a record, with native types.

A text that is one `{{ expression }}` gives the value itself; any other gives text. What is missing counts as false and
as empty where it is asked about (`if`, `and`, `in`, `for`, `default`), and is an error where it would be written. What
gives `omit` is left out of the mapping or list that it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes

from config.filters import OMIT, bounded, plain
from config.language import FAILURES, LANGUAGE, STEPS, Missing, parsed, parsed_expression, safe

Path = tuple[str, ...]
Program = Callable[[Mapping[str, Any]], Any]

_RESULT = "result"


class TemplateError(Exception):
    """A template does not parse, names what is not there, or gives too much.

    `path` leads from the rendered value to the template; the message says what is wrong, and shows no values.
    """

    def __init__(self, message: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(f"{'.'.join(path)}: {message}" if path else message)
        self.message = message
        self.path = path


def render(value: Any, context: Mapping[str, Any]) -> Any:
    """The value with every template in its strings rendered; what holds no template is returned as it is.

    Raises:
        TemplateError: a template fails on this context.
    """
    if isinstance(value, str):
        return _template(value)(context) if is_template(value) else value
    if isinstance(value, dict):
        return dict(_rendered(value.items(), context))
    if isinstance(value, list):
        return [each for _, each in _rendered(enumerate(value), context)]
    return value


def evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    """The value of an expression; None where it is missing.

    Raises:
        TemplateError: the expression fails on this context.
    """
    found = _expression(expression)(context)
    return None if isinstance(found, jinja2.Undefined) or found is OMIT else _given(found)


def holds(condition: str, context: Mapping[str, Any]) -> bool:
    """Whether a condition (`when`) is true; what is missing is false.

    Raises:
        TemplateError: the condition fails on this context; the path says that it is `when`.
    """
    try:
        return bool(_expression(condition)(context))
    except TemplateError as exc:
        raise TemplateError(exc.message, ("when", *exc.path)) from exc.__cause__


def items(expression: str, context: Mapping[str, Any]) -> list[Any]:
    """The items that `for_each` goes through, at most 1000.

    Raises:
        TemplateError: the expression fails, or gives no list.
    """
    found = _expression(expression)(context)
    if isinstance(found, Missing):
        message = found.explained()
        raise TemplateError(_located(message, parsed_expression(expression), context) or message)
    if not isinstance(found, (list, tuple, range, Iterator)):
        raise TemplateError(f"expected a list to go through, found {type(found).__name__}")
    listed: list[Any] = _given(found)
    if len(listed) > STEPS:
        raise TemplateError(f"more than {STEPS:,} items to go through")
    return listed


def is_template(value: str) -> bool:
    """Whether there is anything in the text to render."""
    return "{{" in value or "{%" in value


def dotted(node: nodes.Node) -> Path | None:
    """The names of `record.contact.id` or `record["contact"]["id"]`; None for anything else."""
    match node:
        case nodes.Name(name=name, ctx="load"):
            return (name,)
        case nodes.Getattr(node=inner, attr=str(name)) | nodes.Getitem(node=inner, arg=nodes.Const(value=str(name))):
            before = dotted(inner)
            return None if before is None else (*before, name)
        case _:
            return None


def _given(value: Any) -> Any:
    try:
        return plain(value)
    except FAILURES as exc:
        raise TemplateError(fault(exc)) from exc


def _rendered(pairs: Any, context: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    for name, value in pairs:
        try:
            rendered = render(value, context)
        except TemplateError as exc:
            raise TemplateError(exc.message, (str(name), *exc.path)) from exc.__cause__
        if rendered is not OMIT:
            yield name, rendered


@lru_cache(maxsize=4096)
def _template(source: str) -> Program:
    try:
        tree = parsed(source)
        pieces = tree.body[0].nodes if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) else []
        one = len(pieces) == 1 and not isinstance(pieces[0], nodes.TemplateData)
        whole = _plain(_native(pieces[0])) if one else _text(tree)
    except FAILURES as exc:
        raise TemplateError(fault(exc)) from exc
    return _guarded(source, parsed, whole)


@lru_cache(maxsize=4096)
def _expression(source: str) -> Program:
    try:
        output = parsed_expression(source).body[0]
        whole = _native(output.nodes[0])  # type: ignore[attr-defined]  # an expression is one Output of one node
    except FAILURES as exc:
        raise TemplateError(fault(exc)) from exc
    return _guarded(source, parsed_expression, whole)


def _guarded(source: str, parse: Callable[[str], nodes.Template], whole: Program) -> Program:
    def run(context: Mapping[str, Any]) -> Any:
        try:
            return whole(context)
        except FAILURES as exc:
            raise TemplateError(_located(str(exc), parse(source), context) or fault(exc)) from exc

    return run


def fault(exc: BaseException) -> str:
    """What went wrong, in words, from what parsing or rendering raised."""
    match exc:
        case jinja2.TemplateSyntaxError():
            return f"does not parse: {exc.message}"
        case RecursionError() | MemoryError():
            return "is nested too deeply"
        case TypeError():
            return _of_kinds(str(exc))
        case _:
            return str(exc) or type(exc).__name__


_KINDS: Mapping[str, str] = {
    "str": "text", "int": "a number", "float": "a number", "bool": "true or false", "NoneType": "null",
    "list": "a list", "dict": "a mapping", "datetime.datetime": "a time", "datetime": "a time",
}  # fmt: skip
_OPERANDS = re.compile(
    r"(?:unsupported operand type\(s\) for )?'?([^' ]+?)'?(?: not supported between instances of|:)"
    r" '([\w.]+)' and '([\w.]+)'"
)


def _of_kinds(said: str) -> str:
    """What Python says of operands that do not go together, in words for people."""
    found = _OPERANDS.fullmatch(said)
    if found is None:
        return said
    left, right = (_KINDS.get(kind, kind) for kind in found.groups()[1:])
    remedy = " (`| default(0) | float` makes a number of null and of text)" if "a number" in (left, right) else ""
    return f"`{found[1]}` does not go between {left} and {right}{remedy}"


def _native(expression: nodes.Node) -> Program:
    result = nodes.Assign(nodes.Name(_RESULT, "store", lineno=1), expression, lineno=1)
    template = _template_of(nodes.Template([result], lineno=1))

    def run(context: Mapping[str, Any]) -> Any:
        names = template.new_context(dict(context))
        for _ in template.root_render_func(names):
            pass
        return names.vars[_RESULT]

    path = dotted(expression)
    return run if path is None else _straight(path, run)


def _straight(path: Path, program: Program) -> Program:
    """A dotted name is looked up in the data directly; where it does not lead on, `program` says why."""

    def run(context: Mapping[str, Any]) -> Any:
        value: Any = context
        for name in path:
            if type(value) is not dict or name not in value:
                return program(context)
            value = value[name]
        return value

    return run


def _plain(program: Program) -> Program:
    return lambda context: plain(program(context))


def _text(tree: nodes.Template) -> Program:
    template = _template_of(tree)

    def run(context: Mapping[str, Any]) -> str:
        chunks: list[str] = []
        size = 0
        for chunk in template.root_render_func(template.new_context(dict(context))):
            size += len(chunk) + 1
            bounded(size)
            chunks.append(chunk)
        return "".join(chunks)

    return run


def _template_of(tree: nodes.Template) -> jinja2.Template:
    tree = safe(tree)
    tree.set_environment(LANGUAGE)
    return LANGUAGE.template_class.from_code(LANGUAGE, LANGUAGE.compile(tree), dict(LANGUAGE.globals))


def _located(message: str, tree: nodes.Template, context: Mapping[str, Any]) -> str | None:
    """The sentence about what is missing, with its whole dotted name."""
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name)):
        parent: Any = context
        path = dotted(node) or ()
        for place, name in enumerate(path, 1):
            value = LANGUAGE.getattr(parent, name)
            if isinstance(value, Missing):
                if value.explained() == message:
                    return value.explained(".".join(path[:place]))
                break
            parent = value
    return None
