"""OAuth grants: the forms that are sent to a token endpoint, and what it answers (RFC 6749)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
import orjson

from connections.connection import ClientCredentials, OAuth
from connections.errors import Garbage, Refused
from connections.refusals import masked, refusal
from connections.transport import Transport, address, insecure, where

UserType = Literal["Location", "Company"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a token endpoint gave: tokens stay out of the repr, `lasts` is in seconds."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    lasts: float = 3600.0
    scope: str | None = None
    user_type: str | None = None
    location_id: str | None = None
    company_id: str | None = None


def code_form(
    auth: OAuth, code: str, redirect_uri: str, user_type: UserType, verifier: str | None = None
) -> dict[str, str]:
    """The form that turns the code of a consent into tokens; without a redirect where none led to the code."""
    form = {**_app(auth), "grant_type": "authorization_code", "code": code, "user_type": user_type}
    form |= {"redirect_uri": redirect_uri} if redirect_uri else {}
    return form | ({"code_verifier": verifier} if verifier else {})


def refresh_form(auth: OAuth, refresh: str, user_type: str) -> dict[str, str]:
    """The form that turns a refresh token into the next pair; the token is spent by it."""
    return {**_app(auth), "grant_type": "refresh_token", "refresh_token": refresh, "user_type": user_type}


def credentials_form(auth: ClientCredentials) -> dict[str, str]:
    """The form that asks for a token in an app's own name (RFC 6749, 4.4)."""
    return {**_app(auth), "grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})


def consent_address(
    page: str, auth: OAuth, *, redirect_uri: str, scopes: Sequence[str], state: str, verifier: str | None = None
) -> str:
    """The address of the consent page at which a person chooses the location."""
    asked = {
        "response_type": "code",
        "client_id": auth.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "loginWindowOpenMode": "self",
    }
    if scopes:  # some vendors have none
        asked |= {"scope": " ".join(scopes)}
    if verifier is not None:
        asked |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    return f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"


def challenge(verifier: str) -> str:
    """What a consent page is told of a verifier that the token endpoint is shown later (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def new_secret() -> str:
    """A text that nobody can guess: a `state` (RFC 6749, 10.12) or a verifier (RFC 7636, 4.1)."""
    return secrets.token_urlsafe(32)


async def ask(
    transport: Transport,
    url: str,
    form: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
    secret: Sequence[str] = (),
    clock: Callable[[], float],
) -> Granted:
    """Ask a token endpoint for tokens.

    Raises:
        Refused: the grant is not (or no longer) good, in the vendor's words.
        VendorError: it is out of reach, or what it did is not known.
    """
    content, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
    body, place = await _sent(transport, url, content, {**(headers or {}), "content-type": kind}, secret, clock)
    return _granted(body, place)


async def ask_code(
    transport: Transport, url: str, asked: Mapping[str, str], *, secret: Sequence[str], clock: Callable[[], float]
) -> str:
    """Ask for a code that stands for a consent given before (HighLevel's reconnect, which takes JSON).

    Raises:
        VendorError: as `ask`.
    """
    body, place = await _sent(transport, url, orjson.dumps(asked), {"content-type": "application/json"}, secret, clock)
    try:
        code = orjson.loads(body)["authorizationCode"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Garbage(f"{place}: the answer holds no authorizationCode") from error
    return str(code)


async def _sent(
    transport: Transport,
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    secret: Sequence[str],
    clock: Callable[[], float],
) -> tuple[bytes, str]:
    fault = insecure(url)
    if fault:
        raise Refused(fault)
    request = httpx.Request("POST", address(url), headers={"accept": "application/json", **headers}, content=content)
    reply = await transport.send(request)
    if reply.status // 100 != 2:
        raise refusal(reply.status, reply.headers, masked(reply.body, secret), where(request), now=clock())
    return reply.body, where(request)


def _granted(body: bytes, place: str) -> Granted:
    try:
        data = orjson.loads(body)
        lasts = float(data.get("expires_in", 3600))
        access = data["access_token"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Garbage(f"{place}: the answer holds no access_token") from error
    if not isinstance(access, str) or not access or lasts <= 0:
        raise Garbage(f"{place}: the answer holds no access_token that lasts")
    text: Callable[[str], Any] = lambda name: data.get(name) or None  # noqa: E731  # five times the same, in one place
    return Granted(
        access=access,
        refresh=text("refresh_token"),
        lasts=lasts,
        scope=text("scope"),
        user_type=text("userType"),
        location_id=text("locationId"),
        company_id=text("companyId"),
    )


def _app(auth: OAuth | ClientCredentials) -> dict[str, str]:
    return {"client_id": auth.client_id, "client_secret": auth.client_secret.get_secret_value()}
