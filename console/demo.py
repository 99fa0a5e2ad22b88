"""`hightide demo`: sandbox, engine and examples together, then what happened, counted at both vendors."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Annotated, Any

import typer

from console import dues, output, stage
from console.failures import OutOfReach
from console.options import Json
from console.settling import settle
from console.stage import LOCATION, Sandbox
from console.tally import OURS, Tally, tally
from worker import reports
from worker.ledger import feeds
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.reports import FeedReport

RATES = {"ghl": 0.6, "rankr": 0.4}
"""Leads a second: with all that they lead to, what HighLevel's 100 requests in ten seconds allow beside the polls."""
NUDGED = 2.5
"""So often (s) every feed is made due: oftener, polls would take what Rankr allows."""
BEGINNING, DRAINING = 90.0, 150.0
"""How long (s) the first polls may take, and the end: a killed worker's leases have to run out."""
PLAIN = {"type": "lead", "dnd": False, "tags": [], "customFields": [], "followers": [], "country": "US"}
VENDORS = {"ghl": "HIGHLEVEL", "rankr": "RANKR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is to be seen at one moment, from both sides."""

    leads: Mapping[str, int]
    events: int
    runs: dict[str, int]
    feeds: tuple[FeedReport, ...]
    effects: int
    tallies: Mapping[str, Tally]


def demo(
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long leads come in.")] = 20,
    as_json: Json = False,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Leave the project in this empty folder.")] = None,
) -> None:
    """Run the sandbox, the engine and the example automations together, and count what happened.

    Leads come in at HighLevel and at Rankr by themselves for some seconds; then everything under way is waited for.
    What was lost or done twice is counted in the sandbox's own log, at each of them. The exit status is 0 only if
    nothing was.
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
    """A demo under way: the vendors, the engine, its ledger, and whoever looks on.

    `settled` counts the runs that were held for a person, and settled in a person's place.
    """

    sandbox: Sandbox
    engine: Popen[bytes]
    store: Store
    show: Callable[[Sight], None]
    nudged_at: float = 0.0
    settled: int = 0

    def wait(self, longest: float, done: Callable[[Sight], bool]) -> bool:
        """Make every feed due now and then until this is seen to be so; False when it takes too long."""
        deadline = time.monotonic() + longest
        while time.monotonic() < deadline:
            if self.engine.poll() is not None:
                raise OutOfReach("the engine has ended; its words are in engine.log (`--keep DIR` keeps it)")
            sight = self.look()
            self.show(sight)
            if sight.feeds and done(sight):
                return True
            if time.monotonic() - self.nudged_at >= NUDGED:
                self.nudged_at = time.monotonic()
                self.store.write_now(feeds.nudge, [feed.id for feed in sight.feeds], now_ms())
            time.sleep(min(1.0, max(0.05, deadline - time.monotonic())))
        return False

    def drained(self) -> bool:
        """Wait until every feed has been read and no run is open; then once more, for what would come too often.

        In between, what nobody can know (a process was killed in the middle of a call) is settled as a person would.
        """
        if not self.wait(DRAINING, partial(_done, now_ms())):
            return False
        self.settled = settle(self.store, self.sandbox.effects())
        return self.wait(DRAINING, partial(_done, now_ms()))

    def look(self) -> Sight:
        """What is to be seen now; what happened is told by the vendors alone."""
        state, effects = self.sandbox.state(), self.sandbox.effects()
        found = self.store.read_now(reports.status, now_ms())
        return Sight(
            leads={"ghl": len(dues.leads(state)), "rankr": len(dues.rankr_leads(state))},
            events=sum(feed.events for feed in found.feeds),
            runs=dict(found.runs),
            feeds=found.feeds,
            effects=len(effects),
            tallies=_tallies(state, effects),
        )


def _tallies(state: dues.State, effects: list[dict[str, Any]]) -> dict[str, Tally]:
    """What came of what was due, at each vendor."""
    owed = dues.owed(state, now_ms())
    return {
        kind: tally(
            [due for due in owed if due.action.startswith(f"{kind}.")],
            [effect for effect in effects if (effect["location"] == "rankr") is (kind == "rankr")],
        )
        for kind in VENDORS
    }


def _done(since: int, sight: Sight) -> bool:
    polls = [(feed.polled_at or 0, feed.succeeded_at or 0) for feed in sight.feeds]
    return all(since < polled <= succeeded for polled, succeeded in polls) and not sight.runs["open"]


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
        _approve(sandbox)
        drained = play.drained()
        stage.ended(play.engine)
        seconds = time.monotonic() - began
        return _told(play.look(), sandbox.ask("GET", "stats"), seconds, settled=play.settled, drained=drained)


def _lead_in(sandbox: Sandbox) -> None:
    """Leads begin to come in, and each of the examples gets something to do."""
    for more in ({"email": dues.VIP, "firstName": "Vera"}, {"email": dues.OFFERED, "tags": ["send-offer"]}):
        data = {**PLAIN, "lastName": "Important", **more}
        sandbox.ask("POST", "records/contacts", {"op": "create", "location": LOCATION, "data": data})
    changed = {"op": "patch", "id": dues.CHANGED, "data": {"company": dues.COMPANY}}
    sandbox.ask("POST", "records/rankr.clients", changed)
    sandbox.ask("POST", "leads", {"location": LOCATION, "rate": RATES["ghl"], "source": dues.SOURCE})
    sandbox.ask("POST", "leads", {"vendor": "rankr", "rate": RATES["rankr"], "source": dues.SOURCE})


def _approve(sandbox: Sandbox) -> None:
    """What was sent for approval, and has its note, is approved, so that the note has to follow."""
    state = sandbox.state()
    noted = {note.get("title") for note in state["notes"]}
    for document in state["rankr.documents"]:
        if document["status"] == "sent" and f"{OURS}document {document['id']}" in noted:
            sandbox.ask("POST", "signatures", {"document": document["id"], "status": "approved"})


def _told(sight: Sight, stats: Mapping[str, Any], seconds: float, *, settled: int, drained: bool) -> dict[str, Any]:
    """What `--json` prints."""
    counted = [asdict(each) for each in sight.tallies.values()]
    used = {("rankr" if each["location"] == "rankr" else "ghl"): each for each in stats["usage"]}
    return {
        "seconds": round(seconds, 1),
        "leads": sum(sight.leads.values()),
        "events": sight.events,
        "runs": sight.runs,
        "held": sight.runs["failed"] + sight.runs["uncertain"],
        "settled": settled,
        "drained": drained,
        "effects": sight.effects,
        **{name: sum(each[name] for each in counted) for name in counted[0]},
        "requests": stats["requests"],
        "worst_10s": stats["worst_10s"],
        "refused_429": stats["refused_429"],
        "vendors": {
            kind: {
                "leads": sight.leads[kind],
                **asdict(sight.tallies[kind]),
                "requests": used[kind]["today"],
                "worst_10s": used[kind]["worst_10s"],
                "refused_429": used[kind]["refused"],
            }
            for kind in VENDORS
        },
    }


def _shown(found: Mapping[str, Any]) -> None:
    words = {
        "leads": "leads that came in",
        "due": "actions due",
        "met": "actions done",
        "lost": "lost",
        "twice": "done twice",
        "repeated": "once more, to the same end",
        "requests": "requests",
        "worst_10s": "most requests in 10 seconds",
        "refused_429": "refused with 429",
    }
    rows = [(words[name], *(found["vendors"][kind][name] for kind in VENDORS)) for name in words]
    output.table(("COUNTED AT THE VENDORS", *VENDORS.values()), rows)
    output.result("")
    runs = found["runs"]
    whole = {"events": found["events"], "runs done": runs["done"], "runs passed over": runs["skipped"]}
    whole |= {"held for a person": found["held"], "held, then settled as a person would": found["settled"]}
    whole |= {"seconds": found["seconds"]}
    output.table(("IN THE ENGINE", "COUNT"), list(whole.items()))
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
    counts = sight.tallies.values()
    met, due, twice = (sum(getattr(count, name) for count in counts) for name in ("met", "due", "twice"))
    return (
        f"{sight.leads['ghl']} leads at HighLevel, {sight.leads['rankr']} at Rankr, {sight.events} events, "
        f"{sum(sight.runs.values()) - sight.runs['open']} of {sum(sight.runs.values())} runs ended, "
        f"{met} of {due} actions, {twice} twice"
    )
