"""The catalogue of triggers: every row of every category."""

from __future__ import annotations

from collections.abc import Mapping

from connections.rows import rows_of
from triggers import ghl
from triggers.trigger import Trigger

CATALOG: Mapping[str, Trigger] = rows_of(ghl)
EXTRAS: Mapping[str, Trigger] = rows_of(ghl, extra=True)
