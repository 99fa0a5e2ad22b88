"""The vendor's documents and data files that the catalogue is held against, less what is known to be wrong in them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest

from connections.operation import Operation
from connections.wire import Request

FOLDER = Path(
    os.environ.get("HIGHTIDE_OPENAPI_DIR", Path(__file__).parents[3] / "shared" / "ghl" / "openapi")
).absolute()
HOST = "https://services.leadconnectorhq.com"

WHATEVER = object()
STRING, NUMBER = {"type": "string"}, {"type": "number"}
STATUSES = ["open", "won", "lost", "abandoned"]
LIST = {"type": "array", "items": {}}
SEARCH = {"filters": LIST, "sort": LIST, "searchAfter": LIST, "query": STRING}
CUSTOM_FIELD = {
    "type": "object",
    "properties": {"id": STRING, "key": STRING, "field_value": {}},
    "required": ["field_value"],
}
KNOWN_FAULTS = [
    # (document, place, what it says, what it should say, why)
    ("contacts", "*Dto properties dateOfBirth type", "object", "string", "the formats it names are texts"),
    ("contacts", "*Dto properties customFields items", WHATEVER, CUSTOM_FIELD, "nine shapes; key does for id"),
    ("opportunities", "*Dto properties customFields items", WHATEVER, CUSTOM_FIELD, "three shapes; key does for id"),
    (
        "contacts",
        "SearchBodyV2DTO",
        {"type": "object", "properties": {}},
        {
            "type": "object",
            "properties": {"locationId": STRING, "pageLimit": NUMBER, **SEARCH},
            "required": ["locationId", "pageLimit"],
        },
        "left empty; the vendor's own page names the fields",
    ),
    (
        "calendars",
        "BlockSlotCreateRequestDTO required",
        ["calendarId", "locationId"],
        ["locationId", "startTime", "endTime"],
        "calendarId or assignedUserId is taken, not both, and a slot has two ends",
    ),
    (
        "calendars",
        "BlockSlotEditRequestDTO required",
        ["calendarId", "locationId"],
        ["locationId"],
        "calendarId or assignedUserId is taken, not both",
    ),
    ("calendars", "*DTO properties availabilityType nullable", None, True, "its description says what null means"),
    (
        "opportunities",
        "OpportunitySearchBodyDTO required",
        ["locationId", "query", "limit", "page", "searchAfter", "additionalDetails"],
        ["locationId", "limit"],
        "clients send no more than they need",
    ),
    (
        "opportunities",
        "OpportunitySearchBodyDTO properties searchAfter items",
        STRING,
        {},
        "a record's sort: numbers too",
    ),
    (
        "opportunities",
        "UpsertOpportunityDto required",
        ["pipelineId", "locationId", "followers", "isRemoveAllFollowers", "followersActionType"],
        ["pipelineId", "locationId"],
        "clients do without followers",
    ),
    ("opportunities", "UpsertOpportunityDto properties contactId", None, STRING, "left out; clients send it"),
    ("opportunities", "UpsertOpportunityDto properties monetaryValue type", "object", "number", "its example is 220"),
    ("opportunities", "* properties status enum", [*STATUSES, "all"], STATUSES, "all is for searching only"),
    (
        "conversations",
        "SendMessageBodyDto required",
        ["type", "subType", "contactId", "status"],
        ["type", "contactId"],
        "clients send neither subType nor status",
    ),
    ("conversations", "SendMessageBodyDto properties subType type", "object", "string", "its example is Email"),
    ("conversations", "UserTypingBody properties isTyping type", "string", "boolean", "its example is true"),
    ("conversations", "paths * get parameters * schema type", "any", "number", "there is no type any"),
    ("associations", "*ReqDto properties *Object* type", "object", "string", "the examples are texts"),
]


@dataclass(frozen=True)
class Documents:
    """The documents with their known faults mended; openapi-core reads each when it is first asked for."""

    told: Mapping[str, dict[str, Any]]
    unmended: tuple[str, ...]
    apis: dict[str, OpenAPI] = field(default_factory=dict)

    def operation(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The vendor's description of an operation that `operations.json` lists."""
        document = self.told[row["spec"].removesuffix(".json")]
        found: dict[str, Any] = document["paths"][row["path"]][row["method"].lower()]
        return found

    def whole(self, row: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
        """A schema of that operation's document with its references followed."""
        parts = [self.whole(row, part) for part in schema.get("allOf", ())]
        if "$ref" in schema:
            document = self.told[row["spec"].removesuffix(".json")]
            parts.append(self.whole(row, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]))
        return {**{name: said for part in parts for name, said in part.items()}, **schema}

    def check(self, operation: Operation, request: Request) -> None:
        """Raises what openapi-core finds wrong with a request that the operation makes."""
        methods = {name: told["paths"].get(operation.path, {}) for name, told in self.told.items()}
        name = next(name for name, told in methods.items() if operation.method.lower() in told)
        if name not in self.apis:
            # the documents are checked as they are used; as a whole they do not keep to OpenAPI
            config = Config(spec_validator_cls=None)
            self.apis[name] = OpenAPI.from_dict(self.told[name], config=config, base_uri=f"{FOLDER.as_uri()}/")
        sent = MockRequest(
            HOST,
            request.method,
            request.path,
            args=list(request.query),  # type: ignore[arg-type]  # a multidict takes pairs
            headers={"Authorization": "Bearer pit-test", "Version": request.version},
            data=None if request.body is None else json.dumps(request.body).encode(),
        )
        self.apis[name].validate_request(sent)


