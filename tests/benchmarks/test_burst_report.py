from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from benchmarks.measurement import Round
from benchmarks.report import HEADINGS, Line, lines, markdown


def one(system: str, seconds: float, **more: Any) -> Round:
    cpu = {"system": 2.0, "vendor": 0.1, "valkey": 0.2, "postgres": 0.3}
    known: dict[str, Any] = {"records": 1000, "waited": 0.1, "lost": 0, "doubled": 0, "load": 0.0}
    return Round(system=system, seconds=seconds, cpu=cpu, memory={"system": 100.0}, **{**known, **more})


def by_name(found: list[Line]) -> dict[str, Line]:
    return {line.system: line for line in found}


def test_rates_are_medians_and_the_fastest_comes_first() -> None:
    found = lines([[one("a", seconds), one("b", 1.0)] for seconds in (4.0, 2.0, 10.0)], "bare", [])
    assert [(line.system, line.rate) for line in found] == [("b", 1000), ("a", 250)]
    assert (found[1].lowest, found[1].highest) == (100, 500)


def test_ratios_are_taken_inside_each_round() -> None:
    """The machine is half as fast in every next round: ratios stay what they were."""
    slower = (2.0**number for number in count())
    rounds = [[one("us", s), one("celery", 6 * s), one("bare", s / 2)] for s, _ in zip(slower, range(3), strict=False)]
    us = by_name(lines(rounds, "bare", ["celery"]))["us"]
    assert (us.celery, us.bare) == (pytest.approx(6), pytest.approx(0.5))


def test_the_fastest_celery_is_the_base() -> None:
    rounds = [[one("us", 1.0), one("early", 5.0), one("late", 7.0)]]
    found = by_name(lines(rounds, "bare", ["early", "late"]))
    assert found["us"].celery == pytest.approx(5)
    assert found["early"].celery == pytest.approx(1)


def test_without_a_baseline_there_is_no_ratio() -> None:
    [line] = lines([[one("us", 1.0)]], "bare", ["celery"])
    assert (line.celery, line.bare) == (None, None)
    assert line.cells[3:5] == ("-", "-")


def test_cpu_is_in_milliseconds_a_record_and_services_are_apart() -> None:
    [line] = lines([[one("us", 1.0)]], "bare", [])
    assert (line.cpu, line.valkey, line.postgres, line.vendor) == pytest.approx((2.0, 0.2, 0.3, 0.1))


def test_what_was_lost_or_doubled_in_any_round_is_shown() -> None:
    [line] = lines([[one("us", 1.0, lost=2)], [one("us", 1.0, doubled=1)], [one("us", 1.0, lost=1)]], "bare", [])
    assert (line.lost, line.doubled) == (3, 1)


def test_the_page_has_a_row_for_each_system_and_every_fact() -> None:
    page = markdown(lines([[one("us", 1.0), one("bare", 1.0)]], "bare", []), ["command: x", "machine: y"])
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert {row.count("|") for row in rows} == {len(HEADINGS) + 1}
    assert "- command: x\n- machine: y\n" in page
