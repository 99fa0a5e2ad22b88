"""Who may do what at Rankr: apps with a secret, tokens that soon end, scopes; and Rankr's words for a no."""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from sandbox.ids import new_id
from sandbox.refusal import Refusal
from sandbox.route import Call, Grant, Route, post
from sandbox.shape import shape
from sandbox.state import Record, State

HOME = "rankr"
"""Rankr's one account."""
SCOPES = (
    "leads:read",
    "clients:read",
    "clients:write",
    "documents:read",
    "documents:write",
    "contracts:read",
    "contracts:write",
    "templates:read",
    "reminders:read",
    "reminders:write",
)
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    422: "invalid",
    429: "rate_limited",
}
OPEN: dict[str, Any] = {"access": "open", "version": None, "form": True}


def words(status: int, message: Any) -> Record:
    """The body of a refusal."""
    text = "; ".join(map(str, message)) if isinstance(message, list) else str(message)
    return {"error": {"code": CODES.get(status, "server_error"), "message": text}}


def refused(status: int, message: str) -> Refusal:
    """A refusal in Rankr's words."""
    return Refusal(status, words(status, message))


def grant(state: State, _route: Route, headers: Mapping[str, str]) -> Grant:
    """What a bearer token may do.

    Raises:
        Refusal: it is missing, unknown or expired.
    """
    kind, _, token = headers.get("authorization", "").partition(" ")
    kept = state.find("rankr.tokens", token.strip()) if kind.lower() == "bearer" else None
    if kept is None or kept["until"] <= state.clock.now():
        raise refused(401, "The access token is missing, unknown or expired.")
    return Grant(app=kept["app"], scopes=frozenset(kept["scopes"]))


def forbids(grant: Grant, route: Route, _account: str) -> Refusal | None:
    """Why a token may not call a route; what may be written may be read, too."""
    wanted, scopes = route.scope, grant.scopes or frozenset()
    if wanted is None or wanted in scopes or wanted.replace(":read", ":write") in scopes:
        return None
    return refused(403, f"The access token lacks the scope {wanted}.")


def _wrong(status: int, error: str, description: str) -> Refusal:
    """The token endpoint has errors of its own form (RFC 6749, 5.2)."""
    return Refusal(status, {"error": error, "error_description": description})


def _token(call: Call) -> Record:
    state, asked = call.state, call.body
    if asked.get("grant_type") != "client_credentials":
        raise _wrong(400, "unsupported_grant_type", "grant_type must be client_credentials")
    app = state.find("rankr.apps", asked.get("client_id", ""))
    if app is None or not compare_digest(app["client_secret"].encode(), asked.get("client_secret", "").encode()):
        raise _wrong(401, "invalid_client", "The client id or the client secret is wrong.")
    scopes = asked.get("scope", "").split() or app["scopes"]
    beyond = [scope for scope in scopes if scope not in app["scopes"]]
    if beyond:
        raise _wrong(400, "invalid_scope", f"The client may not have {' '.join(beyond)}.")
    token, lifetime = f"rankr-{new_id()}{new_id()}", state.settings["rankr_lifetime"]
    kept = {"id": token, "app": app["id"], "scopes": scopes, "until": state.clock.now() + lifetime}
    state.put("rankr.tokens", HOME, kept)
    return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": " ".join(scopes)}


def register(state: State, asked: Mapping[str, Any]) -> None:
    """Registers an app, with all scopes unless it names its own."""
    fields = {"client_secret": asked["client_secret"], "scopes": asked.get("scopes", SCOPES)}
    state.put("rankr.apps", HOME, {"id": asked["client_id"], **fields})


ROUTES = (post("/oauth/token", _token, body=shape("grant_type client_id client_secret scope", open_=True), **OPEN),)
