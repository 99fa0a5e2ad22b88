"""The few functions that rows name: each turns one oddity of the vendor into what everything else expects."""

from __future__ import annotations

from datetime import datetime

import pytest

from actions.catalog import CATALOG as ACTIONS
from actions.comparison import comparable, wall_clock
from connections.errors import Garbage
from connections.paging import Keyset, Offset
from triggers.catalog import CATALOG as TRIGGERS
from triggers.ghl.blogs import taken
from triggers.ghl.calendars import slots
from triggers.ghl.contacts import match
from triggers.ghl.conversations import joined
from triggers.ghl.opportunities import as_columns, as_filters
from triggers.since import epoch_ms, iso, ranges

MOMENT = 1772323200123


def test_a_search_asks_for_what_lies_at_or_after_a_time_oldest_first():
    since = ranges(added="dateAdded", updated="dateUpdated", write=iso)
    assert since("updated", MOMENT, False) == {
        "filters": [{"field": "dateUpdated", "operator": "range", "value": {"gte": "2026-03-01T00:00:00.123Z"}}],
        "sort": [{"field": "dateUpdated", "direction": "asc"}],
    }


def test_a_search_for_new_records_looks_at_when_they_were_added():
    since = ranges(added="dateAdded", updated="dateUpdated", write=epoch_ms)
    assert since("new", MOMENT, False)["filters"] == [
        {"field": "dateAdded", "operator": "range", "value": {"gte": MOMENT}}
    ]


def test_without_a_time_a_search_only_sorts():
    since = ranges(added="dateAdded", updated="dateUpdated", write=iso)
    assert since("new", None, True) == {"sort": [{"field": "dateAdded", "direction": "desc"}]}


@pytest.mark.parametrize("moment", [0, 1, 999, 1603870249758, 1603870249757, 32503680000000])
def test_no_millisecond_is_lost_in_writing(moment):
    assert round(datetime.fromisoformat(iso(moment)).timestamp() * 1000) == moment


def test_a_duplicate_is_known_by_what_was_sought():
    assert match({"contact": {"id": "a"}}, {"email": "ann@example.com"}) == [{"sought": "ann@example.com", "id": "a"}]
    assert match({"contact": {"id": "a"}}, {"number": "+1"})[0]["sought"] == "+1"
    assert match({"contact": None, "traceId": "t"}, {"number": "+1"}) == []


def test_free_slots_of_all_days_are_one_list_without_the_trace_id():
    answer = {
        "2026-03-01": {"slots": ["2026-03-01T09:00:00+01:00", "2026-03-01T10:00:00+01:00"]},
        "2026-03-02": {"slots": []},
        "traceId": "t",
    }
    assert slots(answer, {"calendarId": "c"}) == [
        {"calendarId": "c", "start": 1772352000000, "slot": "2026-03-01T09:00:00+01:00", "day": "2026-03-01"},
        {"calendarId": "c", "start": 1772355600000, "slot": "2026-03-01T10:00:00+01:00", "day": "2026-03-01"},
    ]


def test_a_taken_address_has_an_entry_that_appears_and_one_that_changes():
    free = taken({"exists": False}, {"urlSlug": "news"})
    used = taken({"exists": True}, {"urlSlug": "news"})
    assert free == [{"entry": "state", "urlSlug": "news", "exists": False}]
    assert used == [{"entry": name, "urlSlug": "news", "exists": True} for name in ("address", "state")]


SENTENCES = [{"sentenceIndex": 2, "transcript": "world."}, {"sentenceIndex": 1, "transcript": "Hello"}]


@pytest.mark.parametrize("answer", [SENTENCES, {"transcriptions": SENTENCES}, {"data": SENTENCES}])
def test_a_transcript_is_one_text_in_order(answer):
    [entry] = joined(answer, {"messageId": "m"})
    assert (entry["messageId"], entry["text"]) == ("m", "Hello world.")


def test_a_transcript_may_be_a_single_sentence_and_none_is_no_entry():
    assert joined({"sentenceIndex": 1, "transcript": "Hello"}, {"messageId": "m"})[0]["text"] == "Hello"
    assert joined([], {"messageId": "m"}) == []


