"""A small vendor's rows, one for each way of polling and each way of repeating, and automations on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Required

from pydantic import SecretStr
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe, Unsafe
from config.automation import Automation, Every, Schedule, Start, Step, TriggerUse
from connections.connection import Connection, PrivateToken
from connections.fields import Sensitive
from connections.operation import get, post, put
from connections.paging import Keyset, Offset, OnePage
from triggers.since import epoch_ms, ranges
from triggers.trigger import Availability, Kind, Object, Snapshot, Trigger, Watermark

ACME = Connection(
    name="acme", kind="toy", base_url="http://127.0.0.1:1", auth=PrivateToken(token=SecretStr("t0k3n-of-acme"))
)


class Wanted(TypedDict, total=False):
    """Which things."""

    colour: str


class Thing(TypedDict, total=False):
    """A thing that does not exist yet."""

    name: Required[str]
    value: Any
    password: Annotated[str, Sensitive()]


class Value(TypedDict, total=False):
    """What changes in a thing."""

    value: Required[Any]


PAGED = Keyset(values={"after": ("last.sort",)}, size=3)
TIMED = Watermark(
    added="dateAdded",
    updated="dateUpdated",
    since=(ranges(added="dateAdded", updated="dateUpdated", write=epoch_ms),),
    lookback=timedelta(seconds=0),
)


def trigger(id_: str, **fields: Any) -> Trigger:
    plain: dict[str, Any] = {
        "fetch": get("/things", Wanted),
        "records": "things",
        "summary": "A thing",
        "paging": PAGED,
    }
    return Trigger(id=id_, **{"paging": PAGED, **plain, **fields})


TRIGGERS: Mapping[str, Trigger] = {
    row.id: row
    for row in (
        trigger("toy.things.search", fetch=post("/things/search", Wanted), strategy=TIMED),
        trigger("toy.things.newest", strategy=Watermark(added="dateAdded", lookback=timedelta(seconds=0))),
        trigger("toy.things.list", strategy=Snapshot(), paging=Offset(size=3)),
        trigger("toy.things.get", fetch=get("/things/{id}"), records="thing", strategy=Object(), paging=OnePage()),
        trigger(
            "toy.slots.list",
            fetch=get("/slots", Wanted),
            strategy=Availability(once=True, waiting=(400, 404), events=("new",)),
            records="slots",
            key=("name",),
            paging=OnePage(),
        ),
    )
}


def made(path: str, id_: str, repeat: Any) -> Action:
    return Action(id=id_, summary="Make", send=post(path, Thing), repeat=repeat, returns="made.id")


def probe(path: str) -> Probe:
    return Probe(find=get(path), records="found", same={"name": "name"}, since="at", settles=timedelta(seconds=10))


ACTIONS: Mapping[str, Action] = {
    row.id: row
    for row in (
        Action(id="toy.set", summary="Set", send=put("/set/{id}", Value), returns="made.id"),
        made("/guarded", "toy.guarded", Guarded(probe=probe("/guarded"))),
        made("/probed", "toy.probed", Unsafe(probe=probe("/probed"))),
        made("/blind", "toy.blind", Unsafe()),
    )
}


def automation(
    name: str = "welcome",
    *,
    use: str = "toy.things.search",
    connection: str = "acme",
    on: tuple[Kind, ...] = ("new",),
    with_: Mapping[str, Any] | None = None,
    start: Start = "now",
    schedule: Schedule = Every(300),  # noqa: B008  # a value
    when: str | None = None,
    steps: tuple[Step, ...] | None = None,
    **more: Any,
) -> Automation:
    return Automation(
        name=name,
        trigger=TriggerUse(use=use, connection=connection, on=on, schedule=schedule, with_=with_ or {}, start=start),
        steps=steps if steps is not None else (step(),),
        when=when,
        **more,
    )


def step(id_: str = "1", use: str = "toy.set", **more: Any) -> Step:
    plain: dict[str, Any] = {"connection": "acme", "with_": {"id": "{{ record.id }}", "value": 1}}
    return Step(id=id_, use=use, **{**plain, **more})
