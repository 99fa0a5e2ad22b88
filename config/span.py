"""Spans of time as people write them: `30s`, `10m`, `2h`, `2d`, up to 90 days."""

from __future__ import annotations

import re
from datetime import timedelta

LONGEST = timedelta(days=90)


def spelled(length: timedelta) -> str:
    """The span in its largest unit that is whole: `2d`, and `25h` for a day and an hour."""
    seconds = round(length.total_seconds())
    count, unit = next((seconds // size, unit) for unit, size in _SIZES if seconds % size == 0)
    return f"{count}{unit}"


def signed(text: str) -> timedelta:
    """The span that is written so, of any length; with `-` in front it leads back.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"([+-]?)(\d{1,7})([smhd])", text)
    if found is None:
        raise ValueError(f"{text!r} is no span of time: expected such as 30s, 10m, 2h, 2d or -2d")
    seconds = int(found[2]) * dict(_SIZES)[found[3]]
    return timedelta(seconds=-seconds if found[1] == "-" else seconds)


def spanned(text: str) -> timedelta:
    """The span that is written so.

    Raises:
        ValueError: it is none, or not between a second and 90 days; the message says which.
    """
    found = re.fullmatch(r"(\d{1,7})([smhd])", text)
    if found is None:
        raise ValueError("is no span of time")
    seconds = int(found[1]) * dict(_SIZES)[found[2]]
    if not 0 < seconds <= LONGEST.total_seconds():
        raise ValueError("is not between 1s and 90d")
    return timedelta(seconds=seconds)


_SIZES = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
