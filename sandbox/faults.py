"""Faults the sandbox is told to make: failures, delays, cut connections, and listings that shift while being read."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from sandbox.refusal import unprocessable
from sandbox.shape import faults as problems
from sandbox.shape import shape

FAULT = shape(
    "match:MATCH status:any rate:number count:number skip:number when:before|after delay:number cut:bool "
    "page:page_twice|repeat_page|shift how:insert|delete|touch late:number equal_times:number seed:number message:any",
    MATCH=shape("method path location"),
)
PLAIN = ("status", "message", "rate", "skip", "when", "delay", "cut", "page", "how")
BODIES = ("html", "truncated", "empty", "shape")
BROKEN = {
    "html": (502, "text/html", b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"),
    "empty": (200, "application/json", b""),
    "shape": (200, "application/json", b'{"unexpected":[{"answer":true}]}'),
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault: which requests it meets, what it does, how often, and how often it did.

    It skips the first `skip` requests it meets, then fires `count` times or for ever, each time with chance `rate`.
    `message` is what its answer says, where `status` is a number.
    """

    id: int
    method: str = "*"
    path: str = "*"
    location: str | None = None
    status: int | str | None = None
    message: Any = "Internal server error"
    rate: float = 1.0
    count: int | None = None
    skip: int = 0
    when: str = "before"
    delay: float = 0.0
    cut: bool = False
    page: str | None = None
    how: str = "insert"
    dice: random.Random = field(default_factory=random.Random)
    fired: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)

    def meets(self, method: str, path: str, location: str) -> bool:
        """Whether a request is one of those this fault is for."""
        return (
            fnmatchcase(method, self.method)
            and fnmatchcase(path, self.path)
            and (self.location is None or self.location == location)
        )

    def fires(self) -> bool:
        """Whether it acts on a request that it meets; counts."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None and self.fired >= self.count:
            return False
        if self.dice.random() >= self.rate:
            return False
        self.fired += 1
        return True

    def told(self) -> dict[str, Any]:
        """The fault as the admin endpoint shows it."""
        names = ("id", "method", "path", "status", "rate", "count", "when", "delay", "cut", "page", "fired")
        return {name: getattr(self, name) for name in names}


def read_fault(number: int, asked: Mapping[str, Any]) -> Fault:
    """A fault as it was asked for.

    Raises:
        Refusal: it is not one.
    """
    wrong = list(problems(FAULT, asked))
    status = asked.get("status")
    if not (status is None or status in BODIES or (isinstance(status, int) and 400 <= status < 600)):
        wrong.append(f"status must be 400 to 599 or one of the following values: {', '.join(BODIES)}")
    if wrong:
        raise unprocessable(*wrong)
    match = asked.get("match", {})
    plain = {name: asked[name] for name in PLAIN if name in asked}
    return Fault(
        id=number,
        method=match.get("method", "*"),
        path=match.get("path", "*"),
        location=match.get("location"),
        count=asked.get("count", 1 if asked.get("page") == "page_twice" else None),
        dice=random.Random(asked.get("seed")),
        **plain,
    )


class Faults:
    """The faults in force, in the order they were asked for."""

    def __init__(self) -> None:
        self.made = 0
        self.all: list[Fault] = []

    def add(self, asked: Mapping[str, Any]) -> Fault:
        """Puts a fault in force.

        Raises:
            Refusal: it is not one.
        """
        fault = read_fault(self.made + 1, asked)
        self.made += 1
        self.all.append(fault)
        return fault

    def firing(self, method: str, path: str, location: str) -> Iterator[Fault]:
        """The faults that act on a request; page faults decide later, by the page that is asked for."""
        for fault in self.all:
            if fault.meets(method, path, location) and (fault.page is not None or fault.fires()):
                yield fault
