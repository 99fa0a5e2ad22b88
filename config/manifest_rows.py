"""The triggers and actions of a manifest as the very rows that the built-in ones are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from actions.action import Action, Bulk, Guarded, Natural, Probe, Repeat, Unsafe
from config.automation import Every
from config.document import Place
from config.findings import Findings, strings
from config.manifest_requests import (
    Asked,
    check_inputs,
    check_known,
    check_path,
    places,
    read_line,
    read_paging,
    read_request,
)
from config.manifest_shapes import ACTION, TRIGGER
from config.problems import listed, meant
from config.references import Scope, faults_of_template
from config.schedule import Unclear, interval
from config.templates import TemplateError, is_template, render
from config.value_types import ValueType, shape
from connections.fields import Duration, span
from connections.operation import Operation
from connections.paging import OnePage, Paging
from triggers.since import iso
from triggers.trigger import Availability, Object, Since, Snapshot, Strategy, Trigger, Watch, Watermark, Within

_STRATEGIES = ("watermark", "snapshot", "object", "availability")
_ROOTS = ("since", "since_ms", "since_s", "watch", "newest_first")
_SOME_TIME = 1_772_355_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the rows of one connector have in common."""

    kind: str
    title: str
    version: str
    paging: Paging


def read_trigger(name: str, value: Any, origin: Origin, place: Place, found: Findings) -> Trigger | None:
    """The trigger of that name; None where it is at fault, which is among the findings."""
    before = len(found.problems)
    given = found.sound(TRIGGER, value, place)
    if not isinstance(value, dict):
        return None
    asked = read_request(given, name, origin.version, place, found, constants=False)
    strategy = _strategy([name for name in _STRATEGIES if name in value], given, asked, place, found)
    for field in ("records", "key"):
        check_path(given.get(field, ()), (*place, field), found)
    every = _every(given.get("every", "5m"), (*place, "every"), found)
    check_known(given.get("one_of", ()), asked.types, (*place, "one_of"), found)
    events = strategy.events if strategy else ()
    on = given.get("on", next(iter(events), "new"))
    if strategy and on not in events:
        found.fault((*place, "on"), f"it has no event `{on}`", meant(on, events))
    paging = read_paging(given.get("pagination"), origin.paging, (*place, "pagination"), found)
    if len(found.problems) > before or strategy is None:
        return None
    return Trigger(
        id=f"{origin.kind}.{name}",
        summary=given["summary"],
        fetch=asked.operation,
        strategy=strategy,
        records=_one(given.get("records", "")),
        key=places(given.get("key", "id")),
        paging=OnePage() if isinstance(strategy, Object) and "pagination" not in given else paging,
        fixed=given.get("fixed", {}),
        one_of=tuple(given.get("one_of", ())),
        gone=given.get("gone", {}),
        volatile=tuple(given.get("volatile", ())),
        sets=tuple(given.get("sets", ())),
        scopes=tuple(given.get("scopes", ())),
        token="either",
        every=every,
        default_event=on,
        wakes=tuple(given.get("wakes", ())),
        warning=given.get("warning"),
        category=given.get("category", origin.title),
    )


def _one(given: str | list[str]) -> str | tuple[str, ...]:
    return given if isinstance(given, str) else tuple(given)


def _every(text: str, place: Place, found: Findings) -> timedelta:
    try:
        told = interval(text)
    except Unclear as exc:
        found.fault(place, str(exc), exc.hint)
        return timedelta(minutes=5)
    if isinstance(told, Every):
        return timedelta(seconds=told.seconds)
    found.fault(place, "should be an interval of its own", "an automation may say `auto`")
    return timedelta(minutes=5)


def _strategy(
    told: Sequence[str], given: Mapping[str, Any], asked: Asked, place: Place, found: Findings
) -> Strategy | None:
    """The strategy, where exactly one is `told` and nothing is wrong with it."""
    if len(told) != 1:
        message = f"has both {listed(told)}" if told else f"one of {listed(_STRATEGIES)} is missing"
        found.fault((*place, told[1]) if told else place, message, "how is it known what is new?", key=True)
        return None
    value, inside = given.get(told[0]), (*place, told[0])
    if value is None:
        return None
    match told[0]:
        case "watermark":
            strategy: Strategy = _watermark(value, inside, found)
        case "snapshot":
            strategy = _snapshot(value, asked, inside, found)
        case "object":
            strategy = Object(named="key" in given)
        case _:
            strategy = Availability(**{**value, "waiting": tuple(value.get("waiting", ()))})
    return _with_events(strategy, given, place, found)


