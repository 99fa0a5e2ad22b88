"""Leads that come in by themselves: at once for tests, in a steady stream for demos."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.contacts import new_contact, tidy_tags
from sandbox.rankr.access import HOME as RANKR
from sandbox.refusal import unprocessable
from sandbox.shape import faults, shape
from sandbox.state import Record, State

ASKED = shape("location vendor:ghl|rankr count:count rate:number tags:[text] prefix source")
FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Katherine", "Linus", "Margaret", "Tim", "Radia", "Ken")
LAST = ("Harbour", "Meadow", "Stone", "Rivers", "Fields", "Marsh", "Brook", "Lake", "Hill", "Woods", "Shore")
LONGEST_WAIT = 0.05


@dataclass(slots=True, kw_only=True)
class Stream:
    """A stream of leads: where to, how many at most (None: without end), how many a second, how many came.

    Those without a location come to Rankr.
    """

    location: str | None
    count: int | None
    rate: float
    tags: list[str]
    prefix: str
    source: str
    made: int = 0
    task: asyncio.Task[None] | None = None

    def told(self) -> Record:
        """The stream as the admin endpoint shows it."""
        running = self.task is not None and not self.task.done()
        return {
            "location": self.location,
            "count": self.count,
            "rate": self.rate,
            "made": self.made,
            "running": running,
        }


@dataclass(slots=True)
class Leads:
    """All leads that came in by themselves."""

    state: State
    save: Callable[[], None]
    streams: list[Stream] = field(default_factory=list)

    @property
    def made(self) -> int:
        """How many came, in this life and those before it."""
        return int(self.state.settings["leads"])

    def start(self, asked: Mapping[str, Any]) -> list[str]:
        """Makes leads, at once (the ids of all are returned) or at a rate in the background.

        Raises:
            Refusal: it is not described as it should be.
        """
        wrong = list(faults(ASKED, asked))
        rate, count = asked.get("rate"), asked.get("count")
        rankr = asked.get("vendor") == "rankr"
        if rankr == ("location" in asked):
            wrong.append("location should not be empty unless vendor is rankr, which has none")
        if rate is None and count is None:
            wrong.append("count should not be empty unless rate is given")
        if rate is not None and not (isinstance(rate, int | float) and rate > 0):
            wrong.append("rate must be more than 0")
        if wrong:
            raise unprocessable(*wrong)
        stream = Stream(
            location=asked.get("location"),
            count=count,
            rate=float(rate or 0),
            tags=tidy_tags(asked.get("tags", ["lead"])),
            prefix=asked.get("prefix", "lead"),
            source=asked.get("source", "sandbox"),
        )
        if not rate:
            return self._make(stream, int(count))  # type: ignore[arg-type]  # checked above
        self.streams.append(stream)
        stream.task = asyncio.get_running_loop().create_task(self._flow(stream))
        return []

    def stop(self) -> None:
        """Ends all streams."""
        for stream in self.streams:
            if stream.task:
                stream.task.cancel()

    def _make(self, stream: Stream, count: int) -> list[str]:
        if stream.location:
            self.state.location(stream.location)
        first = self.made + 1
        keys = [self._one(stream, number) for number in range(first, first + count)]
        stream.made += count
        self.state.set(leads=self.made + count)
        self.save()
        return keys

    def _one(self, stream: Stream, number: int) -> str:
        first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
        ways = {"email": f"{stream.prefix}-{number}@example.com".lower(), "phone": f"+1555{number:07d}"}
        if stream.location is None:
            lead = {"name": f"{first} {last}", **ways, "source": stream.source}
            return str(self.state.create("rankr.leads", RANKR, lead)["id"])
        fields = {"firstName": first, "lastName": last, **ways, "source": stream.source, "tags": stream.tags}
        return str(new_contact(self.state, stream.location, fields)["id"])

    async def _flow(self, stream: Stream) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while stream.count is None or stream.made < stream.count:
            due = int((loop.time() - began) * stream.rate) - stream.made
            if stream.count is not None:
                due = min(due, stream.count - stream.made)
            if due > 0:
                self._make(stream, due)
            await asyncio.sleep(min(LONGEST_WAIT, 1 / stream.rate))
