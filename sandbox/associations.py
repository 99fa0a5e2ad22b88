"""Associations between kinds of record, and the relations between records that follow them."""

from __future__ import annotations

from typing import Any

from sandbox.refusal import bad_request
from sandbox.route import Call, Route, delete, get, post, put
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import pick

CREATE = shape("locationId! key! firstObjectLabel! firstObjectKey! secondObjectLabel! secondObjectKey!")
UPDATE = shape("firstObjectLabel! secondObjectLabel!")
RELATE = shape("locationId! associationId! firstRecordId! secondRecordId!")
PAGE = shape("locationId! skip!:offset limit!:count")
SHOWN = "id locationId key firstObjectLabel firstObjectKey secondObjectLabel secondObjectKey associationType"


def view(association: Record) -> Record:
    """An association as the vendor shows it."""
    return pick(association, SHOWN)


def _relation_view(call: Call, relation: Record) -> Record:
    """A relation with its association, for whose form the document takes it."""
    association = call.state.get("associations", relation["associationId"])
    return {**view(association), **pick(relation, "id associationId firstRecordId secondRecordId")}


def _many(call: Call, name: str, shown: list[Record]) -> Any:
    """A list under its name, as clients read it; the document says that it is one record."""
    if call.state.documented:
        if not shown:
            raise bad_request(f"No {name} found")
        return shown[0]
    return {name: shown, "total": len(shown)}


def _page(call: Call, found: list[Record]) -> list[Record]:
    skip = call.whole("skip", 0)
    return found[skip : skip + call.whole("limit", 20)]


def _list(call: Call) -> Any:
    found = list(call.state.rows("associations", call.location))
    return _many(call, "associations", [view(each) for each in _page(call, found)])


def _by_object(call: Call) -> Any:
    key = call.path["objectKey"]
    found = [
        each
        for each in call.state.rows("associations", call.location)
        if key in {each["firstObjectKey"], each["secondObjectKey"]}
    ]
    return _many(call, "associations", [view(each) for each in found])


def _by_key(call: Call) -> Record:
    found = call.state.by_value("associations", call.location, "key", call.path["key_name"])
    if not found:
        raise bad_request(f"Association with key {call.path['key_name']} not found")
    return view(found[0])


def _create(call: Call) -> Record:
    fields = {name: value for name, value in call.body.items() if name != "locationId"}
    if call.state.by_value("associations", call.location, "key", fields["key"]):
        raise bad_request(f"An association with the key {fields['key']} already exists")
    return view(call.state.create("associations", call.location, fields))


def _read(call: Call) -> Record:
    return view(call.record("associations", "associationId"))


def _update(call: Call) -> Record:
    return view(call.state.update("associations", call.record("associations", "associationId"), call.body))


def _delete(call: Call) -> Record:
    association = call.record("associations", "associationId")
    if association["associationType"] == "SYSTEM_DEFINED":
        raise bad_request("A system defined association cannot be deleted")
    for relation in call.state.by_value("relations", association["locationId"], "associationId", association["id"]):
        call.state.remove("relations", relation["id"])
    call.state.remove("associations", association["id"])
    return {"deleted": True, "id": association["id"], "message": "Association deleted successfully"}


# Relations.


def _relate(call: Call) -> Record:
    association = call.state.get("associations", call.body["associationId"])
    if association["locationId"] != call.location:
        raise bad_request("The association does not belong to this location")
    fields = {name: value for name, value in call.body.items() if name != "locationId"}
    return _relation_view(call, call.state.create("relations", call.location, fields))


def _relations(call: Call) -> Any:
    record, kinds = call.path["recordId"], call.query.get("associationIds", [])
    held = {
        each["id"]: each
        for side in ("firstRecordId", "secondRecordId")
        for each in call.state.by_value("relations", call.location, side, record)
    }
    wanted = {part for kind in kinds for part in kind.split(",")}
    found = [each for each in held.values() if not wanted or each["associationId"] in wanted]
    return _many(call, "relations", [_relation_view(call, each) for each in _page(call, found)])


def _part(call: Call) -> Record:
    relation = call.record("relations", "relationId")
    shown = _relation_view(call, relation)
    call.state.remove("relations", relation["id"])
    return shown


ONE = "/associations/{associationId}"
GET: dict[str, Any] = {"scope": "associations.readonly"}
SET: dict[str, Any] = {"scope": "associations.write"}
RELATIONS: dict[str, Any] = {"scope": "associations/relation.write"}
ROUTES: tuple[Route, ...] = (
    get("/associations/", _list, query=PAGE, lists="associations", **GET),
    post("/associations/", _create, body=CREATE, ok=201, **SET),
    get("/associations/key/{key_name}", _by_key, query=shape("locationId!"), **GET),
    get("/associations/objectKey/{objectKey}", _by_object, query=shape("locationId"), lists="associations", **GET),
    get(ONE, _read, **GET),
    put(ONE, _update, body=UPDATE, **SET),
    delete(ONE, _delete, **SET),
    post("/associations/relations", _relate, body=RELATE, ok=201, **RELATIONS),
    get(
        "/associations/relations/{recordId}",
        _relations,
        query=shape("locationId! skip!:offset limit!:count associationIds:[text]"),
        scope="associations/relation.readonly",
        lists="relations",
    ),
    delete("/associations/relations/{relationId}", _part, query=shape("locationId!"), **RELATIONS),
)
