"""0CodeKit in the sandbox: its key, its results, its refusals."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.zerocodekit import ROUTES
from tests.sandbox.conftest import Client, Got

RESULTS = [
    ("/operator/splitname", {"name": "Ada King Lovelace"}, {"firstName": "Ada King", "lastName": "Lovelace"}),
    ("/operator/splitname", {"name": "Ada"}, {"firstName": "Ada", "lastName": ""}),
    ("/operator/splitname", {"name": "Lovelace, Ada"}, {"firstName": "Ada", "lastName": "Lovelace"}),
    ("/operator/splitname", {"name": "Lovelace Ada", "reversed": True}, {"firstName": "Ada", "lastName": "Lovelace"}),
    ("/business/validate/iban", {"iban": "DE02 1203 0000 0000 2020 51"}, {"valid": True, "countryCode": "DE"}),
    ("/business/validate/iban", {"iban": "GB82WEST12345698765432"}, {"valid": True, "countryCode": "GB"}),
    ("/business/validate/iban", {"iban": "DE03120300000000202051"}, {"valid": False}),
    ("/business/validate/iban", {"iban": "DE0212030000000020205"}, {"valid": False}),
    ("/business/validate/iban", {"iban": "hello"}, {"valid": False}),
    ("/business/validate/email", {"email": "ada@gmail.com"}, {"valid": True, "didYouMean": None}),
    ("/business/validate/email", {"email": "ada@gmial.com"}, {"valid": True, "didYouMean": "ada@gmail.com"}),
    ("/business/validate/email", {"email": "ada@host"}, {"valid": False}),
    ("/business/validate/vat", {"vatId": "DE 123456789"}, {"valid": True, "name": "Company 123456789"}),
    ("/business/validate/vat", {"countryCode": "AT", "id": "U1234567"}, {"valid": False, "name": None}),
    ("/business/lookupvatrates", {"countryCode": "de"}, {"country": "Germany", "standard": 19, "reduced": [7]}),
    ("/text/contains", {"text": "A red roof", "keywordList": ["RED", "blue"]}, {"contains": True, "found": ["RED"]}),
    (
        "/text/contains",
        {"text": "A red roof", "keywordList": ["re"], "options": {"onlyCompleteWords": True}},
        {"contains": False, "found": []},
    ),
    (
        "/text/contains",
        {"text": "A red roof", "keywordList": ["RED"], "options": {"caseSensitive": True}},
        {"contains": False},
    ),
    ("/convert/nationiso", {"nation": "germany"}, {"iso": "DE", "nation": "Germany"}),
    ("/convert/nationiso", {"iso": "us"}, {"iso": "US", "nation": "United States"}),
    (
        "/convert/currency",
        {"amount": 10, "sourceCurrency": "EUR", "targetCurrency": "USD"},
        {"amount": 10.8, "currency": "USD"},
    ),
    (
        "/dateandtime/switchtimezone",
        {
            "inputTime": "08-12-2024 12:00",
            "inputTimeZone": "Europe/Berlin",
            "destinationTimeZone": "America/New_York",
        },
        {"time": "08-12-2024 06:00"},
    ),
    (
        "/dateandtime/switchtimezone",
        {
            "inputTime": "2024-07-31 20:30:00",
            "inputTimeZone": "America/New_York",
            "destinationTimeZone": "Europe/Berlin",
            "formatPattern": "YYYY-MM-DD HH:mm:ss",
        },
        {"time": "2024-08-01 02:30:00"},
    ),
]
REFUSED = [
    ("/business/validate/iban", {}, "iban should not be empty"),
    ("/business/validate/vat", {"vatId": "XX1"}, "countryCode must be one of"),
    ("/business/lookupvatrates", {"countryCode": "XX"}, "countryCode must be one of"),
    ("/convert/nationiso", {"iso": "XX"}, "There is no country XX"),
    ("/convert/currency", {"amount": 1, "sourceCurrency": "EUR", "targetCurrency": "X"}, "targetCurrency must be"),
    (
        "/dateandtime/switchtimezone",
        {"inputTime": "noon", "inputTimeZone": "UTC", "destinationTimeZone": "UTC"},
        "inputTime must be written as DD-MM-YYYY HH:mm",
    ),
    (
        "/dateandtime/switchtimezone",
        {"inputTime": "08-12-2024 12:00", "inputTimeZone": "Mars", "destinationTimeZone": "UTC"},
        "There is no time zone Mars",
    ),
]


def ask(client: Client, path: str, body: Any, key: str = "sandbox") -> Got:
    return client.call("POST", f"/0codekit{path}", body, headers={"auth": key})


@pytest.mark.parametrize(("path", "body", "result"), RESULTS)
def test_results(client: Client, path: str, body: dict[str, Any], result: dict[str, Any]) -> None:
    got = ask(client, path, body)
    assert got.status == 200
    assert {name: got["data"][name] for name in result} == result


def test_the_same_code_is_had_at_the_same_address(client: Client) -> None:
    path = "/generate/qrcode/encode"
    told = [ask(client, path, body)["data"]["url"] for body in ({"data": "a"}, {"data": "a"}, {"data": "b"})]
    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize(("path", "body", "words"), REFUSED)
def test_a_refusal_says_what_is_wrong(client: Client, path: str, body: dict[str, Any], words: str) -> None:
    got = ask(client, path, body)
    assert (got.status, got["status"]) == (400, 400)
    assert words in got["errorMessage"]


@pytest.mark.parametrize("route", ROUTES, ids=[route.path for route in ROUTES])
def test_without_the_key_nothing_is_answered(client: Client, route: Any) -> None:
    got = ask(client, route.path, {}, key="wrong")
    assert (got.status, got["status"]) == (401, 401)


def test_it_keeps_nothing_and_counts_requests(client: Client) -> None:
    before = client.told("effects")["total"]
    ask(client, "/convert/nationiso", {"iso": "DE"})
    assert client.told("effects")["total"] == before
    assert client.told("stats")["by_route"]["POST /0codekit/convert/nationiso"] == 1