@pytest.mark.parametrize("answer", [None, "<html>", 5, ["x"]])
@pytest.mark.parametrize("entries", [match, slots, taken, joined])
def test_an_answer_of_the_wrong_shape_is_garbage_and_no_entry(entries, answer):
    with pytest.raises(Garbage):
        entries(answer, {"calendarId": "c", "messageId": "m", "urlSlug": "news", "email": "a@b.c"})


@pytest.mark.parametrize("slot", ["soon", None, 5, {}])
def test_a_slot_that_is_no_time_is_garbage(slot):
    with pytest.raises(Garbage, match="a free slot should be a time"):
        slots({"2026-03-01": {"slots": [slot]}}, {"calendarId": "c"})


def test_opportunities_are_narrowed_by_filters_and_all_is_no_filter():
    fields = {"locationId": "l", "query": "roof", "pipelineId": "p", "status": "all", "contactId": "c"}
    assert as_filters(fields) == {
        "locationId": "l",
        "query": "roof",
        "filters": [
            {"field": "pipeline_id", "operator": "eq", "value": "p"},
            {"field": "contact_id", "operator": "eq", "value": "c"},
        ],
    }
    assert as_filters({"locationId": "l"}) == {"locationId": "l"}


def test_the_older_list_of_opportunities_shows_all_unless_narrowed():
    assert as_columns({"locationId": "l", "query": "roof"}) == {"status": "all", "location_id": "l", "q": "roof"}
    assert as_columns({"locationId": "l", "status": "won"})["status"] == "won"


def test_texts_are_compared_without_markup_case_and_spacing():
    assert comparable("<p>Called &amp; <b>booked</b></p>\n") == comparable("called  & booked")
    assert comparable("a") != comparable("b")
    assert comparable(["A"]) == ["A"]


def test_times_are_compared_as_moments():
    assert comparable("2026-03-01T09:00:00+01:00") == comparable("2026-03-01T08:00:00.000Z")
    assert comparable("2026-03-01T09:00:00+01:00") != comparable("2026-03-01T09:00:00Z")


def test_appointments_are_compared_by_the_clock_on_the_wall():
    assert wall_clock("2026-03-01T09:00:00+01:00") == wall_clock("2026-03-01 09:00:00")
    assert wall_clock("2026-03-01T09:00:00+01:00") != wall_clock("2026-03-01 10:00:00")
    assert wall_clock("Calendar-A") == wall_clock("calendar-a")


def test_finding_a_contact_by_id_asks_for_the_contact_itself():
    find = ACTIONS["ghl.contacts.find"]
    assert find.operation({"contactId": "a"}).path == "/contacts/{contactId}"
    assert find.operation({"email": "a@b.c"}) is find.send


def test_numbers_of_a_page_may_be_written_as_text():
    assert Offset(as_text=True).ask(99) == {"limit": "100", "skip": "99"}
    assert TRIGGERS["ghl.users.filter_by_email"].paging.ask(None) == {"limit": "100", "skip": "0"}


def test_a_page_of_conversations_overlaps_the_last_by_a_millisecond():
    paging = TRIGGERS["ghl.conversations.search"].paging
    records = [{"lastMessageDate": MOMENT}] * 100
    assert paging.after(None, {}, records) == {"startAfterDate": MOMENT + 1}
    assert Keyset(values={"after": ("last.id",)}, size=1).after(None, {}, [{"id": "a"}]) == {"after": "a"}


UNREADABLE = {"unexpected": [{"answer": True}]}


@pytest.mark.parametrize(
    ("read", "inputs"),
    [
        (match, {"email": "ann@example.com"}),
        (slots, {"calendarId": "c"}),
        (taken, {"urlSlug": "news"}),
        (joined, {"messageId": "m"}),
    ],
)
def test_an_answer_of_another_shape_is_garbage_and_not_an_answer_without_entries(read, inputs):
    with pytest.raises(Garbage):
        read(UNREADABLE, inputs)


def test_an_answer_that_holds_nothing_has_no_entries():
    assert match({"traceId": "t"}, {"email": "ann@example.com"}) == []
    assert slots({"traceId": "t"}, {"calendarId": "c"}) == []
    assert joined([], {"messageId": "m"}) == []
