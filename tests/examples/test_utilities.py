"""Small operations as steps: what 0CodeKit answers is what the next step takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.acting import Stage, acted
from tests.faults.house import kill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with acted(tmp_path_factory.mktemp("stage"), "tidy-names") as made:
        yield made


def test_a_name_is_split_and_a_whole_one_is_left_alone(stage: Stage) -> None:
    split = stage.contact(firstName="Ada King Lovelace")
    whole = stage.contact(firstName="Grace", lastName="Hopper")
    stage.until(lambda: stage.records("contacts", id=split, firstName="Ada King", lastName="Lovelace"))
    stage.quiet()
    assert stage.records("contacts", id=whole, firstName="Grace", lastName="Hopper")
    assert stage.effects(f"/contacts/{whole}") == 0


def test_only_an_address_in_doubt_gets_the_tag(stage: Stage) -> None:
    good = stage.contact(email="ada@example.com")
    bad, meant = stage.contact(email="ada@example..com"), stage.contact(email="ada@gmial.com")
    for doubted in (bad, meant):
        stage.until(lambda doubted=doubted: stage.records("contacts", id=doubted, tags=["email-in-doubt"]))
    stage.quiet()
    assert stage.records("contacts", id=good, tags=[])


def test_a_worker_killed_between_the_two_steps_does_both_once(stage: Stage) -> None:
    slow = {"match": {"path": "/0codekit/operator/*"}, "delay": 3, "when": "after"}
    stage.vendor.ask("POST", "faults", slow)
    contact = stage.contact(firstName="Mary Somerville")
    stage.until(lambda: stage.house.status().runs["open"])
    kill(stage.house.busiest(stage.house.family("console worker").pid))
    stage.vendor.ask("DELETE", "faults")
    stage.until(lambda: stage.records("contacts", id=contact, firstName="Mary", lastName="Somerville"))
    stage.quiet()
    assert stage.effects(f"/contacts/{contact}") == 1
