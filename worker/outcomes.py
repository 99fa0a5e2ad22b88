"""What becomes of an attempt: pure functions from an answer or an error to what happens next."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actions.action import Action, Guarded, Natural, Repeat, Unsafe
from connections.errors import Garbage, Later, NotFound, OutcomeUnknown, QuotaSpent, Refused, VendorError
from connections.paging import at_path, first_at

SLOWEST_RETRY = 900_000
"""The longest pause (ms) between two attempts."""
PATIENCE = 86_400_000
"""How long (ms) a step is tried again after passing faults before it counts as failed: a vendor may be down a while."""

TEMPLATE, INPUTS = "a template failed", "invalid inputs"
"""How the reasons begin that lie in the automation's own YAML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The action took effect: the vendor's answer, and the id of what it made."""

    result: Any
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """Again at `at` (epoch ms); `unknown` when the attempt may have taken effect, so that one looks first."""

    at: int
    reason: str
    unknown: bool = False
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Final: it has not taken effect and would not."""

    reason: str
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """Nobody can say whether it took effect; a person decides."""

    reason: str
    status: int | None = None


Outcome = Done | Postponed | Rejected | Uncertain


def succeeded(action: Action, answer: Any) -> Done:
    """The outcome of a 2xx answer."""
    return Done(result=answer, id=made(action, answer))


def made(action: Action, answer: Any) -> str | None:
    """The id of what the action made, where its answer tells one."""
    places = (action.returns,) if isinstance(action.returns, str) else action.returns or ()
    found = first_at(answer, places)
    return str(found) if isinstance(found, str | int) else None


def classify(
    action: Action,
    error: VendorError,
    *,
    now: int,
    attempts: int,
    started_at: int,
    chance: Callable[[], float] = random.random,
) -> Outcome:
    """What follows from an error; `attempts` counts this one, `started_at` is when the first was made (epoch ms)."""
    match error:
        case NotFound() if action.missing_is_done:
            return Done(result=None)
        case Refused():
            return _existing(action, error) or Rejected(reason=str(error), status=error.status)
        case OutcomeUnknown() | Garbage():
            return _unknown(action.repeat, error, now=now, attempts=attempts, started_at=started_at, chance=chance)
        case _:
            return unready(error, now=now, attempts=attempts, started_at=started_at, chance=chance)


def unready(
    error: VendorError,
    *,
    now: int,
    attempts: int,
    started_at: int,
    chance: Callable[[], float] = random.random,
) -> Outcome:
    """What follows from an error of something that changes nothing, such as a look-up before the action is sent."""
    match error:
        case Later():
            at = backoff(now, attempts, chance) if error.retry_at is None else round(error.retry_at * 1000)
            later = Postponed(at=at, reason=str(error), status=error.status)
            return later if isinstance(error, QuotaSpent) else _patient(later, now=now, started_at=started_at)
        case OutcomeUnknown() | Garbage():
            return _unknown(Natural(), error, now=now, attempts=attempts, started_at=started_at, chance=chance)
        case _:
            return Rejected(reason=str(error), status=error.status)


def backoff(now: int, attempts: int, chance: Callable[[], float] = random.random) -> int:
    """When to try again: exponential with full jitter, from about a second to a quarter of an hour.

    Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    longest = min(SLOWEST_RETRY, 1000 << min(attempts, 20))
    return now + 500 + round(longest * chance())


def _existing(action: Action, error: Refused) -> Done | None:
    """The record that the vendor refused to make a second time, where the row knows such a refusal."""
    refusals = action.repeat.refusals if isinstance(action.repeat, Guarded) else {}
    for words, place in refusals.items():
        found = at_path(error.data, place)
        if words.lower() in str(error).lower() and found is not None:
            return Done(result=error.data, id=str(found))
    return None


def _unknown(
    repeat: Repeat, error: VendorError, *, now: int, attempts: int, started_at: int, chance: Callable[[], float]
) -> Outcome:
    at = backoff(now, attempts, chance)
    match repeat:
        case Natural():
            outcome = Postponed(at=at, reason=str(error), status=error.status)
        case Guarded(probe=probe):
            at = max(at, now + round(probe.settles.total_seconds() * 1000))
            outcome = Postponed(at=at, reason=str(error), unknown=True, status=error.status)
        case Unsafe(probe=None):
            return Uncertain(reason=str(error), status=error.status)
        case Unsafe(probe=probe):
            assert probe is not None  # noqa: S101  # the case above took the others
            at = max(at, now + round(probe.settles.total_seconds() * 1000))
            outcome = Postponed(at=at, reason=str(error), unknown=True, status=error.status)
    return _patient(outcome, now=now, started_at=started_at)


def _patient(outcome: Postponed, *, now: int, started_at: int) -> Outcome:
    if now - started_at < PATIENCE:
        return outcome
    reason = f"given up after {PATIENCE // 3_600_000} hours: {outcome.reason}"
    ended = Uncertain if outcome.unknown else Rejected
    return ended(reason=reason, status=outcome.status)
