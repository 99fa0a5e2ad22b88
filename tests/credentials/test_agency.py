"""One agency's connection, many locations: tokens, feeds, installations that come and go; through real processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.console.shell import GREET, Vendor, hightide, running
from tests.credentials.conftest import APP, free_port
from tests.credentials.test_connect import connecting, visited

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
COMPANY = "sandboxCompany000001"
COUNT = 8
CONNECTIONS = """\
connections:
  agency:
    kind: ghl
    company_id: {company}
    base_url: {url}
    auth:
      type: oauth
      client_id: app-1
      client_secret: "${{ACME_SECRET}}"
      consent_page: {url}/v2/oauth/chooselocation?companyId={company}
      redirect_uri: http://127.0.0.1:{port}/oauth/callback
  acme:
    kind: ghl
    base_url: {url}
    auth: {{type: agency, connection: agency}}
    locations: {{name: "branch*"}}
"""


@pytest.fixture
def agency(tmp_path: Path, vendor: Vendor) -> Path:
    folder = tmp_path / "agency"
    (folder / "automations").mkdir(parents=True)
    (folder / "automations" / "greet.yaml").write_text(GREET)
    text = CONNECTIONS.format(company=COMPANY, url=vendor.url, port=free_port())
    (folder / "connections.yaml").write_text(text)
    (folder / ".env").write_text(f"ACME_SECRET={APP['client_secret']}\n")
    return folder


def branches(vendor: Vendor) -> list[str]:
    """The ids of new locations of the company, called `Branch N`."""
    form = {**APP, "grant_type": "client_credentials"}
    token = vendor.client.post(f"{vendor.url}/oauth/token", data=form).json()["access_token"]
    headers = {"authorization": f"Bearer {token}", "version": "2021-07-28"}
    made = []
    for number in range(COUNT):
        body = {"name": f"Branch {number}", "companyId": COMPANY}
        made.append(vendor.client.post(f"{vendor.url}/locations/", json=body, headers=headers).json()["id"])
    return made


def feeds(engine: Any) -> dict[str, Any]:
    done = hightide("status", "--json", project=engine.folder)
    assert done.status == 0, done.err
    return {each["connection"].partition("/")[2]: each for each in done.json["feeds"]}


def test_an_agency_connects_once_and_its_locations_follow(agency: Path, vendor: Vendor) -> None:
    ids = branches(vendor)
    vendor.ask("POST", "tokens", {"uninstalled": ids[:1], "enforce_scopes": True})
    with connecting_agency(agency) as (process, address):
        assert "oauth.write" in address
        _, err = process.communicate(visited(vendor, address) + "\n", timeout=30)
    assert process.returncode == 0, err
    got = hightide("poll", "ghl.contacts.search", "-c", f"acme/{ids[1]}", "--json", project=agency)
    assert (got.status, got.json) == (0, [])
    got = hightide("poll", "ghl.contacts.search", "-c", "acme", project=agency)
    assert (got.status, "acme/LOCATION_ID" in got.err) == (1, True)
    with running(agency) as engine:
        engine.wait(lambda: _all_read(engine, set(ids[1:])))
        for id_ in ids[1:]:
            vendor.ask("POST", "leads", {"location": id_, "count": 1})
        assert hightide("nudge", "greet", project=agency).err.startswith(f"{COUNT - 1} feeds")
        notes = "/contacts/{contactId}/notes"
        engine.wait(lambda: len(vendor.effects(notes)) == COUNT - 1, patience=100)
        assert {each["location"] for each in vendor.effects(notes)} == set(ids[1:])
        vendor.ask("POST", "tokens", {"uninstalled": ids[2:3]})
        (agency / "connections.yaml").touch()  # asks the agency at once, and not in ten minutes
        engine.wait(lambda: set(feeds(engine)) == {*ids} - {ids[2]})
    plan = hightide("plan", "--json", project=agency).json
    assert len(plan) == COUNT - 1
    assert all(account["account"].startswith("ghl:app-1:") for account in plan)


def connecting_agency(folder: Path) -> Any:
    return connecting(folder, "--no-browser", name="agency")


def _all_read(engine: Any, expected: set[str]) -> bool:
    found = feeds(engine)
    return set(found) == expected and all(each["succeeded_at"] for each in found.values())
