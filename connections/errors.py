"""What can go wrong at a vendor, grouped by what the caller should do.

VendorError
├── Refused            final: the vendor said no, in its own words (4xx)
│   ├── Unauthorized   401 after one refresh: the credential is at fault
│   └── NotFound       what was asked for is not there (404, or 400 "... not found")
├── Later              again, at `retry_at` at the earliest
│   ├── Unreachable    nothing was sent: refused connection, unknown host
│   ├── RateLimited    429
│   ├── Unavailable    408, 425, 503: the vendor did not take it on
│   ├── QuotaSpent     our own limiter holds the call back, nothing was sent
│   └── BreakerOpen    the connection has failed too often, nothing was sent
├── OutcomeUnknown     it may or may not have taken effect
│   ├── ServerFault    any other 5xx
│   └── NoAnswer       a timeout or a broken connection after sending
└── Garbage            an answer that cannot be read: HTML, cut JSON, a wrong shape
"""

from __future__ import annotations

from typing import Any


class VendorError(Exception):
    """Something went wrong at a vendor.

    `status` is the HTTP status where there was one, `retry_at` the earliest time (epoch seconds) for another try where
    one is known, `data` the vendor's answer where it was JSON (it may name the record that stands in the way). The
    message is the vendor's own where it gave one; it never holds a secret.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry_at: float | None = None, data: Any = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_at = retry_at
        self.data = data


class Refused(VendorError):
    """The vendor refused, and would again: a 4xx answer other than 408, 425 and 429."""


class Unauthorized(Refused):
    """The credential was refused (401), also after one refresh."""


class NotFound(Refused):
    """What was asked for does not exist: 404, or HighLevel's 400 "... not found"."""


class Later(VendorError):
    """Not now: nothing has taken effect, and another try makes sense."""


class Unreachable(Later):
    """No connection came about, so nothing was sent."""


class RateLimited(Later):
    """The vendor answered 429."""


class Unavailable(Later):
    """The vendor answered 408, 425 or 503: it did not take the request on."""


class QuotaSpent(Later):
    """The connection's quota is used up for now; the request was not sent."""


class BreakerOpen(Later):
    """Calls with this credential keep failing; the request was not sent."""


class OutcomeUnknown(VendorError):
    """The request may have taken effect, or not."""


class ServerFault(OutcomeUnknown):
    """The vendor answered with a 5xx other than 503."""


class NoAnswer(OutcomeUnknown):
    """The connection broke, or no answer came in time, after sending began."""


class Garbage(VendorError):
    """The vendor's answer cannot be read: no JSON, or not of the expected shape."""
