from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

APP = {"client_id": "app-1", "client_secret": "hush"}
BACK = "http://127.0.0.1:9/callback"


@pytest.fixture
def consent(client: Any) -> Any:
    """Goes to the consent page and returns what the browser brings back."""

    def chosen(**query: Any) -> dict[str, str]:
        asked = {"response_type": "code", "client_id": "app-1", "redirect_uri": BACK, **query}
        got = client.get("/oauth/chooselocation", **asked)
        assert got.status == 302, got.said
        to = urlsplit(got.headers["Location"])
        assert got.headers["Location"].startswith(BACK)
        return {name: values[0] for name, values in parse_qs(to.query).items()}

    return chosen


def form(client: Any, path: str, body: dict[str, str], **more: Any) -> Any:
    sent = client.asked("POST", path)
    headers = {**sent.headers, "content-type": "application/x-www-form-urlencoded", **more}
    return client.send(
        type(sent)(method="POST", path=path, pairs=[], headers=headers, content=urlencode(body).encode())
    )


def tokens(client: Any, **body: str) -> Any:
    return form(client, "/oauth/token", {**APP, **body})


def test_a_code_is_exchanged_once_for_a_pair_of_tokens(client: Any, consent: Any) -> None:
    back = consent(state="xyz", scope="contacts.readonly contacts.write", locationId=client.location)
    assert back["state"] == "xyz"
    got = tokens(client, grant_type="authorization_code", code=back["code"])
    assert (got.status, got["locationId"], got["userType"]) == (200, client.location, "Location")
    assert (got["scope"], got["expires_in"]) == ("contacts.readonly contacts.write", 86399)
    assert tokens(client, grant_type="authorization_code", code=back["code"]).status == 401
    client.steer("tokens", {"anyone": False})
    client.token = got["access_token"]
    assert client.get("/contacts/", locationId=client.location).status == 200


def test_a_refresh_token_works_once(client: Any, consent: Any) -> None:
    first = tokens(client, grant_type="authorization_code", code=consent()["code"])
    second = tokens(client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert second["locationId"] == first["locationId"]
    again = tokens(client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status, again["error"], again["message"]) == (401, "invalid_grant", "Invalid refresh token")
    assert tokens(client, grant_type="refresh_token", refresh_token=second["refresh_token"]).status == 200


def test_a_refresh_token_belongs_to_its_app(client: Any, consent: Any) -> None:
    first = tokens(client, grant_type="authorization_code", code=consent()["code"])
    body = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_secret": "x"}
    assert form(client, "/oauth/token", {**body, "client_id": "app-2"}).status == 401
    assert tokens(client, grant_type="refresh_token", refresh_token=first["refresh_token"]).status == 200


def test_an_access_token_ends_even_where_any_token_is_welcome(client: Any, consent: Any) -> None:
    client.steer("tokens", {"lifetime": 60})
    got = tokens(client, grant_type="authorization_code", code=consent(locationId=client.location)["code"])
    assert got["expires_in"] == 60
    client.token = got["access_token"]
    assert client.get("/contacts/", locationId=client.location).status == 200
    client.steer("clock", {"advance": 61})
    assert client.get("/contacts/", locationId=client.location).status == 401


def test_scopes_hold_when_they_are_enforced(client: Any, consent: Any) -> None:
    client.steer("tokens", {"enforce_scopes": True})
    back = consent(scope="contacts.readonly", locationId=client.location)
    client.token = tokens(client, grant_type="authorization_code", code=back["code"])["access_token"]
    assert client.get("/contacts/", locationId=client.location).status == 200
    got = client.post("/contacts/", {"locationId": client.location, "name": "A"})
    assert (got.status, got["message"]) == (401, "The token is not authorized for this scope.")


def test_two_tokens_of_an_app_share_the_quota_of_a_location(client: Any, consent: Any) -> None:
    client.steer("limits", {"per_10s": 1})
    first = tokens(client, grant_type="authorization_code", code=consent(locationId=client.location)["code"])
    second = tokens(client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    got = []
    for each in (first, second):
        client.token = each["access_token"]
        got.append(client.get("/contacts/", locationId=client.location).status)
    assert got == [200, 429]


def test_the_agency_gets_tokens_of_its_locations(client: Any, consent: Any) -> None:
    company = client.get(f"/locations/{client.location}")["location"]["companyId"]
    agency = tokens(client, grant_type="authorization_code", code=consent(companyId=company)["code"])
    assert agency["userType"] == "Company"
    client.steer("tokens", {"anyone": False})
    client.token = agency["access_token"]
    client.documents, kept = None, client.documents  # the documents declare no 403
    assert client.get("/contacts/", locationId=client.location).status == 403
    client.documents = kept
    installed = client.get("/oauth/installedLocations", companyId=company, appId="app-1")
    assert [each["_id"] for each in installed["locations"]] == [client.location]
    got = form(client, "/oauth/locationToken", {"companyId": company, "locationId": client.location})
    assert (got.status, got["locationId"]) == (200, client.location)
    assert "refresh_token" not in got.said
    client.token = got["access_token"]
    assert client.get("/contacts/", locationId=client.location).status == 200
    assert client.get("/snapshots/", companyId=company).status == 401


def test_client_credentials_give_an_agencys_token(client: Any) -> None:
    got = tokens(client, grant_type="client_credentials")
    assert (got.status, got["userType"]) == (200, "Company")


def test_only_registered_apps_get_tokens_once_one_is_registered(client: Any, consent: Any) -> None:
    client.steer("apps", APP)
    code = consent()["code"]
    wrong = {"grant_type": "authorization_code", "code": code, "client_id": "app-1", "client_secret": "guess"}
    assert form(client, "/oauth/token", wrong)["error"] == "invalid_client"
    assert tokens(client, grant_type="authorization_code", code=code).status == 200
    assert form(client, "/oauth/token", {**wrong, "client_id": "app-2"}).status == 401


def test_an_app_that_lost_its_tokens_reconnects(client: Any) -> None:
    body = {"clientKey": "app-1", "clientSecret": "hush", "locationId": client.location}
    code = client.post("/oauth/reconnect", body)["authorizationCode"]
    assert tokens(client, grant_type="authorization_code", code=code)["locationId"] == client.location


@pytest.mark.parametrize("body", [{"grant_type": "password"}, {"client_id": "app-1"}])
def test_a_request_for_tokens_that_breaks_the_document_is_refused(client: Any, body: dict[str, str]) -> None:
    assert form(client, "/oauth/token", body).status == 422


def test_tokens_are_asked_for_with_a_form(client: Any) -> None:
    got = client.post("/oauth/token", {**APP, "grant_type": "client_credentials"})
    assert got.status == 422
    assert "a form" in got["message"][0]
