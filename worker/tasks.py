"""The Celery tasks: thin shells that hand what a message names to the engine of the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from celery import Celery
from celery.exceptions import Ignore, Reject
from sqlalchemy.exc import OperationalError

from config.catalogues import catalogues
from config.project import Project
from worker import orders
from worker.bell import CARRY, POLL, Bell
from worker.desk import Desk
from worker.ledger.database import now_ms

AWAY = 5.0
"""How long (s) an order waits before it goes back to the queue because the ledger is away."""

log = structlog.get_logger()


def register(app: Celery, desk: Desk, bell: Bell) -> None:
    """Make the engine's two tasks, and one for every trigger and every action that Hightide ships, by its name."""

    @app.task(name=POLL, shared=False)
    def poll(ids: Sequence[str]) -> None:
        _poll(desk, bell, ids)

    @app.task(name=CARRY, shared=False)
    def carry() -> None:
        engine = desk.engine()
        if engine.run(engine.carry()):
            bell.hint(1)

    known = catalogues()
    _register_operations(app, desk, bell, known.triggers, known.actions)


def register_own(app: Celery, desk: Desk, bell: Bell, project: Project) -> None:
    """Make a task for every operation of the project's own connectors; those that are there already stay."""
    triggers = [name for name in project.triggers if f"triggers.{name}" not in app.tasks]
    actions = [name for name in project.actions if f"actions.{name}" not in app.tasks]
    _register_operations(app, desk, bell, triggers, actions)


def _register_operations(app: Celery, desk: Desk, bell: Bell, triggers: Iterable[str], actions: Iterable[str]) -> None:
    for trigger in triggers:
        app.task(name=f"triggers.{trigger}", bind=True, shared=False)(_order_poll(desk, bell, trigger))
    for action in actions:
        app.task(name=f"actions.{action}", bind=True, shared=False)(_order_action(desk, bell, action))


def _poll(desk: Desk, bell: Bell, ids: Sequence[str]) -> None:
    """Poll these feeds; where one has more to read than fits in a task, it is asked for again."""
    engine = desk.engine()
    polled = engine.run(engine.poll(ids, bell.hint))
    if polled.unfinished:
        bell.wake([polled.unfinished])


def _order_poll(desk: Desk, bell: Bell, trigger: str) -> Callable[..., None]:
    def ordered(task: Any, **given: Any) -> None:
        with _kept(task):
            project, engine = desk.project(), desk.engine()
            order = _accepted(task, lambda: orders.poll(project, trigger, given))
            engine.store.write_now(orders.due, order, now_ms())
        _poll(desk, bell, [order.id])

    return ordered


def _order_action(desk: Desk, bell: Bell, action: str) -> Callable[..., None]:
    def ordered(task: Any, **given: Any) -> None:
        with _kept(task):
            project, engine = desk.project(), desk.engine()
            order = _accepted(task, lambda: orders.action(project, action, given))
            engine.store.write_now(orders.entered, order, str(task.request.id), now_ms())
        bell.hint(1)

    return ordered


@contextmanager
def _kept(task: Any) -> Iterator[None]:
    """While the ledger is away the message goes back to the queue, since nothing else knows of the order."""
    try:
        yield
    except OperationalError as error:
        log.warning("order.waiting", task=task.name, id=task.request.id, reason=str(error.orig))
        time.sleep(AWAY)
        raise Reject(requeue=True) from error


def _accepted(task: Any, read: Callable[[], Any]) -> Any:
    """The order in a message; one that cannot be understood is told in the log and leaves the queue."""
    try:
        return read()
    except orders.BadOrder as error:
        log.error("order.refused", task=task.name, id=task.request.id, reason=str(error))  # noqa: TRY400  # no fault of ours
        raise Ignore from None
