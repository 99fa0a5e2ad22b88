"""The sandbox as tests steer it, and one account in it as the people who own that account use it."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from connections.connection import Auth, PrivateToken

REPOSITORY = Path(__file__).parents[2]
OWNER = {"Authorization": "Bearer owner"}
LATER = ("/calendars", "/conversations")
"""Paths whose operations have the later of the vendor's two versions."""
Record = dict[str, Any]
_numbers = itertools.count(1)


class Vendor:
    """The sandbox's process, over HTTP."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self._client = client

    def begin_anew(self) -> None:
        """Forget everything, the clock's moves included; without limits."""
        self.steer("reset")
        self.steer("limits", {"per_10s": None, "per_day": None})

    def steer(self, door: str, body: Any = None, verb: str = "POST", **query: Any) -> Any:
        """Ask at one of the sandbox's own doors."""
        given = {"json": body if body is not None else {}} if verb == "POST" else {}
        got = self._client.request(verb, f"/_sandbox/{door}", params=query, **given)
        assert got.status_code == 200, got.text
        return got.json()

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Use the vendor's API with a token that may do everything."""
        version = "2021-04-15" if path.startswith(LATER) else "2021-07-28"
        headers = {**OWNER, "Version": version}
        got = self._client.request(method, path, json=body, params=query, headers=headers)
        assert got.status_code < 300, f"{method} {path}: {got.status_code} {got.text}"
        return got.json()

    def requests(self) -> int:
        """How many requests there were, those of tests included and those for tokens left out."""
        stats = self.steer("stats", verb="GET")
        return int(stats["requests"]) - int(stats["by_route"].get("POST /rankr/oauth/token", 0))


