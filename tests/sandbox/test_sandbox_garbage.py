"""Whatever is sent, the sandbox answers as a vendor does: it never breaks."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.gateway import Asked, Sandbox
from sandbox.rankr import vendor as rankr
from sandbox.rankr.access import SCOPES
from sandbox.route import Route
from sandbox.routes import ROUTES
from sandbox.server import new_sandbox
from sandbox.shape import Field, Shape
from sandbox.tables import TABLES
from sandbox.zerocodekit import ROUTES as SMALL

LOCATION = "LocationOne0000000001"
TEXT = st.sampled_from(["", "x", "0", "-1", "3", "1.5", "true", "a,b", "2026-12-01T10:00:00Z", "é/ %", LOCATION])
PLAIN = st.one_of(TEXT, st.integers(-5, 5), st.floats(-2, 1e12), st.booleans(), st.none())
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2), max_leaves=4
)
BY_WORDS = {
    "must be a string": TEXT,
    "must be a boolean value": st.booleans(),
    "must be an object": st.dictionaries(st.sampled_from(["field", "operator", "value", "group"]), JSON, max_size=4),
    "must be a valid ISO 8601 date string": st.sampled_from(["2026-12-01T10:00:00Z", "2026-12-01", "2026-99-99"]),
    "must be a number string": st.sampled_from(["0", "1795410000000"]),
    "must be a number conforming to the specified constraints": st.integers(-3, 500) | st.floats(0, 1e13),
}


LINKS = {
    "contactId": "contacts-1",
    "calendarId": "calendars-1",
    "conversationId": "conversations-1",
    "appointmentId": "appointments-1",
    "associationId": "associations-1",
    "blogId": "blogs-1",
    "businessId": "businesses-1",
    "key": "k",
    "recording": 1,
    "transcription": ["Hi."],
}
TIMES = {"startTime": 1795443000000, "endTime": 1795444800000, "lastMessageDate": 1795443000000}
EVERY = [
    (prefix, route)
    for prefix, routes in (("", ROUTES), ("/rankr", rankr.ROUTES), ("/0codekit", SMALL))
    for route in routes
]
KNOWN = [f"{name}-1" for name in TABLES] + ["nope"]


def peopled() -> Sandbox:
    """A sandbox with one record of each kind, whose ids are known."""
    sandbox = new_sandbox()
    sandbox.state.set(per_10s=None, per_day=None)
    company = sandbox.state.location(LOCATION)["companyId"]
    for name, row in TABLES.items():
        if row.home != "sandbox" and "token" not in row.word and "code" not in row.word:
            home = {"location": LOCATION, "company": company}.get(row.home, row.home)
            sandbox.state.create(name, home, {**LINKS, **TIMES, "companyId": company}, key=f"{name}-1")
    kept = {"id": "rankr", "app": "sandbox", "scopes": SCOPES, "until": 1e12}
    sandbox.state.put("rankr.tokens", "rankr", kept)
    return sandbox


def value(draw: Any, field: Field) -> Any:
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    if field.many:
        return [one(draw, field) for _ in range(draw(st.integers(0, 2)))]
    return one(draw, field)


def one(draw: Any, field: Field) -> Any:
    if field.choices:
        return draw(st.sampled_from(field.choices))
    if field.inner:
        return filled(draw, field.inner)
    if field.name == "locationId":
        return LOCATION
    if field.name.lower().endswith("id") or field.name in {"ids", "contacts", "author", "categories"}:
        return draw(st.sampled_from(KNOWN))
    return draw(BY_WORDS.get(field.kind.words, JSON))


def filled(draw: Any, shape: Shape) -> dict[str, Any]:
    chosen = [each for each in shape.fields.values() if each.required or draw(st.booleans())]
    return {each.name: value(draw, each) for each in chosen}


def asked(draw: Any, prefix: str, route: Route) -> Asked:
    path = prefix + route.path
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        known = [LOCATION] if name == "locationId" else [*route.enums.get(name, ()), *KNOWN]
        path = path.replace(f"{{{name}}}", draw(st.sampled_from(known)))
    query = filled(draw, route.query) if route.query else {}
    body = filled(draw, route.body) if route.body else None
    content = b"" if body is None else orjson.dumps([body] if route.array else body)
    headers = {
        "authorization": "Bearer rankr",
        "auth": "sandbox",
        "version": str(route.version),
        "content-type": "application/json",
    }
    pairs = [(name, str(each)) for name, each in query.items()]
    return Asked(method=route.method, path=path, pairs=pairs, headers=headers, content=content)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_sandbox(data: Any) -> None:
    prefix, route = data.draw(st.sampled_from(EVERY), label="route")
    sent = asked(data.draw, prefix, route)
    answer = asyncio.run(peopled().answer(sent))
    assert answer.status in {200, 201, 302, 400, 401, 403, 404, 409, 422}
    if "json" in answer.type:
        assert isinstance(orjson.loads(answer.content), dict | list)


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b"null", b"\xff", b"1e999"])
def test_a_body_that_is_no_object_is_refused(client: Any, content: bytes) -> None:
    sent = client.asked("POST", "/contacts/", {})
    got = client.send(Asked(method="POST", path=sent.path, pairs=[], headers=sent.headers, content=content))
    assert got.status in {400, 422}
