"""Questions that a vendor does not take as they are first asked: another dialect, or the older list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.engine import Engine, Watcher
from tests.operations.vendor import Account
from triggers.catalog import CATALOG

pytestmark = pytest.mark.slow

IAM = "This route is not yet supported by the IAM Service. Please update the IAM config."
REFUSALS = [(401, IAM), (404, "Cannot POST /opportunities/search"), (400, "Bad Request"), (422, ["no such property"])]
NO_ISO = ["value of dateAdded must be a number"]


def quiet(watcher: Watcher, requests: int = 1) -> None:
    polled = watcher.poll()
    assert (polled.failed, polled.events, polled.requests) == (None, [], requests)


def watcher_of(engine: Engine, account: Account, trigger: str, **more: Any) -> Watcher:
    return Watcher(engine, engine.connection(account, "owner"), CATALOG[trigger], {}, **more)


def settled(engine: Engine, account: Account) -> None:
    """There is a contact, and it is older than the second that the vendor's clock shows."""
    account.contact()
    engine.wait(2)


def since(engine: Engine) -> Any:
    """From when on the last search was asked for."""
    [asked] = engine.wire.sent[-1].body["filters"]
    return asked["value"]["gte"]


@pytest.mark.parametrize("watch", ["new", "updated"])
def test_where_a_time_in_words_is_refused_it_goes_in_milliseconds(engine: Engine, account: Account, watch: Any) -> None:
    settled(engine, account)
    watcher = watcher_of(engine, account, "ghl.contacts.search", watch=watch)
    quiet(watcher)
    account.fault("POST", "/contacts/search", status=422, message=NO_ISO)
    made = account.contact()
    polled = watcher.poll()
    assert (polled.failed, polled.events, polled.requests) == (None, [("new", made)], 2)
    assert isinstance(since(engine), int)
    quiet(watcher)
    made = account.contact()
    assert watcher.poll().events == [("new", made)]
    assert isinstance(since(engine), int)


def test_a_time_goes_in_words_as_long_as_nobody_minds(engine: Engine, account: Account) -> None:
    settled(engine, account)
    watcher = watcher_of(engine, account, "ghl.contacts.search")
    quiet(watcher)
    quiet(watcher)
    assert since(engine).endswith("Z")


def test_where_no_dialect_is_taken_the_first_refusal_is_told(engine: Engine, account: Account) -> None:
    settled(engine, account)
    watcher = watcher_of(engine, account, "ghl.contacts.search")
    quiet(watcher)
    account.fault("POST", "/contacts/search", status=422, message=["field is wrong"])
    account.fault("POST", "/contacts/search", status=422, message=["that as well"], skip=1)
    failed = watcher.poll().failed
    assert failed is not None
    assert "field is wrong" in failed
    made = account.contact()
    assert watcher.poll().events == [("new", made)]


@pytest.mark.parametrize(("status", "words"), REFUSALS, ids=[str(status) for status, _ in REFUSALS])
@pytest.mark.parametrize("watch", ["new", "updated"])
def test_where_the_search_is_refused_the_older_list_is_read(
    engine: Engine, account: Account, watch: Any, status: int, words: Any
) -> None:
    account.opportunity()
    account.fault("POST", "/opportunities/search", status=status, message=words, count=1000)
    watcher = watcher_of(engine, account, "ghl.opportunities.search", watch=watch)
    quiet(watcher, requests=2)
    quiet(watcher)
    made = account.opportunity()
    assert watcher.poll().events == [("new", made)]
    account.put(f"/opportunities/{made}/status", status="won")
    quiet(watcher)
    assert watcher.row["failures"] == 0


@pytest.mark.parametrize("watch", ["new", "updated"])
def test_a_search_that_is_refused_from_now_on_loses_nothing_and_tells_nothing_twice(
    engine: Engine, account: Account, watch: Any
) -> None:
    account.opportunity()
    watcher = watcher_of(engine, account, "ghl.opportunities.search", watch=watch)
    quiet(watcher)
    first = account.opportunity()
    assert watcher.poll().events == [("new", first)]
    account.fault("POST", "/opportunities/search", status=404, message="Cannot POST /opportunities/search", count=1000)
    second = account.opportunity()
    polled = watcher.poll()
    assert (polled.failed, polled.events, polled.requests) == (None, [("new", second)], 2)
    quiet(watcher)


def test_a_credential_at_fault_is_no_reason_to_ask_otherwise(engine: Engine, account: Account) -> None:
    account.allow("narrow", scopes=("contacts.readonly",))
    watcher = Watcher(engine, engine.connection(account, "narrow"), CATALOG["ghl.opportunities.search"], {})
    polled = watcher.poll()
    assert polled.requests == 1
    assert polled.failed is not None
    assert "not authorized for this scope" in polled.failed


def test_narrowing_holds_in_both_ways_of_asking(engine: Engine, account: Account) -> None:
    connection = engine.connection(account, "owner")
    params = {"status": "won", "query": "roof"}
    search = Watcher(engine, connection, CATALOG["ghl.opportunities.search"], params, start="beginning")
    account.opportunity(name="Roof", status="open")
    account.opportunity(name="Gutter", status="won")
    wanted = account.opportunity(name="Roof", status="won")
    assert search.poll().events == [("new", wanted)]
    account.fault("POST", "/opportunities/search", status=404, message="Cannot POST", count=1000)
    since = "2020-01-01T00:00:00+00:00"
    older = Watcher(engine, connection, CATALOG["ghl.opportunities.search"], params, start=since)
    assert older.poll().events == [("new", wanted)]
