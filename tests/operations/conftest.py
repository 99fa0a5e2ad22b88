"""One sandbox and one engine for each process that runs these tests; an account of its own for each test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.operations.engine import Engine
from tests.operations.vendor import Account, Vendor, running


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Vendor]:
    with running() as vendor:
        yield vendor


@pytest.fixture(scope="session")
def _engine(_sandbox: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with asyncio.Runner() as runner:
        engine = Engine(_sandbox, tmp_path_factory.mktemp("ledger"), runner)
        yield engine
        engine.close()


@pytest.fixture
def vendor(_sandbox: Vendor) -> Vendor:
    """The vendor, with nothing in it."""
    _sandbox.begin_anew()
    return _sandbox


@pytest.fixture
def engine(_engine: Engine, vendor: Vendor) -> Engine:
    """The engine, at the machine's own time."""
    _engine.begin_anew()
    return _engine


@pytest.fixture
def account(vendor: Vendor) -> Account:
    """An account that no other test knows."""
    return Account(vendor)
