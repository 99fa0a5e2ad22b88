"""The plan: what share of each account's daily quota the feeds and actions of a project use. Pure sums.

A feed costs its polls a day times the requests of one poll: as it was until now where it is known, one page otherwise.
Feeds with `every: auto` are counted at the pace that the quota leaves them, which is also the pace they get.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from croniter import croniter

from config.automation import Auto, Automation, Cron, Every, Schedule
from connections.connection import Connection
from triggers.trigger import Trigger
from worker.deploy import feed_of
from worker.schedule import FASTEST, FIRST_PACE, SLOWEST

DAY = 86_400
WARN, MOST = 0.8, 1.0
"""From these shares of a quota on there is a warning, and a fault."""
POLLS = 0.9
"""The share of a day that polls may use; the rest is kept for actions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known from before: requests of one poll by feed, requests of actions a day by connection."""

    pages: Mapping[str, float]
    actions: Mapping[str, float]


NOTHING = Past(pages={}, actions={})


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlan:
    """One feed: polls a day, requests of each, and who listens. `auto` says that its interval is ours to choose."""

    feed: str
    automations: tuple[str, ...]
    polls: float
    pages: float
    auto: bool

    @property
    def requests(self) -> float:
        """Requests a day."""
        return self.polls * self.pages


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlan:
    """What draws on one quota in a day: `per_day` is None where there is no limit.

    `pace` is the shortest interval (ms) that feeds with `every: auto` get; `stretched` says that the quota, and not
    their events, decides it.
    """

    budget: str
    connections: tuple[str, ...]
    per_day: int | None
    feeds: tuple[FeedPlan, ...]
    actions: float
    pace: int
    stretched: bool

    @property
    def requests(self) -> float:
        """Requests a day, of feeds and actions."""
        return sum(feed.requests for feed in self.feeds) + self.actions

    @property
    def share(self) -> float | None:
        """The part of the quota, 1.0 being all of it."""
        return None if self.per_day is None else self.requests / self.per_day

    @property
    def fixed_share(self) -> float:
        """The same less the feeds that could be polled less often by themselves."""
        fixed = sum(feed.requests for feed in self.feeds if not feed.auto) + self.actions
        return 0.0 if self.per_day is None else fixed / self.per_day


def plans(
    automations: Iterable[Automation],
    connections: Mapping[str, Connection],
    triggers: Mapping[str, Trigger],
    past: Past = NOTHING,
) -> list[AccountPlan]:
    """The plan of every account that is polled, the fullest first; equal feeds are counted once.

    The automations are those after expansion over locations.
    """
    listening: dict[str, dict[str, list[Automation]]] = {}
    names: dict[str, set[str]] = {}
    for automation in automations:
        connection = connections.get(automation.trigger.connection)
        if connection is None:
            continue
        names.setdefault(connection.budget, set()).add(connection.name)
        feed = feed_of(automation, triggers[automation.trigger.use])
        listening.setdefault(connection.budget, {}).setdefault(feed.id, []).append(automation)
    made = [
        _account(budget, [connections[name] for name in sorted(names[budget])], feeds, past)
        for budget, feeds in listening.items()
    ]
    return sorted(made, key=lambda each: (-(each.share or 0.0), each.budget))


def paces(made: Iterable[AccountPlan]) -> dict[str, int]:
    """The shortest interval (ms) that a feed with `every: auto` gets, by connection."""
    return {name: each.pace for each in made for name in each.connections}


def least_pace(known: Mapping[str, int], connection: str) -> int:
    """The shortest interval (ms) on a connection; a location that is new gets what its neighbours have."""
    if connection in known or "/" not in connection:
        return known.get(connection, FASTEST)
    group = connection.partition("/")[0] + "/"
    return max((pace for name, pace in known.items() if name.startswith(group)), default=FASTEST)


def polls_a_day(schedules: Sequence[Schedule], pace: int) -> float:
    """How often a feed with these schedules is polled in a day, `auto` at this pace (ms); each slot counts."""
    return sum(_polls(schedule, pace) for schedule in dict.fromkeys(schedules))


def _account(
    budget: str, connections: Sequence[Connection], feeds: Mapping[str, Sequence[Automation]], past: Past
) -> AccountPlan:
    quotas = [each.quota for each in connections if each.quota is not None]
    per_day = min((quota.per_day for quota in quotas), default=None)
    actions = sum(past.actions.get(each.name, 0.0) for each in connections)
    schedules = {feed: _schedules(heard) for feed, heard in feeds.items()}
    pages = {feed: max(past.pages.get(feed, 1.0), 1.0) for feed in feeds}
    free = [feed for feed, each in schedules.items() if Auto() in each]
    fixed = sum(polls_a_day(_fixed(schedules[feed]), FIRST_PACE) * pages[feed] for feed in feeds)
    pace = _pace(per_day, fixed + actions, sum(pages[feed] for feed in free))
    planned = max(pace, FIRST_PACE) if free else FIRST_PACE
    return AccountPlan(
        budget=budget,
        connections=tuple(each.name for each in connections),
        per_day=per_day,
        feeds=tuple(
            FeedPlan(
                feed=feed,
                automations=tuple(each.name for each in heard),
                polls=polls_a_day(schedules[feed], planned),
                pages=pages[feed],
                auto=all(isinstance(each, Auto) for each in schedules[feed]),
            )
            for feed, heard in feeds.items()
        ),
        actions=actions,
        pace=pace,
        stretched=bool(free) and pace > FASTEST,
    )


def _pace(per_day: int | None, used: float, pages: float) -> int:
    """The shortest interval (ms) at which polls of so many pages still fit into what is left of the day."""
    if per_day is None or not pages:
        return FASTEST
    left = per_day * POLLS - used
    if left <= 0:
        return SLOWEST
    return round(min(max(pages * DAY * 1000 / left, FASTEST), SLOWEST))


def _schedules(automations: Sequence[Automation]) -> tuple[Schedule, ...]:
    return tuple(dict.fromkeys(each.trigger.schedule for each in automations))


def _fixed(schedules: Sequence[Schedule]) -> list[Schedule]:
    return [each for each in schedules if not isinstance(each, Auto)]


def _polls(schedule: Schedule, pace: int) -> float:
    match schedule:
        case Every(seconds):
            return DAY / seconds
        case Auto():
            return DAY * 1000 / pace
        case Cron(expression, _):
            return _busiest(expression)


@cache
def _busiest(expression: str) -> int:
    """The slots of the busiest day of a week."""
    start = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
    slots = croniter(expression, start - timedelta(seconds=1))
    counts = [0] * 7
    while (at := slots.get_next(datetime)) < start + timedelta(days=7):
        counts[(at - start).days] += 1
    return max(counts)
