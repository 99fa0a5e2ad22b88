"""Bearer tokens: any is welcome until tokens are listed; then only those, each within its scopes and location."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.refusal import Refusal, forbidden, unauthorized, unprocessable
from sandbox.route import Grant, Route
from sandbox.shape import faults, shape
from sandbox.state import DEFAULT_COMPANY, State

LISTED = shape("token! app location company scopes:[text] expires_in:number")
WRONG_SCOPE = "The token is not authorized for this scope."


def list_token(state: State, token: Mapping[str, Any]) -> None:
    """Lists a token; without a location and a company it may go anywhere.

    Raises:
        Refusal: it is not described as it should be.
    """
    wrong = list(faults(LISTED, token))
    if wrong:
        raise unprocessable(*wrong)
    until = state.clock.now() + token["expires_in"] if "expires_in" in token else None
    keep_token(state, token["token"], {"app": token["token"], **token, "until": until})


def keep_token(state: State, token: str, told: Mapping[str, Any]) -> None:
    """Keeps what a token may do: its app, location, company, scopes, until when."""
    fields = {name: told.get(name) for name in ("app", "location", "company", "scopes", "until")}
    state.put("accessTokens", str(told.get("company") or DEFAULT_COMPANY), {"id": token, **fields})


def grant_of(state: State, header: str | None) -> Grant:
    """What the token of an Authorization header may do.

    Raises:
        Refusal: it is missing, unknown or expired.
    """
    kind, _, token = (header or "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token:
        raise unauthorized()
    kept = state.find("accessTokens", token)
    if kept is None and state.settings["anyone"]:
        return Grant(app=token)
    if kept is None or (kept["until"] is not None and kept["until"] <= state.clock.now()):
        raise unauthorized()
    scopes = None if kept["scopes"] is None else frozenset(kept["scopes"])
    return Grant(app=kept["app"], location=kept["location"], company=kept["company"], scopes=scopes)


def refusal(grant: Grant, route: Route, location: str) -> Refusal | None:
    """Why a token may not call a route at a location; None when it may."""
    if grant.scopes is not None and route.scope is not None and route.scope not in grant.scopes:
        return unauthorized(WRONG_SCOPE)
    if route.access == "agency" and grant.location is not None:
        return unauthorized(WRONG_SCOPE)
    if route.access == "location" and grant.company is not None and grant.location is None:
        return forbidden()
    if grant.location is not None and route.access != "agency" and location not in {"", grant.location, grant.company}:
        return forbidden()
    return None
