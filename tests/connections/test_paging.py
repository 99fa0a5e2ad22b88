"""Where the next page starts."""

from __future__ import annotations

import pytest

from connections.errors import Garbage
from connections.paging import Keyset

AFTER = Keyset(values={"searchAfter": ("last.sort", "last.searchAfter")}, size=2)
META = Keyset(values={"startAfter": ("meta.startAfter",)}, size=2)


def test_a_full_page_goes_on_from_its_last_record() -> None:
    assert AFTER.after(None, {}, [{}, {"searchAfter": [1, "a"]}]) == {"searchAfter": [1, "a"]}


def test_a_page_that_is_not_full_is_the_last() -> None:
    assert AFTER.after(None, {}, [{}]) is None


def test_a_full_page_that_does_not_say_how_to_go_on_is_no_end_of_the_list() -> None:
    with pytest.raises(Garbage, match="searchAfter"):
        AFTER.after(None, {}, [{}, {}])


def test_a_last_record_that_does_not_say_where_it_stands_is_passed_over() -> None:
    assert AFTER.after(None, {}, [{"sort": [1, "a"]}, {"id": "odd"}]) == {"searchAfter": [1, "a"]}


def test_a_list_whose_answer_names_no_further_page_has_ended() -> None:
    assert META.after(None, {"meta": {"startAfter": None}}, [{}, {}]) is None
