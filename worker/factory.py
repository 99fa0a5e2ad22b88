"""Making the Celery application: its settings, its queues and its tasks. Each setting has its reason beside it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from celery import Celery, signals
from kombu import Exchange, Queue
from sqlalchemy.exc import SQLAlchemyError

from config.problems import ConfigError
from config.settings import Settings, read_settings
from worker.bell import Bell
from worker.desk import Desk
from worker.heartbeat import Heartbeat
from worker.logs import configure
from worker.tasks import register, register_own

QUEUES = ("control", "act", "poll")


def make_app(environ: Mapping[str, str], settings: Settings | None = None) -> Celery:
    """A Celery application for the project that the environment names.

    Raises:
        ConfigError: the environment is at fault.
    """
    desk = Desk(settings or read_settings(environ), environ)
    app = Celery("hightide", set_as_current=False)
    app.conf.update(celery_settings(desk.place.broker_url))
    bell = Bell(app)
    app.desk, app.bell = desk, bell  # type: ignore[attr-defined]  # where the scheduler finds them
    register(app, desk, bell)
    _prepare_at_start(app, desk, bell)
    _log(desk)
    return app


def celery_settings(broker_url: str) -> dict[str, Any]:
    """What Celery is told; each departure from its defaults was measured, or is an open issue of its own."""
    return {
        "broker_url": broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # a Redis that is away for an hour comes back; so do we
        "broker_transport_options": {
            # redelivery of a live task is a second execution (celery#2599): no task may live this long
            "visibility_timeout": 300,
            # by default a lost message comes back after 100 s more (kombu#2558)
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_keepalive": True,
            "socket_timeout": 30,
            "health_check_interval": 25,
        },
        "task_time_limit": 120,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_default_queue": "celery",  # where other applications send to when they say nothing
        "task_queues": [Queue(name, Exchange(name), routing_key=name) for name in ("celery", *QUEUES)],
        "task_routes": {
            "worker.poll": {"queue": "poll"},
            "worker.carry": {"queue": "act"},
            "triggers.*": {"queue": "control"},
            "actions.*": {"queue": "control"},  # an order does not stand behind run tasks
        },
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,  # a reserved task waits behind a busy child (celery#6500)
        # a task that is cut off leaves calls of unknown outcome; left alone it ends well, leases see to the rest
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_soft_shutdown_timeout": 20,
        "worker_enable_soft_shutdown_on_idle": True,
        "worker_max_tasks_per_child": 2000,
        "worker_max_memory_per_child": 400_000,  # kB
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
        "beat_scheduler": "worker.beat:FeedScheduler",
        "beat_max_loop_interval": 1,
    }


def _log(desk: Desk) -> None:
    """Celery leaves logging to us; its own events are told from the level that it was given."""

    def set_up(loglevel: int = logging.WARNING, **_: Any) -> None:
        ours = logging.INFO if loglevel == logging.WARNING else loglevel
        configure(desk.mask, level=ours, others=loglevel)

    signals.setup_logging.connect(set_up, weak=False)


def _prepare_at_start(app: Celery, desk: Desk, bell: Bell) -> None:
    """Before a worker begins, broker, database and project are in order, or it does not begin; beat does the same."""

    def prepare(**_: Any) -> None:
        try:
            desk.prepare()
            register_own(app, desk, bell, desk.project())
        except (ConfigError, RuntimeError, SQLAlchemyError) as error:
            # Celery logs what a signal's receiver raises and goes on; only leaving ends it
            raise SystemExit(f"hightide cannot start: {error}") from error

    heartbeat = Heartbeat(desk.place.database_url, "worker")

    def closed(**_: Any) -> None:
        desk.close()

    signals.worker_init.connect(prepare, weak=False)
    signals.worker_ready.connect(lambda **_: heartbeat.start(), weak=False)
    signals.worker_shutdown.connect(lambda **_: heartbeat.stop(), weak=False)
    signals.worker_process_shutdown.connect(closed, weak=False)
