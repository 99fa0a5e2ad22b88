"""The examples in one project as real processes, with both vendors, and what people do there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.stage import ADDRESS
from tests.faults.house import LOCATION, House, Processes, Vendor, eventually
from worker.ledger.database import migrate, now_ms
from worker.ledger.store import Store

EXAMPLES = Path(__file__).parents[2] / "examples"
BOTH = ("rankr-leads", "rankr-documents", "rankr-clients", "lead-contract", "offer-approval", "renewals")
"""The examples that connect the two vendors."""
PATIENCE = 200.0


@dataclass
class Stage:
    """A project under way, and the two vendors as people see and change them."""

    house: House

    @property
    def vendor(self) -> Vendor:
        return self.house.vendor

    def records(self, table: str, **fields: Any) -> list[dict[str, Any]]:
        """The records of a table that have these values."""
        found = self.vendor.ask("GET", f"state?table={table}")[table]
        return [each for each in found if all(each.get(name) == value for name, value in fields.items())]

    def create(self, table: str, data: dict[str, Any]) -> str:
        home = {} if table.startswith("rankr.") else {"location": LOCATION}
        made = self.vendor.ask("POST", f"records/{table}", {"op": "create", "data": data, **home})
        return str(made["record"]["id"])

    def patch(self, table: str, key: str, **data: Any) -> None:
        self.vendor.ask("POST", f"records/{table}", {"op": "patch", "id": key, "data": data})

    def contact(self, **fields: Any) -> str:
        """A contact that a person makes at HighLevel."""
        plain = {"type": "lead", "dnd": False, "tags": [], "customFields": [], "followers": []}
        return self.create("contacts", {**plain, **fields})

    def fields(self, contact: dict[str, Any]) -> dict[str, Any]:
        """A contact's custom fields by name."""
        names = {each["id"]: each["name"] for each in self.records("customFields", locationId=LOCATION)}
        return {names[each["id"]]: each["value"] for each in contact["customFields"]}

    def effects(self, path: str) -> int:
        """How many requests to this path took effect."""
        return int(self.vendor.ask("GET", f"effects?path={path}")["total"])

    def until(self, holds: Callable[[], Any]) -> Any:
        """What this gives once it gives something, the feeds being due again and again."""

        def looked() -> Any:
            self.house.nudge()
            return holds()

        return eventually(looked, PATIENCE, self.house.told, pause=0.5)

    def one(self, table: str, **fields: Any) -> dict[str, Any]:
        """The only record with these values, once there is one."""
        self.until(lambda: self.records(table, **fields))
        [found] = self.records(table, **fields)
        return found

    def quiet(self) -> None:
        """Wait until every feed has been read and no run is open; then once more, for what would come too often."""
        for _ in range(2):
            since = now_ms()

            def still(since: int = since) -> bool:
                status = self.house.status()
                read = all(since < (feed.polled_at or 0) <= (feed.succeeded_at or 0) for feed in status.feeds)
                return read and not status.runs["open"]

            self.until(still)
        assert self.house.status().runs["failed"] == 0, self.house.told()


@contextmanager
def acted(folder: Path, *examples: str) -> Iterator[Stage]:
    """These examples in one project, as `hightide run` carries them out; ready when every feed knows what was there."""
    with ExitStack() as stack:
        processes = Processes(folder)
        stack.callback(processes.end)
        vendor = Vendor(processes)
        vendor.start()
        vendor.ask("POST", "limits", {"per_10s": None, "per_day": None})
        project = folder / "project"
        for example in examples:
            shutil.copytree(EXAMPLES / example, project, dirs_exist_ok=True)
        connections = (project / "connections.yaml").read_text().replace(ADDRESS, vendor.url)
        (project / "connections.yaml").write_text(connections.replace("    auth:", "    quota: off\n    auth:"))
        (project / ".hightide").mkdir(mode=0o700)
        address = f"sqlite:///{project / '.hightide' / 'hightide.db'}"
        migrate(address)
        store = Store(address)
        stack.callback(store.close)
        house = House(processes, vendor, store, project)
        house.start("run", "run", "--no-web", "--concurrency", "2")
        house.ready()
        yield Stage(house)
