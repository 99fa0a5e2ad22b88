"""A clock in epoch milliseconds that moves only when it is told to."""

from __future__ import annotations

from dataclasses import dataclass

START = 1_800_000_000_000


@dataclass
class Clock:
    now: int = START

    def __call__(self) -> int:
        return self.now

    def advance(self, milliseconds: int) -> None:
        self.now += milliseconds
