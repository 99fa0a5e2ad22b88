"""The way of a request: its token, its quota, the faults it meets, its form, its effect, its answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from sandbox.clock import http_date, iso
from sandbox.faults import BROKEN, Fault, Faults
from sandbox.ids import new_trace
from sandbox.journal import Journal
from sandbox.limits import Bounds, Limits
from sandbox.pages import again, is_later, remember, shift
from sandbox.refusal import Refusal
from sandbox.route import Call, Grant, Raw, Reply, Route
from sandbox.shape import Shape, read_query
from sandbox.shape import faults as problems
from sandbox.state import State
from sandbox.vendor import Place, Vendor

NOTHING = Shape({})
TOO_MANY = "Too Many Requests"


class Cut(Exception):
    """The connection is to be closed without an answer, or is already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came: method, encoded path, query pairs, headers, body."""

    method: str
    path: str
    pairs: list[tuple[str, str]]
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back."""

    status: int
    content: bytes
    type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """The simulated vendors: their records and everything that decides about requests.

    The first of `vendors` whose prefix a path begins with answers it.
    """

    vendors: tuple[Vendor, ...]
    state: State
    journal: Journal | None = None
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    counts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)

    def save(self, effect: dict[str, Any] | None = None) -> None:
        """Writes what changed to the state file, where there is one."""
        if self.journal:
            self.journal.write(self.state, effect)
        self.state.touched.clear()

    def bounds(self, location: str) -> Bounds:
        """How many requests a location lets in."""
        settings = self.state.settings
        own = settings["own"].get(location)
        return Bounds(*own) if own else Bounds(settings["per_10s"], settings["per_day"])

    def vendor(self, path: str) -> Vendor:
        """Who answers a path."""
        return next(vendor for vendor in self.vendors if path.startswith(vendor.prefix))

    async def answer(self, asked: Asked) -> Answer:
        """Carries out a request.

        Raises:
            Cut: a fault closes the connection.
        """
        vendor = self.vendor(asked.path)
        try:
            answer = await self._carried_out(asked, vendor)
        except Refusal as refused:
            answer = _json(vendor, refused.status, refused.body)
        self.statuses[answer.status] += 1
        return answer

    async def _carried_out(self, asked: Asked, vendor: Vendor) -> Answer:
        found = vendor.router.find(asked.method, asked.path.removeprefix(vendor.prefix))
        if found is None:
            raise vendor.no_route
        route, path = found
        self.counts[f"{route.method} {vendor.prefix}{route.path}"] += 1
        opened = route.access == "open"
        grant = Grant(app="") if opened else vendor.grant(self.state, route, asked.headers)
        query = read_query(route.query or NOTHING, asked.pairs)
        body = _body(route, asked, vendor)
        location = vendor.account(Place(state=self.state, path=path, query=query, body=body, grant=grant))
        refused = vendor.forbids(grant, route, location)
        if refused:
            raise refused
        headers: dict[str, str] = {}
        if not opened:
            verdict = self.limits.admit(grant.app, location, self.state.clock.now(), self.bounds(location))
            headers = verdict.headers
            if not verdict.admitted:
                return _json(vendor, 429, vendor.words(429, TOO_MANY), headers)
        call = Call(state=self.state, route=route, path=path, query=query, body=body, grant=grant, location=location)
        return await self._through_faults(asked, vendor, call, headers)

    async def _through_faults(self, asked: Asked, vendor: Vendor, call: Call, headers: dict[str, str]) -> Answer:
        met = list(self.faults.firing(asked.method, asked.path, call.location))
        for fault in met:
            if fault.when == "before" and fault.status != "truncated" and fault.page is None:
                broken = await _suffer(vendor, fault, headers)
                if broken:
                    return broken
        answer = self._paged(asked, vendor, call, [fault for fault in met if fault.page], headers)
        for fault in met:
            if fault.status == "truncated":
                return Answer(status=answer.status, content=answer.content[: len(answer.content) // 2], headers=headers)
            if fault.when == "after" and fault.page is None:
                broken = await _suffer(vendor, fault, headers)
                if broken:
                    return broken
        return answer

    def _paged(self, asked: Asked, vendor: Vendor, call: Call, met: list[Fault], headers: dict[str, str]) -> Answer:
        if not met or not call.route.lists:
            return self._effect(asked, vendor, call, headers)
        listing = f"{call.route.name} {asked.path} {call.location}"
        if is_later(call.query, call.body):
            for fault in met:
                page = again(fault, listing)
                if page is not None:
                    return Answer(status=call.route.ok, content=page, headers=headers)
                shift(fault, listing, self.state, call.route.lists)
        answer = self._effect(asked, vendor, call, headers)
        for fault in met:
            remember(fault, listing, answer.content)
        return answer

    def _effect(self, asked: Asked, vendor: Vendor, call: Call, headers: dict[str, str]) -> Answer:
        route = call.route
        try:
            wrong = _wrong(call)
            if wrong:
                raise vendor.refusal(vendor.invalid, wrong)
            vendor.begin(call)
            said = route.answer(call)
        except Refusal as refused:
            self.save()
            return _json(vendor, refused.status, refused.body, headers)
        status, said = (said.status, said.body) if isinstance(said, Reply) else (route.ok, said)
        effect = None if route.reads or route.access == "open" else self._note(asked, vendor, call, status, said)
        self.save(effect)
        if isinstance(said, Raw):
            return Answer(status=status, content=said.content, type=said.type, headers={**headers, **said.headers})
        return _json(vendor, status, said, headers)

    def _note(self, asked: Asked, vendor: Vendor, call: Call, status: int, said: Any) -> dict[str, Any]:
        effects = self.state.effects
        effect = {
            "n": len(effects) + 1,
            "at": iso(int(self.state.clock.now() * 1000)),
            "method": asked.method,
            "path": asked.path,
            "route": vendor.prefix + call.route.path,
            "location": call.location,
            "query": dict(call.query),
            "body": call.body,
            "id": _answer_id(said) or next(reversed(list(call.path.values())), None),
            "status": status,
        }
        effects.append(effect)
        return effect


def _body(route: Route, asked: Asked, vendor: Vendor) -> Any:
    kind = asked.headers.get("content-type", "")
    if route.body is None or not asked.content:
        return None
    if route.form:
        return dict(parse_qsl(asked.content.decode())) if "x-www-form-urlencoded" in kind else None
    if "json" not in kind:
        return None
    try:
        return orjson.loads(asked.content)
    except orjson.JSONDecodeError as exc:
        raise vendor.refusal(400, f"Unexpected token in JSON: {exc.msg}") from exc


def _wrong(call: Call) -> list[str]:
    route = call.route
    wrong = list(problems(route.query or NOTHING, call.query))
    for name, values in route.enums.items():
        if call.path[name] not in values:
            wrong.append(f"{name} must be one of the following values: {', '.join(values)}")
    if route.body is not None:
        if call.body is None:
            wrong.append(f"request body must be given as {'a form' if route.form else 'JSON'}")
        elif route.array:
            wrong += _array_faults(route.body, call.body)
        elif isinstance(call.body, dict):
            wrong += problems(route.body, call.body)
        else:
            wrong.append("request body must be an object")
    return wrong


def _array_faults(item: Shape, body: Any) -> list[str]:
    if not isinstance(body, list):
        return ["request body must be an array"]
    wrong = [f"{at} must be an object" for at, each in enumerate(body) if not isinstance(each, dict)]
    return wrong or [fault for at, each in enumerate(body) for fault in problems(item, each, f"{at}.")]


def _answer_id(said: Any) -> str | None:
    if isinstance(said, list):
        said = said[0] if said else None
    if not isinstance(said, dict):
        return None
    for record in (said, *(value for value in said.values() if isinstance(value, dict))):
        for name in ("id", "_id", "messageId"):
            if isinstance(record.get(name), str):
                return str(record[name])
    return None


async def _suffer(vendor: Vendor, fault: Fault, headers: dict[str, str]) -> Answer | None:
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.cut:
        raise Cut
    if fault.status is None:
        return None
    if isinstance(fault.status, str):
        status, kind, content = BROKEN[fault.status]
        return Answer(status=status, content=content, type=kind, headers=headers)
    message = TOO_MANY if fault.status == 429 else fault.message
    return _json(vendor, fault.status, vendor.words(fault.status, message), headers)


def _json(vendor: Vendor, status: int, said: Any, headers: dict[str, str] | None = None) -> Answer:
    said = {**said, "traceId": new_trace()} if vendor.traced and isinstance(said, dict) else said
    return Answer(status=status, content=orjson.dumps(said), headers=headers or {})


async def read(scope: Scope, receive: Receive) -> Asked:
    """The request of an ASGI scope, with its whole body.

    Raises:
        Cut: the client has gone.
    """
    content, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Cut
        content += message.get("body", b"")
        more = message.get("more_body", False)
    return Asked(
        method=scope["method"],
        path=scope["raw_path"].decode("ascii"),
        pairs=parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        content=content,
    )


async def respond(answer: Answer, send: Send, now: float) -> None:
    """Sends an answer, dated by the sandbox's own clock (seconds since 1970): a vendor has one."""
    plain = {"date": http_date(int(now)), "content-type": answer.type, "content-length": str(len(answer.content))}
    headers = {**plain, **answer.headers}
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.content})
