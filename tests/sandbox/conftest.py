"""The sandbox as tests call it, and the vendor's documents that every one of its answers is held against."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from openapi_schema_validator import OAS30Validator

from sandbox.admin import Admin
from sandbox.gateway import Answer, Asked, Sandbox
from sandbox.route import Route
from sandbox.server import new_sandbox
from tests.sandbox.process import Running, Start

REPOSITORY = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("HIGHTIDE_OPENAPI_DIR", REPOSITORY.parent / "shared" / "ghl" / "openapi"))

WRONG_SCHEMAS = [
    # (route, place in the answer, why the document is wrong there)
    ("* /calendars/events*", "event*.startTime", "typed object; clients and the vendor's own examples show a string"),
    ("* /calendars/events*", "event*.endTime", "typed object; clients and the vendor's own examples show a string"),
    ("* /calendars/events*", "event*.dateAdded", "typed object; clients and the vendor's own examples show a string"),
    ("* /calendars/events*", "event*.dateUpdated", "typed object; clients and the vendor's own examples show a string"),
    ("GET /calendars/blocked-slots", "events.*.*Time", "typed object, as in the events list"),
    ("GET /calendars/blocked-slots", "events.*.date*", "typed object, as in the events list"),
    ("* /calendars/events/block-slots*", "*Time", "typed object, as in the events list"),
    ("GET /calendars/{calendarId}/free-slots", "traceId", "lies among the days"),
    ("* /opportunities/*", "*stages.*", "a list of lists of anything; clients read a list of objects"),
    ("* /opportunities/*", "*followers.*", "a list of lists of anything; clients read a list of ids"),
    ("* /associations/*", "*Object*", "typed object, with a text as example"),
    ("* /associations/*", "associationType", "typed object, with a text as example"),
]
BESIDE_THE_CATALOGUE = (
    "POST /opportunities/search",
    "GET /proposals/document",
    "POST /proposals/document/send",
    "GET /proposals/templates",
    "POST /proposals/templates/send",
)
OTHER_SHAPES = {
    # route: (where in the answer that lies which the document shows, why the sandbox gives more by default)
    "GET /associations/": ("associations.*", "the document shows one of the list"),
    "GET /associations/objectKey/{objectKey}": ("associations.*", "the document shows one of the list"),
    "GET /associations/relations/{recordId}": ("relations.*", "the document shows one of the list"),
    "GET /conversations/{conversationId}/messages": ("messages", "wrapped once more in every live answer"),
    "GET /conversations/messages/email/{id}": ("emailMessage", "wrapped, as two of three clients read it"),
    "GET /conversations/locations/{locationId}/messages/{messageId}/transcription": ("*", "one of its sentences"),
}
UNTOLD_FIELDS = [
    # (route, place in the answer, where the field is known from)
    ("*", "traceId", "nearly every answer carries one"),
    ("GET /contacts/*", "meta*", "the keyset of the list; read by every client"),
    ("GET /contacts/*", "contacts.*", "the document lists a third of the fields that lists show"),
    ("* /calendars/resources/*", "*_id", "every other call on a resource needs its id"),
    ("POST /opportunities/search", "opportunities.*.sort", "what clients send back as searchAfter"),
    (
        "GET /conversations/search",
        "conversations.*",
        "times, direction, tags and sort, as clients read them",
    ),
    ("* /associations/relations*", "associationId", "the document shows the association, not the relation"),
    ("* /associations/relations*", "*RecordId", "the document shows the association, not the relation"),
    ("GET /blogs/categories", "categories.*.name", "required by the document, which does not say what it is"),
    ("*/contacts/*", "contact.gender", "written on create, so read back"),
    ("*/contacts/*", "contact.inboundDndSettings", "written on create, so read back"),
]


@dataclass(frozen=True)
class Operation:
    """One operation of the vendor's documents, with all its references resolved."""

    file: str
    method: str
    path: str
    told: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def body(self) -> dict[str, Any] | None:
        content = self.told.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema") if content else None

    @property
    def query(self) -> list[dict[str, Any]]:
        return [each for each in self.told.get("parameters", []) if each["in"] == "query"]

    @property
    def version(self) -> str | None:
        headers = (each for each in self.told.get("parameters", []) if each["name"] == "Version")
        return next((each["schema"]["enum"][0] for each in headers), None)

    @property
    def scopes(self) -> set[str]:
        return {scope for each in self.told.get("security", []) for scopes in each.values() for scope in scopes}

    def answer(self, status: int) -> dict[str, Any] | None:
        content = self.told["responses"].get(str(status), {}).get("content", {})
        return content.get("application/json", {}).get("schema")


