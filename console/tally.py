"""Counting what a demo did, from the vendor's side: which effects were due, which came, which came twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from actions.action import Action, Natural
from actions.catalog import CATALOG as ACTIONS

Effects = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One action that each of these contacts (ids) should have met exactly once."""

    action: str
    contacts: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came of what was due.

    `lost` and `twice` count (action, contact) pairs without their effect, and effects that came once too often or were
    never due. What leaves the same state when it is done again counts as `repeated` instead.
    """

    due: int
    met: int
    lost: int
    twice: int
    repeated: int


def tally(due: Iterable[Due], effects: Effects) -> Tally:
    """Hold the vendor's log of effects against what was due."""
    wanted = {(each.action, contact) for each in due for contact in each.contacts}
    seen = Counter(_met(effect) for effect in effects)
    extra = {pair: count - (1 if pair in wanted else 0) for pair, count in seen.items()}
    repeated = sum(count for (action, _), count in extra.items() if _natural(action))
    return Tally(
        due=len(wanted),
        met=len(wanted & seen.keys()),
        lost=len(wanted - seen.keys()),
        twice=sum(extra.values()) - repeated,
        repeated=repeated,
    )


def _met(effect: Mapping[str, Any]) -> tuple[str, str]:
    """The action that an effect is one of, and the contact it is about."""
    place = _places().get((effect["method"], _bare(effect["route"])), f"{effect['method']} {effect['route']}")
    inside = re.match(r"/contacts/([^/]+)/", effect["path"])
    return place, inside[1] if inside else str(effect["id"])


def _natural(action: str) -> bool:
    return action in ACTIONS and isinstance(ACTIONS[action].repeat, Natural)


def _places() -> dict[tuple[str, str], str]:
    return {(row.send.method, _bare(row.send.path)): row.id for row in _writing()}


def _writing() -> Iterable[Action]:
    return (row for row in ACTIONS.values() if row.send.method != "GET")


def _bare(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)
