"""Alembic's entry point: one transaction, which others wait for."""

from __future__ import annotations

from alembic import context

from worker.ledger.database import disposable_engine
from worker.ledger.tables import METADATA

LOCK = 0x68696768  # any number will do, as long as every process takes the same


def run() -> None:
    """Carry the migrations out under a lock, so that many processes may start at once."""
    engine = disposable_engine(context.config.attributes["address"])
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        else:
            connection.exec_driver_sql("PRAGMA busy_timeout=30000")
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
        with context.begin_transaction():
            context.run_migrations()


run()
