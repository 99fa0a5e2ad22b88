"""Pipelines, stages, users and calendars that authors write by name: looked up in the location, and sent by id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.engine import Engine, Errand
from tests.operations.vendor import Account
from triggers.catalog import CATALOG
from worker.lookups import Lookups
from worker.names import Names

pytestmark = pytest.mark.slow


@pytest.fixture
def sales(account: Account) -> dict[str, str]:
    """Two pipelines that have a stage of the same name, and a user; their ids."""
    ids = {}
    for name in ("Roofs", "Gardens"):
        stages = [{"id": f"{number}{name}".ljust(20, "0"), "name": word} for number, word in enumerate(("New", "Won"))]
        ids[name] = account.record("pipelines", "create", name=name, stages=stages)
        ids |= {f"{name}/{each['name']}": each["id"] for each in stages}
    named = {"firstName": "Ada", "lastName": "King", "email": "ada@example.com", "password": "s3cret-Word"}
    where = {"companyId": account.company, "locationIds": [account.location], "type": "account", "role": "user"}
    ids["Ada"] = str(account.post("/users/", {**named, **where})["id"])
    return ids


def errand(engine: Engine, account: Account, action: str, **inputs: Any) -> Errand:
    return Errand(engine, engine.connection(account, "owner"), action, inputs)


@pytest.mark.parametrize("user", ["ada@example.com", "Ada King", "ada KING "])
def test_an_opportunity_by_names(engine: Engine, account: Account, sales: dict[str, str], user: str) -> None:
    names = {"pipelineId": "gardens", "pipelineStageId": "Won", "assignedTo": user}
    run = errand(
        engine, account, "ghl.opportunities.create", contactId=account.contact(), name="Oak", status="open", **names
    )
    assert run.carry() == "done", run.row["reason"]
    [made] = account.held("opportunities")
    assert [made[name] for name in names] == [sales["Gardens"], sales["Gardens/Won"], sales["Ada"]]


def test_a_stage_is_looked_for_in_its_pipeline_or_in_all(
    engine: Engine, account: Account, sales: dict[str, str]
) -> None:
    opportunity = account.opportunity(pipelineId=sales["Roofs"])
    change = {"id": opportunity, "pipelineStageId": "Won"}
    unclear = errand(engine, account, "ghl.opportunities.update", **change)
    assert unclear.carry() == "failed"
    assert "2 stages of the location are called 'Won': write the id instead" in unclear.row["reason"]
    plain = errand(engine, account, "ghl.opportunities.update", **change, pipelineId=sales["Roofs"])
    assert plain.carry() == "done", plain.row["reason"]
    assert account.one("opportunities", opportunity)["pipelineStageId"] == sales["Roofs/Won"]


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"pipelineId": "Garden"}, "the location has no pipeline 'Garden': did you mean 'Gardens'?"),
        (
            {"pipelineId": "Roofs", "pipelineStageId": "Wonn"},
            "pipeline 'Roofs' has no stage 'Wonn': did you mean 'Won'?",
        ),
        (
            {"pipelineId": "Roofs", "assignedTo": "Zoltan"},
            "the location has no user 'Zoltan': see ghl.users.by_location",
        ),
    ],
)
def test_a_name_that_is_not_there_ends_the_step_before_anything_is_sent(
    engine: Engine, account: Account, sales: dict[str, str], inputs: dict[str, str], reason: str
) -> None:
    plain = {"contactId": account.contact(), "name": "Oak", "status": "open"}
    run = errand(engine, account, "ghl.opportunities.create", **plain, **inputs)
    assert run.carry() == "failed"
    assert reason in run.row["reason"]
    assert engine.wire.sent == []


def test_ids_are_not_looked_up(engine: Engine, account: Account, sales: dict[str, str]) -> None:
    plain = {"contactId": account.contact(), "name": "Oak", "status": "open", "assignedTo": sales["Ada"]}
    where = {"pipelineId": sales["Roofs"], "pipelineStageId": sales["Roofs/New"]}
    before = account.vendor.requests()
    run = errand(engine, account, "ghl.opportunities.create", **plain, **where)
    assert run.carry() == "done", run.row["reason"]
    assert account.vendor.requests() == before + 1


def test_what_a_trigger_asks_for_may_be_named_too(engine: Engine, account: Account, sales: dict[str, str]) -> None:
    home = engine.connection(account, "owner")
    calendar = account.first("calendars")
    name = str(account.one("calendars", calendar)["name"])

    def resolved(trigger: str, **given: Any) -> dict[str, Any]:
        return engine.do(Names(Lookups(engine.client)).resolved(CATALOG[trigger].fetch, given, home))

    assert resolved("ghl.opportunities.search", pipelineId="Roofs", pipelineStageId="New", status="won") == {
        "pipelineId": sales["Roofs"],
        "pipelineStageId": sales["Roofs/New"],
        "status": "won",
    }
    assert resolved("ghl.calendars.free_slots", calendarId=name, userIds=["Ada King", sales["Ada"]]) == {
        "calendarId": calendar,
        "userIds": [sales["Ada"], sales["Ada"]],
    }
    assert resolved("ghl.conversations.search", assignedTo=["unassigned"]) == {"assignedTo": ["unassigned"]}
