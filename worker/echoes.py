"""Whether an event only tells what Hightide itself has done (docs/decisions/0010-echoes.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from actions.action import Action
from actions.comparison import comparable
from config.automation import Automation
from config.reads import reads_of, unread
from config.templates import Path
from connections.paging import at_path
from triggers.reading import fingerprint
from triggers.trigger import Trigger
from worker.ledger import echoes
from worker.ledger.echoes import Before, Past, Write
from worker.ledger.runs import ClaimedRun
from worker.ledger.store import Store

VALUES = ("value", "field_value", "fieldValue")
"""Where the value of a custom field lies, in records and in inputs."""
NOTHING = object()
"""What lies at a path that leads nowhere, or has an empty text, list or object at its end."""

Origin = Literal["ours", "theirs", "unknown"]
"""Whose a value is: what we wrote, what was there only after our write, or what no write of ours tells of."""
Content = Mapping[Path, Any]


@dataclass(frozen=True, slots=True)
class Echoes:
    """Tells echoes by what the ledger holds, and by the rows of the catalogues."""

    store: Store
    triggers: Mapping[str, Trigger]
    actions: Mapping[str, Action]

    async def reason(self, run: ClaimedRun, automation: Automation) -> str | None:
        """Why the run would only carry on what Hightide itself did; None where it may be a person's change."""
        trigger = self.triggers.get(automation.trigger.use)
        if trigger is None or run.kind == "removed":
            return None
        past = await self.store.read(echoes.past, run.id, automation.trigger.connection)
        if past is None:
            return None
        writes = [replace(each, answer=made_object(self.actions.get(each.action), each.answer)) for each in past.writes]
        view = View(trigger=trigger, reads=reads_of(automation, trigger))
        return judged(run.record, replace(past, writes=writes), view, run.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The part of a trigger's records that an automation reads; `reads` is None where that is the whole."""

    trigger: Trigger
    reads: frozenset[Path] | None

    def content(self, record: Any) -> Content:
        """What is read of a record, by path."""
        reads = {(name,) for name in record} - unread(self.trigger) if self.reads is None else self.reads
        return {path: self.at(record, path) for path in reads}

    def at(self, data: Any, path: Path) -> Any:
        """What lies at a path, in a form that can be compared; what goes on below a plain value is that value."""
        for name in path:
            if not isinstance(data, Mapping):
                break
            data = data.get(name, NOTHING)
        if isinstance(data, list) and path[0] in self.trigger.sets:
            data = _unordered(data)
        return NOTHING if data is None or data in ("", [], {}) else data


def made_object(action: Action | None, answer: Any) -> Any:
    """What an answer tells of the record that was written; None where it does not."""
    places = () if action is None or action.returns is None else action.returns
    places = (places,) if isinstance(places, str) else places
    place = next((place for place in places if at_path(answer, place) is not None), None)
    return None if place is None else at_path(answer, place.rpartition(".")[0])


def judged(record: Any, past: Past, view: View, digest: str) -> str | None:
    """Why an event with this record is no news to an automation of that digest; None where it may be.

    Only writes of runs that were opened after the automation last acted on the record count: of two people's changes
    that cross, the one that was found first wins on both sides.
    """
    acted = next((each for each in past.runs if each.state != "skipped"), None)
    writes = [each for each in past.writes if acted is None or each.run >= acted.run]
    held = view.content(record)
    found = [_origin(path, value, writes, view) for path, value in held.items()]
    origins = {origin for origin, _ in found}
    if origins == {"ours"}:
        return f"an echo of run {max(run for _, run in found)}: Hightide itself wrote all that it reads"
    if acted is None or "theirs" in origins or not _repeats(acted, held, past.runs, view, digest):
        return None
    return f"all that it reads is as it was in run {acted.run}"


def _origin(path: Path, held: Any, writes: Sequence[Write], view: View) -> tuple[Origin, int]:
    """Whose the value at a path is, by the last write of it, and the run that wrote it."""
    for write in writes:
        if not _names(write.given, path):
            continue
        given, answered = view.at(write.given, path), view.at(write.answer, path)
        if _same(held, _as_spelt(given, answered)):
            return "ours", write.run
        told = isinstance(write.answer, Mapping) and _names(write.answer, path)
        return "theirs" if told and not _same(held, answered) else "unknown", write.run
    return "unknown", 0


def _repeats(acted: Before, held: Content, runs: Sequence[Before], view: View, digest: str) -> bool:
    """Whether the automation has done all for this content, and the record has shown no other since."""
    if acted.state != "done" or acted.digest != digest:
        return False
    since = [each.record for each in runs if each.run >= acted.run]
    return all(_print(view.content(each)) == _print(held) for each in since)


def _names(given: Any, path: Path) -> bool:
    """Whether the inputs of a write say anything about a path, be it that nothing should be there."""
    for name in path:
        if not isinstance(given, Mapping):
            return True
        if name not in given:
            return False
        given = given[name]
    return True


def _as_spelt(given: Any, answered: Any) -> Any:
    """What was written as the vendor spells it, where the answer differs from it in nothing else.

    A vendor may keep what it had before, which another wrote: so not all that it answers is ours.
    """
    if isinstance(given, Mapping) and isinstance(answered, Mapping):
        return {name: _as_spelt(value, answered.get(name, NOTHING)) for name, value in given.items()}
    return answered if _same(_loosely(given), _loosely(answered)) else given


def _loosely(value: Any) -> Any:
    listed = isinstance(value, list)
    return sorted((_loosely(each) for each in value), key=fingerprint) if listed else comparable(value)


def _unordered(values: list[Any]) -> Any:
    """A list that has no order: by the ids in it, as custom fields are, or sorted."""
    if all(isinstance(each, Mapping) and "id" in each for each in values):
        return {str(each["id"]): _value(each) for each in values if _value(each) not in (None, "", [])}
    return sorted(values, key=fingerprint)


def _value(entry: Mapping[str, Any]) -> Any:
    return next((entry[name] for name in VALUES if name in entry), entry)


def _same(one: Any, other: Any) -> bool:
    if one is NOTHING or other is NOTHING:
        return one is other
    return fingerprint(one) == fingerprint(other)


def _print(content: Content) -> str:
    """The same for contents that differ in nothing but what is empty."""
    return fingerprint({"/".join(path): value for path, value in content.items() if value is not NOTHING})
