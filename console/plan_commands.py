"""`hightide plan`: what share of each account's quota the automations will use, before anything runs."""

from __future__ import annotations

from typing import Any

from config.project import Project as Loaded
from config.project import load
from console import output
from console.folder import environment, settings_of
from console.options import Json, Project
from worker.ledger import installations
from worker.ledger.database import now_ms, versions
from worker.ledger.store import Store
from worker.locations import expanded
from worker.place import place_of
from worker.plan import MOST, NOTHING, POLLS, WARN, AccountPlan, FeedPlan, Past, plans
from worker.usage import past

ACCOUNTS = ("ACCOUNT", "FEEDS", "POLLS/DAY", "ACTIONS/DAY", "QUOTA", "SHARE", "NOTE")
FEEDS = ("FEED", "POLLS/DAY", "PAGES", "REQUESTS/DAY", "AUTOMATIONS")
SHOWN = 20
"""So many accounts are shown feed by feed; of more only the sums."""


def plan(project: Project = None, as_json: Json = False) -> None:
    """Show how many requests a day the feeds will need, and what share of each account's quota that is.

    A feed that several automations listen to is counted once. The requests of a poll, and the actions of a day, are
    what they were until now where there is a ledger; without one a poll is one request, and there are no actions.
    """
    home = settings_of(project).project
    loaded = load(home, environment(project))
    made = planned(loaded)
    if as_json:
        output.json([account_json(each) for each in made])
        return
    output.table(ACCOUNTS, [_account_cells(each) for each in made])
    for each in made if len(made) <= SHOWN else ():
        output.result("")
        output.table(FEEDS, [_feed_cells(feed) for feed in each.feeds], title=", ".join(each.connections))
    for group in _empty(loaded, made):
        output.note(f"connection {group} stands for no location that is known yet: beat asks the agency when it starts")


def planned(loaded: Loaded) -> list[AccountPlan]:
    """The plan of a project, with what its ledger knows, where there is one."""
    installed, before = _known(loaded)
    automations = expanded(loaded.automations.values(), loaded.connections, installed)
    return plans(automations, loaded.connections, loaded.triggers, before)


def verdicts(made: list[AccountPlan]) -> tuple[list[str], list[str]]:
    """Warnings about quotas that are nearly used up, and faults about those that are not enough."""
    warnings, faults = [], []
    for each in made:
        if each.share is None:
            continue
        share, least = each.share, each.fixed_share
        what = f"{_named(each)}: {each.requests:,.0f} requests a day are {share:.0%} of its quota of {each.per_day:,}"
        if least > MOST:
            faults.append(f"{what}; poll less often, or write `every: auto`")
        elif least > WARN or round(share, 2) > POLLS:  # up to there `auto` fills what is left, as it should
            warnings.append(f"{what}; see `hightide plan`")
    return warnings, faults


def account_json(each: AccountPlan) -> dict[str, Any]:
    """One account as `--json` prints it."""
    return {
        "account": each.budget,
        "connections": list(each.connections),
        "per_day": each.per_day,
        "requests": round(each.requests, 1),
        "actions": round(each.actions, 1),
        "share": None if each.share is None else round(each.share, 4),
        "auto_interval": each.pace / 1000,
        "stretched": each.stretched,
        "feeds": [
            {
                "feed": feed.feed,
                "automations": list(feed.automations),
                "polls": round(feed.polls, 1),
                "pages": round(feed.pages, 2),
                "requests": round(feed.requests, 1),
                "auto": feed.auto,
            }
            for feed in each.feeds
        ],
    }


def _known(loaded: Loaded) -> tuple[installations.Installations, Past]:
    settings = loaded.settings
    if settings.database_url is None and not (settings.state_dir / "hightide.db").exists():
        return {}, NOTHING
    store = Store(place_of(settings).database_url)
    try:
        there, newest = versions(store.engine)
        if there != newest:
            return {}, NOTHING
        return store.read_now(installations.read), store.read_now(past, now_ms())
    finally:
        store.close()


def _account_cells(each: AccountPlan) -> tuple[Any, ...]:
    polls = round(sum(feed.requests for feed in each.feeds))
    note = f"`auto` is stretched to {each.pace / 60_000:.1f} min or more" if each.stretched else ""
    if each.fixed_share > MOST:
        note = "more than there is"
    share = "no limit" if each.share is None else f"{each.share:.1%}"
    return (_named(each), len(each.feeds), polls, round(each.actions), each.per_day, share, note)


def _feed_cells(feed: FeedPlan) -> tuple[Any, ...]:
    polls = f"{feed.polls:,.0f}" + (" (auto)" if feed.auto else "")
    return (feed.feed, polls, f"{feed.pages:.1f}", round(feed.requests), ", ".join(feed.automations))


def _named(each: AccountPlan) -> str:
    return ", ".join(each.connections)


def _empty(loaded: Loaded, made: list[AccountPlan]) -> list[str]:
    """The connections with `locations` that stand for none yet."""
    seen = {name.partition("/")[0] for each in made for name in each.connections}
    used = {each.trigger.connection for each in loaded.automations.values()}
    return [each.name for each in loaded.connections.values() if each.locations and each.name in used - seen]
