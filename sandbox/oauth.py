"""OAuth: a consent page that consents at once, tokens that end, refresh tokens that work once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from sandbox.ids import new_id
from sandbox.refusal import Refusal, bad_request, unprocessable
from sandbox.route import Call, Raw, Reply, Route, get, post
from sandbox.seeds import found
from sandbox.shape import shape
from sandbox.state import DEFAULT_COMPANY, Record, State
from sandbox.tokens import keep_token
from sandbox.views import pick

TOKEN = shape(
    "client_id! client_secret! grant_type!:authorization_code|refresh_token|client_credentials code refresh_token "
    "user_type:Company|Location redirect_uri"
)
CONSENT = shape(
    "response_type!:code| client_id! redirect_uri! scope state loginWindowOpenMode version_id locationId companyId "
    "user_type:Company|Location"
)
INSTALLED = shape(
    "companyId! appId! skip limit query isInstalled:bool versionId onTrial:bool planId locationId",
)
RECONNECT = shape("clientKey! clientSecret! locationId companyId")
PLACE = "location company scopes kind"


def _refused(message: str) -> Refusal:
    return Refusal(401, {"statusCode": 401, "error": "invalid_grant", "message": message})


def _check_client(state: State, client: str, secret: str | None) -> None:
    """An app that was registered must name its secret; without registrations any app will do."""
    apps = list(state.every("apps"))
    app = state.find("apps", client)
    if (apps and app is None) or (app and secret is not None and app["client_secret"] != secret):
        raise Refusal(401, {"statusCode": 401, "error": "invalid_client", "message": "Invalid client credentials!"})


def _place(state: State, asked: Any) -> Record:
    """Where a token is for: a location (the one named, or the one set beforehand), or a company."""
    kind = asked.get("user_type") or ("Company" if asked.get("companyId") else "Location")
    if kind == "Company":
        company = found(state, asked.get("companyId") or DEFAULT_COMPANY)
        return {"kind": kind, "location": None, "company": company["id"]}
    location = state.location(asked.get("locationId") or state.settings["consent"])
    return {"kind": kind, "location": location["id"], "company": location["companyId"]}


def _code(state: State, client: str, place: Record, scopes: list[str] | None) -> str:
    made = state.create("codes", place["company"], {"client": client, **place, "scopes": scopes})
    return str(made["id"])


def _choose(call: Call) -> Reply:
    """Sends the browser back at once, with a code and the state it came with."""
    query = call.query
    _check_client(call.state, query["client_id"], None)
    if not urlsplit(query["redirect_uri"]).scheme:
        raise bad_request("redirect_uri must be a URL")
    scopes = query["scope"].split() if query.get("scope") else None
    code = _code(call.state, query["client_id"], _place(call.state, query), scopes)
    back = {"code": code, **({"state": query["state"]} if "state" in query else {})}
    joint = "&" if urlsplit(query["redirect_uri"]).query else "?"
    to = {"Location": f"{query['redirect_uri']}{joint}{urlencode(back)}"}
    return Reply(302, Raw(b"", "text/html; charset=utf-8", to))


def _used_once(state: State, table: str, key: str | None, client: str, message: str) -> Record:
    kept = state.find(table, key or "")
    if kept is None or kept["client"] != client:
        raise _refused(message)
    state.remove(table, kept["id"])
    return kept


def _token(call: Call) -> Record:
    state, body = call.state, call.body
    client = body["client_id"]
    _check_client(state, client, body["client_secret"])
    if body["grant_type"] == "client_credentials":
        place = {**_place(state, {"user_type": "Company", **body}), "scopes": None}
    elif body["grant_type"] == "refresh_token":
        place = _used_once(state, "refreshTokens", body.get("refresh_token"), client, "Invalid refresh token")
    else:
        place = _used_once(state, "codes", body.get("code"), client, "Invalid grant: authorization code is invalid")
    return _pair(state, client, pick(place, PLACE))


def _pair(state: State, client: str, place: Record) -> Record:
    """A new access token and the refresh token that goes with it."""
    refresh = f"refresh-{new_id()}{new_id()}"
    state.put("refreshTokens", place["company"], {"id": refresh, "client": client, **place})
    told = _access(state, client, place)
    user = next((each for each in state.rows("users", place["company"]) if not each["deleted"]), {"id": ""})
    more = {"refresh_token": refresh, "userType": place["kind"], "userId": user["id"], "isBulkInstallation": False}
    return {**told, **more, "approvedLocations": [place["location"]] if place.get("location") else []}


def _access(state: State, client: str, place: Record) -> Record:
    token, lifetime = f"access-{new_id()}{new_id()}", state.settings["lifetime"]
    scopes = place.get("scopes") if state.settings["enforce_scopes"] else None
    kept = {"app": client, **place, "scopes": scopes, "until": state.clock.now() + lifetime}
    keep_token(state, token, kept)
    where = {"companyId": place["company"], **({"locationId": place["location"]} if place.get("location") else {})}
    scope = " ".join(place.get("scopes") or [])
    return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": scope, **where}


def _location_token(call: Call) -> Record:
    """A token of one of the company's locations; it has no refresh token."""
    location = call.state.location(call.body["locationId"], call.body["companyId"])
    if location["companyId"] != call.body["companyId"]:
        raise bad_request("The location does not belong to this company")
    if location["id"] in call.state.settings.get("uninstalled", ()):
        raise bad_request("The app is not installed in this location")
    place = {"location": location["id"], "company": location["companyId"], "scopes": None}
    told = _access(call.state, call.grant.app, place)
    told.pop("companyId")
    return {**told, "userId": "", "planId": "", "appId": call.grant.app, "versionId": call.grant.app}


def _installed(call: Call) -> Record:
    words, own = call.query.get("query", "").lower(), call.query.get("locationId")
    company = found(call.state, call.query["companyId"])
    without = call.state.settings.get("uninstalled", ())
    wanted = call.query.get("isInstalled")
    rows = [
        each
        for each in call.state.rows("locations", company["id"])
        if words in each["name"].lower() and own in {None, "", each["id"]}
        if wanted in {None, each["id"] not in without}
    ]
    skip = call.whole("skip", 0)
    page = rows[skip : skip + call.whole("limit", 20)]
    shown = [
        {
            "_id": each["id"],
            "name": each["name"],
            "address": each.get("address", ""),
            "isInstalled": each["id"] not in without,
        }
        for each in page
    ]
    return {"locations": shown, "count": len(rows), "installToFutureLocations": False}


def _reconnect(call: Call) -> Record:
    """A fresh code for an app that lost its tokens."""
    _check_client(call.state, call.body["clientKey"], call.body["clientSecret"])
    if not (call.body.get("locationId") or call.body.get("companyId")):
        raise unprocessable("Either of locationId or companyId must be given")
    return {"authorizationCode": _code(call.state, call.body["clientKey"], _place(call.state, call.body), None)}


OPEN: dict[str, Any] = {"access": "open", "version": None}
ROUTES: tuple[Route, ...] = (
    get("/oauth/chooselocation", _choose, query=CONSENT, **OPEN),
    get("/v2/oauth/chooselocation", _choose, query=CONSENT, **OPEN),
    post("/oauth/token", _token, body=TOKEN, form=True, **OPEN),
    post("/oauth/reconnect", _reconnect, body=RECONNECT, **OPEN),
    post(
        "/oauth/locationToken",
        _location_token,
        body=shape("companyId! locationId!"),
        form=True,
        reads=True,
        scope="oauth.write",
        access="agency",
    ),
    get("/oauth/installedLocations", _installed, query=INSTALLED, scope="oauth.readonly", access="agency"),
)
