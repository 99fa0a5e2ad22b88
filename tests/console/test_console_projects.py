"""Projects and the catalogue, as a person meets them: init, check, schema, catalog, show, doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.starter import FILES
from tests.console.shell import GREET, Vendor, hightide, write_project

pytestmark = pytest.mark.slow
NOWHERE = "http://127.0.0.1:9"


def test_a_new_project_passes_once_its_env_is_filled_in(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    made = hightide("init", str(shop))
    assert made.status == 0
    assert sorted(made.out.split()) == sorted(str(shop / name) for name in FILES)
    unfilled = hightide("check", project=shop)
    assert unfilled.status == 1
    assert "environment variable `ACME_TOKEN` is not set" in unfilled.out
    (shop / ".env").write_text("ACME_LOCATION_ID=somewhere\nACME_TOKEN=pit-123456\n")
    checked = hightide("check", project=shop)
    assert checked.status == 0, checked.out
    assert checked.out.splitlines()[-1] == "ok: 1 connection, 1 automation"


def test_init_touches_nothing_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "connections.yaml").write_text("mine")
    refused = hightide("init", str(tmp_path))
    assert refused.status == 1
    assert "connections.yaml already; nothing was written" in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["connections.yaml"]
    assert (tmp_path / "connections.yaml").read_text() == "mine"


def test_init_takes_the_project_of_the_environment(tmp_path: Path) -> None:
    assert hightide("init", project=tmp_path / "here").status == 0
    assert (tmp_path / "here" / "automations" / "welcome.yaml").is_file()


def test_every_problem_is_told_with_its_place(tmp_path: Path) -> None:
    shop = write_project(
        tmp_path / "shop", NOWHERE, GREET.replace("tags.add", "tags.ad").replace("every: 1m", "every: 1s")
    )
    done = hightide("check", project=shop)
    assert done.status == 1
    assert done.err == ""
    lines = done.out.splitlines()
    assert any(line.startswith("automations/greet.yaml:3:") for line in lines)
    assert any("did you mean `ghl.contacts.tags.add`?" in line for line in lines)
    told = hightide("check", "--json", project=shop).json
    assert told["ok"] is False
    assert [f"{each['file']}:{each['line']}:{each['column']}" for each in told["problems"]] == [
        ":".join(line.split(":")[:3]) for line in lines
    ]


def test_every_command_that_needs_the_project_tells_what_is_wrong_with_it(tmp_path: Path) -> None:
    shop = write_project(tmp_path / "shop", NOWHERE, "automations: [}")
    for words in (["run"], ["beat"], ["act", "ghl.contacts.delete", "-c", "acme"]):
        done = hightide(*words, project=shop)
        assert done.status == 1
        assert "automations/greet.yaml:1:" in done.err


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    for words in (["status"], ["run"]):
        done = hightide(*words, project=tmp_path / "nowhere")
        assert done.status == 1
        assert "nowhere" in done.err
    assert not (tmp_path / "nowhere").exists()


def test_commands_on_a_ledger_say_that_there_is_none_yet(tmp_path: Path) -> None:
    shop = write_project(tmp_path / "shop", NOWHERE)
    for words in (
        ["status"],
        ["runs"],
        ["show-run", "1"],
        ["retry", "1"],
        ["nudge", "greet"],
        ["cursor", "show", "greet"],
    ):
        done = hightide(*words, project=shop)
        assert done.status == 1
        assert "has no ledger yet: `hightide run` makes it" in done.err
    assert not (shop / ".hightide").exists()


def test_settings_at_fault_are_told_without_what_they_hold(tmp_path: Path) -> None:
    shop = write_project(tmp_path / "shop", NOWHERE)
    env = {"HIGHTIDE_DATABASE_URL": "mysql://u:pass-1234@host/x", "HIGHTIDE_REDIS_ULR": "redis://x"}
    done = hightide("status", project=shop, env=env)
    assert done.status == 1
    assert "HIGHTIDE_DATABASE_URL" in done.err
    assert "did you mean `HIGHTIDE_REDIS_URL`?" in done.err
    assert "pass-1234" not in done.err


@pytest.mark.parametrize("words", [["status"], ["retry", "1"], ["run"]])
def test_a_database_out_of_reach_is_told_without_its_password(words: list[str], tmp_path: Path) -> None:
    shop = write_project(tmp_path / "shop", NOWHERE)
    env = {
        "HIGHTIDE_DATABASE_URL": "postgresql://me:pass-1234@127.0.0.1:9/x",
        "HIGHTIDE_REDIS_URL": "redis://127.0.0.1:9/0",
    }
    done = hightide(*words, project=shop, env=env)
    assert done.status == 3
    assert "the database cannot be used" in done.err
    assert "pass-1234" not in done.out + done.err


def test_a_project_is_checked_also_where_its_ledger_is_out_of_reach(tmp_path: Path) -> None:
    shop = write_project(tmp_path / "shop", NOWHERE)
    env = {"HIGHTIDE_DATABASE_URL": "postgresql://me:pass-1234@127.0.0.1:9/x"}
    done = hightide("check", "--json", project=shop, env=env)
    assert done.status == 0
    assert done.json["feeds"] is None
    assert "feeds are not compared" in done.err


def test_the_catalogue_lists_all_operations_by_category_and_finds_by_words() -> None:
    whole = hightide("catalog", "--json").json
    kinds = [each["kind"] for each in whole]
    assert (kinds.count("trigger"), kinds.count("action")) == (55, 71)
    triggers = hightide("catalog", "--kind", "trigger", "--json").json
    assert [each for each in whole if each["kind"] == "trigger"] == triggers
    notes = hightide("catalog", "NOTES.create")
    assert "ghl.contacts.notes.create" in notes.out
    assert "Contacts: 0 triggers, 1 action\n" in notes.out
    assert "2 operations: 0 triggers, 2 actions" in notes.err
    connector = hightide("catalog", "rankr")
    assert "rankr.contracts.create" in connector.out
    assert "operations" not in connector.err
    assert not any(each["extra"] for each in hightide("catalog", "contracts", "--json").json)


def test_an_operation_is_shown_and_an_unknown_one_is_guessed() -> None:
    shown = hightide("show", "ghl.contacts.notes.create", "--json").json
    assert {"parameters", "yaml", "about", "one_of", "only_one_of", "repeat"} <= set(shown)
    guessed = hightide("show", "ghl.contacts.note.create")
    assert guessed.status == 1
    assert "did you mean `ghl.contacts.notes.create`?" in guessed.err


def test_the_schemas_are_printed_together_or_each_alone() -> None:
    both = hightide("schema").json
    assert set(both) == {"connections", "automations", "connectors"}
    assert hightide("schema", "automations").json == both["automations"]


def test_the_doctor_finds_a_sound_project_sound(project: Path, vendor: Vendor) -> None:
    done = hightide("doctor", "--json", project=project)
    found = {each["about"]: each["state"] for each in done.json}
    assert done.status == 0, done.out
    assert {"python", "packages", "database", "redis", "disk", "project", "vendor of acme"} <= set(found)
    assert set(found.values()) <= {"ok", "warn"}
    assert found["vendor of acme"] == "ok"


def test_the_doctor_says_what_is_out_of_reach_and_what_is_faulty(tmp_path: Path) -> None:
    shop = write_project(tmp_path / "shop", NOWHERE, "automations: {greet: {}}")
    env = {
        "HIGHTIDE_DATABASE_URL": "postgresql://me:pass-1234@127.0.0.1:9/x",
        "HIGHTIDE_REDIS_URL": "redis://:pass-1234@127.0.0.1:9/0",
    }
    done = hightide("doctor", project=shop, env=env)
    assert done.status == 1
    failing = [line.split()[1].rstrip(":") for line in done.out.splitlines() if line.startswith("fail")]
    assert failing == ["database", "redis", "project"]
    assert "pass-1234" not in done.out


def test_the_doctor_warns_of_a_vendor_that_does_not_answer(tmp_path: Path) -> None:
    done = hightide("doctor", project=write_project(tmp_path / "shop", NOWHERE))
    assert done.status == 0
    assert "warn  vendor of acme: http://127.0.0.1:9 does not answer" in done.out


def test_json_goes_to_stdout_alone(tmp_path: Path) -> None:
    shop = write_project(tmp_path / "shop", NOWHERE)
    assert json.loads(hightide("doctor", "--json", project=shop).out)
