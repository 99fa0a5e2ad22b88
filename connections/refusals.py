"""What went wrong, in the vendor's own words: every failure of the wire and every status as one of our errors."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html import unescape
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import aiohttp
import httpx
import orjson

from connections.errors import (
    NoAnswer,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
    Unavailable,
    Unreachable,
    VendorError,
)

LONGEST = 500

# aiohttp's own errors, not httpx's: httpx-aiohttp calls every broken connection a ConnectTimeout, sent or not. Only
# these come before a connection was there; whatever comes later may have taken effect. The first that fits is taken.
BROKEN: tuple[tuple[type[BaseException], type[VendorError], str], ...] = (
    (aiohttp.ClientConnectorDNSError, Unreachable, "there is no such host"),
    (aiohttp.ClientConnectorCertificateError, Unreachable, "its certificate is not to be trusted"),
    (aiohttp.ClientConnectorSSLError, Unreachable, "no secure connection came about"),
    (aiohttp.ClientConnectorError, Unreachable, "no connection came about"),
    (aiohttp.ConnectionTimeoutError, Unreachable, "no connection came about in time"),
    (aiohttp.InvalidURL, Refused, "the address is not one"),
    (aiohttp.SocketTimeoutError, NoAnswer, "no answer came in time"),
    (TimeoutError, NoAnswer, "no whole answer came in time"),
    (aiohttp.ClientPayloadError, NoAnswer, "the answer was cut off"),
    (aiohttp.ServerDisconnectedError, NoAnswer, "the connection was closed without an answer"),
    (aiohttp.ClientResponseError, NoAnswer, "the answer is no HTTP"),
    (OSError, NoAnswer, "the connection broke"),
    (aiohttp.ClientError, NoAnswer, "the connection broke"),
    (httpx.HTTPError, NoAnswer, "the connection broke"),
)
CAUGHT = (httpx.HTTPError, aiohttp.ClientError, TimeoutError, OSError)

STATUSES: Mapping[int, type[VendorError]] = {
    401: Unauthorized,
    404: NotFound,
    408: Unavailable,
    425: Unavailable,
    429: RateLimited,
    503: Unavailable,
}

MEANT: Mapping[int, type[VendorError]] = {400: NotFound, 401: Refused, 403: RateLimited}
"""What a status means where its message fits the vendor's pattern."""
NOTHING: Mapping[int, str | None] = MappingProxyType({})


def failure(error: BaseException, where: str) -> VendorError:
    """What a failure of the wire means; `where` is the method and the address without its query."""
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    for kind, ours, what in BROKEN:
        found = next((link for link in chain if isinstance(link, kind)), None)
        if found is not None:
            detail = _detail(found)
            return ours(f"{where}: {what}{f' ({detail})' if detail else ''}")
    raise TypeError(f"{type(error).__name__} is no failure of the wire") from error


def _detail(error: BaseException) -> str:
    """The system's own word for it where there is one; never the address, whose query may hold a key."""
    if isinstance(error, (TimeoutError, aiohttp.InvalidURL)):
        return ""
    if isinstance(error, aiohttp.ClientResponseError):
        return bounded(error.message, 200)
    cause = getattr(error, "os_error", None) or error
    number = getattr(cause, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return bounded(getattr(cause, "strerror", None) or str(cause), 200)


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    where: str,
    *,
    patterns: Mapping[int, str | None] = NOTHING,
    now: float = 0.0,
) -> VendorError:
    """The error that an answer other than 2xx means, with the vendor's message and the parsed body as `data`.

    `patterns` are those in the message, by status, that give it another meaning (see `MEANT`); `now` is epoch seconds,
    for `Retry-After`.
    """
    data = parsed(body)
    words = said(data) or hint(headers, body)
    kind = STATUSES.get(status) or (Refused if 300 <= status < 500 else ServerFault)
    pattern = patterns.get(status)
    if pattern and re.search(pattern, words, re.IGNORECASE):
        kind = MEANT[status]
    if 300 <= status < 400:
        place = headers.get("location", "nowhere").partition("?")[0]  # the query may hold a key, in whatever form
        words = f"it redirects to {bounded(place, 200)}: base_url should be the address itself"
    seconds = retry_after(headers, now) if issubclass(kind, (RateLimited, Unavailable)) else None
    message = f"{where}: {status}{f' {words}' if words else ''}"
    return kind(message, status=status, retry_at=None if seconds is None else now + seconds, data=data)


