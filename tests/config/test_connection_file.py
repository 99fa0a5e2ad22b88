# ruff: noqa: E501  # one mistake a line
from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from connections.connection import Agency, ApiKey, ClientCredentials, OAuth, PrivateToken, Quota

AUTOMATION = """
automations:
  x:
    trigger: {use: toy.leads.search, connection: acme, with: {locationId: L1}}
    steps: [{use: toy.notes.create, with: {leadId: a, body: b}}]
"""


def one(
    fields: str = "location_id: L1", auth: str = "{type: private_token, token: '${ACME_TOKEN}'}", kind: str = "toy"
) -> str:
    """A file of one connection: line 3 is its auth, line 4 its other fields."""
    return f"connections:\n  acme: {{kind: {kind},\n    auth: {auth},\n    {fields}}}\n"


def test_connections_are_read_as_values(loaded) -> None:
    found = loaded().connections
    assert found["acme"].auth == PrivateToken(token=SecretStr("canary-7f3a"))
    assert found["acme"].base_url == "https://toy.example"
    assert found["acme"].location_id == "L1"
    assert found["acme"].quota == Quota(per_10s=7, per_day=700)
    assert found["agency"].auth == OAuth(client_id="app", client_secret=SecretStr("canary-7f3a"))
    assert found["agency"].company_id == "C1"
    assert found["paper"].auth == ApiKey(key=SecretStr("canary-7f3a"))
    assert found["paper"].base_url == "https://paper.example/v1"
    assert found["paper"].quota is None


