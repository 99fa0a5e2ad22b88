from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from connections.breaker import CLOSED, Breaker, State, after_failure, pause, speaks_against
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


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: Breaker, times: int, error: VendorError | None = None) -> None:
    for _ in range(times):
        breaker.leave(error or ServerFault("GET /x: 500"), trial=breaker.enter())


@pytest.mark.parametrize("kind", [Unauthorized, Unreachable, NoAnswer, ServerFault])
def test_five_failures_in_a_row_open_it(kind: type[VendorError]) -> None:
    breaker = Breaker("acme", clock=Clock())
    fail(breaker, 4, kind("no"))
    breaker.enter()
    fail(breaker, 1, kind("no"))
    with pytest.raises(BreakerOpen, match=r"connection acme .* 5 failing calls") as caught:
        breaker.enter()
    assert caught.value.retry_at == 1_030.0


@pytest.mark.parametrize("error", [None, Refused("422"), NotFound("404")])
def test_an_answer_about_the_data_ends_the_row(error: VendorError | None) -> None:
    breaker = Breaker("acme", clock=Clock())
    fail(breaker, 4)
    breaker.leave(error, trial=False)
    fail(breaker, 4)
    assert not breaker.is_open


@pytest.mark.parametrize("kind", [RateLimited, QuotaSpent, Unavailable, Garbage])
def test_what_says_nothing_of_the_credential_neither_ends_nor_lengthens_the_row(kind: type[VendorError]) -> None:
    assert speaks_against(kind("x")) is None
    breaker = Breaker("acme", clock=Clock())
    fail(breaker, 4)
    fail(breaker, 5, kind("x"))
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open


def test_after_the_pause_one_call_is_tried_and_the_others_wait() -> None:
    clock = Clock()
    breaker = Breaker("acme", clock=clock)
    fail(breaker, 5)
    clock.now += 30
    assert breaker.wait() == 0.0
    assert breaker.enter() is True
    with pytest.raises(BreakerOpen) as caught:
        breaker.enter()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at > clock.now


def test_a_trial_that_fails_doubles_the_pause_and_one_that_works_closes_it() -> None:
    clock = Clock()
    breaker = Breaker("acme", clock=clock)
    fail(breaker, 5)
    clock.now += 30
    fail(breaker, 1)
    assert breaker.wait() == 60.0
    clock.now += 60
    breaker.leave(None, trial=breaker.enter())
    assert not breaker.is_open
    fail(breaker, 5)
    assert breaker.wait() == 30.0


def test_pauses_grow_to_five_minutes() -> None:
    assert [pause(openings) for openings in range(1, 8)] == [30, 60, 120, 240, 300, 300, 300]


def test_failures_of_calls_sent_before_it_opened_do_not_lengthen_the_pause() -> None:
    clock = Clock()
    breaker = Breaker("acme", clock=clock)
    fail(breaker, 5)
    clock.now += 10
    breaker.leave(NoAnswer("late"), trial=False)
    assert breaker.wait() == 20.0
    clock.now += 20
    breaker.enter()
    assert after_failure(State(5, 1, 1_030.0, trying=True), clock.now, trial=False).openings == 1


def test_a_trial_without_a_verdict_leaves_the_trial_to_the_next_call() -> None:
    clock = Clock()
    breaker = Breaker("acme", clock=clock)
    fail(breaker, 5)
    clock.now += 30
    breaker.leave(QuotaSpent("later"), trial=breaker.enter())
    assert breaker.enter() is True
    breaker.abandon()
    assert breaker.enter() is True


def test_the_first_opening_and_the_closing_are_logged_once() -> None:
    clock = Clock()
    breaker = Breaker("acme", clock=clock)
    with capture_logs() as logs:
        fail(breaker, 5, Unauthorized("GET /x: 401 Invalid token"))
        clock.now += 30
        fail(breaker, 1)
        clock.now += 60
        breaker.leave(None, trial=breaker.enter())
        breaker.leave(None, trial=breaker.enter())
    assert [line["event"] for line in logs] == ["breaker.opened", "breaker.closed"]
    assert logs[0]["connection"] == "acme"
    assert logs[0]["reason"] == "GET /x: 401 Invalid token"


def test_the_snapshot_shows_state_and_reason() -> None:
    breaker = Breaker("acme", clock=Clock())
    assert breaker.snapshot()["state"] == "closed"
    fail(breaker, 5)
    shown = breaker.snapshot()
    assert (shown["state"], shown["failures"], shown["retry_at"]) == ("open", 5, 1_030.0)
    assert shown["reason"] == "GET /x: 500"


def test_a_new_state_is_closed() -> None:
    assert after_failure(CLOSED, 0.0, trial=False) == State(failures=1)
