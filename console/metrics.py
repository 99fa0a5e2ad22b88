"""Metrics of the ledger in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from worker.reports import Status


def exposition(status: Status, webhooks: Mapping[tuple[str, str], int]) -> tuple[bytes, str]:
    """The metrics as text, and its content type."""
    registry = CollectorRegistry()

    def gauge(name: str, what: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> None:
        made = Gauge(f"hightide_{name}", what, labels, registry=registry)
        for key, value in values.items():
            (made.labels(*key) if labels else made).set(value)

    states: Counter[tuple[str, ...]] = Counter((feed.state,) for feed in status.feeds)
    gauge("feeds", "Feeds by state.", ("state",), states)
    gauge("runs", "Runs by state.", ("state",), {(state,): count for state, count in status.runs.items()})
    by_trigger: dict[str, Counter[tuple[str, ...]]] = {"polls": Counter(), "events": Counter(), "missed": Counter()}
    for feed in status.feeds:
        for name, sums in by_trigger.items():
            sums[feed.trigger, feed.connection] += getattr(feed, name)
    labels = ("trigger", "connection")
    gauge("polls_total", "Polls that have ended.", labels, by_trigger["polls"])
    gauge("events_total", "Events that polls have brought.", labels, by_trigger["events"])
    gauge("missed_slots_total", "Slots that could not be kept.", labels, by_trigger["missed"])
    gauge(
        "webhooks_total",
        "Webhooks by vendor and what was done.",
        ("kind", "outcome"),
        {(*key,): count for key, count in webhooks.items()},
    )
    return generate_latest(registry), CONTENT_TYPE_LATEST
