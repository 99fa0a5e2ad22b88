"""Sample records: for each trigger one record as its events carry it, so that authors see which fields there are.

They come from the vendor's simulation; a test keeps them like it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

FILE = Path(__file__).parent / "ghl" / "samples.json"


def sample(trigger: str) -> dict[str, Any] | None:
    """The sample record of a trigger, where there is one."""
    return _samples().get(trigger)


@cache
def _samples() -> dict[str, dict[str, Any]]:
    samples: dict[str, dict[str, Any]] = orjson.loads(FILE.read_bytes())
    return samples
