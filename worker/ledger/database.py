"""Opening the database: SQLite in WAL mode, or PostgreSQL through psycopg 3."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

REST = 1.0
"""A connection that was in use less than so many seconds ago is taken to be alive."""


def now_ms() -> int:
    """The present in epoch milliseconds, the ledger's unit of time."""
    return time.time_ns() // 1_000_000


def storable(text: str | None) -> str | None:
    """The text with U+FFFD for the zero character, which PostgreSQL cannot keep; vendors' words may hold one."""
    return text.replace("\0", "\ufffd") if text and "\0" in text else text


def open_database(url: str) -> Engine:
    """An engine for this URL; nothing is connected yet.

    `postgresql://` addresses get psycopg 3. SQLite gets one connection a thread at most: it has one writer. No error
    quotes the values of a statement, which may be people's records.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        _make_folder(address)
        # autocommit at the driver: SQLAlchemy's own BEGIN below decides when a transaction starts
        engine = create_engine(
            address,
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=4,
            connect_args={"timeout": 30},
            hide_parameters=True,
        )
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    engine = create_engine(address, pool_size=4, max_overflow=4, pool_recycle=1800, hide_parameters=True)
    event.listen(engine, "checkin", _rested)
    event.listen(engine, "checkout", partial(_ping_after_rest, engine.dialect))
    return engine


def _rested(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["rested_at"] = time.monotonic()


def _ping_after_rest(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Ask whether a connection is still there that has rested; asking each time is a round trip for each transaction.

    Raises:
        DisconnectionError: it is not; the pool opens another one.
    """
    if time.monotonic() - record.info.get("rested_at", 0.0) < REST:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error


def _address(url: str) -> URL:
    address = make_url(url)
    if address.drivername in {"postgresql", "postgres"}:
        return address.set(drivername="postgresql+psycopg")
    return address


def _make_folder(address: URL) -> None:
    if address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)


def _tune_sqlite(connection: Any, _record: Any) -> None:
    """WAL and NORMAL survive kill -9; only a power cut may lose the last commits, and those polls are repeated."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=OFF", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    """Take the writer's lock at once: a claim reads and then writes, and must not be overtaken in between."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading; on SQLite it takes no lock."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def migrate(url: str) -> None:
    """Bring the database to the newest schema; several processes may do it at once, one of them does the work."""
    address = _address(url)
    _make_folder(address)
    config = _migrations()
    config.attributes["address"] = address
    command.upgrade(config, "head")


def versions(engine: Engine) -> tuple[str | None, str | None]:
    """The version of the database's schema (None where there is none yet), and the newest one."""
    newest = ScriptDirectory.from_config(_migrations()).get_current_head()
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None, newest
        return connection.scalar(text("SELECT version_num FROM alembic_version")), newest


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def disposable_engine(address: URL) -> Engine:
    """An engine for one short job, such as a migration."""
    return create_engine(address, poolclass=NullPool, hide_parameters=True)


def short_lived(url: str) -> Engine:
    """The same for an address as people write it; it keeps nothing open between two uses."""
    return disposable_engine(_address(url))
