from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Required

import pytest
from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action
from config.problems import ConfigError
from config.project import Project, load
from connections.connection import Quota
from connections.operation import CompanyId, LocationId, get, post, put
from connections.paging import Offset
from connections.vendors import Vendor
from triggers.trigger import Snapshot, Trigger, Watermark, Window, minutes


class Search(TypedDict, total=False):
    locationId: Required[LocationId]
    query: str
    limit: Required[int]
    skip: int


class Days(TypedDict, total=False):
    startTime: Required[str]
    endTime: Required[str]
    calendarId: str
    userId: str


class Client(TypedDict, total=False):
    name: Required[str]
    email: str


class Contract(TypedDict, total=False):
    template_id: Required[str]
    client: Required[Client]
    pages: Annotated[int, Field(ge=1)]
    tags: list[str]
    state: Literal["draft", "sent"]
    extra: str | list[int]


class Note(TypedDict, total=False):
    body: Required[str]


class Finding(TypedDict, total=False):
    email: str
    phone: str


class OfCompany(TypedDict, total=False):
    companyId: Required[CompanyId]


TRIGGERS = {
    row.id: row
    for row in (
        Trigger(
            id="toy.leads.search",
            summary="A lead is new, or has changed",
            fetch=post("/leads/search", Search),
            strategy=Watermark(added="at", updated="changed"),
            paging=Offset(),
            every=minutes(1),
        ),
        Trigger(id="toy.leads.get", summary="A lead", fetch=get("/leads/{leadId}"), strategy=Snapshot()),
        Trigger(
            id="toy.events.list",
            summary="An event",
            fetch=get("/events", Days),
            strategy=Snapshot(window=Window(start="startTime", end="endTime", days=(-1, 1), at="startTime")),
            one_of=("calendarId", "userId"),
            fixed={"userId": "me"},
        ),
        Trigger(
            id="toy.agencies.list",
            summary="An agency",
            fetch=get("/agencies"),
            strategy=Snapshot(),
            token="agency",
            warning="the vendor lists them once a day",
        ),
    )
}
ACTIONS = {
    row.id: row
    for row in (
        Action(
            id="toy.contracts.create",
            summary="Make a contract",
            send=post("/contracts", Contract),
            warning="`state` is for good",
            warned=("state",),
        ),
        Action(id="toy.notes.create", summary="Write a note", send=post("/leads/{leadId}/notes", Note)),
        Action(
            id="toy.leads.find",
            summary="Find a lead",
            send=get("/leads/find", Finding),
            only_one_of=("email", "phone", "leadId"),
            instead={"leadId": get("/leads/{leadId}")},
        ),
        Action(id="toy.company.update", summary="Change", send=put("/company", OfCompany), token="either"),
        Action(id="other.papers.create", summary="Make a paper", send=post("/papers", Note)),
    )
}
VENDORS = {
    "toy": Vendor(kind="toy", base_url="https://toy.example", quota=Quota(per_10s=7, per_day=700), custom_fields=True),
    "other": Vendor(kind="other"),
}

CONNECTIONS = """
connections:
  acme:
    kind: toy
    location_id: L1
    auth: {type: private_token, token: "${ACME_TOKEN}"}
  agency:
    kind: toy
    company_id: C1
    auth: {type: oauth, client_id: app, client_secret: "${ACME_TOKEN}"}
  paper:
    kind: other
    base_url: https://paper.example/v1/
    auth: {type: api_key, key: "${ACME_TOKEN}"}
    quota: off
"""
AUTOMATIONS = """
automations:
  welcome:
    trigger: {use: toy.leads.search, connection: acme, on: new, every: 2m}
    when: "'lead' in record.tags and record.email"
    steps:
      - id: contract
        use: toy.contracts.create
        with:
          template_id: nda
          client: {name: "{{ record.first }} {{ record.last }}", email: "{{ record.email }}"}
      - use: toy.notes.create
        with: {leadId: "{{ record.id }}", body: "Contract {{ steps.contract.id }} drafted"}
"""
ENVIRON = {"ACME_TOKEN": "canary-7f3a"}

Loaded = Callable[..., Project]
Faults = Callable[..., list[str]]


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).lstrip("\n").encode())


def load_toy(folder: Path, environ: Mapping[str, str] = ENVIRON) -> Project:
    return load(folder, environ, triggers=TRIGGERS, actions=ACTIONS, vendors=VENDORS)


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """Loads a project of these two files, a working pair by default, and of whatever else is given by name."""

    def loading(
        automations: str = AUTOMATIONS,
        connections: str = CONNECTIONS,
        environ: Mapping[str, str] = ENVIRON,
        **files: str,
    ) -> Project:
        named = {"connections.yaml": connections, "automations/a.yaml": automations}
        write(
            tmp_path, named | {name.replace("__", "/").replace("_yaml", ".yaml"): text for name, text in files.items()}
        )
        return load_toy(tmp_path, environ)

    return loading


@pytest.fixture
def faults(loaded: Loaded) -> Faults:
    """The problems of such a project, as a person sees them."""

    def finding(*args: str, **kwargs: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(*args, **kwargs)
        return [str(problem) for problem in caught.value.problems]

    return finding


@dataclass(frozen=True)
class Toy:
    """A small vendor: its rows, a working project of its own, and how to write and load one."""

    triggers: Mapping[str, Trigger]
    actions: Mapping[str, Action]
    vendors: Mapping[str, Vendor]
    connections: str
    automations: str
    write: Callable[[Path, Mapping[str, str | bytes]], None]
    load: Callable[..., Project]


@pytest.fixture(scope="session")
def toy() -> Toy:
    return Toy(TRIGGERS, ACTIONS, VENDORS, CONNECTIONS, AUTOMATIONS, write, load_toy)
