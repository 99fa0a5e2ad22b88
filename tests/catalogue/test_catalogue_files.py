"""The rows against the vendor's facts as the two data files tell them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from actions.action import Action, Guarded, Natural, Unsafe
from actions.catalog import CATALOG as ACTIONS
from connections.operation import Operation, parameters_of
from connections.paging import Keyset, Offset, OnePage
from triggers.catalog import CATALOG as TRIGGERS
from triggers.trigger import Availability, Object, Snapshot, Trigger, Watermark

TOKENS = {"sub_account": "location", "agency": "agency", "sub_account_or_agency": "either"}
STRATEGIES = {"watermark": Watermark, "snapshot": Snapshot, "object": Object, "availability": Availability}
REPEATS = {"natural": Natural, "guarded": Guarded, "unsafe": Unsafe}

READ_OTHERWISE = {
    # (id, what the file says): why the row says something else
    ("ghl.contacts.duplicate", "identity"): "known by what was sought, so that another contact is a change",
    ("ghl.calendars.free_slots", "identity"): "a feed has one set of parameters, so userId tells nothing apart",
    ("ghl.calendars.resources.list", "identity"): "the name where there is no id; the type is a parameter",
    ("ghl.calendars.resources.get", "identity"): "as in the list",
    ("ghl.conversations.messages.transcription", "identity"): "one entry with all sentences",
    ("ghl.blogs.slug_exists", "identity"): "location and post are parameters; the second entry is for `changed`",
    ("ghl.conversations.messages.recording", "volatile"): "the file is not read, so nothing is compared",
    ("ghl.conversations.messages.transcription_download", "volatile"): "the file is not read",
    ("ghl.workflows.list", "version field"): "version and status both count, so a digest of them is taken",
    ("ghl.workflows.list", "volatile"): "version and status both count, and not when they were saved",
    ("ghl.calendars.create", "optional"): "the document says of meetingLocation that it can only be read",
    ("ghl.calendars.update", "optional"): "the document says of meetingLocation that it can only be read",
    ("ghl.blogs.posts.list", "created"): "the time of publication may lie in the future",
}

each_trigger = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in TRIGGERS.values()])
each_action = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ACTIONS.values()])


def agree(row: Trigger | Action, what: str, ours: Any, theirs: Any) -> None:
    if (row.id, what) in READ_OTHERWISE:
        assert ours != theirs, f"{row.id} says of {what} what the file says: take it off the list"
    else:
        assert ours == theirs, f"{row.id} differs in {what}"


def authors(operation: Operation, *, required: bool) -> set[str]:
    """The parameters that an author has to write, or may."""
    return {
        parameter.name
        for parameter in parameters_of(operation)
        if parameter.source is None and parameter.required is required
    }


def places(found: str | tuple[str, ...]) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else found


def test_the_triggers_are_those_of_the_file(files):
    assert set(TRIGGERS) == set(files["triggers"])


def test_the_actions_are_those_of_the_file(files):
    assert set(ACTIONS) == set(files["actions"])


def test_every_difference_is_that_of_a_row():
    assert {id_ for id_, _ in READ_OTHERWISE} <= {*TRIGGERS, *ACTIONS}


@each_trigger
def test_a_trigger_asks_the_operation_of_the_file(row, files):
    told = files["triggers"][row.id]
    request = told["request"]
    path = re.sub(r"\{\{\w+\.(\w+)\}\}", r"{\1}", request["path"])
    assert (row.fetch.method, row.fetch.path, row.fetch.version) == (request["method"], path, request["version"])
    agree(row, "scopes", list(row.scopes), told["scopes"])
    agree(row, "token", row.token, TOKENS[told["token"]])
    agree(row, "category", row.category, told["category"])
    if row.fallback:
        other = files["operations"][told["operation_key"]]
        assert (row.fallback.fetch.method, row.fallback.fetch.path) == (other["method"], other["path"])


@each_trigger
def test_a_trigger_takes_the_parameters_of_the_file(row, files):
    told = files["triggers"][row.id]
    agree(row, "required", authors(row.fetch, required=True), set(told["required_params"]))
    optional = {*told["optional_params"], *told["required_one_of"]}
    agree(row, "optional", authors(row.fetch, required=False), optional)
    agree(row, "one of", list(row.one_of), told["required_one_of"])


@each_trigger
def test_a_trigger_reads_answers_as_the_file_says(row, files):
    told = files["triggers"][row.id]
    entries = getattr(row.strategy, "entries", None)
    if entries is None:
        agree(row, "records", set(places(row.records)), {told["records_path"], *told["records_path_alternates"]})
    agree(row, "identity", list(row.key), told["identity"])
    agree(row, "volatile", set(row.volatile), set(told["volatile_fields"]))
    if isinstance(row.strategy, Watermark):
        agree(row, "created", row.strategy.added, told["created_field"])
        if "updated" in row.events and row.strategy.also is None:
            agree(row, "updated", row.strategy.updated, told["updated_field"])
    if isinstance(row.strategy, Snapshot):
        agree(row, "created", row.strategy.added, told["created_field"])
        agree(row, "version field", row.strategy.version, told["version_field"])


@each_trigger
def test_a_trigger_is_polled_as_the_file_says(row, files):
    told = files["triggers"][row.id]
    assert isinstance(row.strategy, STRATEGIES[told["strategy"]])
    agree(row, "events", set(row.events), set(told["supported_events"]))
    agree(row, "default event", row.default_event, told["default_event"])
    agree(row, "interval", row.every.total_seconds(), told["default_interval"] * 60)
    agree(row, "wakes", list(row.wakes), told["wake_webhooks"])
    agree(row, "once", getattr(row.strategy, "once", False), told["terminal_after_first"])
    window, told_window = getattr(row.strategy, "window", None), told["time_window"]
    agree(row, "window", [window.start, window.end] if window else None, told_window and told_window["params"])
    if isinstance(row.strategy, Watermark) and "lookback_seconds" in (told["incremental"] or {}):
        agree(row, "look-back", row.strategy.lookback.total_seconds(), told["incremental"]["lookback_seconds"])


@each_trigger
def test_a_trigger_turns_pages_as_the_file_says(row, files):
    told = files["triggers"][row.id]["pagination"]
    params = told["params"]
    if told["style"] == "none":
        assert isinstance(row.paging, OnePage)
        return
    assert isinstance(row.paging, Offset | Keyset)
    assert (row.paging.limit, row.paging.size) == (params["size"], told["page_size_use"])
    if isinstance(row.paging, Offset):
        assert row.paging.skip == params["offset"]
    else:
        assert set(row.paging.values) == {params[name] for name in ("cursor", "after", "after_id") if name in params}


@each_action
def test_an_action_sends_the_operation_of_the_file(row, files):
    told = files["actions"][row.id]
    assert (row.send.method, row.send.path, row.send.version) == (told["method"], told["path"], told["version"])
    assert row.send.body_is_array is told["body_is_array"]
    agree(row, "scopes", list(row.scopes), told["scopes"])
    agree(row, "token", row.token, TOKENS[told["token"]])
    agree(row, "category", row.category, told["category"])
    operation = files["operations"][told["operation_key"]]
    agree(row, "body", row.send.body is not None, operation["body"] is not None)


@each_action
def test_an_action_takes_the_parameters_of_the_file(row, files):
    told = files["actions"][row.id]
    required = {name for names in told["required"].values() for name in names}
    choice = set(told["required_one_of"])
    ours = {parameter.name for parameter in parameters_of(row.send) if parameter.required}
    agree(row, "required", ours, required)
    assert {*row.one_of, *row.only_one_of} == choice
    optional = {parameter.name for parameter in parameters_of(row.send) if not parameter.required} | set(row.instead)
    agree(row, "optional", optional, {*told["optional_body"], *told["optional_query"], *choice})
    for name, values in told.get("path_enum", {}).items():
        assert list(row.send.enums[name]) == values


@each_action
def test_an_action_is_repeated_and_read_as_the_file_says(row, files):
    told = files["actions"][row.id]
    assert isinstance(row.repeat, REPEATS[told["idempotency"]])
    if not isinstance(row.repeat, Natural):
        assert (row.repeat.probe is None) is (told["probe"] is None)
    assert row.missing_is_done is told["recognise"].startswith("repeat on a missing object")
    returns = [told["returns"], *told["returns_alternates"]] if told["returns"] else []
    agree(row, "returns", list(places(row.returns or ())), [dotted(place) for place in returns])


def dotted(place: str) -> str:
    return place.replace("[]", "").replace("[", ".").replace("]", "").removeprefix(".")
