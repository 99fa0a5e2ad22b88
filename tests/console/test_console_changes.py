"""Which edits begin a new feed, which go on with the old one."""

from __future__ import annotations

from dataclasses import replace

from config.automation import Automation, Every, Step, TriggerUse
from console.feed_changes import Change, changes, present
from triggers.catalog import CATALOG as TRIGGERS
from worker.deploy import deploy, feed_of
from worker.ledger.store import Store

USE = TriggerUse(use="ghl.contacts.search", connection="acme", on=("new",), schedule=Every(60))
STEP = Step(
    id="1", use="ghl.contacts.tags.add", connection="acme", with_={"contactId": "{{ record.id }}", "tags": ["x"]}
)
GREET = Automation(name="greet", trigger=USE, steps=(STEP,))


def feed(automation: Automation) -> str:
    return feed_of(automation, TRIGGERS[automation.trigger.use]).id


def compared(ledger: Store, *automations: Automation) -> list[Change]:
    return changes(automations, ledger.read_now(present))


def deployed(ledger: Store, *automations: Automation) -> None:
    ledger.write_now(deploy, automations, TRIGGERS, 1_800_000_000_000)


def test_every_feed_is_new_in_an_empty_ledger(ledger: Store) -> None:
    assert compared(ledger, GREET) == [Change(feed=feed(GREET), change="new", automations=("greet",))]


def test_other_steps_another_name_another_interval_keep_the_feed(ledger: Store) -> None:
    deployed(ledger, GREET)
    for edited in (
        replace(GREET, steps=(STEP, STEP)),
        replace(GREET, name="welcome"),
        replace(GREET, when="record.email"),
        replace(GREET, trigger=replace(USE, schedule=Every(300))),
    ):
        assert [change.change for change in compared(ledger, edited)] == ["kept"]


def test_another_question_begins_a_new_feed_and_says_whose(ledger: Store) -> None:
    deployed(ledger, GREET)
    for use in (
        replace(USE, connection="other"),
        replace(USE, with_={"query": "vip"}),
        replace(USE, on=("updated",)),
        replace(USE, start="beginning"),
    ):
        edited = replace(GREET, trigger=use)
        begun, ended = compared(ledger, edited)
        assert (begun.change, begun.feed, begun.moved) == ("new", feed(edited), ("greet",))
        assert (ended.change, ended.feed, ended.automations) == ("stopped", feed(GREET), ())


def test_a_feed_that_was_stopped_goes_on_where_it_was(ledger: Store) -> None:
    deployed(ledger, GREET)
    deployed(ledger)
    assert compared(ledger) == []
    assert [change.change for change in compared(ledger, GREET)] == ["kept"]


def test_automations_on_one_feed_are_named_together(ledger: Store) -> None:
    deployed(ledger, GREET)
    [kept] = compared(ledger, GREET, replace(GREET, name="second"))
    assert kept.automations == ("greet", "second")
    assert kept.moved == ()
