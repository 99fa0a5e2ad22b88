"""The bell: messages that wake workers. They carry ids at most; what they wake for stands in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

POLL, CARRY = "worker.poll", "worker.carry"
ACT = "act"
"""The queue of run tasks, and of nothing else."""
MOST_HINTS = 4
"""So many run tasks at most are asked for at once; each of them claims as long as there is work."""
_POLICY: Mapping[str, float] = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.2}

log = structlog.get_logger()


class Bell:
    """Sends wake-ups through the queue. When the queue is away nothing is lost: what is due is woken for again."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._away = False

    def wake(self, batches: Sequence[Sequence[str]]) -> bool:
        """Ask workers to poll these feeds, a message for each batch; whether the queue took it."""
        return self._sent(POLL, [[list(batch)] for batch in batches])

    def hint(self, runs: int) -> bool:
        """Ask for workers to carry out so many runs; whether the queue took it."""
        return self._sent(CARRY, [[]] * min(MOST_HINTS, 1 + runs // 100), unless_in=ACT)

    def _sent(self, task: str, messages: Sequence[Sequence[Any]], unless_in: str | None = None) -> bool:
        """Send these; so many fewer as there are in the queue `unless_in`, which would grow in a long backlog."""
        try:
            with self._app.producer_or_acquire() as producer:
                there = producer.channel.queue_declare(unless_in).message_count if unless_in else 0
                for args in messages[there:]:
                    self._app.send_task(task, args=args, producer=producer, retry=True, retry_policy=_POLICY)
        except OperationalError as error:
            self._told(away=True, reason=str(error))
            return False
        self._told(away=False)
        return True

    def _told(self, *, away: bool, reason: str = "") -> None:
        """Say once that the queue is away, and once that it is back."""
        if away and not self._away:
            log.warning("queue.unavailable", reason=reason)
        if self._away and not away:
            log.info("queue.recovered")
        self._away = away
