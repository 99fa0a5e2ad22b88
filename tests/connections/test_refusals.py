from __future__ import annotations

import json
from typing import Any

import aiohttp
import httpx
import pytest

from connections.errors import (
    NoAnswer,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
    Unavailable,
    Unreachable,
    VendorError,
)
from connections.refusals import cool_down, failure, masked, moment, refusal, retry_after
from connections.vendors import GHL

NOW = 1_764_000_000.0


def refused(status: int, body: Any = None, **headers: str) -> VendorError:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return refusal(status, named, data, "POST /contacts/", patterns=GHL.patterns, now=NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, Refused),
        (400, Refused),
        (401, Unauthorized),
        (403, Refused),
        (404, NotFound),
        (408, Unavailable),
        (409, Refused),
        (422, Refused),
        (425, Unavailable),
        (429, RateLimited),
        (500, ServerFault),
        (502, ServerFault),
        (503, Unavailable),
        (504, ServerFault),
        (524, ServerFault),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[VendorError]) -> None:
    error = refused(status)
    assert type(error) is kind
    assert error.status == status
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"statusCode": 400, "message": "Bad Request"}, "400 Bad Request"),
        (
            {"statusCode": 422, "message": ["email must be an email", "x"], "error": "U"},
            "400 email must be an email; x",
        ),
        ({"message": "no", "traceId": "t-1"}, "400 no (traceId t-1)"),
        ({"error": {"code": "X", "message": "v3 says no"}, "traceId": "t"}, "400 v3 says no (traceId t)"),
        ({"status": 400, "errorMessage": "no such zone"}, "400 no such zone"),
        ({"error": "invalid_client", "error_description": "unknown id"}, "400 unknown id"),
        ({"error": "Unauthorized"}, "400 Unauthorized"),
        ({"msg": "no"}, "400 no"),
        ({"message": {"a": 1}}, "400 {'a': 1}"),
        ("just text", "400 just text"),
        (b"plain words", "400 no type: plain words"),
        (b"<html><head><title>502 Bad\n Gateway</title>", '400 a web page "502 Bad Gateway"'),
        (b"<!doctype html><html><body>x", "400 a web page"),
        (None, "400"),
        ([], "400 no type: []"),
    ],
)
def test_the_vendors_own_words_are_kept(body: Any, words: str) -> None:
    assert str(refused(400, body)) == f"POST /contacts/: {words}"


def test_a_long_message_is_cut_and_kept_on_one_line() -> None:
    message = str(refused(400, {"message": "line\n" * 1_000}))
    assert len(message) < 560
    assert "\n" not in message
    assert message.endswith("…")


@pytest.mark.parametrize("text", ["Contact with id x not found", "Opportunity does not exist", "NOT FOUND"])
def test_not_found_is_also_a_400_with_such_words(text: str) -> None:
    assert type(refused(400, {"message": text})) is NotFound
    assert type(refused(422, {"message": text})) is Refused


def test_a_401_that_speaks_of_the_path_does_not_accuse_the_credential() -> None:
    words = "This route is not yet supported by the IAM Service. Please update the IAM config."
    assert type(refused(401, {"message": words})) is Refused
    assert type(refused(401, {"message": "Invalid JWT"})) is Unauthorized


def test_the_answer_is_kept_for_what_it_names() -> None:
    body = {"message": "This location does not allow duplicated contacts.", "meta": {"contactId": "c1"}}
    assert refused(400, body).data == body


def test_a_redirect_says_where_to_and_what_to_do() -> None:
    assert "redirects to https://new.example/x: base_url should be" in str(
        refused(301, location="https://new.example/x")
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ("999999", 86_400.0),
        ("Mon, 24 Nov 2025 16:00:30 GMT", 30.0),
        ("Mon, 24 Nov 2025 15:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_a_503_says_when_to_come_back() -> None:
    assert refused(503, retry_after="20").retry_at == NOW + 20
    assert refused(503).retry_at is None
    assert refused(500, retry_after="20").retry_at is None


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({}, 10, 11.5),
        ({"x-ratelimit-interval-milliseconds": "2000"}, 2, 2.5),
        ({"retry-after": "3", "x-ratelimit-daily-remaining": "0"}, 3, 3.6),
        ({"x-ratelimit-daily-remaining": "0"}, 3_600, 3_602),
        ({"x-ratelimit-daily-remaining": "7", "x-ratelimit-interval-milliseconds": "junk"}, 10, 11.5),
    ],
)
def test_after_a_429_the_vendor_says_how_long(headers: dict[str, str], least: float, most: float) -> None:
    assert least <= cool_down(headers, NOW, lambda: 0.0) <= cool_down(headers, NOW, lambda: 1.0) <= most