def _with_events(strategy: Strategy, given: Mapping[str, Any], place: Place, found: Findings) -> Strategy:
    possible = strategy.events
    if isinstance(strategy, Availability):
        possible = ("new", "changed", "removed")
    for number, event in enumerate(given.get("events", ())):
        if event not in possible:
            found.fault((*place, "events", number), f"there can be no event `{event}`", meant(event, possible))
    if "events" not in given:
        return strategy
    told = {name: getattr(strategy, name) for name in type(strategy).__dataclass_fields__}
    return type(strategy)(**{**told, "events": tuple(given["events"])})


def _watermark(given: Mapping[str, Any], place: Place, found: Findings) -> Watermark:
    told = given.get("since", [])
    several = isinstance(told, list)
    templates = told if several else [told]
    since = tuple(
        _since(each, (*place, "since", at) if several else (*place, "since"), found)
        for at, each in enumerate(templates)
    )
    updates = "updated" in given or "also" in given
    return Watermark(
        added=given.get("added", ""),
        updated=given.get("updated"),
        also=given.get("also"),
        since=since,
        lookback=_length(given.get("lookback", "2m"), (*place, "lookback"), found),
        events=("new", "updated") if updates else ("new",),
    )


def _since(template: Mapping[str, Any], place: Place, found: Findings) -> Since:
    """What asks for records from a time on, out of its template; what renders to nothing is left out."""

    def since(watch: Watch, moment: int | None, newest_first: bool) -> dict[str, Any]:
        context = {
            "since": None if moment is None else iso(moment),
            "since_ms": moment,
            "since_s": None if moment is None else moment // 1000,
            "watch": watch,
            "newest_first": newest_first,
        }
        rendered: dict[str, Any] = render(dict(template), context)
        return {name: value for name, value in rendered.items() if value not in (None, "")}

    before = len(found.problems)
    for where, text in strings(dict(template), place):
        if is_template(text):
            found.check_text(text, where, partial(faults_of_template, scope=Scope(roots=_ROOTS)))
    if len(found.problems) == before:
        _try_out(since, place, found)
    return since


def _try_out(since: Since, place: Place, found: Findings) -> None:
    try:
        asked = [since("new", moment, first) for moment in (None, _SOME_TIME) for first in (True, False)]
    except TemplateError as exc:
        found.fault((*place, *exc.path), f"the template fails: {exc.message}")
        return
    if asked[1] == asked[3]:
        found.fault(place, "asks the same with a time as without", "`{{ since }}` is the time, in ISO 8601")


def _snapshot(given: Mapping[str, Any], asked: Asked, place: Place, found: Findings) -> Snapshot:
    within = given.get("within")
    if within is not None and "parameter" in within:
        told = asked.types.get(within["parameter"])
        if told is None or not _is_duration(told.hint):
            message = f"there is no parameter `{within['parameter']}` of type `duration`"
            found.fault((*place, "within", "parameter"), message)
    return Snapshot(
        version=given.get("version"),
        added=given.get("added"),
        missing=given.get("missing", 1),
        within=None if within is None else Within(at=within.get("at", ""), parameter=within.get("parameter", "")),
    )


def _is_duration(hint: Any) -> bool:
    marks = getattr(Duration, "__metadata__", ())
    return tuple(getattr(hint, "__metadata__", ())[: len(marks)]) == marks


def _length(text: str, place: Place, found: Findings) -> timedelta:
    try:
        return span(text)
    except ValueError as exc:
        found.fault(place, f"`{text}` {exc}")
        return timedelta()


