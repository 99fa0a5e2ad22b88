"""Opportunities: kept per contact and pipeline, moved through stages and statuses, followed."""

from __future__ import annotations

from typing import Any

from sandbox.contacts import custom_values
from sandbox.refusal import bad_request
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import joined, shape
from sandbox.state import Record, State
from sandbox.views import full_name, pick, times

STATUS = "status:open|won|lost|abandoned|all"
CUSTOM = shape("id key field_value:any value:any")
UPDATE = shape(
    f"pipelineId name pipelineStageId {STATUS} monetaryValue:number assignedTo customFields:[CUSTOM]", CUSTOM=CUSTOM
)
REQUIRED = shape("pipelineId! locationId! name! status!:open|won|lost|abandoned|all contactId!")
CREATE = joined(UPDATE, REQUIRED)
UPSERT = shape(
    "id pipelineId! locationId! contactId followers:[text] isRemoveAllFollowers:bool followersActionType:add|remove "
    f"name {STATUS} pipelineStageId monetaryValue:any assignedTo lostReasonId"
)
SET_STATUS = shape("status!:open|won|lost|abandoned|all lostReasonId")
FOLLOWERS = shape("followers!:[text]")
SHOWN = (
    "id name monetaryValue pipelineId pipelineStageId assignedTo status source contactId locationId lostReasonId "
    "followers externalObjectId"
)
WHEN = "createdAt updatedAt lastStatusChangeAt lastStageChangeAt"


def view(state: State, opportunity: Record) -> Record:
    """An opportunity as the vendor shows it, with its contact."""
    contact = state.find("contacts", opportunity["contactId"]) or {"id": opportunity["contactId"]}
    name = full_name(contact)
    fields = [{"id": each["id"], "fieldValue": each["value"]} for each in opportunity["customFields"]]
    moments = times(opportunity, WHEN)
    return {
        **pick(opportunity, SHOWN),
        **moments,
        "lastActionDate": moments["updatedAt"],
        "indexVersion": str(opportunity["updatedAt"]),
        "customFields": fields,
        "contact": {**pick(contact, "id companyName email phone tags"), "name": name},
    }


def _one(call: Call) -> Record:
    return call.record("opportunities", "id")


def _pipeline(call: Call, key: str, location: str) -> Record:
    pipeline = call.state.get("pipelines", key)
    if pipeline["locationId"] != location:
        raise bad_request("The pipeline does not belong to this location")
    return pipeline


def _stage(pipeline: Record, key: str | None) -> str:
    stages = [stage["id"] for stage in pipeline["stages"]]
    if not stages or (key is not None and key not in stages):
        raise bad_request(f"Pipeline stage with id {key} not found")
    return str(key or stages[0])


def _check_status(status: str | None) -> None:
    if status == "all":
        raise bad_request("status all only filters")


def _changes(call: Call, found: Record, body: Record) -> Record:
    """What a body changes in an opportunity, with the times of a change of stage or status."""
    _check_status(body.get("status"))
    names = "name pipelineId pipelineStageId status monetaryValue assignedTo lostReasonId"
    changes = pick(body, names)
    if "pipelineId" in changes or "pipelineStageId" in changes:
        pipeline = _pipeline(call, str(changes.get("pipelineId", found["pipelineId"])), found["locationId"])
        kept = found["pipelineStageId"] if pipeline["id"] == found["pipelineId"] else None
        changes["pipelineStageId"] = _stage(pipeline, changes.get("pipelineStageId", kept))
    if "customFields" in body:
        changes["customFields"] = _values(call, found["locationId"], found["customFields"], body["customFields"])
    return changes


def _values(call: Call, location: str, kept: list[Record], written: list[Record]) -> list[Record]:
    known = {field["fieldKey"].partition(".")[2]: field["id"] for field in call.state.rows("customFields", location)}
    named = [{**field, "id": field.get("id") or known.get(field.get("key", ""), "")} for field in written]
    return custom_values(call.state, location, kept, named)


def _change(call: Call, found: Record, body: Record) -> Record:
    return call.state.update("opportunities", found, _changes(call, found, body))


def _twin(call: Call, contact: str, pipeline: str) -> Record | None:
    found = call.state.by_value("opportunities", call.location, "contactId", contact)
    return next((each for each in found if each["pipelineId"] == pipeline and each["status"] == "open"), None)