def test_no_secret_shows_when_a_project_is_printed(loaded, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OTHER_SECRET=canary-7f3a\n")
    project = loaded()
    assert project.environ["OTHER_SECRET"] == "canary-7f3a"
    assert "canary" not in repr(project)
    assert "canary" not in repr(project.environ)


def test_a_quota_may_be_given_in_part(loaded) -> None:
    assert loaded(AUTOMATION, one("quota: {per_10s: 3}")).connections["acme"].quota == Quota(per_10s=3, per_day=700)
    assert loaded(AUTOMATION, one("quota: off")).connections["acme"].quota is None


def test_a_credential_may_be_in_a_file(loaded, tmp_path: Path) -> None:
    secret = tmp_path / "mounted"
    secret.write_text("from-a-file\n")
    auth = f"{{type: client_credentials, client_id: me, client_secret: 'file:{secret}'}}"
    expected = ClientCredentials(client_id="me", client_secret=SecretStr("from-a-file"))
    assert loaded(AUTOMATION, one(auth=auth)).connections["acme"].auth == expected
    environ = {"WHERE": f"file:{secret}"}
    auth = "{type: client_credentials, client_id: me, client_secret: '${WHERE}'}"
    assert loaded(AUTOMATION, one(auth=auth), environ=environ).connections["acme"].auth == expected


def test_a_location_may_get_its_token_from_its_agency(loaded) -> None:
    connections = """
    connections:
      acme: {kind: toy, location_id: L1, auth: {type: agency, connection: head}}
      head: {kind: toy, company_id: C1, auth: {type: private_token, token: "${ACME_TOKEN}"}}
    """
    assert loaded(AUTOMATION, connections).connections["acme"].auth == Agency(connection="head")


def test_a_token_in_the_file_is_warned_of_except_for_this_machine(loaded) -> None:
    auth = "{type: private_token, token: pit-123}"
    warnings = loaded(AUTOMATION, one(auth=auth)).warnings
    assert [str(each) for each in warnings] == [
        "connections.yaml:3:40: `token` is written in the file (write `${NAME}`, and NAME=... in .env)"
    ]
    assert not loaded(AUTOMATION, one("base_url: 'http://127.0.0.1:8700'", auth)).warnings


@pytest.mark.parametrize(
    "url",
    ["https://a.example", "https://a.example:8443/api", "http://127.0.0.1:9", "http://localhost", "http://[::1]:80"],
)
def test_an_address_may_be_https_or_on_this_machine(loaded, url: str) -> None:
    assert loaded(AUTOMATION, one(f"base_url: '{url}'")).connections["acme"].base_url == url


NO_ADDRESS = "4:15: `base_url` is no web address (expected https://HOST)"
MISTAKES = [
    (one("base_url: http://a.example"), "4:15: plain http is only for this machine (use https)"),
    (one("base_url: http://127.0.0.1.example"), "4:15: plain http is only for this machine (use https)"),
    (one("base_url: a.example"), NO_ADDRESS),
    (one("base_url: 'ftp://a.example'"), NO_ADDRESS),
    (one("base_url: 'https://[1::'"), NO_ADDRESS),
    (one("base_url: 'https://a.example:x'"), NO_ADDRESS),
    (one("base_url: 'https://me:pass@a.example'"), "4:15: `base_url` may have a host, a port and a path, and nothing else"),
    (one("base_url: 'https://a.example?x=1'"), "4:15: `base_url` may have a host, a port and a path, and nothing else"),
    (one("base_url: 5"), "4:15: `base_url` should be text (text that looks like something else needs quotes)"),
    (
        one(kind="other"),
        "2:3: `base_url` is missing (other has no address of its own)\n"
        "automations/a.yaml:3:50: `acme` is a connection of kind other, and `toy.leads.search` is not (connections.yaml has none of kind toy)\n"
        "automations/a.yaml:4:13: `connection` is missing: the trigger's is of kind other (connections.yaml has none of kind toy)",
    ),
    (one(kind="tyo"), "2:16: unknown kind `tyo` (did you mean `toy`?)"),
    (one("location: L"), "4:5: unknown field `location` (did you mean `location_id`?)"),
    (one("locationid: L"), "4:5: unknown field `locationid` (did you mean `location_id`?)"),
    (one("location_id: 5"), "4:18: `location_id` should be text (text that looks like something else needs quotes)"),
    (one("quota: of"), "4:12: `quota` should be a mapping of names to values or `off`"),
    (one("quota: {per_10s: 0}"), "4:22: `quota.per_10s` should be greater than or equal to 1"),
    (one("quota: {per10s: 5}"), "4:13: unknown field `quota.per10s` (did you mean `per_10s`?)"),
    (one(auth="{token: x}"), "3:5: `type` is missing (known: `private_token`, `client_credentials`, `oauth`, `agency`, `api_key`, `basic`, `none`)"),
    (one(auth="{type: privatetoken}"), "3:18: unknown type `privatetoken` (did you mean `private_token`?)"),
    (one(auth="{type: private_token}"), "3:5: `token` is missing"),
    (one(auth="{type: private_token, token: 5}"), "3:40: `token` should be text (text that looks like something else needs quotes)"),
    (one(auth="{type: private_token, token: ''}"), "3:40: `token` is empty (set its environment variable)"),
    (one(auth="{type: private_token, token: '${EMPTY}'}"), "3:40: `token` is empty (set its environment variable)"),
    (one(auth="{type: private_token, token: '${GONE}'}"), "3:40: environment variable `GONE` is not set (set it in the environment or in .env)"),
    (one(auth="{type: private_token, token: 'file:/nope/x'}"), "3:40: `token` is in a file that cannot be read, or is empty (expected file:/PATH/TO/FILE)"),
    (one(auth="{type: private_token, token: 'file:/'}"), "3:40: `token` is in a file that cannot be read, or is empty (expected file:/PATH/TO/FILE)"),
    (one(auth="{type: private_token, token: 'file:x'}"), "3:40: `token` is in a file that cannot be read, or is empty (expected file:/PATH/TO/FILE)"),
    (one(auth="{type: private_token, tokn: x, token: '${ACME_TOKEN}'}"), "3:33: unknown field `tokn` (did you mean `token`?)"),
    (one(auth="{type: agency, connection: acme}"), "3:38: `acme` is no agency's connection (an agency's connection has a `company_id`)"),
    (one(auth="{type: agency, connection: amce}"), "3:38: unknown connection `amce` (did you mean `acme`?)"),
    (one("base_url: 'https://a.example'", auth="{type: agency, connection: amce}"), "2:3: `location_id` is missing (give the one location's id, or `locations: all`, a list or a filter)\n3:38: unknown connection `amce` (did you mean `acme`?)"),
    ("connections: {acme: 5}", "1:21: this should be a mapping of names to values"),
    ("connections: {'a b': {}, acme: {}}", "1:15: `a b` cannot be a name (letters, digits, `-`, `_` and `.`; 64 at most)\n1:15: `auth` is missing\n1:15: `kind` is missing\n1:26: `auth` is missing\n1:26: `kind` is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_a_hint_and_nothing_else_is(faults, text: str, expected: str) -> None:
    found = faults(AUTOMATION, text, environ={"ACME_TOKEN": "t", "EMPTY": " "})
    assert [each.removeprefix("connections.yaml:") for each in found] == expected.split("\n")
