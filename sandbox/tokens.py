"""Bearer tokens: any is welcome until tokens are listed; then only those, each within its scopes and location."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.refusal import Refusal, forbidden, unauthorized, unprocessable
from sandbox.route import Grant, Route
from sandbox.shape import faults, shape

LISTED = shape("token! app location company scopes:[text] expires_in:number")
WRONG_SCOPE = "The token is not authorized for this scope."


class Tokens:
    """What is known of tokens, and where each was last used."""

    def __init__(self) -> None:
        self.anyone = True
        self.grants: dict[str, Grant] = {}
        self.last_used_at: dict[str, str] = {}

    def admit(self, token: Mapping[str, Any], now: float) -> None:
        """Lists a token.

        Raises:
            Refusal: it is not described as it should be.
        """
        wrong = list(faults(LISTED, token))
        if wrong:
            raise unprocessable(*wrong)
        self.grants[token["token"]] = Grant(
            app=token.get("app", token["token"]),
            location=token.get("location"),
            company=token.get("company"),
            scopes=frozenset(token["scopes"]) if "scopes" in token else None,
            until=now + token["expires_in"] if "expires_in" in token else None,
        )

    def grant(self, header: str | None, now: float) -> Grant:
        """What the token of an Authorization header may do.

        Raises:
            Refusal: it is missing, unknown or expired.
        """
        kind, _, token = (header or "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise unauthorized()
        grant = self.grants.get(token.strip())
        if grant is None and self.anyone:
            return Grant(app=token.strip())
        if grant is None or (grant.until is not None and grant.until <= now):
            raise unauthorized()
        return grant


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
