"""The catalogue of actions: every row of every category."""

from __future__ import annotations

from collections.abc import Mapping

from actions import ghl
from actions.action import Action
from connections.rows import rows_of

CATALOG: Mapping[str, Action] = rows_of(ghl)
EXTRAS: Mapping[str, Action] = rows_of(ghl, extra=True)
