from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.automation import Auto, Automation, Cron, Every, OncePer, OnError, OnUncertain, Step, TriggerUse
from config.environment import MissingVariable
from triggers.trigger import Kind

WORDS = st.text(max_size=8)
INPUTS = st.dictionaries(
    WORDS,
    st.recursive(
        st.none() | st.booleans() | st.integers() | WORDS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
TRIGGERS = st.builds(
    TriggerUse,
    use=WORDS,
    connection=WORDS,
    on=st.lists(st.sampled_from(get_args(Kind)), min_size=1, unique=True).map(tuple),
    schedule=st.builds(Every, st.integers(60, 900)) | st.builds(Auto) | st.builds(Cron, WORDS, WORDS),
    with_=INPUTS,
    start=st.sampled_from(["now", "beginning"]) | st.datetimes(timezones=ZONES),
)
SPANS = st.integers(1, 7_776_000).map(lambda seconds: timedelta(seconds=seconds))
STEPS = st.builds(
    Step,
    id=WORDS,
    use=WORDS,
    connection=WORDS,
    with_=INPUTS,
    when=st.none() | WORDS,
    for_each=st.none() | WORDS,
    on_error=st.sampled_from(get_args(OnError)),
    on_uncertain=st.sampled_from(get_args(OnUncertain)),
    wait=st.none() | SPANS,
)
ONCE = st.builds(OncePer, st.sampled_from(["record.email", "record.a per 2d ~ 'x'"]), SPANS)
AUTOMATIONS = st.builds(
    Automation,
    name=WORDS,
    trigger=TRIGGERS,
    steps=st.lists(STEPS, max_size=3).map(tuple),
    when=st.none() | WORDS,
    once_per=st.none() | ONCE,
    echoes=st.sampled_from(["run", "skip"]),
    collect=st.none() | SPANS,
)


@given(automation=AUTOMATIONS)
def test_a_definition_is_json_and_gives_the_automation_back(automation: Automation) -> None:
    stored = json.loads(json.dumps(automation.definition()))
    again = Automation.from_definition(automation.name, stored)
    assert again == automation
    assert again.definition() == stored


AUTOMATION = Automation(
    name="x",
    when="record.tag == '${TAG}'",
    trigger=TriggerUse(
        use="a",
        connection="c",
        on=("new",),
        schedule=Auto(),
        with_={"q": "${TAG}"},
        start=datetime(2026, 1, 1, tzinfo=UTC),
    ),
    steps=(Step(id="1", use="b", connection="c", with_={"k": ["${TAG}!", {"t": "{{ record.x }} ${TAG}"}], "n": 5}),),
)


def test_a_definition_keeps_variables_as_they_are_written() -> None:
    assert "${TAG}" in json.dumps(AUTOMATION.definition())
    assert AUTOMATION.definition()["trigger"]["with"] == {"q": "${TAG}"}


def test_variables_are_filled_in_everywhere_and_templates_stay() -> None:
    filled = AUTOMATION.with_environment({"TAG": "vip"})
    assert filled.when == "record.tag == 'vip'"
    assert filled.trigger.with_ == {"q": "vip"}
    assert filled.steps[0].with_ == {"k": ["vip!", {"t": "{{ record.x }} vip"}], "n": 5}


def test_a_variable_that_is_gone_is_named() -> None:
    with pytest.raises(MissingVariable, match="`TAG` is not set"):
        AUTOMATION.with_environment({})


def test_what_a_variable_holds_is_not_read_again() -> None:
    assert AUTOMATION.with_environment({"TAG": "${HOME}"}).trigger.with_ == {"q": "${HOME}"}
