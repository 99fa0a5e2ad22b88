"""A sandbox for all tests of a process, an engine at work for a file of them, an empty ledger for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.shell import Vendor, sandbox, write_project
from worker.ledger.database import migrate
from worker.ledger.store import Store


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Vendor]:
    with sandbox() as vendor:
        yield vendor


@pytest.fixture
def vendor(_sandbox: Vendor) -> Vendor:
    """An empty sandbox."""
    _sandbox.ask("POST", "reset")
    return _sandbox


@pytest.fixture
def project(tmp_path: Path, vendor: Vendor) -> Path:
    """A project that greets new leads of the sandbox."""
    return write_project(tmp_path / "shop", vendor.url)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty ledger, on either database."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    migrate(url)
    store = Store(url)
    yield store
    store.close()
