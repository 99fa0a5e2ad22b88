"""What commands print: results to stdout, the rest to stderr; tables in colour on a terminal, plain otherwise."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

HIDDEN = "***"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def result(text: str) -> None:
    """One line of the result, to stdout; what could steer a terminal is shown as an escape."""
    print(plain(text))


def note(text: str) -> None:
    """One line about what is going on, to stderr."""
    print(plain(text), file=sys.stderr, flush=True)


def json(value: Any) -> None:
    """The result as JSON."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """A table: drawn on a terminal; elsewhere its cells in columns of spaces, one row a line."""
    cells = [[_cell(value) for value in row] for row in rows]
    if sys.stdout.isatty():
        _drawn(columns, cells, title)
        return
    if title:
        print(title)
    widths = [max(len(row[place]) for row in [list(columns), *cells]) for place in range(len(columns))]
    for row in [list(columns), *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def fields(values: Mapping[str, Any]) -> None:
    """Names and values, one a line; what is None is left out."""
    shown = {name: _cell(value) for name, value in values.items() if value is not None}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        print(f"{name.ljust(width)}  {value}")


def moment(at: int | None) -> str | None:
    """Epoch milliseconds as ISO 8601 in UTC, for JSON; 0 is never."""
    if not at:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(at: int | None, now: int) -> str:
    """How long ago, or how soon, for people."""
    if not at:
        return "-"
    seconds = round((now - at) / 1000)
    amount = _amount(abs(seconds))
    return f"in {amount}" if seconds < 0 else f"{amount} ago"


def counted(count: int, one: str, many: str) -> str:
    """A number with what it counts: `1 feed`, `2,000 feeds`."""
    return f"{count:,} {one if count == 1 else many}"


def plain(text: str) -> str:
    """The text with everything that could steer a terminal shown as an escape."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _amount(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _cell(value: Any) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}" if abs(value) >= 10_000 else str(value)
        case _:
            return plain(str(value).replace("\n", " "))


def _drawn(columns: Sequence[str], cells: Iterable[Sequence[str]], title: str | None) -> None:
    from rich.console import Console  # noqa: PLC0415  # for terminals only
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = Table(*columns, title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)