@dataclass
class Documents:
    """All operations of the vendor's documents, by method and path."""

    folder: Path
    operations: dict[str, Operation] = field(default_factory=dict)
    _files: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in sorted(self.folder.glob("*.json")):
            for where, methods in self._read(path.name)["paths"].items():
                for method, told in methods.items():
                    operation = Operation(path.stem, method.upper(), where, self._whole(told, path.name, ()))
                    self.operations[operation.name] = operation

    def _read(self, name: str) -> Any:
        if name not in self._files:
            self._files[name] = json.loads((self.folder / name).read_text())
        return self._files[name]

    def _whole(self, node: Any, file: str, seen: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [self._whole(each, file, seen) for each in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return {name: self._whole(each, file, seen) for name, each in node.items()}
        other, _, pointer = reference.partition("#")
        file = other.removeprefix("../") or file
        if f"{file}#{pointer}" in seen:
            return {}
        found = self._read(file)
        for part in pointer.strip("/").split("/"):
            found = found[part.replace("~1", "/")]
        return self._whole(found, file, (*seen, f"{file}#{pointer}"))


def answer_faults(operation: Operation, status: int, said: Any) -> list[str]:
    """What in an answer the vendor's document does not allow, less the document's own known faults."""
    schema = operation.answer(status)
    if schema is None:
        return [] if status in {200, 201} or status >= 400 else [f"{operation.name} does not declare {status}"]
    wrong = [
        f"{place}: {error.message}"
        for error in OAS30Validator(schema).iter_errors(said)
        if not _known(WRONG_SCHEMAS, operation.name, place := ".".join(map(str, error.absolute_path)))
    ]
    if status < 400:
        wrong += [
            f"{place}: the document knows no such field"
            for place in _untold(schema, said, "")
            if not _known(UNTOLD_FIELDS, operation.name, place)
        ]
    return wrong


def _known(table: list[tuple[str, str, str]], name: str, place: str) -> bool:
    return any(fnmatchcase(name, route) and fnmatchcase(place, where) for route, where, _why in table)


def _untold(schema: dict[str, Any], said: Any, at: str) -> Iterator[str]:
    if isinstance(said, list) and "items" in schema:
        for number, each in enumerate(said):
            yield from _untold(schema["items"], each, f"{at}{number}.")
    parts = [schema, *schema.get("allOf", ())]
    told = {name: each for part in parts for name, each in part.get("properties", {}).items()}
    if isinstance(said, dict) and told:
        for name, each in said.items():
            if name not in told:
                yield at + name
            else:
                yield from _untold(told[name], each, f"{at}{name}.")


@dataclass(frozen=True)
class Got:
    """An answer as tests look at it."""

    status: int
    said: Any
    headers: dict[str, str]
    type: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.said[name]


@dataclass
class Client:
    """Calls the sandbox in this process; every answer is held against the vendor's document."""

    sandbox: Sandbox
    documents: Documents | None
    location: str = "LocationOne0000000001"
    token: str = "pit-one"
    answered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.admin = Admin(self.sandbox)

    def route(self, method: str, path: str) -> Route | None:
        """The route that a request takes."""
        vendor = self.sandbox.vendor(path)
        found = vendor.router.find(method, path.removeprefix(vendor.prefix))
        return found[0] if found else None

    def asked(
        self, method: str, path: str, body: Any = None, query: Any = (), headers: dict[str, str] | None = None
    ) -> Asked:
        found = self.route(method, path)
        version = found.version if found else None
        sent = {"authorization": f"Bearer {self.token}", "version": version or "2021-07-28"}
        if body is not None:
            sent["content-type"] = "application/json"
        pairs = list(query.items() if isinstance(query, dict) else query)
        return Asked(
            method=method,
            path=quote(path, safe="/%"),
            pairs=[(name, str(value)) for name, value in pairs],
            headers={**sent, **(headers or {})},
            content=b"" if body is None else orjson.dumps(body),
        )

    def call(self, method: str, path: str, body: Any = None, query: Any = (), **more: Any) -> Got:
        return self.send(self.asked(method, path, body, query, **more))

    def send(self, asked: Asked) -> Got:
        got = _got(asyncio.run(self.sandbox.answer(asked)))
        found = self.route(asked.method, asked.path)
        if found and self.documents and found.name in self.documents.operations and got.status != 429:
            operation = self.documents.operations[found.name]
            for part in self._documented(operation.name, got):
                assert answer_faults(operation, got.status, part) == []
            self.answered.add(f"{found.name} {got.status}")
        return got

    def _documented(self, name: str, got: Got) -> list[Any]:
        """The parts of an answer that should be as the document says: the whole of it, mostly."""
        if name not in OTHER_SHAPES or self.sandbox.state.documented or got.status >= 400:
            return [got.said]
        inside = got.said
        for step in OTHER_SHAPES[name][0].split("."):
            if step == "*":
                return list(inside)
            inside = inside[step]
        return [inside]

    def get(self, path: str, **query: Any) -> Got:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Got:
        return self.call("POST", path, {} if body is None else body, query)

    def put(self, path: str, body: Any = None) -> Got:
        return self.call("PUT", path, {} if body is None else body)

    def delete(self, path: str, body: Any = None, **query: Any) -> Got:
        return self.call("DELETE", path, body, query)

    def steer(self, door: str, body: Any = None, verb: str = "POST", **query: Any) -> Any:
        got = _got(asyncio.run(self.admin.answer(self.asked(verb, f"/_sandbox/{door}", body or {}, query))))
        assert got.status == 200, got.said
        return got.said

    def told(self, door: str, **query: Any) -> Any:
        return self.steer(door, verb="GET", **query)

    def contact(self, **fields: Any) -> dict[str, Any]:
        """A new contact; made through the API."""
        got = self.post("/contacts/", {"locationId": self.location, "firstName": "Ada", **fields})
        assert got.status == 201, got.said
        return dict(got["contact"])


def _got(answer: Answer) -> Got:
    try:
        said = json.loads(answer.content)
    except ValueError:
        said = answer.content
    return Got(answer.status, said, answer.headers, answer.type)


_documents: Documents | None = Documents(FOLDER) if FOLDER.is_dir() else None


@pytest.fixture(scope="session")
def documents() -> Documents:
    """The vendor's documents."""
    if _documents is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"the vendor's documents are not at {FOLDER}; set HIGHTIDE_OPENAPI_DIR")
        pytest.skip(f"the vendor's documents are not at {FOLDER}; set HIGHTIDE_OPENAPI_DIR")
    return _documents


@pytest.fixture
def client() -> Client:
    """A fresh sandbox without limits."""
    sandbox = new_sandbox()
    sandbox.state.set(per_10s=None, per_day=None)
    return Client(sandbox, _documents)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts sandboxes and ends them with the test."""
    running: list[Running] = []

    def begin(*arguments: str) -> Running:
        running.append(Running(*arguments))
        return running[-1]

    yield begin
    for each in running:
        each.end()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each operation of the catalogue, where its file is at hand."""
    if "operation" not in metafunc.fixturenames:
        return
    catalogue = FOLDER.parent / "operations.json"
    if _documents is None or not catalogue.exists():
        if os.environ.get("CI") == "true":
            raise pytest.UsageError(f"the vendor's documents are not at {FOLDER}; set HIGHTIDE_OPENAPI_DIR")
        absent = pytest.param(None, marks=pytest.mark.skip(reason=f"the vendor's documents are not at {FOLDER}"))
        metafunc.parametrize("operation", [absent])
        return
    told = json.loads(catalogue.read_text())
    names = dict.fromkeys([*(f"{each['method']} {each['path']}" for each in told), *BESIDE_THE_CATALOGUE])
    metafunc.parametrize("operation", [deepcopy(_documents.operations[name]) for name in names], ids=list(names))
