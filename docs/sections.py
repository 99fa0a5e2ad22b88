"""The catalogue's rows in words: a section for each trigger and action, a page for each category."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO

from actions.action import Action, Guarded, Natural, Unsafe
from config.parameters import Call, polled, sent
from connections.example import example
from connections.names import by_name
from connections.operation import Operation, inputs_of, parameters_of
from docs.words import NOTICE, Lines, kind_of, listed, sentence, span, table, told_of
from triggers.trigger import Availability, Object, Snapshot, Trigger, Watermark

FOLDER = "reference/catalogue"
SOURCE = "the rows in triggers/ and actions/, or config/connectors/"
HOMES = {"ghl": "acme"}
"""The connection that the examples work on, by its kind; those of other kinds are called as their kind is."""


def parameters(call: Call) -> Lines:
    """A table of what goes under `with:`."""
    schema = inputs_of(call.operation).json_schema()
    shared, needed = schema.get("$defs", {}), schema.get("required", ())
    known = {each.name: each for each in parameters_of(call.operation)}
    filled = {name for name, each in known.items() if each.source}
    rows = [
        (
            f"`{name}`",
            _need(name, needed, filled),
            by_name(known[name].hint, kind_of(field, shared)),
            told_of(field, shared),
        )
        for name, field in schema.get("properties", {}).items()
        if name not in call.supplied
    ]
    if not rows:
        yield "It takes no parameters."
        return
    yield from table(("parameter", "needed", "what it is", "what it says"), rows)
    for names, how in ((call.one_of, "At least one"), (call.only_one_of, "Exactly one")):
        if names:
            yield ""
            yield f"{how} of {listed(names)} must be given."


def _need(name: str, needed: Sequence[str], filled: set[str]) -> str:
    if name in filled:
        return "the connection's"
    return "yes" if name in needed else ""


def trigger_section(row: Trigger) -> Lines:
    """What is to be said about a trigger."""
    yield f"### {row.id}"
    yield ""
    yield sentence(row.summary)
    yield ""
    yield f"- Events: {', '.join(f'`{name}`' + (' (default)' * (name == row.default_event)) for name in row.events)}."
    yield f"- Polled every {span(row.every)} unless the automation says otherwise."
    yield f"- {knowing(row)}"
    yield from _access(row.fetch, row.scopes, row.token, row.warning)
    yield ""
    call = polled(row)
    yield from parameters(call)
    yield ""
    given = {name: value for name, value in example(row.fetch).items() if name not in call.supplied}
    chosen = row.one_of[:1]
    whole = example(row.fetch, whole=True)
    given |= {name: whole[name] for name in chosen if name not in given}
    use = {"use": row.id, "connection": HOMES.get(kind_in(row.id), kind_in(row.id)), "on": row.default_event}
    yield from block({"trigger": {**use, **({"with": given} if given else {})}})


def knowing(row: Trigger) -> str:
    """How the trigger tells what is new, in one sentence."""
    match row.strategy:
        case Watermark(updated=updated, lookback=lookback):
            times = listed(filter(None, (row.strategy.added, updated)))
            return f"It goes by the record's time ({times}), and looks back {span(lookback)} for late arrivals."
        case Snapshot(version=None):
            return "It lists everything and compares each record with what it was."
        case Snapshot(version=version):
            return f"It lists everything and compares each record's `{version}`."
        case Object():
            return "It asks for one object and compares it with what it was."
        case Availability(once=True):
            return "It asks until there is an answer; after its first event the feed has done its work."
        case Availability():
            return "It compares what is there with what was there before."
        case _:
            assert_never(row.strategy)


def action_section(row: Action) -> Lines:
    """What is to be said about an action."""
    yield f"### {row.id}"
    yield ""
    yield sentence(row.summary)
    yield ""
    yield f"- {repeating(row)}"
    yield from _access(row.send, row.scopes, row.token, row.warning)
    yield ""
    whole = example(row.send, whole=True)
    given = example(row.send)
    given |= {name: whole[name] for name in (*row.one_of[:1], *row.only_one_of[:1]) if name in whole}
    yield from parameters(sent(row, given))
    yield ""
    elsewhere = {} if kind_in(row.id) in HOMES else {"connection": kind_in(row.id)}
    yield from block([{"use": row.id, **elsewhere, **({"with": given} if given else {})}])


def repeating(row: Action) -> str:
    """What happens when nobody knows whether it took effect, in one sentence."""
    unknown = "When nobody knows whether it took effect,"
    match row.repeat:
        case Natural():
            return f"{unknown} it is sent again: twice leaves the same state as once."
        case Guarded():
            return f"{unknown} Hightide looks, and sends it again only if it did not."
        case Unsafe(probe=None):
            return f"{unknown} a person is asked: the vendor has no way to look."
        case Unsafe():
            return f"{unknown} Hightide looks; if nothing is found, a person is asked."
        case _:
            assert_never(row.repeat)


def _access(operation: Operation, scopes: Sequence[str], token: str, warning: str | None) -> Lines:
    yield f"- Calls `{operation.method} {operation.path}`."
    if scopes:
        whose = {"location": "a location's token", "agency": "an agency's token"}.get(token, "either kind of token")
        yield f"- Needs {whose} with {listed(scopes)}."
    if warning:
        yield f"- Mind: {sentence(warning)}"


def block(value: Any) -> Lines:
    """A block of YAML."""
    yaml, text = YAML(), StringIO()
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(value, text)
    written = text.getvalue().rstrip()
    yield "```yaml"
    yield from re.sub(r"^  ", "", written, flags=re.MULTILINE).splitlines() if isinstance(value, list) else [written]
    yield "```"


def kind_in(id_: str) -> str:
    """The kind of vendor that an operation belongs to."""
    return id_.partition(".")[0]


def catalogue(triggers: Mapping[str, Trigger], actions: Mapping[str, Action]) -> dict[str, str]:
    """The page of each category of each kind, and the one that lists them."""
    groups: dict[tuple[str, str], tuple[list[Trigger], list[Action]]] = {}
    for _, trigger in sorted(triggers.items()):
        groups.setdefault((kind_in(trigger.id), trigger.category), ([], []))[0].append(trigger)
    for _, action in sorted(actions.items()):
        groups.setdefault((kind_in(action.id), action.category), ([], []))[1].append(action)
    pages = {
        f"{FOLDER}/{page_name(kind, category)}": _category(category, *rows) for (kind, category), rows in groups.items()
    }
    lines = ["# Catalogue", "", NOTICE.format(source=SOURCE)]
    for kind in sorted({kind for kind, _ in groups}, key=lambda kind: (kind not in HOMES, kind)):
        counts = [
            (f"[{category}]({page_name(kind, category)})", str(len(polled_)), str(len(done)))
            for (each, category), (polled_, done) in sorted(groups.items())
            if each == kind
        ]
        lines += ["", f"## {kind}", "", *table(("category", "triggers", "actions"), counts)]
    return {**pages, f"{FOLDER}/README.md": "\n".join(lines) + "\n"}


def page_name(kind: str, category: str) -> str:
    """The file of a category's page."""
    slug = re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")
    return f"{slug}.md" if kind in HOMES or slug.startswith(kind) else f"{kind}-{slug}.md"


def _category(category: str, triggers: Sequence[Trigger], actions: Sequence[Action]) -> str:
    lines = [f"# {category}", "", NOTICE.format(source=SOURCE)]
    for title, sections in (
        ("Triggers", [trigger_section(row) for row in triggers]),
        ("Actions", [action_section(row) for row in actions]),
    ):
        if sections:
            lines += ["", f"## {title}"]
        for section in sections:
            lines += ["", *section]
    return "\n".join(lines) + "\n"
