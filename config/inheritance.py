"""A manifest that changes another one, and values that are stated once and stand in many places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from config.document import Document, Mark, Place
from config.findings import Findings
from config.problems import close, meant

_REFERENCE = re.compile(r"(?<!\?)(?<!\?P)<([a-z][a-z0-9_.-]*)>")
_STRATEGIES = frozenset({"watermark", "snapshot", "object", "availability"})
_KINDS = frozenset({"type", "one_of", "list_of", "fields"})
_TYPED = frozenset({"path", "query", "body", "fields"})
"""What holds parameters by name, each with its type."""
_WHOLE = frozenset({"pagination", "since", "values"})
"""What makes sense only as a whole: it replaces what was there, and is not mixed with it."""


def merged(below: Mapping[str, Any], above: Mapping[str, Any], place: Place = ()) -> dict[str, Any]:
    """What `below` says, changed by what `above` says: mappings are merged, all else is replaced, null takes away.

    Of what excludes one another (a trigger's strategies, a type's kinds), what `above` says takes the other's place.
    """
    group = _exclusive(place)
    chosen = group & {name for name, value in above.items() if value is not None}
    made = {name: value for name, value in below.items() if not (chosen and name in group - chosen)}
    for name, value in above.items():
        if value is None:
            made.pop(name, None)
            continue
        before = made.get(name)
        if isinstance(before, str) and isinstance(value, Mapping) and place and place[-1] in _TYPED:
            before = {"type": before}
        both = isinstance(before, Mapping) and isinstance(value, Mapping) and name not in _WHOLE
        made[name] = merged(before, value, (*place, name)) if both else value  # type: ignore[arg-type]  # both are
    return made


def _exclusive(place: Place) -> frozenset[str]:
    if len(place) == 2 and place[0] == "triggers":
        return _STRATEGIES
    return _KINDS if place[-1:] == ("list_of",) or (len(place) > 1 and place[-2] in _TYPED) else frozenset()


def stated(found: Findings) -> Document:
    """The document with every `<name>` replaced by the value that `assumed` gives it, in values and in names alike.

    A text that is nothing but `<name>` becomes the value itself. A name that is not there is a fault; one that nothing
    refers to is a warning.
    """
    document = found.document
    known = document.value.get("assumed") if isinstance(document.value, dict) else None
    reading = _Reading(found, known if isinstance(known, dict) else {})
    value = {
        name: each if name == "assumed" else reading.value(each, (name,), (name,))
        for name, each in document.value.items()
    }
    for name in reading.known.keys() - reading.used:
        if ("assumed", name) in document.keys:  # what it extends may state more than is left in use
            found.warn(("assumed", name), f"nothing refers to `<{name}>`", close(name, reading.unknown))
    return replace(document, value=value, keys=reading.moved(document.keys), values=reading.moved(document.values))


class _Reading:
    """One walk through a document: what is referred to, and where things have moved to as names changed."""

    def __init__(self, found: Findings, known: Mapping[str, Any]) -> None:
        self.found = found
        self.known = known
        self.used: set[str] = set()
        self.unknown: set[str] = set()
        self.places: dict[Place, Place] = {}

    def value(self, value: Any, before: Place, after: Place) -> Any:
        """The value at a place, its references replaced; `after` is the place that it will have."""
        if before != after:
            self.places[before] = after
        if isinstance(value, str):
            return self.text(value, before)
        if isinstance(value, list):
            return [self.value(each, (*before, at), (*after, at)) for at, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        named = {name: str(self.text(name, (*before, name))) for name in value}
        return {named[name]: self.value(each, (*before, name), (*after, named[name])) for name, each in value.items()}

    def text(self, text: str, place: Place) -> Any:
        """A text with its references replaced."""
        whole = _REFERENCE.fullmatch(text)
        if whole:
            return self.named(whole[1], place, text)
        return _REFERENCE.sub(lambda found: str(self.named(found[1], place, found[0])), text)

    def named(self, name: str, place: Place, instead: str) -> Any:
        """The value of that name; where there is none, which is a fault, what stands there."""
        self.used.add(name)
        if name in self.known:
            return self.known[name]
        self.unknown.add(name)
        self.found.fault(place, f"`<{name}>` is not among `assumed`", meant(name, self.known))
        problem = self.found.document.problem(place, "")
        self.found.told.add((problem.line, problem.column))  # what else is wrong with it follows from that
        return instead

    def moved(self, marks: Mapping[Place, Mark]) -> dict[Place, Mark]:
        """The marks of a document by the places that things have now."""
        return {self.places.get(place, place): mark for place, mark in marks.items()}
