"""`python -m worker.health` ends with 0 while a beat or worker on this host says that it lives: for containers."""

from __future__ import annotations

import os
import socket
import sys

from sqlalchemy.exc import SQLAlchemyError

from config.problems import ConfigError
from config.settings import read_settings
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.place import place_of
from worker.reports import ProcessReport, processes


def living(reports: tuple[ProcessReport, ...], host: str) -> list[str]:
    """What runs on that host: `beat 17`."""
    return [f"{each.role} {each.pid}" for each in reports if each.host == host and each.state == "running"]


def _look() -> None:
    store = Store(place_of(read_settings(os.environ)).database_url)
    try:
        found = living(store.read_now(processes, now_ms()), socket.gethostname())
    finally:
        store.close()
    sys.exit(0 if found else "no beat or worker has been heard of on this host lately")


if __name__ == "__main__":
    try:
        _look()
    except (ConfigError, SQLAlchemyError) as error:
        sys.exit(f"hightide cannot tell: {error}")
