"""`hightide demo`: sandbox, engine and examples together, then what happened, counted at the vendor."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Annotated, Any

import typer

from console import output, stage
from console.failures import OutOfReach
from console.options import Json
from console.stage import LOCATION, Sandbox
from console.tally import Due, Tally, tally
from worker import reports
from worker.ledger import feeds
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.reports import FeedReport

RATE = 2.0
"""Leads a second: with three actions each, what the vendor's 100 requests in ten seconds allow beside the polls."""
BEGINNING, DRAINING = 90.0, 150.0
"""How long (s) the first polls may take, and the end: a killed worker's leases have to run out."""
SOURCE = "demo"
VIP, OFFICE = "vip@example.com", "office@example.com"
PLAIN = {"type": "lead", "dnd": False, "tags": [], "customFields": [], "followers": [], "country": "US"}
OF_A_LEAD = ("ghl.contacts.tags.add", "ghl.contacts.notes.create", "ghl.contacts.tasks.create")
OF_THE_VIP = ("ghl.contacts.upsert", "ghl.contacts.notes.create")
"""What the examples do about each lead that comes in, and about the contact that is watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is to be seen at one moment, from both sides."""

    leads: int
    events: int
    runs: dict[str, int]
    feeds: tuple[FeedReport, ...]
    effects: int
    tally: Tally


def demo(
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long leads come in.")] = 20,
    as_json: Json = False,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Leave the project in this empty folder.")] = None,
) -> None:
    """Run the sandbox, the engine and the example automations together, and count what happened.

    Leads come in by themselves for some seconds; then everything under way is waited for. What was lost or done twice
    is counted in the sandbox's own log. The exit status is 0 only if nothing was.
    """
    folder = stage.room(keep)
    try:
        found = _played(folder, seconds, quiet=as_json)
    finally:
        if keep is None:
            stage.cleared(folder)
    if as_json:
        output.json(found)
    else:
        _shown(found)
    if found["lost"] or found["twice"]:
        raise typer.Exit(1)


@dataclass(slots=True, kw_only=True)
class _Play:
    """A demo under way: the vendor, the engine, its ledger, and whoever looks on."""

    sandbox: Sandbox
    engine: Popen[bytes]
    store: Store
    show: Callable[[Sight], None]

    def wait(self, longest: float, done: Callable[[Sight], bool]) -> bool:
        """Make every feed due each second until this is seen to be so; False when it takes too long."""
        deadline = time.monotonic() + longest
        while time.monotonic() < deadline:
            if self.engine.poll() is not None:
                raise OutOfReach("the engine has ended; its words are in engine.log (`--keep DIR` keeps it)")
            sight = self.look()
            self.show(sight)
            if sight.feeds and done(sight):
                return True
            self.store.write_now(feeds.nudge, [feed.id for feed in sight.feeds], now_ms())
            time.sleep(min(1.0, max(0.05, deadline - time.monotonic())))
        return False

    def drained(self) -> bool:
        """Wait until every feed has been read and no run is open; then once more, for what would come too often."""
        return all(self.wait(DRAINING, partial(_done, now_ms())) for _ in range(2))

    def look(self) -> Sight:
        """What is to be seen now; what happened is told by the vendor alone."""
        contacts, effects = self.sandbox.contacts(), self.sandbox.effects()
        found = self.store.read_now(reports.status, now_ms())
        return Sight(
            leads=sum(1 for contact in contacts if contact.get("source") == SOURCE),
            events=sum(feed.events for feed in found.feeds),
            runs=dict(found.runs),
            feeds=found.feeds,
            effects=len(effects),
            tally=tally(_due(contacts), effects),
        )


def _done(since: int, sight: Sight) -> bool:
    polls = [(feed.polled_at or 0, feed.succeeded_at or 0) for feed in sight.feeds]
    return all(since < polled <= succeeded for polled, succeeded in polls) and not sight.runs["open"]


