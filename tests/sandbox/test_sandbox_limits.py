from __future__ import annotations

from typing import Any

import pytest


def ask(client: Any, location: str = "L1", token: str = "pit-one") -> Any:
    client.token = token
    return client.get("/contacts/", locationId=location)


def test_the_limit_is_a_strict_window_that_slides(client: Any) -> None:
    client.steer("clock", {"fix": "2026-11-24T10:00:00Z"})
    client.steer("limits", {"per_10s": 3, "per_day": 1000})
    assert [ask(client).status for _ in range(2)] == [200, 200]
    client.steer("clock", {"advance": 6})
    assert [ask(client).status for _ in range(2)] == [200, 429]
    client.steer("clock", {"advance": 4})
    assert [ask(client).status for _ in range(3)] == [200, 200, 429]
    stats = client.told("stats")
    assert (stats["refused_429"], stats["worst_10s"]) == (2, 5)


def test_a_refused_request_says_how_long_the_window_is_and_takes_no_effect(client: Any) -> None:
    client.steer("limits", {"per_10s": 1, "per_day": 50})
    got = ask(client)
    assert got.headers["X-RateLimit-Remaining"] == "0"
    got = client.post("/contacts/", {"locationId": "L1", "name": "A"})
    assert (got.status, got["statusCode"], got["message"]) == (429, 429, "Too Many Requests")
    assert got.headers == {
        "X-RateLimit-Max": "1",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Interval-Milliseconds": "10000",
        "X-RateLimit-Limit-Daily": "50",
        "X-RateLimit-Daily-Remaining": "49",
    }
    assert client.told("effects")["total"] == 0


def test_each_app_has_its_own_quota_at_each_location(client: Any) -> None:
    client.steer("limits", {"per_10s": 1, "per_day": None})
    assert ask(client, "L1").status == ask(client, "L2").status == ask(client, "L1", "pit-two").status == 200
    assert ask(client, "L1").status == 429


def test_a_call_that_names_only_a_record_counts_for_the_location_of_the_record(client: Any) -> None:
    made = client.contact()
    client.steer("limits", {"per_10s": 2, "per_day": None})
    assert client.get(f"/contacts/{made['id']}").status == 200
    assert ask(client, client.location).status == 429


def test_two_tokens_of_one_app_share_a_quota(client: Any) -> None:
    tokens = [{"token": "one", "app": "a"}, {"token": "two", "app": "a"}]
    client.steer("tokens", {"tokens": tokens})
    client.steer("limits", {"per_10s": 1, "per_day": None})
    assert [ask(client, token="one").status, ask(client, token="two").status] == [200, 429]


def test_the_day_has_a_limit_of_its_own(client: Any) -> None:
    client.steer("clock", {"fix": "2026-11-24T10:00:00Z"})
    client.steer("limits", {"per_10s": None, "per_day": 2})
    assert [ask(client).status for _ in range(3)] == [200, 200, 429]
    assert ask(client).headers["X-RateLimit-Daily-Remaining"] == "0"
    client.steer("clock", {"advance": 14 * 3600})
    assert ask(client).status == 200


def test_one_location_may_have_limits_of_its_own(client: Any) -> None:
    client.steer("limits", {"location": "L1", "per_10s": 1, "per_day": 10})
    assert [ask(client, "L1").status, ask(client, "L1").status, ask(client, "L2").status] == [200, 429, 200]


def test_the_limits_of_the_vendor_hold_by_default(client: Any) -> None:
    client.steer("reset")
    client.steer("clock", {"fix": "2026-11-24T10:00:00Z"})
    assert [ask(client).status for _ in range(101)] == [200] * 100 + [429]
    assert ask(client).headers["X-RateLimit-Limit-Daily"] == "200000"


def test_unlisted_tokens_are_refused_once_tokens_are_listed(client: Any) -> None:
    client.steer("tokens", {"tokens": [{"token": "good", "location": "L1", "scopes": ["contacts.readonly"]}]})
    assert ask(client, token="other").status == 401
    assert ask(client, token="good").status == 200


@pytest.mark.parametrize(
    ("location", "body", "status", "message"),
    [
        ("L2", None, 403, "The token does not have access to this location."),
        ("L1", {"locationId": "L1", "name": "A"}, 401, "The token is not authorized for this scope."),
    ],
)
def test_a_token_stays_within_its_location_and_scopes(
    client: Any, location: str, body: Any, status: int, message: str
) -> None:
    client.steer("tokens", {"tokens": [{"token": "good", "location": "L1", "scopes": ["contacts.readonly"]}]})
    client.token = "good"
    client.documents = None  # the documents declare no 403
    got = client.post("/contacts/", body) if body else client.get("/contacts/", locationId=location)
    assert (got.status, got["message"]) == (status, message)


def test_a_token_expires(client: Any) -> None:
    client.steer("tokens", {"tokens": [{"token": "good", "expires_in": 60}]})
    assert ask(client, token="good").status == 200
    client.steer("clock", {"advance": 61})
    assert ask(client, token="good")["message"] == "Invalid token: access token is invalid"


def test_a_location_token_reads_the_users_of_its_company(client: Any) -> None:
    company = client.get("/locations/L1")["location"]["companyId"]
    user = client.get("/users/", locationId="L1")["users"][0]["id"]
    client.steer("tokens", {"tokens": [{"token": "good", "location": "L1"}]})
    client.steer("limits", {"per_10s": 3})
    client.token = "good"
    assert client.get(f"/users/{user}").status == 200
    assert client.get("/users/search", companyId=company).status == 200
    assert [each["id"] for each in client.get("/locations/search", companyId=company)["locations"]] == ["L1"]
    assert client.get("/contacts/", locationId="L1").status == 429
