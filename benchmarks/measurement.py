"""What one round of one system measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round measured.

    `seconds` go from the first request of the poll that finds the burst to the last effect; without a poll, from the
    start. `waited` is what lies between the start and that first request. `cpu` (seconds) and `memory` (peak MB) are by
    part: `system`, `vendor`, `valkey`, `postgres`.
    """

    system: str
    records: int
    seconds: float
    waited: float
    cpu: Mapping[str, float]
    memory: Mapping[str, float]
    lost: int
    doubled: int
    load: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds
