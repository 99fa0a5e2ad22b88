"""Times as people write them on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import typer

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def moment(text: str, now: int, name: str) -> int:
    """Epoch milliseconds, from ISO 8601 (UTC without an offset) or from how long ago it was: `90s`, `2h`, `3d`.

    Raises:
        BadParameter: the option or argument of that name is neither, or lies in the future.
    """
    span = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if span:
        return now - int(span[1]) * _UNITS[span[2]] * 1000
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time: write 2026-03-01T09:00:00+01:00, or 2h, or 3d", param_hint=name
        ) from None
    at = round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    if at > now:
        raise typer.BadParameter(f"{text} lies in the future", param_hint=name)
    return at
