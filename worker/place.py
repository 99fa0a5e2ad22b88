"""Where the engine works: the database and the Redis of a project, its own ones where none are configured."""

from __future__ import annotations

from dataclasses import dataclass, field

from config.settings import Settings
from worker.embedded import EmbeddedBroker


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The addresses that the engine uses; they may hold passwords and stay out of the repr.

    `broker` is the embedded Valkey where no Redis is configured.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    broker: EmbeddedBroker | None = None


def place_of(settings: Settings) -> Place:
    """The place of a project."""
    database = settings.database_url or f"sqlite:///{settings.state_dir / 'hightide.db'}"
    if settings.redis_url is not None:
        return Place(
            database_url=database,
            redis_url=settings.redis_url,
            broker_url=settings.redis_url.replace("unix://", "redis+socket://"),
        )
    broker = EmbeddedBroker(settings.state_dir)
    return Place(database_url=database, redis_url=broker.url, broker_url=broker.broker_url, broker=broker)
