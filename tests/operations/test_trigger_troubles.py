"""Every trigger in front of a vendor that fails: the poll fails for all to see, fires nothing and forgets nothing."""

from __future__ import annotations

import re

import pytest

from tests.operations.connectors import account_of
from tests.operations.engine import Engine, Watcher
from tests.operations.test_trigger_operations import ROWS, SCENES, SLUG, quiet, watcher_of
from tests.operations.vendor import Account
from triggers.catalog import CATALOG
from triggers.trigger import Availability, Object

pytestmark = pytest.mark.slow

TROUBLES = {
    "fault": {"status": 500},
    "page": {"status": "html"},
    "cut": {"status": "truncated"},
    "empty": {"status": "empty"},
    "shape": {"status": "shape"},
    "broken": {"cut": True},
    "busy": {"status": 429},
}
ANYTHING = {"empty", "cut", "shape"}
"""What a file may be like, for all that a client can tell."""


def untold(trigger: str, trouble: str) -> bool:
    """Whether the vendor's trouble cannot be told from an answer that is right."""
    strategy = ROWS[trigger].strategy
    if isinstance(strategy, Availability) and strategy.binary:
        return trouble in ANYTHING
    # half of a refusal that says "not yet" says it by its status; half of "not found" may hold the two words
    refused = getattr(strategy, "waiting", ()) != () or (isinstance(strategy, Object) and "new" in strategy.events)
    return trouble == "cut" and refused


CASES = [(trigger, trouble) for trigger in ROWS for trouble in TROUBLES if not untold(trigger, trouble)]


def begun(engine: Engine, account: Account, trigger: str) -> Watcher:
    """A feed that knows what was there before."""
    params = {"urlSlug": "news"} if trigger == SLUG else SCENES[trigger].before(account)
    watcher = watcher_of(engine, account, ROWS[trigger], params, "new")
    quiet(watcher)
    return watcher


@pytest.mark.parametrize(("trigger", "trouble"), CASES)
def test_a_vendor_in_trouble_fires_nothing(engine: Engine, trigger: str, trouble: str) -> None:
    account = account_of(engine.vendor, trigger)
    watcher = begun(engine, account, trigger)
    cursor, row = watcher.row["cursor"], ROWS[trigger]
    for way in (row, row.fallback):
        if way is not None:
            path = re.sub(r"\{\w+\}", "*", way.fetch.path)
            account.fault(way.fetch.method, path, **TROUBLES[trouble])
    polled = watcher.poll()
    assert polled.failed is not None
    assert polled.events == []
    assert (watcher.row["cursor"], watcher.row["failures"]) == (cursor, 1)
    engine.wait(60)
    quiet(watcher)
    assert (watcher.row["error"], watcher.row["failures"]) == (None, 0)


@pytest.mark.parametrize("trigger", CATALOG)
def test_a_token_without_the_scope_fails_in_the_vendors_words(engine: Engine, account: Account, trigger: str) -> None:
    watcher = begun(engine, account, trigger)
    account.allow("exact", agency=watcher.connection.location_id is None, scopes=("nothing.readonly",))
    polled = watcher.poll()
    assert polled.failed is not None
    assert "The token is not authorized for this scope." in polled.failed
    assert polled.events == []
