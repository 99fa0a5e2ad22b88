"""Every request that a row can make is one that the vendor's documents allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from openapi_core.exceptions import OpenAPIError

from actions.action import Action, Natural, Probe
from actions.catalog import CATALOG as ACTIONS
from connections.connection import Connection, NoAuth
from connections.example import example
from connections.operation import Operation, parameters_of
from connections.paging import Keyset, Offset
from connections.request import build, check
from triggers.catalog import CATALOG as TRIGGERS
from triggers.trigger import Trigger, Watermark

CONNECTION = Connection(
    name="acme",
    kind="ghl",
    base_url="https://services.leadconnectorhq.com",
    auth=NoAuth(),
    location_id="ve9EPM428h8vShlRW1KT",
    company_id="5DP41231LkQsiKESj6rh",
)
MOMENT = 1_700_000_000_000
POSITIONS = {
    "searchAfter": [MOMENT, "ocQHyuzHvysMo5N5VsXc"],
    "startAfter": MOMENT,
    "startAfterId": "ocQHyuzHvysMo5N5VsXc",
    "startAfterDate": MOMENT,
    "lastMessageId": "tDtDnQdgm2LXpyiqYvZ6",
}

each_trigger = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in TRIGGERS.values()])
each_action = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ACTIONS.values()])


def given(row: Trigger | Action, operation: Operation) -> Iterator[dict[str, Any]]:
    """What an author may write: no more than is required, all there is, and each choice by itself."""
    least, most = example(operation), example(operation, whole=True)
    only = row.only_one_of if isinstance(row, Action) else ()
    for name in only or ("",):
        yield {key: value for key, value in most.items() if key == name or key not in only}
    for name in (name for name in (*row.one_of, *only) if name in most):
        yield {**least, name: most[name]}
    if not row.one_of and not only:
        yield least


def extras(row: Trigger) -> Iterator[Mapping[str, Any]]:
    """What the engine adds: constants, the first and another page, a window, times in each dialect."""
    window = getattr(row.strategy, "window", None)
    written = str if window and window.unit == "ms_text" else int
    span = {window.start: written(MOMENT), window.end: written(MOMENT + 86_400_000)} if window else {}
    positions = [None, 99] if isinstance(row.paging, Offset) else [None]
    if isinstance(row.paging, Keyset):
        positions.append({name: POSITIONS[name] for name in row.paging.values})
    times = [{}]
    if isinstance(row.strategy, Watermark):
        asked = product(row.strategy.since, ("new", "updated"), (None, MOMENT), (False, True))
        times = [since(watch, moment, newest) for since, watch, moment, newest in asked] or times
    for at, time in product(positions, times):
        yield {**row.fixed, **row.paging.ask(at), **span, **time}


@each_trigger
def test_every_poll_is_a_request_of_the_document(row, documents):
    for trigger in (row, row.fallback) if row.fallback else (row,):
        for inputs, extra in product(given(trigger, trigger.fetch), extras(trigger)):
            checked = check(trigger.fetch, inputs, one_of=trigger.one_of)
            documents.check(trigger.fetch, build(trigger.fetch, checked, CONNECTION, extra))


@each_action
def test_every_call_is_a_request_of_the_document(row, documents):
    for inputs in given(row, row.send):
        checked = check(row.send, inputs, one_of=row.one_of, only_one_of=row.only_one_of)
        documents.check(row.send, build(row.send, checked, CONNECTION))


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ACTIONS.values() if row.instead])
def test_every_other_call_is_a_request_of_the_document(row, documents):
    for name in row.instead:
        inputs = {name: "ocQHyuzHvysMo5N5VsXc"}
        operation = row.operation(inputs)
        checked = check(operation, inputs, one_of=row.one_of)
        documents.check(operation, build(operation, checked, CONNECTION))


def probes(found: Probe | None) -> Iterator[Probe]:
    if found is not None:
        yield found
        yield from (*probes(found.more), *probes(found.otherwise))


PROBING = [row for row in ACTIONS.values() if not isinstance(row.repeat, Natural)]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in PROBING])
def test_every_look_for_an_earlier_attempt_is_a_request_of_the_document(row, documents):
    for probe, inputs in product(probes(row.repeat.probe), given(row, row.send)):
        asked = {name: inputs[source] for name, source in probe.asks.items() if source in inputs}
        more = {probe.more_as: "tDtDnQdgm2LXpyiqYvZ6"} if probe.more_as else {}
        checked = check(probe.find, {**asked, **more})
        extra = {**probe.fixed, **probe.paging.ask(None)}
        documents.check(probe.find, build(probe.find, checked, CONNECTION, extra))


@each_action
def test_the_document_would_notice_what_is_missing(row, documents):
    """The check above can fail: without what the body requires, openapi-core refuses."""
    inputs = check(row.send, next(given(row, row.send)), one_of=row.one_of, only_one_of=row.only_one_of)
    request = build(row.send, inputs, CONNECTION)
    required = [one.name for one in parameters_of(row.send) if one.required and one.place == "body"]
    for name in required:
        body = request.body[0] if row.send.body_is_array else request.body
        left = {key: value for key, value in body.items() if key != name}
        with pytest.raises(OpenAPIError):
            documents.check(row.send, replace(request, body=[left] if row.send.body_is_array else left))
