"""Whether an event only tells what Hightide itself has done (docs/decisions/0010-echoes.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from worker.ledger.echoes import Past, Write
from worker.ledger.runs import ClaimedRun
from worker.ledger.store import Store

VALUES = ("value", "field_value", "fieldValue")
"""Where the value of a custom field lies, in records and in inputs."""
NOTHING = object()
"""What lies at a path that leads nowhere, or has an empty text, list or object at its end."""

Origin = Literal["ours", "theirs", "unknown"]
"""Whose a value is: what we wrote, what was there only after our write, or what no write of ours tells of."""


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
        return judged(run.record, run.kind, replace(past, writes=writes), view, run.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The part of a trigger's records that an automation reads; `reads` is None where that is the whole."""

    trigger: Trigger
    reads: frozenset[Path] | None

    def paths(self, records: Iterable[Any]) -> Collection[Path]:
        """The paths of these records that are read."""
        whole = {(name,) for record in records for name in record}
        return whole - unread(self.trigger) if self.reads is None else self.reads

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


def judged(record: Any, kind: str, past: Past, view: View, digest: str) -> str | None:
    """Why an event with this record is no news to an automation of that digest; None where it may be.

    A field is none where we wrote it last, or where it is as it was when the automation last acted on the record; a
    new record's empty fields are none either. Only writes of runs that were opened since that act count: of two
    people's changes that cross, the one that was found first wins on both sides.
    """
    acted = next((each for each in past.runs if each.state != "skipped"), None)
    since = [each for each in past.runs if acted is None or each.run >= acted.run]
    writes = [each for each in past.writes if acted is None or each.run >= acted.run]
    settled = acted is not None and acted.state == "done" and acted.digest == digest
    fresh = acted is None and "new" in (kind, *(each.kind for each in since))
    paths = view.paths([record, *(each.record for each in since)])
    echoed = []
    for path in paths:
        held = view.at(record, path)
        origin, run = _origin(path, held, writes, view)
        same = all(_same(held, view.at(each.record, path)) for each in since)
        known = origin == "unknown" and same and (settled or (fresh and held is NOTHING))
        if origin == "ours":
            echoed.append(run)
        elif not known:
            return None
    if echoed:
        return f"an echo of run {max(echoed)}: nobody else has changed anything that it reads"
    return f"all that it reads is as it was in run {acted.run}" if acted is not None and paths else None


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
