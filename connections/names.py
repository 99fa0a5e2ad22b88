"""What people call by its name and vendors by an id: the marks of such parameters, and finding the id of a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import Field

_ID = re.compile(r"[0-9A-Za-z]{20}|[0-9a-f]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Thing = Literal["calendar", "custom field", "pipeline", "stage", "user"]
Names = Mapping[str, Mapping[str, str]]
"""For each name in lower case: the ids it may mean, each with the name as the location writes it."""


class UnknownName(LookupError):
    """Nothing in the location has that name or id, or more than one thing has."""


@dataclass(frozen=True, slots=True)
class Named:
    """Marks an id, or a list of ids, that may be written as a name.

    `within` is the parameter that says in which other thing it is looked for, `but` are words that are neither.
    """

    thing: Thing
    within: str | None = None
    but: tuple[str, ...] = ()


PipelineId = Annotated[str, Named("pipeline"), Field(description="The pipeline.")]
StageId = Annotated[str, Named("stage", within="pipelineId"), Field(description="The stage of the pipeline.")]
UserId = Annotated[str, Named("user"), Field(description="The user.")]
CalendarId = Annotated[str, Named("calendar"), Field(description="The calendar.")]
UserIds = Annotated[list[str], Named("user"), Field(description="Users.")]


def by_name(hint: Any, words: str) -> str:
    """A parameter's type in words for people, where what is meant may be written by its name, too."""
    mark = next((each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Named)), None)
    if mark is None:
        return words
    return words.replace("text", "id, e-mail address or name" if mark.thing == "user" else "id or name")


def is_id(text: str) -> bool:
    """Whether a text looks like one of HighLevel's ids: 20 letters and digits, 24 hexadecimal digits, or a UUID."""
    return _ID.fullmatch(text) is not None


def names_of(records: Iterable[Mapping[str, Any]], fields: Iterable[str]) -> Names:
    """What the records may be called: by their id, and by what stands in these fields."""
    named = ((each["id"], each.get(field)) for each in records for field in ("id", *fields))
    return names((id_, name) for id_, name in named if isinstance(name, str))


def names(pairs: Iterable[tuple[str, str]]) -> Names:
    """The names of things, from pairs of an id and one of its names."""
    found: dict[str, dict[str, str]] = {}
    for id_, name in pairs:
        if name.strip():
            found.setdefault(name.strip().casefold(), {})[id_] = name.strip()
    return found


def found(name: str, known: Names, thing: Thing, see: str, where: str = "the location") -> str:
    """The id of what has this name, in any case; `see` is the trigger that lists them all.

    Raises:
        UnknownName: nothing has it, or more than one thing.
    """
    ids = known.get(name.strip().casefold(), {})
    if len(ids) == 1:
        return next(iter(ids))
    if ids:
        raise UnknownName(f"{len(ids)} {thing}s of {where} are called {name!r}: write the id instead")
    near = get_close_matches(name.casefold(), known, n=1)
    hint = f"did you mean {next(iter(known[near[0]].values()))!r}?" if near else f"see {see}"
    raise UnknownName(f"{where} has no {thing} {name!r}: {hint}")
