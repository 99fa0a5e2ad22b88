"""In a demo, what a person does about runs that are held: look at the vendor, and say what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from console.tally import met, subject
from worker import corrections, histories
from worker.ledger.database import now_ms
from worker.ledger.store import Store

MOST = 100
"""So many held runs are settled; a demo that had more would not be worth looking at."""


def settle(store: Store, effects: Iterable[Mapping[str, Any]]) -> int:
    """Settle every run with an uncertain step: done where the vendor has the effect, else to be tried again.

    How many there were.
    """
    there = met(effects)
    held = store.read_now(histories.runs, now_ms(), state="uncertain", limit=MOST)
    for run in held:
        history = store.read_now(histories.run, run.id)
        steps = () if history is None else history.steps
        [(action, inputs)] = [(step.action, orjson.loads(step.inputs)) for step in steps if step.state == "uncertain"]
        made = there.get((action, subject(inputs)))
        store.write_now(corrections.resolve, run.id, "retry" if made is None else "done", now_ms(), made)
    return len(held)