class Account:
    """A location and its company, for one test alone."""

    kind = "ghl"
    prefix = ""
    """What the vendor's paths begin with in the sandbox."""
    location: str
    company: str

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        number = next(_numbers)
        self.location = f"Location{number:012d}"
        self.company = f"Company{number:013d}"
        self.ids: dict[str, str] = {}
        vendor.ask("GET", "/users/search", companyId=self.company, locationId=self.location)

    # The API.

    def get(self, path: str, **query: Any) -> Any:
        return self.vendor.ask("GET", path, **query)

    def post(self, path: str, body: Any = None, **fields: Any) -> Any:
        """POST with these fields, and the location."""
        return self.vendor.ask("POST", path, body if body is not None else {"locationId": self.location, **fields})

    def put(self, path: str, **fields: Any) -> Any:
        return self.vendor.ask("PUT", path, fields)

    def delete(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.vendor.ask("DELETE", path, body, **query)

    # What the sandbox can be told.

    def record(self, table: str, op: str, id_: str | None = None, **data: Any) -> str:
        """Make, change or delete a record of any kind, past the API; its id."""
        body: Record = {"op": op, "location": self.location, "company": self.company, "data": data}
        told = self.vendor.steer(f"records/{table}", body | ({"id": id_} if id_ else {}))
        return str((told.get("record") or told["deleted"])["id"])

    def fault(self, method: str, path: str, **what: Any) -> None:
        """Let requests like this one go wrong, once unless `count` says otherwise."""
        self.vendor.steer("faults", {"match": {"method": method, "path": self.prefix + path}, "count": 1, **what})

    def allow(self, token: str, *, agency: bool = False, scopes: tuple[str, ...] | None = None) -> None:
        """List a token of this location, or of its company; every token that is not listed may do everything."""
        where = {"company": self.company} if agency else {"location": self.location}
        limited = {} if scopes is None else {"scopes": list(scopes)}
        self.vendor.steer("tokens", {"tokens": [{"token": token, **where, **limited}]})
        self.vendor.steer("tokens", {"anyone": True})

    def auth(self, token: str) -> Auth:
        """The credential of a connection."""
        return PrivateToken(token=SecretStr(token))

    def held(self, table: str, **fields: Any) -> list[Record]:
        """The records of a kind that hold these values."""
        everywhere = {"users": self.company, "locations": self.company, "snapshots": self.company}
        home = everywhere.get(table, self.location)
        rows = self.vendor.steer("state", verb="GET", table=table, location=home)[table]
        return [row for row in rows if all(row.get(name) == value for name, value in fields.items())]

    def one(self, table: str, id_: str) -> Record:
        """The record of that id, empty where there is none."""
        found = self.held(table, id=id_)
        return found[0] if found else {}

    def first(self, table: str) -> str:
        """The id of the first record of a kind, most often the one that every location begins with."""
        return str(self.held(table)[0]["id"])

    def effects(self, route: str) -> int:
        """How many requests of that route (`POST /contacts/`) took effect."""
        method, _, path = route.partition(" ")
        return int(self.vendor.steer("effects", verb="GET", method=method, path=self.prefix + path)["total"])

    # What scenes begin with.

    def contact(self, **fields: Any) -> str:
        """A new contact; its id."""
        number = next(_numbers)
        named = {"firstName": "Ada", "email": f"ada.{number}@example.com"}
        return str(self.post("/contacts/", **{**named, **fields})["contact"]["id"])

    def appointment(self, contact: str, start: str, calendar: str | None = None) -> str:
        """A booking, whether the slot is free or not; its id."""
        where = {"calendarId": calendar or self.first("calendars"), "contactId": contact}
        loose = {"ignoreFreeSlotValidation": True, "ignoreDateRange": True}
        return str(self.post("/calendars/events/appointments", startTime=start, **where, **loose)["id"])

    def free_slot(self, days: int = 3) -> str:
        """The first free slot of the location's calendar, some days ahead."""
        start = round((time.time() + days * 86_400) * 1000)
        path = f"/calendars/{self.first('calendars')}/free-slots"
        found = self.get(path, startDate=start, endDate=start + 5 * 86_400_000)
        return str(next(slot for day in found.values() if isinstance(day, dict) for slot in day["slots"]))

    def opportunity(self, **fields: Any) -> str:
        """A new opportunity of a new contact; its id."""
        plain = {"pipelineId": self.first("pipelines"), "name": "Roof", "status": "open"}
        body = {**plain, "contactId": self.contact(), **fields}
        return str(self.post("/opportunities/", **body)["opportunity"]["id"])

    def message(self, contact: str, **fields: Any) -> Record:
        """A message that a contact sent, or any other that did not come through the API."""
        body = {"contactId": contact, "body": "Hello", **fields}
        return dict(self.vendor.steer("messages", body)["message"])

    def document(self, contact: str) -> str:
        """A new draft for a contact, from the location's template; its id."""
        ids = {"templateId": self.first("templates"), "userId": self.first("users"), "contactId": contact}
        self.post("/proposals/templates/send", **ids, sendDocument=False)
        return str(self.held("documents")[-1]["id"])

    def association(self, key: str) -> str:
        """A new association between contacts and businesses; its id."""
        labels = {"firstObjectLabel": "person", "secondObjectLabel": "firm"}
        kinds = {"firstObjectKey": "contact", "secondObjectKey": "business"}
        return str(self.post("/associations/", key=key, **labels, **kinds)["id"])

    def post_fields(self, slug: str) -> Record:
        """Everything that a blog post needs."""
        texts = dict.fromkeys(("title", "description", "rawHTML", "imageAltText"), slug)
        links = {"blogId": self.first("blogs"), "author": self.first("authors")}
        more = {"status": "DRAFT", "publishedAt": "2026-12-01T09:00:00Z", "imageUrl": "https://example.com/a.png"}
        return {**texts, **links, **more, "categories": [self.first("categories")], "urlSlug": slug}


@contextmanager
def running() -> Iterator[Vendor]:
    """A sandbox in a process of its own, which ends with this one."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--with-parent"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, **pipes) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = process.stdout.readline().removeprefix("sandbox ready on ").strip()
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield Vendor(url, client)
        process.stdin.close()
        assert process.wait(20) == 0
