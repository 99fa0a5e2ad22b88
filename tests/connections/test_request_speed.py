"""Building a request is cheap: it is done for every call."""

from __future__ import annotations

import timeit

import pytest

from actions.catalog import CATALOG
from connections.connection import Connection, NoAuth
from connections.request import build, check


@pytest.mark.slow
def test_building_a_note_takes_less_than_15_microseconds():
    connection = Connection(name="acme", kind="ghl", base_url="https://vendor.example", auth=NoAuth())
    send = CATALOG["ghl.contacts.notes.create"].send
    inputs = check(send, {"contactId": "ocQHyuzHvysMo5N5VsXc", "body": "called back"})
    best = min(timeit.repeat(lambda: build(send, inputs, connection), number=2000, repeat=10)) / 2000
    assert best < 15e-6
