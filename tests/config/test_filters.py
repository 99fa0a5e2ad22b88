from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.filters import FILTERS, LIMIT, plain, text
from config.templates import TemplateError, render


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("date", ("2026-03-01T23:30:00Z",), "2026-03-01"),
        ("date", ("2026-03-01T23:30:00Z", "%d.%m.%Y %H:%M", "Europe/Vienna"), "02.03.2026 00:30"),
        ("date", ("2026-07-01T12:00:00Z", "iso", "America/New_York"), "2026-07-01T08:00:00-04:00"),
        ("date", ("2026-03-01",), "2026-03-01"),
        ("date", (1_772_407_800,), "2026-03-01"),
        ("date", (1_772_407_800_000, "iso"), "2026-03-01T23:30:00+00:00"),
        ("date", ("1772407800000", "%H:%M"), "23:30"),
        ("date", ("1772407800.5", "%H:%M"), "23:30"),
        ("date", ("20260301",), "2026-03-01"),
        ("date", (" 2026-03-01T10:00:00 ", "iso"), "2026-03-01T10:00:00+00:00"),
        ("date", ("1990-09-25", "%d.%m.%Y", "America/New_York"), "25.09.1990"),
        # the hour that is left out in spring, and the one that comes twice in autumn
        ("date", ("2026-03-29T00:59:59Z", "iso", "Europe/Vienna"), "2026-03-29T01:59:59+01:00"),
        ("date", ("2026-03-29T01:00:00Z", "iso", "Europe/Vienna"), "2026-03-29T03:00:00+02:00"),
        ("date", ("2026-10-25T00:30:00Z", "iso", "Europe/Vienna"), "2026-10-25T02:30:00+02:00"),
        ("date", ("2026-10-25T01:30:00Z", "iso", "Europe/Vienna"), "2026-10-25T02:30:00+01:00"),
        ("date", ("2026-09-06", "%d.%m.%Y", "America/Santiago"), "06.09.2026"),
        ("date", (datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2))), "%H:%M"), "01:30"),
        ("date", ("2026-11-27T22:31:17.684270Z", "iso"), "2026-11-27T22:31:17+00:00"),
        ("e164", ("(415) 555-0100",), "+14155550100"),
        ("e164", ("1-415-555-0100 ext. 12",), "+14155550100"),
        ("e164", ("+44 (0)20 7946 0958",), "+442079460958"),
        ("e164", ("020 7946 0958", "GB"), "+442079460958"),
        ("e164", ("0043 1 5880 00", "US"), "+431588000"),
        ("e164", ("01 588 000", "AT"), "+431588000"),
        ("e164", ("06 6982 1234", "IT"), "+390669821234"),
        ("e164", (4155550100,), "+14155550100"),
        ("e164", ("+49 (0) 30 901820",), "+4930901820"),
        ("e164", ("(0049) 30 901820",), "+4930901820"),
        ("e164", ("011 44 20 7946 0958",), "+442079460958"),
        ("e164", ("tel:+1-415-555-0100;ext=9",), "+14155550100"),
        ("e164", ("415.555.0100 #5",), "+14155550100"),
        ("e164", ("1-800-FLOWERS",), "+18003569377"),
        ("e164", ("０３-１２３４-５６７８", "JP"), "+81312345678"),  # noqa: RUF001  # as Japanese keyboards write
        ("e164", ("8 (495) 123-45-67", "RU"), "+74951234567"),
        ("e164", ("020 7946 0958", "gb"), "+442079460958"),
        ("e164", ("+44 20 7946 0958", None), "+442079460958"),
        ("money", (1234.5,), "1,234.50"),
        ("money", (1234.5, "USD"), "$1,234.50"),
        ("money", ("1,234.505", "EUR"), "€1,234.51"),
        ("money", (-3, "GBP"), "-£3.00"),
        ("money", (1234.5, "JPY"), "¥1,235"),
        ("money", (0, "CHF"), "0.00 CHF"),
        ("money", (-1234.5, "JPY"), "-¥1,235"),
        ("money", (-0.001, "USD"), "$0.00"),
        ("money", (5, "usd"), "$5.00"),
        ("money", (1.2345, "KWD"), "1.235 KWD"),
        ("money", ("$1,234.50", "USD"), "$1,234.50"),
        ("money", ("1.234,50", "EUR"), "€1,234.50"),
        ("money", ("1\u00a0234,5",), "1,234.50"),
        ("money", ("1'234.50",), "1,234.50"),
        ("money", ("12,50",), "12.50"),
        ("money", ("1,234",), "1,234.00"),
        ("money", ("1,234,567",), "1,234,567.00"),
        ("money", ("1.234.567",), "1,234,567.00"),
        ("money", ("1.234.567,8",), "1,234,567.80"),
        ("money", ("1,234,567.8",), "1,234,567.80"),
        ("money", ("1.234",), "1.23"),
        ("money", ("\u22123",), "-3.00"),
        ("first_name", ("Ada King  Lovelace",), "Ada"),
        ("last_name", ("Ada King  Lovelace",), "King Lovelace"),
        ("first_name", ("Lovelace, Ada King",), "Ada King"),
        ("last_name", ("Lovelace, Ada King",), "Lovelace"),
        ("last_name", ("Ada",), ""),
        ("first_name", ("",), ""),
        ("first_name", (None,), ""),
        ("first_name", ("Dr. Ludwig van der Berg",), "Ludwig"),
        ("last_name", ("Dr. Ludwig van der Berg",), "van der Berg"),
        ("last_name", ("van der Berg, Dr. Ludwig",), "van der Berg"),
        ("first_name", ("van der Berg, Dr. Ludwig",), "Ludwig"),
        ("first_name", ("Prof. Dr. med. Anna Schmidt",), "Anna"),
        ("first_name", ("Phil Collins",), "Phil"),
        ("first_name", ("Dr",), "Dr"),
        ("first_name", ("Mr. Smith",), ""),
        ("last_name", ("Mr. Smith",), "Smith"),
        ("first_name", ("John Smith, Jr.",), "John"),
        ("last_name", ("John Smith, Jr.",), "Smith Jr."),
        ("last_name", ("Smith, John, M.D.",), "Smith M.D."),
        ("first_name", ("Rahman, Md",), "Md"),
        ("first_name", ("Lovelace, ",), "Lovelace"),
        ("first_name", ("山田 太郎",), "山田"),
        ("last_name", ("Jos\u00e9\u00a0Mar\u00eda Aznar",), "María Aznar"),
        ("last_name", ("O'Brien, Conan",), "O'Brien"),
        ("slug", ("Ada's Café - Straße & Łódź!",), "adas-cafe-strasse-lodz"),
        ("slug", ("  --  ",), ""),
        ("slug", (None,), ""),
        ("slug", ("İstanbul ½ ﬁne",), "istanbul-1-2-fine"),
        ("slug", ("Привет",), ""),
        ("slug", (5,), "5"),
        ("json", (map(str, (1, 2)),), '["1","2"]'),
        ("json", ({1: range(2)},), '{"1":[0,1]}'),
        ("json", ({"a": [1, None, "é"]},), '{"a":[1,null,"é"]}'),
        ("default", (None, "x"), "x"),
        ("default", ("", "x"), "x"),
        ("default", (0, "x"), 0),
        ("default", (False, "x"), False),
        ("default", (None,), ""),
        ("join", (["a", 1, None, True], "-"), "a-1--true"),
        ("replace", ("a-b-c", "-", "+"), "a+b+c"),
        ("round", (2.345, 2), 2.35),
        ("round", (2.5,), 3.0),
        ("round", (-2.5,), -3.0),
        ("round", (1.005, 2), 1.01),
        ("round", (5,), 5),
        ("round", (1e300,), 1e300),
    ],
)
def test_a_filter_gives(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    found = FILTERS[name](*arguments)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("date", ("tomorrow",), "^expected a time such as 2026-03-01T09:00:00Z$"),
        ("date", ("09/25/1990",), "^expected a time such as 2026-03-01T09:00:00Z$"),
        ("date", ([],), "expected a time, not list"),
        ("date", (True,), "expected a time, not bool"),
        ("date", (0, "iso", "Europe/Viena"), "unknown time zone 'Europe/Viena'"),
        ("date", (0, "iso", "../../etc/passwd"), "unknown time zone"),
        ("at", (0, "5pm"), "expected a time of day such as 09:00"),
        ("at", (0, "24:00"), "expected a time of day such as 09:00"),
        ("at", (0, "09:00", "Berlin"), "unknown time zone 'Berlin'"),
        ("e164", ("555-0100",), "no phone number of US"),
        ("e164", ("+1 415 555 0100 / +1 415 555 0199",), "no phone number"),
        ("e164", (None,), "no phone number"),
        ("e164", ("x" * 10_000,), "no phone number"),
        ("e164", ("020 7946 0958", "UK"), "unknown country 'UK'"),
        ("e164", ("+1",), "no phone number"),
        ("e164", ("+" + "1" * 16,), "no phone number"),
        ("e164", ("x", "AT"), "no phone number of AT"),
        ("e164", ("1234567", "XX"), "unknown country 'XX'"),
        ("money", ("lots",), "expected an amount of money"),
        ("money", ("nan",), "expected an amount of money"),
        ("money", (True,), "expected an amount of money"),
        ("money", (None,), "expected an amount of money"),
        ("money", ("12..5",), "expected an amount of money"),
        ("money", (1e30,), "expected an amount of money"),
        ("join", (["x" * 1000] * 1000,), "more than"),
        ("replace", ("x" * 1000, "", "y" * 1000), "more than"),
    ],
)
def test_a_filter_refuses(name: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        FILTERS[name](*arguments)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (None, ""),
        (True, "true"),
        (5, "5"),
        (1.5, "1.5"),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
    ],
)
def test_a_value_inside_a_text_stands_as(value: Any, expected: str) -> None:
    assert text(value) == expected
    assert text(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00+00:00"


def test_only_what_json_knows_leaves_a_template() -> None:
    assert plain({1: (x for x in (1, 2)), "r": range(2), "i": {"a": 1}.items()}) == {
        "1": [1, 2],
        "r": [0, 1],
        "i": [["a", 1]],
    }
    for refused in (float("nan"), 2**64, len, object(), "x" * (LIMIT + 1)):
        with pytest.raises((TypeError, ValueError)):
            plain(refused)


@given(name=st.text(max_size=40).map(lambda name: name.replace(",", " ")))
def test_a_name_loses_no_word_when_it_is_split(name: str) -> None:
    assert f"{FILTERS['first_name'](name)} {FILTERS['last_name'](name)}".split() == name.split()


@given(words=st.text(max_size=40))
def test_a_slug_is_always_safe_in_an_address(words: str) -> None:
    found = FILTERS["slug"](words)
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert FILTERS["slug"](found) == found


@pytest.mark.parametrize(
    ("value", "span", "expected"),
    [
        ("2026-03-01T09:00:00Z", "2d", "2026-03-03T09:00:00+00:00"),
        ("2026-03-01", "-1s", "2026-02-28T23:59:59+00:00"),
        ("2026-03-01T09:00:00+02:00", "90m", "2026-03-01T08:30:00+00:00"),
        (1_800_000_000_000, "+2h", "2027-01-15T10:00:00+00:00"),
        ("2026-03-01", "365d", "2027-03-01T00:00:00+00:00"),
    ],
)
def test_a_span_is_added_to_a_time(value: Any, span: str, expected: str) -> None:
    assert FILTERS["plus"](value, span).isoformat() == expected


@pytest.mark.parametrize("span", ["", "2", "2w", "two days", "--2d", "1.5h"])
def test_what_is_no_span_is_not_added(span: str) -> None:
    with pytest.raises(ValueError, match="is no span of time: expected such as"):
        FILTERS["plus"]("2026-03-01", span)


def test_a_sum_of_times_goes_on_to_be_written_as_a_date() -> None:
    context = {"record": {"at": "2026-12-31T23:00:00Z"}}
    assert render("{{ record.at | plus('2h') | date('%d.%m.%Y') }}", context) == "01.01.2027"
    assert render("{{ record.at | plus('2h') }}", context) == "2027-01-01T01:00:00+00:00"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-10-22T21:59:59Z", "2026-10-25T17:00:00+01:00"),  # still the 22nd in Berlin, and then the clocks change
        ("2026-10-21T21:59:59Z", "2026-10-24T17:00:00+02:00"),
    ],
)
def test_a_time_of_day_is_that_of_its_zone(now: str, expected: str) -> None:
    due = render("{{ now | plus('3d') | at('17:00', 'Europe/Berlin') }}", {"now": datetime.fromisoformat(now)})
    assert due == expected


def test_a_time_that_is_out_of_reach_is_an_error_of_the_template() -> None:
    for far in (1e20, -1e20, "9" * 30, float("nan")):
        with pytest.raises(TemplateError):
            render("{{ at | date }}", {"at": far})


@given(amount=st.decimals(-(10**12), 10**12, places=2))
def test_money_is_understood_as_it_is_written(amount: Decimal) -> None:
    written = FILTERS["money"](str(amount), "EUR")
    assert FILTERS["money"](written, "EUR") == written
    swapped = written.translate(str.maketrans(",.", ".,"))
    assert FILTERS["money"](swapped, "EUR") == written
