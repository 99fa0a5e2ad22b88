"""What follows from an error of the vendor, for each kind of action."""

from __future__ import annotations

import pytest

from actions.action import Action, Guarded, Probe, Unsafe
from connections.errors import (
    BreakerOpen,
    Garbage,
    NoAnswer,
    NotFound,
    QuotaSpent,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
    Unavailable,
    Unreachable,
    VendorError,
)
from connections.operation import get, post
from worker.outcomes import PATIENCE, Done, Outcome, Postponed, Rejected, Uncertain, backoff, classify, succeeded

NOW = 1_800_000_000_000
PROBE = Probe(find=get("/things"), records="things", same={"name": "name"})
NATURAL = Action(id="x.put", summary="Put", send=post("/things"))
GUARDED = Action(id="x.make", summary="Make", send=post("/things"), repeat=Guarded(probe=PROBE), returns="thing.id")
PROBED = Action(id="x.note", summary="Note", send=post("/things"), repeat=Unsafe(probe=PROBE))
BLIND = Action(id="x.text", summary="Text", send=post("/things"), repeat=Unsafe())


def outcome(action: Action, error: VendorError, *, attempts: int = 1, started_at: int = NOW) -> Outcome:
    return classify(action, error, now=NOW, attempts=attempts, started_at=started_at, chance=lambda: 0.5)


@pytest.mark.parametrize("action", [NATURAL, GUARDED, PROBED, BLIND])
@pytest.mark.parametrize("error", [Unreachable("no"), Unavailable("no", status=503), BreakerOpen("no")])
def test_what_was_not_taken_on_is_sent_again_whatever_the_action(action: Action, error: VendorError) -> None:
    later = outcome(action, error)
    assert isinstance(later, Postponed)
    assert not later.unknown
    assert NOW < later.at <= NOW + 5_000


def test_a_retry_waits_as_long_as_the_vendor_says() -> None:
    later = outcome(BLIND, RateLimited("slow down", status=429, retry_at=NOW / 1000 + 33))
    assert isinstance(later, Postponed)
    assert later.at == NOW + 33_000


@pytest.mark.parametrize("action", [NATURAL, GUARDED, PROBED, BLIND])
@pytest.mark.parametrize("error", [Refused("Bad Request", status=400), Unauthorized("Invalid JWT", status=401)])
def test_a_refusal_is_final_with_the_vendor_s_own_words(action: Action, error: VendorError) -> None:
    assert outcome(action, error) == Rejected(reason=str(error), status=error.status)


@pytest.mark.parametrize("error", [NoAnswer("timeout"), ServerFault("oops", status=500), Garbage("<html>", status=200)])
def test_an_unknown_outcome_is_repeated_looked_up_or_held(error: VendorError) -> None:
    repeated, looked_up, probed, held = (outcome(action, error) for action in (NATURAL, GUARDED, PROBED, BLIND))
    assert isinstance(repeated, Postponed)
    assert not repeated.unknown
    assert isinstance(looked_up, Postponed)
    assert looked_up.unknown
    assert looked_up.at >= NOW + 10_000  # the vendor may need a moment to show it
    assert isinstance(probed, Postponed)
    assert probed.unknown
    assert held == Uncertain(reason=str(error), status=error.status)


def test_deleting_what_is_gone_counts_as_done() -> None:
    gone = Action(id="x.delete", summary="Delete", send=post("/things"), missing_is_done=True)
    assert outcome(gone, NotFound("not found", status=404)) == Done(result=None)
    assert isinstance(outcome(NATURAL, NotFound("not found", status=404)), Rejected)


def test_a_refused_second_one_gives_the_first_one_s_id() -> None:
    action = Action(
        id="x.make",
        summary="Make",
        send=post("/things"),
        repeat=Guarded(probe=PROBE, refusals={"no duplicates": "meta.id"}),
    )
    refused = Refused("Sorry, no duplicates here", status=400, data={"meta": {"id": "t1"}})
    assert outcome(action, refused) == Done(result={"meta": {"id": "t1"}}, id="t1")


def test_after_a_day_of_passing_faults_a_step_has_failed_or_is_held() -> None:
    long_ago = NOW - PATIENCE
    assert isinstance(outcome(NATURAL, Unreachable("no"), started_at=long_ago), Rejected)
    assert isinstance(outcome(GUARDED, NoAnswer("no"), started_at=long_ago), Uncertain)
    assert isinstance(outcome(NATURAL, QuotaSpent("no", retry_at=NOW / 1000), started_at=long_ago), Postponed)


def test_retries_back_off_exponentially_with_full_jitter() -> None:
    assert backoff(NOW, 1, lambda: 1.0) == NOW + 2_500
    assert backoff(NOW, 5, lambda: 1.0) == NOW + 32_500
    assert backoff(NOW, 50, lambda: 1.0) == NOW + 900_500
    assert backoff(NOW, 50, lambda: 0.0) == NOW + 500


def test_the_id_of_what_was_made_is_where_the_row_says() -> None:
    assert succeeded(GUARDED, {"thing": {"id": 7}}) == Done(result={"thing": {"id": 7}}, id="7")
    assert succeeded(NATURAL, None) == Done(result=None)