def read_action(name: str, value: Any, origin: Origin, place: Place, found: Findings) -> Action | None:
    """The action of that name; None where it is at fault, which is among the findings."""
    before = len(found.problems)
    given = found.sound(ACTION, value, place)
    if not isinstance(value, dict):
        return None
    asked = read_request(given, name, origin.version, place, found, constants=True)
    for field in ("one_of", "only_one_of"):
        check_known(given.get(field, ()), asked.types, (*place, field), found)
    repeat = _repeat(given, asked, origin, place, found)
    check_path(given.get("returns", ()), (*place, "returns"), found)
    bulk = given.get("bulk")
    if bulk is not None and "field" in bulk and bulk["field"] not in asked.types:
        message = f"there is no parameter `{bulk['field']}`"
        found.fault((*place, "bulk", "field"), message, meant(bulk["field"], asked.types))
    if len(found.problems) > before:
        return None
    return Action(
        id=f"{origin.kind}.{name}",
        summary=given["summary"],
        send=asked.operation,
        repeat=repeat,
        returns=_one(given["returns"]) if "returns" in given else None,
        one_of=tuple(given.get("one_of", ())),
        only_one_of=tuple(given.get("only_one_of", ())),
        missing_is_done=given.get("missing_is_done", False),
        bulk=None if bulk is None else Bulk(**bulk),
        scopes=tuple(given.get("scopes", ())),
        token="either",
        warning=given.get("warning"),
        category=given.get("category", origin.title),
    )


def _repeat(given: Mapping[str, Any], asked: Asked, origin: Origin, place: Place, found: Findings) -> Repeat:
    natural = asked.operation.method in {"GET", "PUT", "DELETE"}
    kind = given.get("repeat", "natural" if natural else "unsafe")
    probe = None
    if "probe" in given and kind == "natural":
        found.fault((*place, "probe"), "nothing is looked for where twice is the same as once", key=True)
    elif "probe" in given:
        probe = _probe(given["probe"], asked.types, origin, (*place, "probe"), found)
    if "refusals" in given and kind != "guarded":
        found.fault((*place, "refusals"), "`refusals` belong to `repeat: guarded`", key=True)
    match kind:
        case "guarded" if probe is not None:
            return Guarded(probe=probe, refusals=given.get("refusals", {}))
        case "guarded" if "probe" not in given:
            found.fault((*place, "repeat"), "`guarded` needs a `probe`", "how is it seen that it took effect?")
        case "unsafe":
            return Unsafe(probe=probe)
    return Natural()


def _usual(path: str, origin: Origin) -> Paging:
    """A path that ends with a parameter leads to one object, which has no pages."""
    return OnePage() if path.endswith("}") else origin.paging


def _probe(
    given: Mapping[str, Any], types: Mapping[str, ValueType], origin: Origin, place: Place, found: Findings
) -> Probe:
    before = len(found.problems)
    method, path = read_line(given.get("request", ""), (*place, "request"), found)
    asks, same = given.get("asks", {}), given.get("same", {})
    for field in ("records", "since", "id"):
        check_path(given.get(field, ()), (*place, field), found)
    if method not in {"GET", "POST"}:
        found.fault((*place, "request"), f"a {method} does not look, it changes", "a GET, or a POST that searches")
    check_inputs(asks, types, (*place, "asks"), found)
    check_inputs(same, types, (*place, "same"), found)
    plain = Operation(method="GET", path=path)
    for name in plain.path_params:
        if name not in asks:
            found.fault((*place, "asks"), f"`{{{name}}}` of the path is not asked for", key=True)
    settles = _length(given.get("settles", "10s"), (*place, "settles"), found)
    if not (same or given.get("unless") or plain.path_params) and len(found.problems) == before:
        found.fault(place, "needs `same`", "by which fields is what it made recognised?", key=True)
    named = shape("Look", {name: ValueType(hint=Any) for name in asks if name not in plain.path_params})
    body = method != "GET"
    return Probe(
        find=Operation(
            method=method,  # type: ignore[arg-type]  # checked by read_line
            path=path,
            query=None if body else named,
            body=named if body else None,
            version=origin.version,
        ),
        records=_one(given.get("records", "")),
        same=same,
        asks=asks,
        fixed=given.get("fixed", {}),
        paging=read_paging(given.get("pagination"), _usual(path, origin), (*place, "pagination"), found),
        unless=given.get("unless", {}),
        since=given.get("since"),
        id=given.get("id", "id"),
        settles=settles,
    )
