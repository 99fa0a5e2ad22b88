"""Writes what the reference can be made of: the catalogue's rows, the command line's help, the shapes of the YAML.

Some pages are made as a whole. In others, what stands between `<!-- generated: NAME -->` and `<!-- end -->` is.
`--check` changes nothing, and ends with 1 when a page is not as it should be.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from config.catalogues import catalogues
from config.connection_file import AUTHS
from config.filters import FILTERS
from config.manifest_shapes import ACTION as ACTION_OF_MANIFEST
from config.manifest_shapes import (
    MANIFEST,
    TYPE,
    AvailabilityShape,
    PaginationShape,
    ProbeShape,
    SinceShape,
    SnapshotShape,
    WebhooksShape,
)
from config.manifest_shapes import TRIGGER as TRIGGER_OF_MANIFEST
from config.settings import NAMES
from config.shapes import AUTOMATION, CONNECTION, STEP, TRIGGER
from config.value_types import WORDS
from connections.errors import VendorError
from connections.example import example_of
from console.commands import HELP, ROWS, made
from docs.sections import FOLDER, catalogue
from docs.words import NOTICE, Lines, fields, listed, sentence, table

DOCS = Path(__file__).parent
PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


STATUSES = (
    ("0", "done"),
    ("1", "what you gave it is at fault"),
    ("2", "it was called wrongly"),
    ("3", "the vendor refused, or something is out of reach"),
)


def command_line() -> str:
    """The page of all commands, from their own help."""
    lines = ["# Command line", "", NOTICE.format(source="the functions in console/"), ""]
    lines += [sentence(HELP), "", "Results go to stdout, everything else to stderr."]
    lines += ["", *table(("exit status", "what it means"), STATUSES), ""]
    shown = [row for row in ROWS if not row.hidden]
    lines += table(("command", "what it does"), ((f"[{row.name}](#{row.name})", row.summary) for row in shown))
    for row in shown:
        lines += ["", f"## {row.name}", *_help(made(row), f"hightide {row.name}")]
    return "\n".join(lines) + "\n"


def _help(command: click.Command, name: str) -> Lines:
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    yield ""
    yield "```text"
    yield command.get_help(context)
    yield "```"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            if inner is not None:
                yield from _help(inner, f"{name} {each}")


def settings() -> Lines:
    """The table of settings."""
    yield from table(("variable", "what it says"), ((f"`{name}`", told) for name, told in NAMES.items()))


def filters() -> Lines:
    """The table of our filters."""
    rows = ((f"`{_called(name, each)}`", each.__doc__ or "") for name, each in sorted(FILTERS.items()))
    yield from table(("filter", "what it gives"), rows)


def _called(name: str, each: Callable[..., Any]) -> str:
    """The filter with what may stand in its brackets."""
    _, *more = inspect.signature(each).parameters.values()
    given = ", ".join(str(one.replace(annotation=one.empty)) for one in more)
    return f"{name}({given})" if given else name


def auths() -> Lines:
    """The fields of each kind of credential."""
    for auth in AUTHS.values():
        schema = TypeAdapter(auth).json_schema()
        others = [name for name in schema["properties"] if name != "type"]
        needed = [name for name in others if name in schema.get("required", ())]
        optional = [name for name in others if name not in needed]
        fields_ = "; ".join(filter(None, (listed(needed), f"may have {listed(optional)}" if optional else "")))
        yield f"- `{schema['properties']['type']['const']}`: {(auth.__doc__ or '').strip().splitlines()[0]}"
        if fields_:
            yield f"  Fields: {fields_}."


def types() -> Lines:
    """The words for types of parameters, with a value of each."""
    told = {"text": "Ada", "true/false": "true", "mapping": "{a: 1}", "any": "anything"}
    made = {name: example_of(TypeAdapter(hint).json_schema(), {}, whole=True) for name, hint in WORDS.items()}
    made |= {**told, "list of email": "[ada@example.com]", "mapping of number": "{a: 1.5}", "one of [a, b]": "a"}
    yield from table(("type", "such as"), ((f"`{name}`", f"`{value}`") for name, value in made.items()))


def errors() -> Lines:
    """The tree of errors at a vendor, with what each means."""

    def rows(error: type[VendorError], depth: int) -> Iterator[tuple[str, str]]:
        yield f"{'&nbsp;' * 4 * depth}`{error.__name__}`", (error.__doc__ or "").strip().splitlines()[0]
        for each in error.__subclasses__():
            yield from rows(each, depth + 1)

    yield from table(("error", "what it means"), rows(VendorError, 0))


PARTS: Mapping[str, Callable[[], Lines]] = {
    "settings": settings,
    "filters": filters,
    "auths": auths,
    "errors": errors,
    "connection": lambda: fields(CONNECTION),
    "automation": lambda: fields(AUTOMATION),
    "trigger": lambda: fields(TRIGGER),
    "step": lambda: fields(STEP),
    "manifest": lambda: fields(MANIFEST),
    "manifest-trigger": lambda: fields(TRIGGER_OF_MANIFEST),
    "manifest-watermark": lambda: fields(TypeAdapter(SinceShape)),
    "manifest-snapshot": lambda: fields(TypeAdapter(SnapshotShape)),
    "manifest-availability": lambda: fields(TypeAdapter(AvailabilityShape)),
    "manifest-action": lambda: fields(ACTION_OF_MANIFEST),
    "manifest-probe": lambda: fields(TypeAdapter(ProbeShape)),
    "manifest-pagination": lambda: fields(TypeAdapter(PaginationShape)),
    "manifest-webhooks": lambda: fields(TypeAdapter(WebhooksShape)),
    "manifest-words": types,
    "manifest-type": lambda: fields(TYPE),
}


def filled(text: str) -> str:
    """A page with its generated parts as they should be."""
    return PART.sub(lambda found: found[1] + "\n".join(PARTS[found[2]]()) + "\n" + found[3], text)


def pages() -> dict[str, str]:
    """Every page that is generated, or holds something that is, by its path in docs/."""
    written = {
        str(path.relative_to(DOCS)): filled(path.read_text(encoding="utf-8"))
        for path in sorted(DOCS.rglob("*.md"))
        if PART.search(path.read_text(encoding="utf-8"))
    }
    known = catalogues()
    whole = catalogue(known.triggers, known.actions)
    return {**written, **whole, "reference/command-line.md": command_line()}


def main(words: Sequence[str]) -> int:
    """Write the pages, or compare them; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say what differs")
    check = parser.parse_args(words).check
    wanted = pages()
    stale = [path for path in (DOCS / FOLDER).glob("*.md") if str(path.relative_to(DOCS)) not in wanted]
    wrong = [
        name
        for name, text in wanted.items()
        if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    if check:
        for name in [*wrong, *(str(path.relative_to(DOCS)) for path in stale)]:
            print(f"docs/{name} is not as the code would have it: make docs", file=sys.stderr)
        return 1 if wrong or stale else 0
    for path in stale:
        path.unlink()
    for name in wrong:
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(wanted[name], encoding="utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
