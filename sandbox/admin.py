"""Steering the sandbox: faults, limits, tokens, leads, the clock; and looking at what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import orjson

from sandbox.clock import iso, stamp_of
from sandbox.faults import FAULT
from sandbox.gateway import Answer, Asked, Sandbox
from sandbox.leads import Leads
from sandbox.limits import Limits
from sandbox.messages import receive
from sandbox.rankr.access import HOME as RANKR
from sandbox.rankr.access import register
from sandbox.rankr.papers import answer_document
from sandbox.rankr.seeds import furnish
from sandbox.refusal import Refusal, bad_request, not_found, unprocessable
from sandbox.shape import Shape, faults, shape
from sandbox.state import Record
from sandbox.tables import TABLES
from sandbox.tokens import list_token
from sandbox.webhooks import Webhooks

TOKENS = shape(
    "anyone:bool tokens:[object] lifetime:number enforce_scopes:bool consent uninstalled:[text] rankr_lifetime:number"
)
APP = shape("client_id! client_secret! vendor:ghl|rankr scopes:[text]")
ANSWER = shape("document! status!:viewed|signed|approved|declined")
LIMITS = shape("per_10s?:number per_day?:number location")
CLOCK = shape("fix:any advance:number equal_times:number")
RECORD = shape("op!:create|patch|delete location company id data:object")


class Admin:
    """The endpoints under `/_sandbox/`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.leads = Leads(sandbox.state, sandbox.save)
        self.webhooks = Webhooks(sandbox.state)
        self._doors: dict[str, Callable[[Mapping[str, str], Any], Any]] = {
            "GET faults": lambda _query, _body: {"faults": [each.told() for each in sandbox.faults.all]},
            "POST faults": self._add_fault,
            "DELETE faults": self._clear_faults,
            "POST limits": self._set_limits,
            "POST tokens": self._set_tokens,
            "POST apps": self._set_app,
            "POST leads": self._add_leads,
            "GET leads": self._show_leads,
            "DELETE leads": self._stop_leads,
            "POST webhooks": lambda _query, body: self.webhooks.subscribe(body),
            "GET webhooks": lambda _query, _body: self.webhooks.told(),
            "DELETE webhooks": lambda _query, _body: self.webhooks.stop(),
            "POST clock": self._set_clock,
            "POST shapes": self._set_shapes,
            "POST signatures": self._answer_document,
            "POST messages": lambda _query, body: {"message": receive(sandbox.state, body)},
            "GET state": self._show_state,
            "GET effects": self._show_effects,
            "GET stats": self._show_stats,
            "POST reset": self._reset,
        }

    async def answer(self, asked: Asked) -> Answer:
        """Carries out one steering request."""
        try:
            said, status = self._said(asked), 200
        except Refusal as refused:
            said, status = refused.body, refused.status
        self.sandbox.save()
        return Answer(status=status, content=orjson.dumps(said))

    def _said(self, asked: Asked) -> Any:
        name = asked.path.removeprefix("/_sandbox/")
        try:
            body = orjson.loads(asked.content) if asked.content else {}
        except orjson.JSONDecodeError as exc:
            raise bad_request(f"The body is no JSON: {exc}") from exc
        if asked.method == "POST" and name.startswith("records/"):
            return self._change_record(name.removeprefix("records/"), body)
        door = self._doors.get(f"{asked.method} {name}")
        if door is None:
            raise not_found(f"No door {asked.method} /_sandbox/{name}; there are {', '.join(self._doors)}")
        return door(dict(asked.pairs), body)

    def _add_fault(self, _query: Mapping[str, str], body: Any) -> Record:
        _fit(FAULT, body)
        count = int(body.get("count", 1))
        if "late" in body:
            self.sandbox.state.lag(float(body["late"]), count)
            return {"late": body["late"], "count": count}
        if "equal_times" in body:
            self.sandbox.state.clock.equal(int(body["equal_times"]))
            return {"equal_times": body["equal_times"]}
        return self.sandbox.faults.add(body).told()

    def _clear_faults(self, _query: Mapping[str, str], _body: Any) -> Record:
        self.sandbox.faults.all.clear()
        self.sandbox.state.lag(0, 0)
        self.sandbox.state.clock.equal(0)
        return {"faults": []}

    def _set_limits(self, _query: Mapping[str, str], body: Any) -> Record:
        """`{"per_10s": n or null, "per_day": n or null, "location": one only}`."""
        _fit(LIMITS, body)
        state, where = self.sandbox.state, body.get("location")
        bounds = self.sandbox.bounds(where or "")
        per_10s, per_day = body.get("per_10s", bounds.per_10s), body.get("per_day", bounds.per_day)
        if where:
            state.set(own={**state.settings["own"], where: [per_10s, per_day]})
        else:
            state.set(per_10s=per_10s, per_day=per_day)
        return self._shown("per_10s", "per_day", "own")

    def _shown(self, *names: str) -> Record:
        return {name: self.sandbox.state.settings[name] for name in names}

    def _set_tokens(self, _query: Mapping[str, str], body: Any) -> Record:
        """`{"anyone": false, "tokens": [{"token":..., "location":..., "scopes": [...]}]}`, and how OAuth gives them."""
        state = self.sandbox.state
        _fit(TOKENS, body)
        listed = body.pop("tokens", [])
        for each in listed:
            list_token(state, each)
        state.set(**({"anyone": False} if listed else {}), **body)
        return self._shown("anyone", "lifetime", "enforce_scopes", "consent", "uninstalled", "rankr_lifetime")

    def _set_app(self, _query: Mapping[str, str], body: Any) -> Record:
        """`{"client_id":..., "client_secret":...}`: from now on only apps that are registered get tokens."""
        _fit(APP, body)
        if body.get("vendor") == "rankr":
            register(self.sandbox.state, body)
        else:
            self.sandbox.state.put("apps", "sandbox", {"id": body["client_id"], **body})
        return {"client_id": body["client_id"]}

    def _answer_document(self, _query: Mapping[str, str], body: Any) -> Record:
        _fit(ANSWER, body)
        return {"document": answer_document(self.sandbox.state, body["document"], body["status"])}

    def _add_leads(self, _query: Mapping[str, str], body: Any) -> Record:
        keys = self.leads.start(body)
        return {"made": len(keys), "ids": keys}

    def _show_leads(self, _query: Mapping[str, str], _body: Any) -> Record:
        return {"made": self.leads.made, "streams": [stream.told() for stream in self.leads.streams]}

    def _stop_leads(self, query: Mapping[str, str], body: Any) -> Record:
        self.leads.stop()
        return self._show_leads(query, body)

    def _set_clock(self, _query: Mapping[str, str], body: Any) -> Record:
        """`{"fix": ISO or ms or null}`, `{"advance": seconds}`, `{"equal_times": n}`."""
        _fit(CLOCK, body)
        clock = self.sandbox.state.clock
        if "fix" in body:
            clock.fix(None if body["fix"] is None else _time(body["fix"]) / 1000)
        if "advance" in body:
            clock.advance(body["advance"])
        if "equal_times" in body:
            clock.equal(int(body["equal_times"]))
        return {"now": iso(int(clock.now() * 1000))}

    def _set_shapes(self, _query: Mapping[str, str], body: Any) -> Record:
        """`{"documented": true}`: answers take the documents' form where clients report another."""
        _fit(shape("documented!:bool"), body)
        self.sandbox.state.set(documented=body["documented"])
        return self._shown("documented")

    def _show_state(self, query: Mapping[str, str], _body: Any) -> Record:
        tables = self.sandbox.state.tables
        wanted = [query["table"]] if query.get("table") in tables else list(tables)
        return {
            name: [
                row
                for home, rows in tables[name].items()
                if query.get("location", home) == home
                for row in rows.values()
            ]
            for name in wanted
        }

    def _show_effects(self, query: Mapping[str, str], _body: Any) -> Record:
        method, path, location = query.get("method", "*"), query.get("path", "*"), query.get("location")
        found = [
            effect
            for effect in self.sandbox.state.effects
            if fnmatchcase(effect["method"], method)
            and (fnmatchcase(effect["path"], path) or effect["route"] == path)
            and location in {None, effect["location"]}
        ]
        return {"total": len(found), "effects": found}

    def _show_stats(self, _query: Mapping[str, str], _body: Any) -> Record:
        sandbox = self.sandbox
        usage = [
            {"app": app[:8], "location": where, "today": u.today, "worst_10s": u.worst, "refused": u.refused}
            for (app, where), u in sandbox.limits.usage.items()
        ]
        return {
            "requests": sum(sandbox.counts.values()),
            "by_route": dict(sandbox.counts),
            "by_status": {str(status): count for status, count in sandbox.statuses.items()},
            "refused_429": sandbox.limits.refused(),
            "worst_10s": max((used.worst for used in sandbox.limits.usage.values()), default=0),
            "usage": usage,
        }

    def _change_record(self, table: str, body: Any) -> Record:
        """Creates, patches or deletes any record, its times moved as the vendor would; `data` may set them itself."""
        _fit(RECORD, body)
        if table not in TABLES:
            raise not_found(f"No collection {table}; there are {', '.join(TABLES)}")
        row, state = TABLES[table], self.sandbox.state
        moments = {row.added, row.updated, *row.moments, *row.follows.values()}
        data = {name: _time(each) if name in moments else each for name, each in body.get("data", {}).items()}
        if body["op"] == "create":
            home = self._home(table, body)
            made = state.create(table, home, data, key=body.get("id"))
        else:
            made = state.get(table, body.get("id", ""))
            home = str(state.owner(made["id"]))
            if body["op"] == "delete":
                state.remove(table, made["id"])
                return {"deleted": made}
            made = state.update(table, made, data)
        given = {name: data[name] for name in (row.added, row.updated) if name and name in data}
        if given:
            made = {**made, **given}
            state.put(table, home, made)
        return {"record": made}

    def _home(self, table: str, body: Mapping[str, Any]) -> str:
        wanted = TABLES[table].home
        if wanted == RANKR:
            return RANKR
        home = body.get(wanted)
        if not home:
            raise unprocessable(f"{wanted} should not be empty")
        if wanted == "location":
            self.sandbox.state.location(home)
        return str(home)

    def _reset(self, _query: Mapping[str, str], _body: Any) -> Record:
        sandbox = self.sandbox
        self.leads.stop()
        self.leads.streams.clear()
        self.webhooks.stop()
        sandbox.state.reset()
        furnish(sandbox.state)
        sandbox.limits = Limits()
        sandbox.faults.all.clear()
        sandbox.counts.clear()
        sandbox.statuses.clear()
        if sandbox.journal:
            sandbox.journal.snapshot(sandbox.state)
        return {"reset": True}


def _time(value: Any) -> int:
    try:
        return stamp_of(value)
    except (ValueError, TypeError, AttributeError) as exc:
        raise unprocessable(f"{value} is no time: give ISO 8601 or milliseconds since 1970") from exc


def _fit(asked: Shape, body: Any) -> None:
    wrong = list(faults(asked, body)) if isinstance(body, dict) else ["the body must be an object"]
    if wrong:
        raise unprocessable(*wrong)