def parsed(body: bytes) -> Any:
    """The body as JSON; None where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def said(data: Any) -> str:
    """The vendor's own message with its traceId: a string, a list of strings, or the v3 envelope."""
    if not isinstance(data, Mapping):
        return bounded(data) if isinstance(data, str) else ""
    inner = data.get("error")
    if isinstance(inner, Mapping):
        return said({"traceId": data.get("traceId"), **inner})
    named = ("message", "msg", "errorMessage", "error_description")
    message = next((data[name] for name in named if data.get(name)), None) or inner or data.get("errors")
    words = "; ".join(str(part) for part in message) if isinstance(message, list) else str(message or "")
    trace = data.get("traceId")
    return bounded(words) + (f" (traceId {bounded(str(trace), 80)})" if trace else "")


def hint(headers: Mapping[str, str], body: bytes) -> str:
    """A few words about an answer that is no JSON: the title of a page, or how it begins."""
    text = body[:20_000].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    if title:
        return bounded(f'a web page "{unescape(title[1]).strip()}"', 200)
    kind = headers.get("content-type", "").partition(";")[0].strip()
    if "<html" in text[:1000].lower():
        return "a web page"
    return bounded(f"{kind or 'no type'}: {text[:200]}", 200) if text.strip() else ""


def bounded(text: str, longest: int = LONGEST) -> str:
    """The text on one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def masked(body: bytes, secrets: Iterable[str]) -> bytes:
    """The body with every secret replaced, also as it stands in a URL; very short ones would tear words apart."""
    forms = {form for secret in secrets if len(secret) >= 6 for form in (secret, quote(secret, safe=""))}
    for form in sorted(forms, key=len, reverse=True):
        body = body.replace(form.encode(), b"***")
    return body


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by the `Retry-After` header (seconds or a date), at most a day; None where there is none."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), 86_400.0)
    at = moment(text)
    return None if at is None else min(max(at / 1000 - now, 0.0), 86_400.0)


def cool_down(headers: Mapping[str, str], now: float, jitter: Callable[[], float] = random.random) -> float:
    """Seconds in which nothing should be sent after a 429.

    The vendor's `Retry-After`; else, where the day is used up, until it rolls over (asked again after an hour, since
    the vendor's day may not be UTC's); else until the moment that `X-RateLimit-Reset` names (epoch seconds, as many
    vendors have it), an hour at most; else the vendor's interval, ten seconds by default. A little jitter is added.
    """
    seconds = retry_after(headers, now)
    if seconds is None and headers.get("x-ratelimit-daily-remaining") == "0":
        seconds = min(86_400 - now % 86_400, 3_600.0)
    reset = headers.get("x-ratelimit-reset", "")
    if seconds is None and reset.isascii() and reset.isdigit() and float(reset) > now:
        seconds = min(float(reset) - now, 3_600.0)
    if seconds is None:
        interval = headers.get("x-ratelimit-interval-milliseconds", "")
        seconds = float(interval) / 1000 if interval.isascii() and interval.isdigit() else 10.0
    return seconds + 0.1 + jitter() * min(1.0, 0.1 * seconds + 0.1)


@lru_cache(maxsize=64)
def moment(date: str) -> int | None:
    """An HTTP date in epoch milliseconds; None where it is none."""
    try:
        parsed_date = parsedate_to_datetime(date)
    except ValueError:
        return None
    return int((parsed_date if parsed_date.tzinfo else parsed_date.replace(tzinfo=UTC)).timestamp() * 1000)
