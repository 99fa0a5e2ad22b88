"""What goes over the wire: one request and one answer, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, ready but for the base URL and the credentials.

    `path` is percent-encoded and begins with a slash; `query` holds pairs of plain text; `body` is None where no body
    is sent, otherwise what becomes JSON (`{}` included). `secret` holds what must not be read in an error, although the
    vendor may say it back: passwords and keys among the inputs.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    version: str = ""
    secret: tuple[str, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: `data` is the parsed JSON, `at` the vendor's own clock (the Date header) in epoch milliseconds.

    `next` is the next page that its `Link` header names: path and query below the base URL, without credentials; the
    whole address where it lies elsewhere.
    """

    status: int
    data: Any
    headers: Mapping[str, str]
    at: int | None = None
    next: str | None = None
