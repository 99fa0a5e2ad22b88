"""The migrations make what the tables say, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Index, inspect, text

from worker.ledger.database import migrate, open_database, versions
from worker.ledger.tables import METADATA


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return str(request.getfixturevalue("postgres_url"))


def differences(url: str) -> list[str]:
    engine = open_database(url)
    try:
        with engine.connect() as connection:
            options = {"compare_type": True, "compare_server_default": True}
            found = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
            return [str(each) for each in found]
    finally:
        engine.dispose()


def conditions(url: str) -> dict[str, bool]:
    """Whether each index in the database is a partial one."""
    engine = open_database(url)
    try:
        looked = inspect(engine)
        named = [each for table in METADATA.tables for each in looked.get_indexes(table)]
        return {
            str(each["name"]): bool(each.get("dialect_options", {}).get(f"{engine.dialect.name}_where") is not None)
            for each in named
        }
    finally:
        engine.dispose()


def test_a_migrated_database_is_what_the_tables_say(url: str) -> None:
    migrate(url)
    assert differences(url) == []


def test_partial_indexes_are_partial(url: str) -> None:
    migrate(url)
    dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
    told = {
        str(index.name): index.dialect_options[dialect]["where"] is not None
        for table in METADATA.tables.values()
        for index in table.indexes
        if isinstance(index, Index)
    }
    assert told.items() <= conditions(url).items()


def test_a_second_migration_changes_nothing(url: str) -> None:
    migrate(url)
    engine = open_database(url)
    try:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM processes"))
        migrate(url)
        present, newest = versions(engine)
    finally:
        engine.dispose()
    assert present == newest is not None


def test_a_difference_would_be_seen(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    migrate(url)
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE processes ADD COLUMN mood TEXT"))
        connection.execute(text("DROP INDEX ix_steps_made"))
    engine.dispose()
    assert len(differences(url)) == 2
