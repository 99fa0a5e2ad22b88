"""Calls made at once: poll, act, test. Nothing fires, and what is secret stays so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.shell import GREET, LOCATION, TOKEN, Vendor, hightide, write_project

pytestmark = pytest.mark.slow
NOTES = "/contacts/{contactId}/notes"


def test_poll_prints_the_newest_records_and_leaves_no_trace(project: Path, vendor: Vendor) -> None:
    ids = vendor.leads(5)
    done = hightide("poll", "ghl.contacts.search", "-c", "acme", "--limit", "3", "--json", project=project)
    assert done.status == 0, done.err
    assert [each["id"] for each in done.json] == ids[:1:-1]
    shown = hightide("poll", "ghl.contacts.search", "-c", "acme", "--on", "updated", project=project)
    assert shown.out.splitlines()[0].split() == ["KEY", "TIME", "RECORD"]
    assert "5 records" in shown.err
    assert not (project / ".hightide").exists()


def test_poll_takes_parameters_as_json_or_from_a_file(project: Path, vendor: Vendor, tmp_path: Path) -> None:
    [contact] = vendor.leads(1)
    inputs = json.dumps({"contactId": contact})
    (tmp_path / "inputs.json").write_text(inputs)
    for given in (inputs, f"@{tmp_path / 'inputs.json'}"):
        done = hightide("poll", "ghl.contacts.get", "-c", "acme", "--with", given, "--json", project=project)
        assert [each["id"] for each in done.json] == [contact]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ghl.contacts.serch", "-c", "acme"], "did you mean `ghl.contacts.search`?"),
        (["ghl.contacts.create", "-c", "acme"], "is an action; `hightide act` takes those"),
        (["ghl.contacts.search", "-c", "acm"], "did you mean `acme`?"),
        (["ghl.contacts.search", "-c", "acme", "--on", "moved"], "it has: new, updated"),
        (["ghl.contacts.get", "-c", "acme"], "`contactId` is missing"),
        (["ghl.contacts.get", "-c", "acme", "--with", '{"contactId": "..", "x": 1}'], "unknown parameter `x`"),
        (["ghl.contacts.get", "-c", "acme", "--with", '{"contactId": ".."}'], "contactId"),
        (["ghl.contacts.search", "-c", "acme", "--with", '{"pageLimit": 1}'], "`pageLimit`"),
        (["ghl.contacts.duplicate", "-c", "acme"], "one of email, number is missing"),
    ],
)
def test_poll_says_what_is_wrong_with_what_it_was_given(words: list[str], said: str, project: Path) -> None:
    done = hightide("poll", *words, project=project)
    assert done.status == 1
    assert said in done.err


def test_a_vendor_that_refuses_or_is_away_is_status_3(project: Path, vendor: Vendor, tmp_path: Path) -> None:
    given = '{"contactId": "nobody", "tags": ["x"]}'
    refused = hightide("act", "ghl.contacts.tags.add", "-c", "acme", "--with", given, project=project)
    assert refused.status == 3
    assert "Contact with id nobody not found" in refused.err
    away = write_project(tmp_path / "away", "http://127.0.0.1:9")
    for words in (["poll", "ghl.contacts.search"], ["act", "ghl.contacts.find", "--with", '{"email": "a@b.cd"}']):
        done = hightide(words[0], words[1], "-c", "acme", *words[2:], project=away)
        assert done.status == 3
        assert "no connection came about" in done.err


def test_act_carries_out_one_action_and_prints_the_answer(project: Path, vendor: Vendor) -> None:
    given = '{"email": "ann@example.com", "customFields": {"Region": "North"}}'
    done = hightide("act", "ghl.contacts.create", "-c", "acme", "--with", given, "--json", project=project)
    assert done.status == 0, done.err
    assert done.json["status"] == 201
    [made] = vendor.ask("GET", f"state?table=contacts&location={LOCATION}")["contacts"]
    assert (made["id"], made["email"]) == (done.json["id"], "ann@example.com")
    assert [field["value"] for field in done.json["answer"]["contact"]["customFields"]] == ["North"]


def test_a_list_too_long_for_one_call_is_left_to_automations(project: Path, vendor: Vendor) -> None:
    given = json.dumps({"ids": [f"c{number}" for number in range(51)], "businessId": None})
    done = hightide("act", "ghl.contacts.business.bulk_update", "-c", "acme", "--with", given, project=project)
    assert done.status == 1
    assert "takes 50 `ids` in one call" in done.err
    assert vendor.effects("/contacts/bulk/business") == []


def test_a_dry_run_shows_the_request_without_the_token_and_sends_nothing(project: Path, vendor: Vendor) -> None:
    given = '{"contactId": "c1", "body": "hello"}'
    done = hightide("act", "ghl.contacts.notes.create", "-c", "acme", "--with", given, "--dry-run", project=project)
    assert done.status == 0
    assert done.json["method"] == "POST"
    assert done.json["url"] == f"{vendor.url}/contacts/c1/notes"
    assert done.json["headers"]["authorization"] == "***"
    assert done.json["body"] == {"body": "hello"}
    assert vendor.effects(NOTES) == []


def test_passwords_are_not_shown_in_a_dry_run(project: Path, vendor: Vendor) -> None:
    user = {"companyId": "c", "firstName": "A", "lastName": "B", "email": "a@b.cd", "password": "hunter22"}
    given = json.dumps({**user, "type": "account", "role": "user", "locationIds": [LOCATION]})
    done = hightide("act", "ghl.users.create", "-c", "acme", "--with", given, "--dry-run", project=project)
    assert done.status == 0, done.err
    assert done.json["body"]["password"] == "***"
    assert "hunter22" not in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ghl.contacts.search", "-c", "acme"], "is a trigger; `hightide poll` takes those"),
        (["ghl.contacts.creat", "-c", "acme"], "did you mean `ghl.contacts.create`?"),
        (["ghl.contacts.create", "-c", "acme", "--with", '{"email": "x"}'], "should look like ann@example.com"),
        (["ghl.contacts.create", "-c", "acme"], "is required"),
        (
            ["ghl.contacts.create", "-c", "acme", "--with", '{"email":"a@b.cd","customFields":{"Regoin":"N"}}'],
            "did you mean",
        ),
    ],
)
def test_act_says_what_is_wrong_with_what_it_was_given(words: list[str], said: str, project: Path) -> None:
    done = hightide("act", *words, project=project)
    assert done.status == 1
    assert said in done.err


def test_an_automation_is_rehearsed_on_a_real_record_and_sends_nothing(project: Path, vendor: Vendor) -> None:
    [contact] = vendor.leads(1)
    done = hightide("test", "greet", "--json", project=project)
    assert done.status == 0, done.err
    assert (done.json["event"]["key"], done.json["when"], done.json["ok"]) == (contact, True, True)
    urls = [step["request"]["url"] for step in done.json["steps"]]
    assert urls == [f"{vendor.url}/contacts/{contact}/tags", f"{vendor.url}/contacts/{contact}/notes"]
    assert vendor.effects(NOTES) == []
    assert not (project / ".hightide").exists()


def test_an_automation_is_rehearsed_on_the_record_with_that_key(project: Path, vendor: Vendor) -> None:
    first, *_ = vendor.leads(3)
    done = hightide("test", "greet", "--key", first, "--json", project=project)
    assert (done.status, done.json["event"]["key"], done.json["missing"]) == (0, first, [])
    other = hightide("test", "greet", "--key", "nobody", project=project)
    assert other.status == 1
    assert "brings no `nobody` among its first 1,000 records" in other.err


def test_what_a_record_does_not_have_is_told_beside_the_condition(project: Path) -> None:
    given = json.dumps({"id": "c7", "tagz": ["lead"], "firstName": "Ada"})
    (project / "automations" / "slip.yaml").write_text(
        GREET.replace("greet:", "slip:").replace("'lead' in record.tags", "'lead' in record.tgaz")
    )
    done = hightide("test", "slip", "--record", "-", project=project, given=given)
    assert done.status == 0, done.out + done.err
    assert "mind    `record.tgaz` is not there (did you mean `tagz`?)" in done.out


def test_an_automation_is_rehearsed_on_a_given_record(project: Path) -> None:
    given = json.dumps({"id": "c7", "tags": ["lead"], "firstName": "Ada"})
    done = hightide("test", "greet", "--record", "-", project=project, given=given)
    assert done.status == 0, done.err
    assert "event   new c7" in done.out
    assert '"body": "Hello Ada"' in done.out


def test_a_rehearsal_names_the_step_and_field_that_would_fail(project: Path) -> None:
    done = hightide("test", "greet", "--record", "-", project=project, given='{"id": "c7", "tags": ["lead"]}')
    assert done.status == 1
    assert "step 2  note" in done.out
    assert "error: body: `record.firstName` is not there" in done.out


def test_a_rehearsal_of_an_event_that_is_passed_over_says_so(project: Path) -> None:
    done = hightide("test", "greet", "--record", "-", project=project, given='{"id": "c7", "tags": []}')
    assert done.status == 0
    assert "'lead' in record.tags: false" in done.out


def test_a_rehearsal_shows_no_secret_that_a_step_is_given(tmp_path: Path, vendor: Vendor) -> None:
    shop = write_project(tmp_path / "shop", vendor.url, GREET.replace("Hello", "${PASS_PHRASE} ${ACME_TOKEN}"))
    env = {"PASS_PHRASE": "open-sesame"}
    given = json.dumps({"id": "c7", "tags": ["lead"], "firstName": "Ada"})
    done = hightide("test", "greet", "--record", "-", project=shop, env=env, given=given)
    assert done.status == 0, done.out
    assert '"body": "*** *** Ada"' in done.out
    assert "open-sesame" not in done.out
    assert TOKEN not in done.out


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (["gret"], "", "did you mean `greet`?"),
        (["greet", "--record", "/nowhere"], "", "/nowhere cannot be read"),
        (["greet", "--record", "-"], "{", "holds no JSON"),
        (["greet", "--record", "-"], "[]", "expected one record"),
        (["greet"], "", "brings no record at this moment"),
    ],
)
def test_a_rehearsal_says_what_is_wrong_with_what_it_was_given(
    words: list[str], given: str, said: str, project: Path
) -> None:
    done = hightide("test", *words, project=project, given=given)
    assert done.status == 1
    assert said in done.err


def test_the_quota_goes_on_without_redis(project: Path, vendor: Vendor) -> None:
    vendor.leads(1)
    done = hightide(
        "poll",
        "ghl.contacts.search",
        "-c",
        "acme",
        "--json",
        project=project,
        env={"HIGHTIDE_REDIS_URL": "redis://:pass-1234@127.0.0.1:9/0"},
    )
    assert done.status == 0
    assert len(done.json) == 1
    assert "quota.alone" in done.err
    assert "pass-1234" not in done.err


def test_names_in_what_a_trigger_asks_for_are_looked_up(project: Path, vendor: Vendor) -> None:
    vendor.leads(1)
    asked = ("poll", "ghl.opportunities.search", "-c", "acme", "--json", "--with")
    [pipeline] = vendor.ask("GET", f"state?table=pipelines&location={LOCATION}")["pipelines"]
    found = hightide(*asked, json.dumps({"pipelineId": pipeline["name"]}), project=project)
    assert (found.status, found.json) == (0, []), found.err
    refused = hightide(*asked, json.dumps({"pipelineId": pipeline["name"] + "x"}), project=project)
    assert refused.status == 1
    assert f"did you mean {pipeline['name']!r}?" in refused.err
    flow = (project / "automations" / "greet.yaml").read_text()
    use = f"use: ghl.opportunities.search, with: {{pipelineId: {pipeline['name']}x}}"
    (project / "automations" / "greet.yaml").write_text(flow.replace("use: ghl.contacts.search", use, 1))
    rehearsed = hightide("test", "greet", project=project)
    assert rehearsed.status == 1
    assert f"did you mean {pipeline['name']!r}?" in rehearsed.err
