"""How a vendor is asked for what lies at or after a time: filters and order, in its own dialects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from triggers.trigger import Since, Watch

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: int) -> str:
    """Epoch milliseconds as ISO 8601: `2026-03-01T08:00:00.000Z`."""
    return (EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(moment: int) -> int:
    """Epoch milliseconds as they are."""
    return moment


def ranges(*, added: str, updated: str, write: Callable[[int], str | int]) -> Since:
    """HighLevel's search bodies: a `range` filter, the only one a date takes, and a `sort` on one of two fields."""

    def since(watch: Watch, moment: int | None, newest_first: bool) -> dict[str, Any]:
        field = added if watch == "new" else updated
        sort = [{"field": field, "direction": "desc" if newest_first else "asc"}]
        if moment is None:
            return {"sort": sort}
        return {"filters": [{"field": field, "operator": "range", "value": {"gte": write(moment)}}], "sort": sort}

    return since
