"""Orders: a poll or an action that another Celery application asks for by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from pydantic import SecretStr
from sqlalchemy import Connection, case, update

from actions.action import Action
from config.project import Project
from connections.request import InvalidInputs, check
from triggers.reading import Event, fingerprint
from triggers.trigger import Watch
from worker.deploy import Feed, stored, watch_of
from worker.ledger import feeds, runs
from worker.ledger.feeds import upsert
from worker.ledger.runs import ClaimedRun
from worker.ledger.tables import AUTOMATIONS, FEEDS
from worker.poll import NEVER
from worker.seal import NoKey, opened, sealed
from worker.vault import keys_of

ORDERED = "celery"
"""The feed under which ordered actions stand in the ledger, keyed by the id of their message."""


class BadOrder(Exception):
    """A message that cannot be carried out as it is; what is wrong, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOrder:
    """One action with its inputs, on one connection; what is secret in them is sealed."""

    action: str
    connection: str
    inputs: Mapping[str, Any]


def poll(project: Project, trigger: str, given: Mapping[str, Any]) -> Feed:
    """The feed that an order to poll means: `connection`, and where needed `with` and `on`.

    Raises:
        BadOrder: it names what is not there, or lacks a parameter.
    """
    connection, inputs = _read(project, given, {"connection", "with", "on"})
    row = project.triggers[trigger]
    try:
        check(row.fetch, inputs, one_of=row.one_of)
    except InvalidInputs as error:
        raise BadOrder(f"triggers.{trigger}: {error}") from None
    kind = given.get("on", row.default_event)
    if kind not in row.events:
        raise BadOrder(f"triggers.{trigger}: `on` is one of {', '.join(row.events)}, not {kind!r}")
    watch: Watch = watch_of(row, (kind,))
    return Feed(trigger=trigger, connection=connection, watch=watch, params=inputs, start="now")


def action(project: Project, name: str, given: Mapping[str, Any]) -> ActionOrder:
    """The action that an order means: `connection` and `with`.

    Raises:
        BadOrder: it names what is not there, or its inputs do not fit.
    """
    connection, inputs = _read(project, given, {"connection", "with"})
    row = project.actions[name]
    try:
        check(row.operation(inputs), inputs, one_of=row.one_of, only_one_of=row.only_one_of)
        kept = sealed(row.operation(inputs), inputs, keys_of(project.settings))
    except (InvalidInputs, NoKey) as error:
        raise BadOrder(f"actions.{name}: {error}") from None
    return ActionOrder(action=name, connection=connection, inputs=kept)


def due(connection: Connection, feed: Feed, now: int) -> None:
    """Make the ordered feed due; one that no automation has is made for orders only, and is never due by itself."""
    row = {
        "id": feed.id,
        "trigger": feed.trigger,
        "connection": feed.connection,
        "watch": feed.watch,
        "params": orjson.dumps(feed.params).decode(),
        "start": feed.start,
        "schedule": stored([]),
        "due_at": NEVER,
        "created_at": now,
    }
    # one that is there is locked by it, lest it is forgotten at this very moment
    known = upsert(connection, FEEDS).values(row)
    connection.execute(known.on_conflict_do_update(index_elements=["id"], set_={"nudged_at": now}))
    idle = update(FEEDS).where(FEEDS.c.id == feed.id, ~FEEDS.c.active)  # an automation had it once
    due_at = case((FEEDS.c.working, FEEDS.c.due_at), else_=NEVER)
    connection.execute(idle.values(active=True, schedule=stored([]), due_at=due_at))
    feeds.nudge(connection, [feed.id], now)


def entered(connection: Connection, order: ActionOrder, message: str, now: int) -> int | None:
    """Enter the order in the ledger as a run of one step; None when this very message was entered before."""
    definition = definition_of(order.action, order.connection)
    digest = fingerprint(definition)
    name = f"actions.{order.action}"
    automation = {
        "digest": digest,
        "name": name,
        "feed": ORDERED,
        "kinds": "[]",
        "definition": orjson.dumps(definition).decode(),
        "connection": order.connection,
        "active": False,
        "since": now,
    }
    known = upsert(connection, AUTOMATIONS).values(automation)  # as above
    connection.execute(known.on_conflict_do_update(index_elements=["digest"], set_={"since": now}))
    event = Event(key=message, version="", kind="new", record=order.inputs)
    added = feeds.add_event(connection, ORDERED, event, now)
    if added is None:
        return None
    return runs.open_run(connection, event=added, automation=name, digest=digest, account=order.connection, now=now)


def unsealed(run: ClaimedRun, row: Action | None, keys: Sequence[SecretStr]) -> ClaimedRun:
    """The run of an order of this action, ready to be carried out.

    Raises:
        NoKey: what is secret in it cannot be read any more.
    """
    return run if row is None else replace(run, record=opened(row.operation(run.record), run.record, keys))


def definition_of(action: str, connection: str) -> dict[str, Any]:
    """An automation of one step whose inputs are the whole record."""
    step = {"id": "1", "use": action, "connection": connection, "with": "{{ record }}", "when": None, "for_each": None}
    return {
        "trigger": {
            "use": ORDERED,
            "connection": connection,
            "on": ["new"],
            "every": "60s",
            "with": {},
            "start": "now",
        },
        "when": None,
        "steps": [{**step, "on_error": "stop", "on_uncertain": "hold"}],
    }


def _read(project: Project, given: Mapping[str, Any], names: set[str]) -> tuple[str, dict[str, Any]]:
    surplus = sorted(given.keys() - names)
    if surplus:
        raise BadOrder(f"unknown argument {', '.join(surplus)}; expected {', '.join(sorted(names))}")
    connection, inputs = given.get("connection"), given.get("with", {})
    if connection not in project.connections:
        known = ", ".join(project.connections) or "none"
        raise BadOrder(f"connection {connection!r} is not in connections.yaml; there are: {known}")
    if not isinstance(inputs, dict):
        raise BadOrder("`with` should be a mapping")
    return str(connection), inputs
