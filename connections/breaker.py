"""The breaker: a credential that keeps failing is left alone for a while, then tried once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from connections.errors import BreakerOpen, NoAnswer, Refused, ServerFault, Unauthorized, Unreachable, VendorError

THRESHOLD = 5
FIRST_PAUSE = 30.0
LONGEST_PAUSE = 300.0
TRIAL_PAUSE = 5.0
FAILURES = (Unauthorized, Unreachable, NoAnswer, ServerFault)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What a breaker remembers.

    `failures` in a row; `openings` in a row without a success between them (0: closed); `until` is when the pause ends
    (epoch seconds); `trying` while the one call after a pause is under way.
    """

    failures: int = 0
    openings: int = 0
    until: float = 0.0
    trying: bool = False


CLOSED = State()


def pause(openings: int) -> float:
    """Seconds that the given opening in a row lasts: 30, 60, 120, 240, then 300."""
    return float(min(FIRST_PAUSE * 2 ** (openings - 1), LONGEST_PAUSE))


def speaks_against(error: VendorError | None) -> bool | None:
    """Whether a call's end speaks against the credential (True), for it (False), or says nothing (None).

    An answer about the data, such as 404 or 422, is a sign of life; a 429 or a spent quota is no sign at all.
    """
    if isinstance(error, FAILURES):
        return True
    return False if error is None or isinstance(error, Refused) else None


def after_failure(state: State, now: float, *, trial: bool) -> State:
    """The state after one more failing call; once open, only the trial's own failure prolongs the pause."""
    failures = state.failures + 1
    opens = trial if state.openings else failures >= THRESHOLD
    if not opens:
        return replace(state, failures=failures)
    openings = state.openings + 1
    return State(failures=failures, openings=openings, until=now + pause(openings))


class Breaker:
    """The breaker of one connection's credential, in this process."""

    def __init__(self, connection: str, *, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._clock = clock
        self._state = CLOSED
        self._reason = ""

    def enter(self) -> bool:
        """Lets a call pass; True when it is the one trial after a pause.

        Raises:
            BreakerOpen: the pause is not over, or its one trial is under way.
        """
        if not self._state.openings:
            return False
        wait = self.wait()
        if wait:
            raise BreakerOpen(
                f"connection {self._connection} is left alone after {self._state.failures} failing calls in a row, "
                f"the last: {self._reason}; it is tried again by itself",
                retry_at=self._clock() + wait,
            )
        self._state = replace(self._state, trying=True)
        return True

    def leave(self, error: VendorError | None, *, trial: bool) -> None:
        """Counts how a call ended; None is a success."""
        against = speaks_against(error)
        if against:
            self._fail(str(error), trial=trial)
        elif against is False:
            self._close()
        elif trial:
            self.abandon()

    def abandon(self) -> None:
        """The trial ended without a verdict (cancelled, or held back by the quota): the next call is the trial."""
        self._state = replace(self._state, trying=False)

    def wait(self) -> float:
        """Seconds until a call may pass; 0.0 when one may now."""
        state = self._state
        if not state.openings:
            return 0.0
        return TRIAL_PAUSE if state.trying else max(state.until - self._clock(), 0.0)

    @property
    def is_open(self) -> bool:
        """Whether calls are held back, or only one is tried."""
        return self._state.openings > 0

    def snapshot(self) -> dict[str, object]:
        """What `hightide status` shows: the state, failures in a row, when it is tried again, the last one's words."""
        state = self._state
        name = "closed" if not state.openings else "trying" if state.trying else "open"
        return {
            "connection": self._connection,
            "state": name,
            "failures": state.failures,
            "retry_at": state.until if state.openings else None,
            "reason": self._reason,
        }

    def _fail(self, reason: str, *, trial: bool) -> None:
        before, self._reason = self._state, reason
        self._state = after_failure(before, self._clock(), trial=trial)
        if self._state.openings and not before.openings:
            log.warning("breaker.opened", connection=self._connection, failures=self._state.failures, reason=reason)

    def _close(self) -> None:
        before, self._state, self._reason = self._state, CLOSED, ""
        if before.openings:
            log.info("breaker.closed", connection=self._connection)
