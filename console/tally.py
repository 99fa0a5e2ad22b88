"""Counting what a demo did, from the vendors' side: which effects were due, which came, which came twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from actions.action import Natural
from config.catalogues import catalogues

Effects = Iterable[Mapping[str, Any]]
RANKR = "/rankr"
"""Where the sandbox has its Rankr."""
OURS = "Rankr "
"""How the titles of the examples' notes about papers in Rankr begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One action that each of these should have met exactly once.

    They are contacts, or documents in Rankr where the action is about one, by id; notes on what is in Rankr, by title.
    """

    action: str
    each: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came of what was due.

    `lost` and `twice` count those that were due and did not come, and effects that came once too often or were never
    due. What leaves the same state when it is done again counts as `repeated` instead.
    """

    due: int
    met: int
    lost: int
    twice: int
    repeated: int


def tally(due: Iterable[Due], effects: Effects) -> Tally:
    """Hold a vendor's log of effects against what was due."""
    wanted = {(one.action, each) for one in due for each in one.each}
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


def met(effects: Effects) -> Mapping[tuple[str, str], str]:
    """The actions that took effect, each with what it is about, and the ids of what they made."""
    return {_met(effect): str(effect["id"]) for effect in effects}


def subject(inputs: Mapping[str, Any]) -> str:
    """What an action with these inputs is about, as its effect says it: a title, or a contact's id."""
    title = str(inputs.get("title", ""))
    return title if title.startswith(OURS) else str(inputs.get("contactId"))


def _met(effect: Mapping[str, Any]) -> tuple[str, str]:
    """The action that an effect is one of, and what it is about."""
    place = _places().get((effect["method"], _bare(effect["route"])), f"{effect['method']} {effect['route']}")
    body = effect.get("body") or {}
    if str(body.get("title", "")).startswith(OURS):
        return place, body["title"]
    inside = re.match(r".*/(?:contacts|documents)/([^/]+)/", effect["path"])
    return place, inside[1] if inside else str(body.get("external_id") or effect["id"])


def _natural(action: str) -> bool:
    known = catalogues().actions
    return action in known and isinstance(known[action].repeat, Natural)


@cache
def _places() -> dict[tuple[str, str], str]:
    """The actions by what they send, as the sandbox notes it."""
    return {
        (row.send.method, _bare(f"{RANKR if row.id.startswith('rankr.') else ''}{row.send.path}")): row.id
        for row in catalogues().actions.values()
        if row.send.method != "GET"
    }


def _bare(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)
