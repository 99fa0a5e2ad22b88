"""Contacts mirrored between two accounts in both directions by real processes: a change goes over once, not back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.faults.house import House, Processes, Vendor, eventually
from worker.ledger import feeds
from worker.ledger.database import migrate, now_ms
from worker.ledger.store import Store
from worker.ledger.tables import RUNS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LOCATIONS = {"acme": "mirrorLocationAcme01", "branch": "mirrorLocationBranch"}
CONNECTION = """\
  {name}:
    kind: ghl
    location_id: {location}
    base_url: {url}
    quota: off
    auth: {{type: private_token, token: pit-0123456789}}
"""
MIRROR = """\
  from-{name}:
    trigger: {{use: ghl.contacts.search, connection: {name}, on: [new, updated], every: 15m}}
    echoes: {echoes}
    steps:
      - use: ghl.contacts.upsert
        connection: {other}
        with:
          email: "{{{{ record.email }}}}"
          firstName: "{{{{ record.firstName | default }}}}"
          lastName: "{{{{ record.lastName | default }}}}"
          phone: "{{{{ record.phone | default(omit) }}}}"
"""
ADA = {"email": "ada@example.com", "firstName": "Ada", "lastName": "Byron"}


class Mirror(House):
    """Two accounts, and an automation for each direction between them."""

    def contacts(self, name: str) -> list[dict[str, Any]]:
        found = self.vendor.ask("GET", f"state?table=contacts&location={LOCATIONS[name]}")["contacts"]
        fields = (*ADA, "phone")
        return [{field: each[field] for field in fields if each.get(field)} for each in found]

    def add(self, name: str, **fields: str) -> None:
        """A person writes down a contact."""
        body = {"op": "create", "location": LOCATIONS[name], "data": {"tags": [], "customFields": [], **fields}}
        self.vendor.ask("POST", "records/contacts", body)

    def edit(self, name: str, **fields: str) -> None:
        """A person changes the contact."""
        [contact] = self.vendor.ask("GET", f"state?table=contacts&location={LOCATIONS[name]}")["contacts"]
        self.vendor.ask("POST", "records/contacts", {"op": "patch", "id": contact["id"], "data": fields})

    def writes(self, name: str) -> int:
        """How often Hightide wrote to that account so far."""
        found = self.vendor.ask("GET", f"effects?location={LOCATIONS[name]}&path=/contacts/upsert")
        return int(found["total"])

    def poll(self, *ids: str) -> None:
        """Poll these feeds once more, and carry out what that leads to."""
        before = {feed.id: feed.succeeded_at for feed in self.status().feeds if feed.id in ids}
        self.store.write_now(feeds.nudge, list(ids), now_ms())

        def done() -> bool:
            status = self.status()
            polled = all(feed.succeeded_at > before[feed.id] for feed in status.feeds if feed.id in before)
            return polled and not status.runs["open"]

        eventually(done, 90, self.told)

    def round(self) -> int:
        """Poll each feed once more, one after the other; how many runs that led to."""
        before = self.runs()
        for feed in self.status().feeds:
            self.poll(feed.id)
        return self.runs() - before

    def settle(self, rounds: int = 8) -> None:
        """Go on until a round brings nothing any more."""
        for _ in range(rounds):
            if not self.round():
                return
        raise AssertionError(f"it goes on and on\n{self.told()}")

    def runs(self) -> int:
        return self.store.read_now(lambda c: c.scalar(select(func.count()).select_from(RUNS))) or 0

    def expect(self, contact: dict[str, str], acme: int, branch: int) -> None:
        """Both sides hold just this contact, after so many writes to each."""
        assert [self.contacts(name) for name in LOCATIONS] == [[contact], [contact]]
        assert (self.writes("acme"), self.writes("branch")) == (acme, branch), self.told()


@contextmanager
def mirrored(folder: Path, *, echoes: str = "skip", database_url: str | None = None) -> Iterator[Mirror]:
    """The project with its vendor, and `hightide run` on it once each feed knows that nothing was there."""
    with ExitStack() as stack:
        processes = Processes(folder, {"HIGHTIDE_DATABASE_URL": database_url} if database_url else {})
        stack.callback(processes.end)
        vendor = Vendor(processes)
        vendor.start()
        vendor.ask("POST", "limits", {"per_10s": None, "per_day": None})
        project = folder / "project"
        (project / "automations").mkdir(parents=True)
        (project / ".hightide").mkdir(mode=0o700)
        given = [CONNECTION.format(name=name, location=at, url=vendor.url) for name, at in LOCATIONS.items()]
        (project / "connections.yaml").write_text("connections:\n" + "".join(given))
        pairs = (("acme", "branch"), ("branch", "acme"))
        both = [MIRROR.format(name=name, other=other, echoes=echoes) for name, other in pairs]
        (project / "automations" / "mirror.yaml").write_text("automations:\n" + "".join(both))
        address = database_url or f"sqlite:///{project / '.hightide' / 'hightide.db'}"
        migrate(address)
        store = Store(address)
        stack.callback(store.close)
        made = Mirror(processes, vendor, store, project)
        made.start("run", "run", "--no-web", "--concurrency", "2")
        made.ready()
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def mirror(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mirror]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with mirrored(tmp_path, database_url=url) as made:
        yield made


def test_each_change_of_a_person_goes_over_once_and_not_back(mirror: Mirror) -> None:
    mirror.add("acme", **ADA)
    mirror.settle()
    mirror.expect(ADA, acme=0, branch=1)
    mirror.edit("acme", lastName="Lovelace")
    mirror.settle()
    mirror.expect({**ADA, "lastName": "Lovelace"}, acme=0, branch=2)
    mirror.edit("branch", phone="+436641234567")
    mirror.settle()
    mirror.expect({**ADA, "lastName": "Lovelace", "phone": "+436641234567"}, acme=1, branch=2)
    for name, writes in (("branch", (2, 2)), ("acme", (2, 3)), ("branch", (3, 3))):  # there and back again
        last = "Byron" if name == "branch" else "Lovelace"
        mirror.edit(name, lastName=last)
        mirror.settle()
        mirror.expect({**ADA, "lastName": last, "phone": "+436641234567"}, *writes)
    mirror.edit("acme", website="https://example.com")
    mirror.settle()
    assert (mirror.writes("acme"), mirror.writes("branch")) == (3, 3), "nothing that is read has changed"
    assert mirror.status().runs["failed"] == 0


def test_changes_that_cross_end_alike_on_both_sides(mirror: Mirror) -> None:
    mirror.add("branch", **ADA)
    mirror.settle()
    mirror.edit("acme", firstName="Augusta")
    mirror.edit("branch", lastName="Lovelace")
    mirror.poll(*(feed.id for feed in mirror.status().feeds))
    mirror.settle()
    assert mirror.contacts("acme") == mirror.contacts("branch")
    assert mirror.writes("acme") + mirror.writes("branch") <= 5


def test_killed_in_the_middle_of_a_write_both_sides_end_alike(mirror: Mirror) -> None:
    mirror.add("acme", **ADA)
    mirror.settle()
    slow = {"match": {"method": "POST", "path": "/contacts/upsert"}, "delay": 20, "when": "after", "count": 1}
    mirror.vendor.ask("POST", "faults", slow)
    mirror.edit("acme", lastName="Lovelace")
    mirror.nudge()
    eventually(lambda: mirror.writes("branch") == 2, 60, mirror.told)
    mirror.processes.kill("run")  # the vendor has it, the ledger does not know
    mirror.start("run", "run", "--no-web", "--concurrency", "2")
    mirror.settle()
    changed = {**ADA, "lastName": "Lovelace"}
    assert [mirror.contacts(name) for name in LOCATIONS] == [[changed], [changed]]
    assert mirror.writes("branch") <= 3, "once more by the worker that took it up"
    assert mirror.writes("acme") <= 1, "once, by a worker that could not know whose the change was"
    assert mirror.status().runs["failed"] == 0


def test_without_the_word_it_would_go_on_and_on(tmp_path: Path) -> None:
    with mirrored(tmp_path, echoes="run") as mirror:
        mirror.add("acme", **ADA)
        assert all(mirror.round() for _ in range(4))
        assert mirror.writes("acme") + mirror.writes("branch") >= 4
