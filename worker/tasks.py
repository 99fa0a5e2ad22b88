"""The Celery tasks: thin shells that hand what a message names to the engine of the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from celery import Celery
from celery.exceptions import Reject
from kombu.exceptions import OperationalError

from actions.catalog import CATALOG as ACTIONS
from triggers.catalog import CATALOG as TRIGGERS
from worker import orders
from worker.desk import Desk
from worker.ledger.database import now_ms

POLL, CARRY = "worker.poll", "worker.carry"
MOST_HINTS = 4
"""So many run tasks at most are asked for at once; each of them claims as long as there is work."""

log = structlog.get_logger()


def register(app: Celery, desk: Desk) -> None:
    """Make the engine's two tasks, and one for every trigger and every action by its name."""

    @app.task(name=POLL, shared=False)
    def poll(ids: Sequence[str]) -> None:
        _poll(app, desk, ids)

    @app.task(name=CARRY, shared=False)
    def carry() -> None:
        if desk.engine().run(desk.engine().carry()):
            hint(app, 1)

    for trigger in TRIGGERS:
        app.task(name=f"triggers.{trigger}", bind=True, shared=False)(_order_poll(app, desk, trigger))
    for action in ACTIONS:
        app.task(name=f"actions.{action}", bind=True, shared=False)(_order_action(app, desk, action))


def _poll(app: Celery, desk: Desk, ids: Sequence[str]) -> None:
    """Poll these feeds; where one has more to read than fits in a task, it is asked for again."""
    engine = desk.engine()
    polled = engine.run(engine.poll(ids, lambda count: hint(app, count)))
    if polled.unfinished:
        wake(app, [list(polled.unfinished)])


def _order_poll(app: Celery, desk: Desk, trigger: str) -> Callable[..., None]:
    def ordered(task: Any, **given: Any) -> None:
        project, engine = desk.project(), desk.engine()
        order = _accepted(task, lambda: orders.poll(project, trigger, given))
        engine.store.write_now(orders.due, order, now_ms())
        _poll(app, desk, [order.id])

    return ordered


def _order_action(app: Celery, desk: Desk, action: str) -> Callable[..., None]:
    def ordered(task: Any, **given: Any) -> None:
        project, engine = desk.project(), desk.engine()
        order = _accepted(task, lambda: orders.action(project, action, given))
        engine.store.write_now(orders.entered, order, str(task.request.id), now_ms())
        hint(app, 1)

    return ordered


def _accepted(task: Any, read: Callable[[], Any]) -> Any:
    """The order in a message; one that cannot be understood is told in the log and leaves the queue."""
    try:
        return read()
    except orders.BadOrder as error:
        log.error("order.refused", task=task.name, id=task.request.id, reason=str(error))  # noqa: TRY400  # no fault of ours
        raise Reject(str(error), requeue=False) from None


def wake(app: Celery, batches: Sequence[Sequence[str]]) -> bool:
    """Ask workers to poll these feeds; whether the queue took it. What it did not take is still due."""
    return _sent(app, POLL, [[list(batch)] for batch in batches])


def hint(app: Celery, runs: int) -> bool:
    """Ask for workers to carry out so many new runs; whether the queue took it."""
    return _sent(app, CARRY, [[] for _ in range(min(MOST_HINTS, 1 + runs // 100))])


def _sent(app: Celery, name: str, messages: Sequence[Sequence[Any]]) -> bool:
    policy: Mapping[str, float] = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.2}
    try:
        with app.producer_or_acquire() as producer:
            for args in messages:
                app.send_task(name, args=args, producer=producer, retry=True, retry_policy=policy)
    except OperationalError as error:
        log.warning("queue.unavailable", task=name, reason=str(error))
        return False
    return True