def _new(call: Call, body: Record) -> Record:
    pipeline = _pipeline(call, body["pipelineId"], body["locationId"])
    contact = call.state.get("contacts", body.get("contactId", ""))
    if contact["locationId"] != body["locationId"]:
        raise bad_request("The contact does not belong to this location")
    link = {"pipelineId": pipeline["id"], "contactId": contact["id"], "name": full_name(contact)}
    stage = {"pipelineStageId": _stage(pipeline, body.get("pipelineStageId"))}
    given = _changes(call, {**link, **stage, "locationId": body["locationId"], "customFields": []}, body)
    return call.state.create("opportunities", call.location, {**link, **stage, **given})


def _create(call: Call) -> Record:
    twin = _twin(call, call.body["contactId"], call.body["pipelineId"])
    if twin and not call.state.location(call.location)["settings"].get("allowDuplicateOpportunity"):
        raise bad_request(
            "Can not create duplicate opportunity for the contact.",
            code="OPPORTUNITY_NO_DUPLICATE",
            meta={"existingId": twin["id"]},
        )
    return {"opportunity": view(call.state, _new(call, call.body))}


def _upsert(call: Call) -> Record:
    body = call.body
    found = call.state.get("opportunities", body["id"]) if body.get("id") else None
    if found is None and body.get("contactId"):
        found = _twin(call, body["contactId"], body["pipelineId"])
    if found is None and not body.get("contactId"):
        raise bad_request("Either of id or contactId is required")
    kept = _change(call, found, body) if found else _new(call, body)
    followers = _followed(kept, body)
    if followers != kept["followers"]:
        kept = call.state.update("opportunities", kept, {"followers": followers})
    return {"new": found is None, "opportunity": view(call.state, kept)}


def _followed(opportunity: Record, body: Record) -> list[str]:
    held = [] if body.get("isRemoveAllFollowers") else opportunity["followers"]
    named = body.get("followers", [])
    if body.get("followersActionType", "add") == "add":
        return list(dict.fromkeys([*held, *named]))
    return [key for key in held if key not in named]


def _read(call: Call) -> Record:
    return {"opportunity": view(call.state, _one(call))}


def _update(call: Call) -> Record:
    return {"opportunity": view(call.state, _change(call, _one(call), call.body))}


def _set_status(call: Call) -> Record:
    _change(call, _one(call), call.body)
    return {"succeded": True}


def _delete(call: Call) -> Record:
    call.state.remove("opportunities", _one(call)["id"])
    return {"succeded": True}


def _add_followers(call: Call) -> Record:
    found = _one(call)
    added = [key for key in dict.fromkeys(call.body["followers"]) if key not in found["followers"]]
    if added:
        found = call.state.update("opportunities", found, {"followers": [*found["followers"], *added]})
    return {"followers": found["followers"], "followersAdded": added}


def _remove_followers(call: Call) -> Record:
    found = _one(call)
    gone = found["followers"] if call.query.get("isRemoveAllFollowers") else call.body["followers"]
    removed = [key for key in found["followers"] if key in gone]
    if removed:
        left = [key for key in found["followers"] if key not in gone]
        found = call.state.update("opportunities", found, {"followers": left})
    return {"followers": found["followers"], "followersRemoved": removed}


def _pipelines(call: Call) -> Record:
    shown = "id name stages showInFunnel showInPieChart locationId colorRenderMode"
    return {"pipelines": [pick(each, shown) for each in call.state.rows("pipelines", call.location)]}


ONE = "/opportunities/{id}"
GET: dict[str, Any] = {"scope": "opportunities.readonly"}
SET: dict[str, Any] = {"scope": "opportunities.write"}
ROUTES: tuple[Route, ...] = (
    post("/opportunities/", _create, body=CREATE, ok=201, **SET),
    post("/opportunities/upsert", _upsert, body=UPSERT, **SET),
    get("/opportunities/pipelines", _pipelines, query=shape("locationId!"), lists="pipelines", **GET),
    get(ONE, _read, **GET),
    put(ONE, _update, body=UPDATE, **SET),
    delete(ONE, _delete, **SET),
    put(f"{ONE}/status", _set_status, body=SET_STATUS, **SET),
    post(f"{ONE}/followers", _add_followers, body=FOLLOWERS, ok=201, **SET),
    delete(f"{ONE}/followers", _remove_followers, body=FOLLOWERS, query=shape("isRemoveAllFollowers:bool"), **SET),
)