def _due(contacts: Iterable[Mapping[str, Any]]) -> list[Due]:
    """What the examples owe these contacts."""
    leads = frozenset(contact["id"] for contact in contacts if contact.get("source") == SOURCE)
    office = frozenset(contact["id"] for contact in contacts if contact.get("email") == OFFICE)
    watched = any(contact.get("email") == VIP for contact in contacts)
    met = office or (frozenset({OFFICE}) if watched else frozenset())
    return [
        *(Due(action=action, contacts=leads) for action in OF_A_LEAD),
        *(Due(action=action, contacts=met) for action in OF_THE_VIP),
    ]


def _played(folder: Path, seconds: float, *, quiet: bool) -> dict[str, Any]:
    began = time.monotonic()
    with ExitStack() as stack:
        sandbox = stack.enter_context(stage.sandbox())
        store = stage.built(folder, sandbox.url)
        stack.callback(store.close)
        show = stack.enter_context(_progress(quiet=quiet))
        play = _Play(sandbox=sandbox, engine=stack.enter_context(stage.engine(folder)), store=store, show=show)
        if not play.wait(BEGINNING, lambda sight: all(feed.succeeded_at for feed in sight.feeds)):
            raise OutOfReach("the first polls do not come about; see engine.log (`--keep DIR` keeps it)")
        _lead_in(sandbox)
        over = time.monotonic() + seconds
        play.wait(seconds, lambda _: time.monotonic() >= over)
        sandbox.ask("DELETE", "leads")
        drained = play.drained()
        stage.ended(play.engine)
        return _told(play.look(), sandbox.ask("GET", "stats"), time.monotonic() - began, drained=drained)


def _lead_in(sandbox: Sandbox) -> None:
    """The contact that is watched appears, and leads begin to come in."""
    data = {**PLAIN, "email": VIP, "firstName": "Vera", "lastName": "Important"}
    sandbox.ask("POST", "records/contacts", {"op": "create", "location": LOCATION, "data": data})
    sandbox.ask("POST", "leads", {"location": LOCATION, "rate": RATE, "source": SOURCE})


def _told(sight: Sight, stats: Mapping[str, Any], seconds: float, *, drained: bool) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "seconds": round(seconds, 1),
        "leads": sight.leads,
        "events": sight.events,
        "runs": sight.runs,
        "held": sight.runs["failed"] + sight.runs["uncertain"],
        "drained": drained,
        "effects": sight.effects,
        **asdict(sight.tally),
        "requests": stats["requests"],
        "worst_10s": stats["worst_10s"],
        "refused_429": stats["refused_429"],
    }


def _shown(found: Mapping[str, Any]) -> None:
    words = {
        "leads": "leads that came in",
        "events": "events",
        "due": "actions due",
        "met": "actions done",
        "lost": "lost",
        "twice": "done twice",
        "repeated": "sent again, to the same end",
        "held": "held for a person",
        "requests": "requests to the vendor",
        "worst_10s": "most requests in 10 seconds",
        "refused_429": "refused with 429",
        "seconds": "seconds",
    }
    output.table(("WHAT HAPPENED", "COUNT"), [(words[name], found[name]) for name in words])
    if not found["drained"]:
        output.note("not everything was carried out in time: the rest counts as lost")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[Sight], None]]:
    """Something that shows how it goes: live on a terminal, a line every five seconds elsewhere."""
    if quiet or not sys.stderr.isatty():
        said = time.monotonic()

        def say(sight: Sight) -> None:
            nonlocal said
            if not quiet and time.monotonic() - said >= 5:
                said = time.monotonic()
                output.note(_line(sight))

        yield say
        return
    from rich.console import Console  # noqa: PLC0415  # for terminals only

    with Console(stderr=True).status("starting the sandbox and the engine") as status:
        yield lambda sight: status.update(_line(sight))


def _line(sight: Sight) -> str:
    count = sight.tally
    return (
        f"{sight.leads} leads, {sight.events} events, {sight.runs['done']} of {sum(sight.runs.values())} runs done, "
        f"{count.met} of {count.due} actions, {count.twice} twice"
    )