def places(node: Any, path: list[str]) -> Iterator[tuple[Any, Any]]:
    """Each (parent, key) that the path leads to; its steps may hold wildcards, its last one may not exist yet."""
    step, rest = path[0], path[1:]
    keys = range(len(node)) if isinstance(node, list) else list(node) if isinstance(node, dict) else []
    found = [key for key in keys if fnmatchcase(str(key), step)]
    if not rest:
        yield from ((node, key) for key in found or ([step] if isinstance(node, dict) else []))
        return
    for key in found:
        yield from places(node[key], rest)


def mended(told: dict[str, dict[str, Any]]) -> Documents:
    """The documents without their known faults, and the faults that were not found in them."""
    unmended = []
    for name, place, wrong, right, _why in KNOWN_FAULTS:
        steps = place.split() if place.startswith("paths ") else ["components", "schemas", *place.split()]
        count = 0
        for parent, key in list(places(told[name], steps)):
            said = parent.get(key) if isinstance(parent, dict) else parent[key]
            if wrong is WHATEVER or said == wrong:
                parent[key] = deepcopy(right)
                count += 1
        if not count:
            unmended.append(f"{name}: {place}")
    return Documents(told, tuple(unmended))


def absent(what: Path) -> NoReturn:
    """Why a test cannot run; on a server that is a failure."""
    reason = f"{what} is not there: HIGHTIDE_OPENAPI_DIR names the folder of the vendor's documents"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def files() -> Mapping[str, dict[str, Any]]:
    """The rows of `operations.json` by key, those of `triggers.json` and `actions.json` by id."""
    found: dict[str, dict[str, Any]] = {}
    for name, key in (("operations", "key"), ("triggers", "id"), ("actions", "id")):
        path = FOLDER.parent / f"{name}.json"
        if not path.exists():
            absent(path)
        rows = json.loads(path.read_text())
        found[name] = {row[key] if key == "key" else f"ghl.{row[key]}": row for row in rows}
    return found


@pytest.fixture(scope="session")
def documents() -> Documents:
    """The vendor's documents."""
    if not (FOLDER / "contacts.json").exists():
        absent(FOLDER / "contacts.json")
    return mended({path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))})
