"""What was probably meant where a template or an expression does not parse."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jinja2.exceptions import SecurityError

_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
_CODE = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)

_SAID: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"needs to be closed is '(\w+)'"), r"`{% end\1 %}` is missing"),
    (re.compile(r"unknown tag 'end(\w+)'"), r"there is no `{% \1 ... %}` before it"),
    (re.compile(r"Expected an expression, got 'end of .*"), r"nothing is asked, as in `{% if record.email %}`"),
    (
        re.compile(r"end of template, expected 'end of print.*|unexpected '}'"),
        r"a `{{` needs its `}}`, a `{%` its `%}`",
    ),
)
"""What the parser says, and what to do about it."""
_FOREIGN: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"&&"), "write `and`"),
    (re.compile(r"\|\|"), "write `or`"),
    (re.compile(r"\bcontains\b"), "write `'x' in record.tags`"),
    (re.compile(r"!(?!=)"), "write `not`"),
    (re.compile(r"(?<![=!<>])=(?!=)"), "write `==` to compare"),
)
"""What other languages write, and what it is called here."""


def remedy(failure: Exception, source: str, *, template: bool) -> str | None:
    """The hint to what the parser raised at a template or an expression; None where none is known."""
    if isinstance(failure, SecurityError):
        return None
    said = str(failure)
    for pattern, hint in _SAID:
        if found := pattern.search(said):
            return found.expand(hint)
    code = " ".join(_CODE.findall(source)) if template else source
    bare = _TEXT.sub("''", code)
    return next((hint for pattern, hint in _FOREIGN if pattern.search(bare)), None)
