"""The language of templates: Jinja2's sandbox, less what has no bounds.

`{{ }}`, `{% if %}` and `{% for %}`, a fixed set of filters and methods, and no way to set a variable: so the size of
what a template gives grows no faster than its own text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from config.filters import FILTERS, OMIT, bounded, text
from config.problems import meant

STEPS = 1000
"""How many times a loop may go round, and how many items `for_each` may have."""
SOURCE = 16 * 1024
"""How long a template may be, in characters."""
FAILURES = (
    jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip
"""What parsing, compiling and rendering may raise."""

_BUILT_IN = (
    "abs", "capitalize", "dictsort", "first", "float", "groupby", "int", "last", "length", "list", "lower", "map",
    "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "string", "striptags", "sum",
    "title", "trim", "truncate", "unique", "upper", "urlencode",
)  # fmt: skip
_OF_TEXT = ("capitalize", "lower", "title", "trim", "upper")
"""Filters that would make the word "none" of null."""
_METHODS: Sequence[tuple[type, frozenset[str]]] = (
    (dict, frozenset({"get", "items", "keys", "values"})),
    (str, frozenset({"endswith", "lower", "lstrip", "rstrip", "split", "startswith", "strip", "title", "upper"})),
    (date, frozenset({"year", "month", "day", "hour", "minute", "second", "isoformat", "weekday", "timestamp"})),
    (LoopContext, frozenset({"first", "index", "index0", "last", "length"})),
)
_JOINED, _COUNTED = "joined text", "counted loop"
"""Filters that no template can name: a blank is in them."""


class Missing(jinja2.Undefined):
    """What a template names but the record does not have; everything below it is missing too.

    It is false, empty and equal to null; written, counted with or compared in size it is an error.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """Itself: the first thing that is missing is the one to name."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Missing)

    def __hash__(self) -> int:
        return hash(None)

    def __str__(self) -> str:
        return self._fail_with_undefined_error()

    @property
    def _undefined_message(self) -> str:
        return self.explained()

    def explained(self, path: str | None = None) -> str:
        """The sentence that names what is missing, and what there is instead."""
        if self._undefined_hint:
            return self._undefined_hint
        name, parent = self._undefined_name, self._undefined_obj
        there = f"`{path or name}` is not there"
        if parent is missing or not isinstance(parent, Mapping):
            return there
        keys = [key for key in parent if isinstance(key, str)]
        hint = meant(str(name), keys) or (f"there is: {', '.join(keys[:12])}, ..." if keys else "it is empty")
        return f"{there} ({hint})"


class Function:
    """What a context may give its templates to call, beside what the language has itself."""

    __slots__ = ()


class Language(SandboxedEnvironment):
    """Jinja2's sandbox with names looked up in the data first, and everything that can grow kept within bounds."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=Missing, finalize=text, keep_trailing_newline=True, comment_start_string="{#\0")
        self.filters = {name: self.filters[name] for name in _BUILT_IN} | dict(FILTERS)
        self.filters |= {name: _unless_null(self.filters[name]) for name in _OF_TEXT}
        self.filters |= {_JOINED: lambda values: "".join(map(text, values)), _COUNTED: counted}
        self.globals = {"omit": OMIT, "range": _range}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value under that name in the data; of anything else a method that is known to be harmless."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Missing):
            return obj
        for kind, names in _METHODS:
            if isinstance(obj, kind) and attribute in names:
                return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The value under that key or at that place, or a part of a list or text."""
        try:
            return obj[argument]
        except (TypeError, LookupError):
            return self.undefined(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether it may be called: methods that `getattr` gives, `range`, functions of the context.

        What is missing says so itself.
        """
        if obj is _range or isinstance(obj, (Missing, Function)):
            return True
        return isinstance(getattr(obj, "__self__", None), (dict, str, date))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The result of an operator whose result may be larger than its operands."""
        match operator:
            case "**" if not (abs(left) < 2**64 and abs(right) <= 64):
                raise SecurityError("the power is too large")
            case "%" if isinstance(left, str):
                raise SecurityError("a text cannot be divided: write `~` to join texts")
            case "+":
                bounded(_size(left) + _size(right))
            case "*":
                bounded(_size(left) * max(right, 1) if _size(left) and isinstance(right, int) else 0)
                bounded(_size(right) * max(left, 1) if _size(right) and isinstance(left, int) else 0)
        return super().call_binop(context, operator, left, right)


def counted(values: Iterable[Any]) -> Iterator[Any]:
    """The same values, an error when there are more than `STEPS`."""
    for number, value in enumerate(values):
        if number >= STEPS:
            raise ValueError(f"more than {STEPS:,} items to go through")
        yield value


def parsed(source: str) -> nodes.Template:
    """The syntax of a template.

    Raises:
        jinja2.TemplateError, ValueError, RecursionError: it does not parse, or uses what is not in the language.
    """
    return _accepted(LANGUAGE.parse(_short_enough(source)))


def parsed_expression(source: str) -> nodes.Template:
    """The syntax of an expression, as a template that writes it.

    Raises:
        jinja2.TemplateError, ValueError, RecursionError: it does not parse.
    """
    if "{{" in source or "{%" in source:
        raise ValueError("is to be written without {{ }}")
    parser = Parser(LANGUAGE, _short_enough(source), state="variable")
    expression = parser.parse_expression()
    if not parser.stream.eos:
        raise ValueError(f"goes on with `{parser.stream.current.value}`, which does not belong to it")
    return _accepted(nodes.Template([nodes.Output([expression], lineno=1)], lineno=1))


def safe(tree: nodes.Template) -> nodes.Template:
    """The same template with its loops counted and its joined texts bounded; the tree given is used up."""
    changed: nodes.Template = _Safe().visit(tree)
    return changed


def _range(*bounds: int) -> range:
    """Python's range, of at most `STEPS` numbers."""
    found = range(*bounds)
    if len(found) > STEPS:
        raise ValueError(f"a range of more than {STEPS:,} numbers")
    return found


def _unless_null(change: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter of texts, which leaves null, and what is missing, as it is."""

    def changed(value: Any, *args: Any) -> Any:
        return value if value is None or isinstance(value, Missing) else change(value, *args)

    return changed


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (str, list, tuple)) else 0


class _Safe(NodeTransformer):
    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802  # Jinja2's naming
        self.generic_visit(node)
        joined = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(joined, _JOINED, [], [], None, None, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  # Jinja2's naming
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, _COUNTED, [], [], None, None, lineno=node.lineno)
        return node


def _short_enough(source: str) -> str:
    if len(source) > SOURCE:
        raise ValueError(f"is longer than {SOURCE:,} characters")
    return source


def _accepted(tree: nodes.Template) -> nodes.Template:
    for node in tree.find_all(nodes.Stmt):
        if not isinstance(node, (nodes.Output, nodes.If, nodes.For)):
            raise SecurityError("uses a statement other than `if` and `for`")
    if _depth(tree) > 2:
        raise SecurityError("has loops within loops within loops")
    return tree


def _depth(node: nodes.Node) -> int:
    inner = max((_depth(child) for child in node.iter_child_nodes()), default=0)
    return inner + isinstance(node, nodes.For)


LANGUAGE = Language()
