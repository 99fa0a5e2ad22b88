"""Keys, times and digests of records."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.operation import get
from triggers.reading import digest, fields_of, key_of, moment
from triggers.trigger import Snapshot, Trigger

TRIGGER = Trigger(id="vendor.list", summary="", fetch=get("/records"), strategy=Snapshot(), volatile=("traceId",))


@pytest.mark.parametrize(
    ("record", "fields", "key"),
    [
        ({"id": "a/b"}, ("id",), "a/b"),
        ({"_id": "a"}, ("id|_id",), "a"),
        ({"id": "", "_id": "a"}, ("id|_id",), "a"),
        ({"message": "m", "sentence": 0}, ("message", "sentence"), "m/0"),
        ({"id": ""}, ("id",), None),
        ({"id": None}, ("id",), None),
        ({"id": {"oid": "a"}}, ("id",), None),
        ({"message": "m"}, ("message", "sentence"), None),
    ],
)
def test_what_identifies_a_record(record: dict[str, Any], fields: tuple[str, ...], key: str | None) -> None:
    assert key_of(record, fields) == key


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_the_key_fields_can_be_read_back_from_the_key(values: list[str]) -> None:
    names = tuple(f"f{number}" for number in range(len(values)))
    record = dict(zip(names, values, strict=True))
    key = key_of(record, names)
    assert key is not None
    assert fields_of(key, names) == record


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1_772_352_000_000, 1_772_352_000_000),
        (1_772_352_000_000.9, 1_772_352_000_000),
        ("1772352000000", 1_772_352_000_000),
        ("2026-03-01T08:00:00Z", 1_772_352_000_000),
        ("2026-03-01T09:00:00.250+01:00", 1_772_352_000_250),
        ("2026-03-01 08:00:00", 1_772_352_000_000),
        ("soon", None),
        ("²", None),
        ("", None),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
def test_a_vendors_time_in_milliseconds(value: Any, time: int | None) -> None:
    assert moment(value) == time


def test_a_digest_leaves_out_what_is_volatile_and_the_order_of_sets() -> None:
    one = digest({"id": "a", "tags": ["x", "y"], "traceId": "1"}, TRIGGER)
    assert one == digest({"traceId": "2", "tags": ["y", "x"], "id": "a"}, TRIGGER)
    assert one != digest({"id": "a", "tags": ["x"], "traceId": "1"}, TRIGGER)
    assert one != digest({"id": "a", "tags": ["x", "y"], "other": ["1"], "traceId": "1"}, TRIGGER)
    assert len(one) == 16