@pytest.mark.parametrize(
    ("reset", "least", "most"), [(NOW + 90, 90, 92), (NOW + 9_000, 3_600, 3_602), (NOW - 5, 10, 12)]
)
def test_a_vendor_may_say_when_its_limit_is_lifted(reset: float, least: float, most: float) -> None:
    assert least <= cool_down({"x-ratelimit-reset": str(int(reset))}, NOW) <= most


def test_a_403_means_too_many_requests_where_the_vendor_words_it_so() -> None:
    patterns = {403: "rate limit"}
    said = [b'{"message": "API rate limit exceeded for user ID 1."}', b'{"message": "Resource not accessible"}']
    kinds = [type(refusal(403, {}, body, "GET /a", patterns=patterns)) for body in said]
    assert kinds == [RateLimited, Refused]


def test_a_spent_day_ends_at_midnight() -> None:
    just_before = 20_000 * 86_400 - 60.0
    assert 60 <= cool_down({"x-ratelimit-daily-remaining": "0"}, just_before) <= 62


def test_secrets_are_replaced_but_not_short_words() -> None:
    assert masked(b"Bearer pit-123456 of pit-123456 ab", ("pit-123456", "ab")) == b"Bearer *** of *** ab"


@pytest.mark.parametrize(("date", "at"), [("Mon, 24 Nov 2025 16:00:00 GMT", 1_764_000_000_000), ("nonsense", None)])
def test_a_date_is_epoch_milliseconds(date: str, at: int | None) -> None:
    assert moment(date) == at


def connector_error(kind: type[aiohttp.ClientConnectorError], error: OSError) -> aiohttp.ClientConnectorError:
    key = aiohttp.client_reqrep.ConnectionKey("h", 443, True, True, None, None, None)
    return kind(key, error)


@pytest.mark.parametrize(
    ("cause", "kind", "words"),
    [
        (
            connector_error(aiohttp.ClientConnectorDNSError, OSError(-2, "Name or service not known")),
            Unreachable,
            "no such host",
        ),
        (
            connector_error(aiohttp.ClientConnectorError, OSError(111, "Connection refused")),
            Unreachable,
            "Connection refused",
        ),
        (aiohttp.ConnectionTimeoutError("slow"), Unreachable, "in time"),
        (aiohttp.SocketTimeoutError("slow"), NoAnswer, "in time"),
        (aiohttp.ServerDisconnectedError(), NoAnswer, "without an answer"),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), NoAnswer, "reset by peer"),
        (aiohttp.ClientPayloadError("cut"), NoAnswer, "cut off"),
        (aiohttp.InvalidUrlClientError("::"), Refused, "address"),
        (BrokenPipeError(32, "Broken pipe"), NoAnswer, "Broken pipe"),
    ],
)
def test_only_what_fails_before_a_connection_is_unreachable(
    cause: Exception, kind: type[VendorError], words: str
) -> None:
    wrapped = httpx.ConnectTimeout("as httpx-aiohttp calls it")
    wrapped.__cause__ = cause
    for error in (cause, wrapped):
        ours = failure(error, "POST h/x")
        assert type(ours) is kind
        assert words in str(ours)


def test_an_error_of_httpx_alone_is_no_answer() -> None:
    assert type(failure(httpx.ConnectError("x"), "POST h/x")) is NoAnswer


def test_what_is_no_failure_of_the_wire_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match="KeyError"):
        failure(KeyError("x"), "POST h/x")
