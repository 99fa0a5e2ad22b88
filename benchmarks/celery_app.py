"""The plain Celery application, as an able user writes it: a task per record, the record in its message."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
from celery import Celery
from celery.signals import worker_process_init

Record = dict[str, Any]

app = Celery("plain", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=os.environ["BENCH_ACK"] == "late",
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=True,
)
process: dict[str, httpx.Client] = {}


@worker_process_init.connect
def open_client(**_: object) -> None:
    """After the fork: one client, its connection kept alive."""
    headers = {"Authorization": "Bearer pit-bench", "Version": "2021-07-28"}
    process["client"] = httpx.Client(base_url=os.environ["BENCH_VENDOR"], headers=headers, timeout=30)


def added(client: httpx.Client, since: int) -> Iterator[Record]:
    """The contacts added at or after a time in epoch milliseconds, page by page."""
    at = datetime.fromtimestamp(since / 1000, UTC).isoformat()
    body: dict[str, Any] = {
        "locationId": "bench",
        "pageLimit": 100,
        "filters": [{"field": "dateAdded", "operator": "range", "value": {"gte": at}}],
        "sort": [{"field": "dateAdded", "direction": "asc"}],
    }
    while records := client.post("/contacts/search", json=body).raise_for_status().json()["contacts"]:
        yield from records
        body["searchAfter"] = records[-1]["searchAfter"]


@app.task
def greet(record: Record) -> None:
    """The action on one contact."""
    body = {"tags": ["greeted"]}
    process["client"].post(f"/contacts/{record['id']}/tags", json=body).raise_for_status()


@app.task
def poll(since: int, queue: str = "celery") -> None:
    """Asks for new contacts and sends a task for each, to the default queue or another."""
    for record in added(process["client"], since):
        greet.apply_async(args=(record,), queue=queue)
