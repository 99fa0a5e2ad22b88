"""The sample record of each trigger, which `hightide show` prints, is what the vendor's simulation shows.

With `WRITE_SAMPLES=1` in the environment the samples are written anew instead of being compared.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.operations.engine import Engine
from tests.operations.test_trigger_operations import SCENES, SLUG, watcher_of
from tests.operations.vendor import Account
from triggers.catalog import CATALOG
from triggers.samples import FILE, sample
from triggers.samples import _samples as samples
from triggers.trigger import Watermark

pytestmark = pytest.mark.slow


def shown(engine: Engine, account: Account, trigger: str) -> dict[str, Any]:
    """The record of the first event that the trigger's story brings."""
    row = CATALOG[trigger]
    if trigger == SLUG:
        watcher = watcher_of(engine, account, row, {"urlSlug": "news"}, "new")
        watcher.poll()
        account.post("/blogs/posts", **account.post_fields("news"))
        taken: dict[str, Any] = orjson.loads(watcher.poll().records[0])
        return taken
    scene = SCENES[trigger]
    params = scene.before(account)
    happens = scene.new or scene.change
    assert happens is not None
    timed = isinstance(row.strategy, Watermark) and row.strategy.updated is not None
    watcher = watcher_of(engine, account, row, params, "updated" if timed else "new")
    watcher.poll()
    happens(account, params)
    record: dict[str, Any] = orjson.loads(watcher.poll().records[0])
    if "file" in record:  # it lies in the folder of the test
        record["file"] = "/".join(["...", *Path(record["file"]).parts[-3:]])
    return record


@pytest.mark.parametrize("trigger", CATALOG)
def test_a_sample_has_the_fields_of_a_record(engine: Engine, account: Account, trigger: str, tmp_path: Path) -> None:
    record = shown(engine, account, trigger)
    if os.environ.get("WRITE_SAMPLES"):
        kept = orjson.loads(FILE.read_bytes()) if FILE.exists() else {}
        kept[trigger] = {name: value for name, value in record.items() if name != "traceId"}
        FILE.write_bytes(orjson.dumps(dict(sorted(kept.items())), option=orjson.OPT_INDENT_2) + b"\n")
    samples.cache_clear()
    known = sample(trigger)
    assert known is not None
    assert set(known) == set(record) - {"traceId"}
