"""How an input is compared with what a vendor made of it, when looking whether an earlier attempt took effect."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

MARKUP = re.compile(r"<[^>]*>")


def comparable(value: Any) -> Any:
    """A text without markup, in lower case, its spaces single; a time with an offset in UTC; all else as it is."""
    if not isinstance(value, str):
        return value
    moment = _moment(value)
    if moment is not None and moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return " ".join(unescape(MARKUP.sub(" ", value)).split()).casefold()


def wall_clock(value: Any) -> Any:
    """Like `comparable`, but a time is what the clock on the wall shows: some lists leave the offset out."""
    moment = _moment(value) if isinstance(value, str) else None
    return comparable(value) if moment is None else moment.replace(tzinfo=None)


def _moment(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if "T" in value or " " in value else None
    except ValueError:
        return None
