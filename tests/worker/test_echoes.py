"""`echoes: skip`: what Hightide itself wrote fires nothing, and no change of a person is ever taken for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from actions.action import Action
from config.automation import Automation, OncePer
from config.templates import Path
from connections.operation import get, post
from tests.worker.carrying import Works
from tests.worker.clock import Clock
from tests.worker.mirror import Mirror
from tests.worker.rows import automation, step
from triggers.trigger import Snapshot, Trigger
from worker.echoes import View, judged, made_object
from worker.ledger.echoes import Before, Past, Write
from worker.ledger.store import Store
from worker.ledger.tables import RUNS, STEPS

pytestmark = pytest.mark.anyio

SIDES = st.sampled_from("ab")
VALUES = st.sampled_from(["", "x", "Y"])
EDITS = st.tuples(st.just("edit"), SIDES, st.sampled_from(["first", "last"]), VALUES)
WORDS = st.tuples(st.just("edit"), SIDES, st.sampled_from(["first", "last"]), st.sampled_from(["x", "Y"]))
WORK = st.tuples(st.sampled_from(["poll", "judge", "send"]), SIDES)


def played(mirror: Mirror, moves: list[Any]) -> Mirror:
    for move in moves:
        if move[0] == "edit":
            mirror.edit(move[1], **{move[2]: move[3]})
        else:
            getattr(mirror, move[0])(move[1])
    return mirror


@given(moves=st.lists(EDITS | WORK, max_size=40))
def test_whatever_happens_in_whatever_order_both_sides_agree_in_the_end(moves: list[Any]) -> None:
    mirror = played(Mirror(), moves)
    mirror.settle()
    assert mirror.shown("a") == mirror.shown("b")


@given(moves=st.lists(WORDS | WORK, max_size=40))
def test_so_they_do_where_what_is_empty_is_not_written(moves: list[Any]) -> None:
    mirror = played(Mirror(omitting=True), moves)
    mirror.settle()
    assert mirror.shown("a") == mirror.shown("b")


@given(edits=st.lists(WORDS, max_size=12))
def test_fields_that_are_not_written_cause_no_second_write(edits: list[Any]) -> None:
    mirror = Mirror(omitting=True)
    for edit in edits:
        before = mirror.shown("a")
        played(mirror, [edit])
        assert mirror.settle() == (mirror.shown(edit[1]) != before)


@given(edits=st.lists(EDITS, max_size=12), telling=st.booleans())
def test_an_edit_is_written_once_to_the_other_side_and_never_back(edits: list[Any], telling: bool) -> None:
    mirror = Mirror(telling=telling)
    for edit in edits:
        before = mirror.shown("a")
        played(mirror, [edit])
        changed = mirror.shown(edit[1]) != before
        writes = mirror.settle()
        assert writes == 1 if changed else writes <= 1  # the first that is seen of a record is news, though it be empty
        assert mirror.shown("a") == mirror.shown("b")
        assert mirror.records[edit[1]][edit[2]] == edit[3]


@given(moves=st.lists(EDITS | WORK, max_size=40), telling=st.booleans())
def test_it_ends_where_each_side_spells_things_its_own_way(moves: list[Any], telling: bool) -> None:
    mirror = played(Mirror(spelling={"a": str.lower, "b": str.upper}, telling=telling), moves)
    mirror.settle()
    assert [each.casefold() for each in mirror.shown("a")] == [each.casefold() for each in mirror.shown("b")]


@given(moves=st.lists(EDITS | WORK, max_size=40), telling=st.booleans())
def test_it_ends_where_a_side_makes_something_else_of_what_it_gets(moves: list[Any], telling: bool) -> None:
    odd = {"a": lambda text: f"a-{text.removeprefix('b-')}", "b": lambda text: f"b-{text.removeprefix('a-')}"}
    played(Mirror(spelling=odd, telling=telling), moves).settle()


TRIGGER = Trigger(id="toy.people.list", summary="A person", fetch=get("/people"), strategy=Snapshot(version="at"))


def verdict(
    record: Mapping[str, Any],
    writes: list[Write],
    *,
    reads: tuple[str, ...] | None = ("email",),
    runs: tuple[Before, ...] = (),
    digest: str = "d",
    kind: str = "updated",
) -> str | None:
    paths: frozenset[Path] | None = None if reads is None else frozenset(tuple(each.split(".")) for each in reads)
    return judged(record, kind, Past(writes=writes, runs=runs), View(trigger=TRIGGER, reads=paths), digest)


def wrote(given: Mapping[str, Any], answer: Any = None, run: int = 12) -> Write:
    return Write(run=run, action="toy.people.set", given=given, answer=answer)


def before(run: int, state: str, record: Mapping[str, Any], kind: str = "updated") -> Before:
    return Before(run=run, kind=kind, state=state, digest="d", record=record)


@pytest.mark.parametrize(
    ("record", "reads", "given_", "answer"),
    [
        ({"email": "a@x"}, ("email",), {"email": "a@x"}, None),
        ({"email": "a@x", "age": 9}, ("email",), {"email": "a@x", "age": 8}, None),
        ({"email": "a@x"}, ("email",), {"email": "A@x "}, {"email": "a@x"}),
        ({"email": "a@x"}, ("email", "phone"), {"email": "a@x", "phone": ""}, {"email": "a@x"}),
        ({"email": "a@x", "phone": None}, ("email", "phone"), {"email": "a@x", "phone": ""}, None),
        ({"address": {"city": "Rome", "zip": "1"}}, ("address.city",), {"address": {"city": "Rome"}}, None),
        ({"address": {"city": "Rome"}}, ("address",), {"address": {"city": "ROME"}}, {"address": {"city": "Rome"}}),
        ({"tags": ["b", "a"]}, ("tags",), {"tags": ["A", "b"]}, {"tags": ["a", "b"]}),
        (
            {"customFields": [{"id": "1", "value": "x"}, {"id": "2", "value": 5}]},
            ("customFields",),
            {"customFields": [{"id": "2", "field_value": 5}, {"id": "1", "value": "x"}, {"id": "3", "value": ""}]},
            None,
        ),
        ({"id": "7", "at": 5, "email": "a@x"}, None, {"email": "a@x"}, None),
    ],
)
def test_what_we_wrote_is_an_echo(
    record: dict[str, Any], reads: tuple[str, ...] | None, given_: dict[str, Any], answer: Any
) -> None:
    told = verdict(record, [wrote(given_, answer)], reads=reads)
    assert told == "an echo of run 12: nobody else has changed anything that it reads"


@pytest.mark.parametrize(
    ("record", "reads", "given_", "answer"),
    [
        ({"email": "A@x"}, ("email",), {"email": "a@x"}, None),
        ({"email": "A@x"}, ("email",), {"email": "a@x"}, {"email": "a@x"}),
        ({"email": "a@x", "phone": "1"}, ("email", "phone"), {"email": "a@x"}, {"email": "a@x", "phone": "1"}),
        ({"phone": "1"}, ("phone",), {"phone": "2"}, {"phone": "1"}),
        ({"phone": "1"}, ("phone",), {"phone": ""}, {"phone": "1"}),
        ({"phone": 1}, ("phone",), {"phone": "1"}, None),
        ({}, ("phone",), {"email": "a@x"}, None),
        ({"tags": ["a"]}, ("tags",), {"tags": ["a", "b"]}, None),
        ({"lines": ["b", "a"]}, ("lines",), {"lines": ["a", "b"]}, None),
        (
            {"customFields": [{"id": "1", "value": "x"}, {"id": "2", "value": "y"}]},
            ("customFields",),
            {"customFields": [{"id": "1", "value": "x"}]},
            {"customFields": [{"id": "1", "value": "x"}, {"id": "2", "value": "y"}]},
        ),
        ({"id": "7", "email": "a@x", "phone": "1"}, None, {"email": "a@x"}, None),
        ({"id": "7", "at": 5}, None, {"id": "7"}, None),
    ],
)
def test_what_we_did_not_write_is_none(
    record: dict[str, Any], reads: tuple[str, ...] | None, given_: dict[str, Any], answer: Any
) -> None:
    assert verdict(record, [wrote(given_, answer)], reads=reads) is None


def test_the_last_write_of_each_field_counts() -> None:
    writes = [wrote({"phone": "2"}, run=14), wrote({"email": "b@x"}, run=13), wrote({"email": "a@x", "phone": "1"})]
    reads = ("email", "phone")
    told = verdict({"email": "b@x", "phone": "2"}, writes, reads=reads)
    assert told == "an echo of run 14: nobody else has changed anything that it reads"
    assert verdict({"email": "a@x", "phone": "2"}, writes, reads=reads) is None


def test_only_writes_since_the_automation_acted_count() -> None:
    record = {"email": "a@x"}
    acted = before(13, "done", {"email": "b@x"})
    assert verdict(record, [wrote(record)], runs=(acted,)) is None
    assert verdict(record, [wrote(record, run=14)], runs=(acted,)) is not None
    skipped = before(13, "skipped", {"email": "b@x"})
    assert verdict(record, [wrote(record)], runs=(skipped,)) is not None
    assert verdict(record, [wrote(record, run=13)], runs=(acted,)) is not None, "it wrote to its own record"


def test_fields_that_nobody_wrote_count_as_they_were_when_the_automation_acted() -> None:
    reads = ("email", "phone")
    acted = before(9, "done", {"email": "a@x", "phone": "1"})
    write = wrote({"email": "b@x"})
    echo = "an echo of run 12: nobody else has changed anything that it reads"
    assert verdict({"email": "b@x", "phone": "1"}, [write], reads=reads, runs=(acted,)) == echo
    assert verdict({"email": "b@x", "phone": "2"}, [write], reads=reads, runs=(acted,)) is None
    assert verdict({"email": "b@x", "phone": "1"}, [write], reads=reads) is None
    changed = before(10, "skipped", {"email": "a@x", "phone": "2"})
    assert verdict({"email": "b@x", "phone": "1"}, [write], reads=reads, runs=(changed, acted)) is None
    assert verdict({"email": "b@x"}, [write], reads=None, runs=(acted,)) is None, "the phone number has gone"


def test_fields_of_a_new_record_that_were_never_filled_are_no_news() -> None:
    reads, record, write = ("email", "phone"), {"email": "a@x"}, wrote({"email": "a@x"})
    assert verdict(record, [write], reads=reads) is None
    assert verdict(record, [write], reads=reads, kind="new") is not None
    assert verdict(record, [], reads=reads, kind="new") is None
    assert verdict(record, [write], reads=reads, runs=(before(9, "skipped", {"email": ""}, "new"),)) is not None
    assert verdict(record, [write], reads=reads, runs=(before(9, "skipped", {"phone": "1"}, "new"),)) is None


def test_content_that_was_done_already_is_no_news() -> None:
    record = {"email": "a@x", "age": 9}
    acted = before(9, "done", {"email": "a@x", "age": 8})
    assert verdict(record, [], runs=(acted,)) == "all that it reads is as it was in run 9"
    assert verdict(record, [], runs=(before(10, "skipped", record), acted)) is not None
    assert verdict(record, [], runs=(before(10, "skipped", {"email": "b@x"}), acted)) is None
    assert verdict({"email": "", "id": "1"}, [], runs=(before(9, "done", {}),)) is not None


@pytest.mark.parametrize("state", ["failed", "uncertain", "open"])
def test_content_whose_run_did_not_end_well_goes_on(state: str) -> None:
    assert verdict({"email": "a@x"}, [], runs=(before(9, state, {"email": "a@x"}),)) is None


def test_content_goes_on_when_the_automation_has_changed() -> None:
    assert verdict({"email": "a@x"}, [], runs=(before(9, "done", {"email": "a@x"}),), digest="other") is None


def test_content_that_came_back_over_a_write_of_ours_goes_on() -> None:
    acted = before(9, "done", {"email": "a@x"})
    write = wrote({"email": "b@x"}, {"email": "b@x"})
    assert verdict({"email": "a@x"}, [write], runs=(acted,)) is None
    told = wrote({"email": "a@x, a very long one"}, {"email": "a@x"})  # the vendor cut it short
    assert verdict({"email": "a@x"}, [told], runs=(acted,)) is not None


@pytest.mark.parametrize(
    ("returns", "answer", "found"),
    [
        ("contact.id", {"new": False, "contact": {"id": 1, "a": 2}}, {"id": 1, "a": 2}),
        ("id", {"id": 1, "a": 2}, {"id": 1, "a": 2}),
        (("x.id", "y.id"), {"x": {}, "y": {"id": 1}}, {"id": 1}),
        ("contact.id", {"ok": True}, None),
        ("contact.id", None, None),
        (None, {"id": 1}, None),
    ],
)
def test_an_answer_tells_the_record_where_its_id_lies(returns: Any, answer: Any, found: Any) -> None:
    row = Action(id="toy.x", summary="x", send=post("/x"), returns=returns)
    assert made_object(row, answer) == found
    assert made_object(None, answer) is None


@pytest.fixture
def works(small_ledger: Store, clock: Clock) -> Works:
    return Works(small_ledger, clock)


@pytest.fixture
def both(ledger: Store, clock: Clock) -> Works:
    return Works(ledger, clock)


WRITER = automation("writer", steps=(step(with_={"id": "{{ record.target }}", "value": "{{ record.value }}"}),))
LISTENER = automation(
    "listener", echoes="skip", steps=(step("1", "toy.guarded", with_={"name": "{{ record.value }}"}),)
)


async def written(works: Works, target: str, value: Any) -> int:
    """Hightide sets the value of a record."""
    run = works.opened(WRITER, {"target": target, "value": value})
    assert await works.finished(run, WRITER) == "done"
    works.clock.advance(1000)
    return run


async def heard(works: Works, record: Mapping[str, Any], flow: Automation = LISTENER, **more: Any) -> str:
    """What becomes of the run for an event of that record."""
    run = works.opened(flow, record, **more)
    works.clock.advance(1000)
    state = await works.finished(run, flow)
    return str(works.run(run).reason or state)


async def test_a_write_is_heard_as_an_echo_and_a_persons_change_is_not(both: Works) -> None:
    run = await written(both, "k", "x")
    echo = f"an echo of run {run}: nobody else has changed anything that it reads"
    assert await heard(both, {"id": "k", "value": "x"}) == echo
    assert await heard(both, {"id": "k", "value": "y"}, kind="updated") == "done"
    assert await heard(both, {"id": "k", "value": "x"}, kind="updated") == "done", "changed back"
    assert (await heard(both, {"id": "k", "value": "x", "other": 1})).startswith("all that it reads is as it was")
    assert both.vendor.names("/guarded") == ["y", "x"]


async def test_without_the_word_nothing_is_skipped(works: Works) -> None:
    flow = replace(LISTENER, echoes="run")
    await written(works, "k", "x")
    assert [await heard(works, {"id": "k", "value": "x"}, flow) for _ in range(2)] == ["done", "done"]


async def test_a_removed_record_is_no_echo(works: Works) -> None:
    await written(works, "k", "x")
    assert await heard(works, {"id": "k", "value": "x"}, kind="removed") == "done"


async def test_other_records_and_other_connections_have_their_own_echoes(both: Works) -> None:
    await written(both, "k", "x")
    assert await heard(both, {"id": "other", "value": "x"}) == "done"
    both.ledger.write_now(lambda c: c.execute(update(STEPS).values(connection="elsewhere")))
    assert await heard(both, {"id": "k", "value": "x"}) == "done"


async def test_a_write_that_came_after_the_event_does_not_count(works: Works) -> None:
    run = works.opened(LISTENER, {"id": "k", "value": "x"})
    works.ledger.write_now(
        lambda c: c.execute(update(RUNS).where(RUNS.c.id == run).values(due_at=works.clock() + 9000))
    )
    works.clock.advance(1)
    await written(works, "k", "x")
    assert await works.finished(run, LISTENER) == "done"


async def test_a_step_that_was_not_done_does_not_count(works: Works) -> None:
    await written(works, "k", "x")
    works.ledger.write_now(lambda c: c.execute(update(STEPS).values(state="uncertain")))
    assert await heard(works, {"id": "k", "value": "x"}) == "done"


async def test_a_replay_is_never_skipped(works: Works) -> None:
    await written(works, "k", "x")
    first = works.opened(LISTENER, {"id": "k", "value": "x"})
    assert await works.finished(first, LISTENER) == "skipped"
    again = dict(works.run(first)._mapping) | {"id": None, "replay": 1, "state": "open", "fence": 0, "reason": None}
    replayed = works.ledger.write_now(lambda c: c.scalar(RUNS.insert().values(again).returning(RUNS.c.id)))
    assert await works.finished(replayed, LISTENER) == "done"


async def test_an_echo_takes_no_turn(works: Works) -> None:
    flow = replace(LISTENER, once_per=OncePer.read("connection.name per 1d"))
    await written(works, "k", "x")
    assert (await heard(works, {"id": "k", "value": "x"}, flow)).startswith("an echo of run ")
    assert await heard(works, {"id": "k", "value": "y"}, flow) == "done"


async def test_a_run_that_was_collected_has_acted(both: Works) -> None:
    await written(both, "k", "x")
    leader = both.opened(LISTENER, {"id": "j", "value": "y"})
    assert await both.finished(leader, LISTENER) == "done"
    collected = both.opened(LISTENER, {"id": "k", "value": "y"})
    values = {"state": "skipped", "batch": leader}
    both.ledger.write_now(lambda c: c.execute(update(RUNS).where(RUNS.c.id == collected).values(**values)))
    assert await heard(both, {"id": "k", "value": "x"}, kind="updated") == "done"
