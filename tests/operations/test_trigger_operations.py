"""Every trigger through its story, against the vendor's process: nothing, something new, a change, a removal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.operations.calendar_scenes import CALENDARS
from tests.operations.connector_scenes import RANKR
from tests.operations.connectors import account_of
from tests.operations.engine import TRIGGERS, Engine, Watcher
from tests.operations.more_scenes import ACCOUNT, CONVERSATIONS, DOCUMENTS, OPPORTUNITIES, USERS
from tests.operations.scenes import CONTACTS, Scene
from tests.operations.vendor import Account
from triggers.catalog import CATALOG
from triggers.trigger import Availability, Trigger, Watch, Watermark

pytestmark = pytest.mark.slow

ROWS = TRIGGERS
FAMILIES = (CONTACTS, CALENDARS, OPPORTUNITIES, USERS, CONVERSATIONS, DOCUMENTS, ACCOUNT, RANKR)
SCENES = {scene.trigger: scene for family in FAMILIES for scene in family}
SLUG = "ghl.blogs.slug_exists"


def watches(row: Trigger) -> tuple[Watch, ...]:
    """By which of its times a trigger can be asked."""
    timed = isinstance(row.strategy, Watermark) and row.strategy.since
    return ("new", "updated") if timed else ("new",)


STORIES = [(scene, watch) for scene in SCENES.values() for watch in watches(ROWS[scene.trigger])]


def told(row: Trigger, watch: Watch, kind: str) -> str | None:
    """As what the trigger tells of such a thing; None where it does not."""
    names = (kind, "changed") if kind == "updated" else (kind,)
    if len(watches(row)) > 1 and watch == "new":
        names = tuple(name for name in names if name == "new")
    return next((name for name in names if name in row.events), None)


def watcher_of(engine: Engine, account: Account, row: Trigger, params: Mapping[str, Any], watch: Watch) -> Watcher:
    """A feed of that trigger, with a token that has the scopes that the row names and no others."""
    agency = row.token == "agency" or row.id == "ghl.locations.list"
    account.allow("exact", agency=agency, scopes=row.scopes)
    return Watcher(engine, engine.connection(account, "exact", agency=agency), row, params, watch=watch)


def quiet(watcher: Watcher) -> None:
    """A poll that takes one request and brings nothing."""
    polled = watcher.poll()
    assert (polled.failed, polled.events, polled.requests) == (None, [], 1)


@pytest.fixture(scope="module")
def supported(vendor_documents: Path) -> Mapping[str, set[str]]:
    """The kinds of event of each trigger, as the vendor's data files have them."""
    rows = json.loads((vendor_documents.parent / "triggers.json").read_text())
    return {f"ghl.{row['id']}": set(row["supported_events"]) for row in rows}


def test_every_trigger_has_a_story() -> None:
    assert {*SCENES, SLUG} == set(ROWS)


@pytest.mark.parametrize(("scene", "watch"), STORIES, ids=[f"{scene.trigger}-{watch}" for scene, watch in STORIES])
def test_a_trigger_fires_once_for_each_thing_that_happens(engine: Engine, scene: Scene, watch: Watch) -> None:
    account, row = account_of(engine.vendor, scene.trigger), ROWS[scene.trigger]
    once = isinstance(row.strategy, Availability) and row.strategy.once
    params = scene.before(account)
    watcher = watcher_of(engine, account, row, params, watch)
    quiet(watcher)
    quiet(watcher)
    for kind, happens in (("new", scene.new), ("updated", scene.change), ("removed", scene.gone)):
        if happens is None:
            continue
        key, name = happens(account, params), told(row, watch, kind)
        for _ in range(getattr(row.strategy, "missing", 1) - 1 if kind == "removed" else 0):
            quiet(watcher)
        polled = watcher.poll()
        assert (polled.failed, polled.events) == (None, [] if name is None else [(name, key)])
        if not once:
            quiet(watcher)
    if once and "changed" in row.events:
        quiet(watcher)
    assert watcher.row["active"] is not once
    assert watcher.row["failures"] == 0


@pytest.mark.parametrize("trigger", CATALOG)
def test_a_story_tells_of_every_kind_of_event_that_the_trigger_has(
    trigger: str, supported: Mapping[str, set[str]]
) -> None:
    row = CATALOG[trigger]
    assert set(row.events) == supported[trigger]
    if trigger == SLUG:
        return
    happens = {"new": SCENES[trigger].new, "updated": SCENES[trigger].change, "removed": SCENES[trigger].gone}
    kinds = {told(row, watch, kind) for watch in watches(row) for kind in happens if happens[kind]}
    assert kinds - {None} == set(row.events)


def test_an_address_of_a_blog_is_taken_and_becomes_free(engine: Engine, account: Account) -> None:
    watcher = watcher_of(engine, account, CATALOG[SLUG], {"urlSlug": "news"}, "new")
    quiet(watcher)
    made = account.post("/blogs/posts", **account.post_fields("news"))["data"]["_id"]
    assert watcher.poll().events == [("new", "news/address"), ("changed", "news/state")]
    quiet(watcher)
    account.record("posts", "delete", made)
    assert sorted(watcher.poll().events) == [("changed", "news/state"), ("removed", "news/address")]
    quiet(watcher)


@pytest.mark.parametrize("documented", [True, False], ids=["as documented", "as answered"])
@pytest.mark.parametrize("trigger", ["ghl.conversations.messages.list", "ghl.conversations.emails.get"])
def test_what_is_wrapped_once_more_than_the_documents_say_is_read_either_way(
    engine: Engine, account: Account, trigger: str, documented: bool
) -> None:
    engine.vendor.steer("shapes", {"documented": documented})
    scene, row = SCENES[trigger], CATALOG[trigger]
    params = scene.before(account)
    watcher = watcher_of(engine, account, row, params, "new")
    quiet(watcher)
    for kind, happens in (("new", scene.new), ("updated", scene.change)):
        if happens is not None:
            key = happens(account, params)
            assert watcher.poll().events == [(told(row, "new", kind), key)]
            quiet(watcher)


def test_messages_behind_the_first_page_are_read_in_either_shape(engine: Engine, account: Account) -> None:
    scene, row = SCENES["ghl.conversations.messages.list"], CATALOG["ghl.conversations.messages.list"]
    for documented in (True, False):
        engine.vendor.steer("shapes", {"documented": documented})
        params = scene.before(account)
        watcher = watcher_of(engine, account, row, params, "new")
        quiet(watcher)
        engine.wait(300)
        sent = [account.message(account.ids["contact"], body=f"{number}")["id"] for number in range(120)]
        polled = watcher.poll()
        assert polled.events == [("new", id_) for id_ in sent]
        assert polled.requests == 3
