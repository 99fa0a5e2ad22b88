"""Documents to sign and their templates: sending a template makes a document for a contact."""

from __future__ import annotations

from typing import Any

from sandbox.clock import stamp_of
from sandbox.refusal import bad_request, unprocessable
from sandbox.route import Call, Route, get, post
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import full_name, pick, times

LIST = shape(
    "locationId! status paymentStatus:waiting_for_payment|paid|no_payment limit:count skip:offset query dateFrom "
    "dateTo",
)
TEMPLATES = shape("locationId! dateFrom dateTo type name isPublicDocument:bool userId limit skip")
CC = shape("email! id! imageUrl! contactName! firstName! lastName!")
NOTICE = shape(
    "receive!:RECEIVE sender!:SENDER",
    RECEIVE=shape("templateId! subject!"),
    SENDER=shape("fromEmail! fromName!"),
)
SEND = shape(
    "locationId! documentId! documentName medium:link|email ccRecipients:[CC] notificationSettings:NOTICE sentBy!",
    CC=CC,
    NOTICE=NOTICE,
)
SEND_TEMPLATE = shape("templateId! userId! sendDocument:bool locationId! contactId! opportunityId")
STATUSES = {"draft", "sent", "viewed", "completed", "accepted"}
SHOWN = (
    "locationId documentId name type deleted isExpired documentRevision fillableFields grandTotal locale status "
    "paymentStatus recipients links"
)


def view(document: Record) -> Record:
    """A document as lists show it."""
    return {"_id": document["id"], **pick(document, SHOWN), **times(document, "createdAt updatedAt")}


def _list(call: Call) -> Record:
    query = call.query
    statuses = {each for each in query.get("status", "").split(",") if each}
    if not statuses <= STATUSES:
        raise unprocessable(f"status must be one of the following values: {', '.join(sorted(STATUSES))}")
    since, until = _range(query)
    found = [
        each
        for each in call.state.rows("documents", call.location)
        if (not statuses or statuses & set(each["status"]))
        and query.get("paymentStatus") in {None, *each["paymentStatus"]}
        and query.get("query", "").lower() in each["name"].lower()
        and since <= each["createdAt"] <= until
    ]
    skip = call.whole("skip", 0)
    page = found[::-1][skip : skip + call.whole("limit", 20)]
    return {"documents": [view(each) for each in page], "total": len(found)}


def _range(query: Any) -> tuple[int, int]:
    given = [query.get("dateFrom"), query.get("dateTo")]
    if given.count(None) == 1:
        raise bad_request("dateFrom and dateTo must be given together")
    if None in given:
        return 0, 1 << 62
    try:
        return stamp_of(given[0]), stamp_of(given[1])
    except ValueError as exc:
        raise bad_request("dateFrom and dateTo must be dates") from exc


def _links(document: Record, author: str) -> list[Record]:
    return [
        {
            "referenceId": f"{document['id']}-{recipient['id']}",
            "documentId": document["documentId"],
            "recipientId": recipient["id"],
            "entityName": "contacts",
            "recipientCategory": "recipient",
            "documentRevision": document["documentRevision"],
            "createdBy": author,
            "deleted": False,
        }
        for recipient in document["recipients"]
    ]


def _sent(call: Call, document: Record, author: str) -> Record:
    links = _links(document, author)
    status = [each for each in document["status"] if each != "draft"] or ["sent"]
    call.state.update("documents", document, {"status": status, "links": links})
    return {"success": True, "links": links}


def _send(call: Call) -> Record:
    return _sent(call, call.state.get("documents", call.body["documentId"]), call.body["sentBy"])


def _templates(call: Call) -> Record:
    kind, name = call.query.get("type"), call.query.get("name", "").lower()
    found = [
        each
        for each in call.state.rows("templates", call.location)
        if kind in {None, "", each["type"]} and name in each["name"].lower() and not each["deleted"]
    ]
    names = "id deleted version name locationId type updatedBy isPublicDocument documentCount"
    skip = call.whole("skip", 0)
    page = found[skip : skip + call.whole("limit", 20)]
    shown = [{"_id": each["id"], **pick(each, names), **times(each, "createdAt updatedAt")} for each in page]
    return {"data": shown, "total": len(found)}


def _send_template(call: Call) -> Record:
    body = call.body
    template, contact = call.state.get("templates", body["templateId"]), call.state.get("contacts", body["contactId"])
    name = full_name(contact)
    recipient = {
        "id": contact["id"],
        **pick(contact, "firstName lastName phone"),
        "email": contact.get("email", ""),
        "contactName": name,
        "hasCompleted": False,
        "role": "signer",
        "isPrimary": True,
        "signingOrder": 1,
        "entityName": "contacts",
    }
    made = call.state.create("documents", call.location, {"name": template["name"], "recipients": [recipient]})
    made = call.state.update("documents", made, {"documentId": made["id"]})
    count = {"documentCount": template["documentCount"] + 1}
    call.state.update("templates", template, count)
    if body.get("sendDocument", True):
        return _sent(call, made, body["userId"])
    return {"success": True, "links": []}


EITHER: dict[str, Any] = {"access": "either"}
ROUTES: tuple[Route, ...] = (
    get("/proposals/document", _list, query=LIST, lists="documents", **EITHER),
    post("/proposals/document/send", _send, body=SEND, **EITHER),
    get("/proposals/templates", _templates, query=TEMPLATES, lists="templates", **EITHER),
    post("/proposals/templates/send", _send_template, body=SEND_TEMPLATE, **EITHER),
)
