"""HighLevel: its bearer tokens, its version header, the locations that requests are about, its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.refusal import unauthorized
from sandbox.route import Call, Grant, Route, Router
from sandbox.routes import ROUTES
from sandbox.state import Record, State
from sandbox.tokens import grant_of, refusal
from sandbox.vendor import Place, Vendor

VERSIONS = frozenset({"2021-04-15", "2021-07-28", "2023-02-21", "v3"})
NO_ROUTE = "This route is not yet supported by the IAM Service. Please update the IAM config."
ERRORS = {400: "Bad Request", 422: "Unprocessable Entity"}


def _grant(state: State, route: Route, headers: Mapping[str, str]) -> Grant:
    grant = grant_of(state, headers.get("authorization"))
    if route.version is not None:
        version = headers.get("version")
        if not version:
            raise unauthorized("version header was not found.")
        if version != route.version or version not in VERSIONS:
            raise unauthorized("version header is invalid")
    return grant


def _account(place: Place) -> str:
    """The location a request is about: named, or that of a record it names, or the token's own; else a company."""
    state, grant, company = place.state, place.grant, ""
    where = _named_location(place.path, place.query, place.body)
    if not where:
        named = [*_names(place.body, "contactId", "calendarId", "companyId"), *_names(place.query, "companyId")]
        homes = [home for key in (*place.path.values(), *named) if (home := state.owner(key))]
        where = next((home for home in homes if state.find("locations", home)), None)
        company = next(iter(homes), "")
    if where:
        state.last_used_at[grant.app] = where
        return where
    return grant.location or grant.company or company or state.last_used_at.get(grant.app, "")


def _begin(call: Call) -> None:
    """Makes the location that a request names, on its first use."""
    named = _named_location(call.path, call.query, call.body)
    if named:
        company = [*_names(call.query, "companyId"), *_names(call.body, "companyId")]
        call.state.location(named, company[0] if company else call.grant.company)


def _words(status: int, message: Any) -> Record:
    told = {"statusCode": status, "message": message}
    return {**told, "error": ERRORS[status]} if status in ERRORS else told


def _names(source: Any, *names: str) -> list[str]:
    if not isinstance(source, Mapping):
        return []
    return [value for name in names if isinstance(value := source.get(name), str) and value]


def _named_location(path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> str | None:
    found = [*_names(path, "locationId"), *_names(query, "locationId", "location_id"), *_names(body, "locationId")]
    return found[0] if found else None


HIGHLEVEL = Vendor(
    title="HighLevel",
    prefix="",
    credential="any token, any location",
    router=Router(ROUTES),
    grant=_grant,
    account=_account,
    forbids=refusal,
    words=_words,
    no_route=unauthorized(NO_ROUTE),
    begin=_begin,
    traced=True,
)
