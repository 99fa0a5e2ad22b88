"""The ledger on both databases, and a clock that stands still until it is told to move."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.clock import Clock
from worker.ledger.database import migrate
from worker.ledger.store import Store


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite ledger, to be copied: migrating takes longer."""
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    migrate(f"sqlite:///{path}")
    Store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty ledger: once in SQLite, once in PostgreSQL."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        migrate(url)
        return url
    path = tmp_path / "ledger.db"
    shutil.copy(request.getfixturevalue("empty_ledger"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def small_ledger(empty_ledger: Path, tmp_path: Path) -> Iterator[Store]:
    """A ledger for tests of what does not depend on the database."""
    path = tmp_path / "small.db"
    shutil.copy(empty_ledger, path)
    store = Store(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Store]:
    store = Store(ledger_url)
    yield store
    store.close()
