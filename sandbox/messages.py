"""Messages: sending one shows it in the contact's conversation, which is made where there is none."""

from __future__ import annotations

from typing import Any

from sandbox.refusal import bad_request, unauthorized
from sandbox.route import Call, Route, get, post, put
from sandbox.shape import faults, shape
from sandbox.state import Record, State
from sandbox.views import pick, times

TYPES = (
    "TYPE_CALL|TYPE_SMS|TYPE_RCS|TYPE_EMAIL|TYPE_SMS_REVIEW_REQUEST|TYPE_WEBCHAT|TYPE_SMS_NO_SHOW_REQUEST|"
    "TYPE_CAMPAIGN_SMS|TYPE_CAMPAIGN_CALL|TYPE_CAMPAIGN_EMAIL|TYPE_CAMPAIGN_VOICEMAIL|TYPE_FACEBOOK|"
    "TYPE_CAMPAIGN_FACEBOOK|TYPE_CAMPAIGN_MANUAL_CALL|TYPE_CAMPAIGN_MANUAL_SMS|TYPE_GMB|TYPE_CAMPAIGN_GMB|TYPE_REVIEW|"
    "TYPE_INSTAGRAM|TYPE_WHATSAPP|TYPE_CUSTOM_SMS|TYPE_CUSTOM_EMAIL|TYPE_CUSTOM_PROVIDER_SMS|"
    "TYPE_CUSTOM_PROVIDER_EMAIL|TYPE_IVR_CALL|TYPE_ACTIVITY_CONTACT|TYPE_ACTIVITY_INVOICE|TYPE_ACTIVITY_PAYMENT|"
    "TYPE_ACTIVITY_OPPORTUNITY|TYPE_LIVE_CHAT|TYPE_LIVE_CHAT_INFO_MESSAGE|TYPE_ACTIVITY_APPOINTMENT|"
    "TYPE_FACEBOOK_COMMENT|TYPE_INSTAGRAM_COMMENT|TYPE_CUSTOM_CALL|TYPE_INTERNAL_COMMENT|"
    "TYPE_ACTIVITY_EMPLOYEE_ACTION_LOG|TYPE_TIKTOK|TYPE_TIKTOK_COMMENT|TYPE_ACTIVITY_WHATSAPP|TYPE_FORM_SUBMISSION|"
    "TYPE_SMS_REACTION"
)
LISTED = (
    "TYPE_CALL|TYPE_SMS|TYPE_RCS|TYPE_EMAIL|TYPE_FACEBOOK|TYPE_GMB|TYPE_INSTAGRAM|TYPE_WHATSAPP|"
    "TYPE_ACTIVITY_APPOINTMENT|TYPE_ACTIVITY_CONTACT|TYPE_ACTIVITY_INVOICE|TYPE_ACTIVITY_PAYMENT|"
    "TYPE_ACTIVITY_OPPORTUNITY|TYPE_LIVE_CHAT|TYPE_INTERNAL_COMMENTS|TYPE_ACTIVITY_EMPLOYEE_ACTION_LOG|TYPE_TIKTOK|"
    "TYPE_ACTIVITY_WHATSAPP|TYPE_FORM_SUBMISSION"
)
NUMBERS = {name: number for number, name in enumerate(TYPES.split("|"), 1)}
SENT_AS = {
    "SMS": "TYPE_SMS",
    "RCS": "TYPE_RCS",
    "Email": "TYPE_EMAIL",
    "WhatsApp": "TYPE_WHATSAPP",
    "IG": "TYPE_INSTAGRAM",
    "FB": "TYPE_FACEBOOK",
    "Custom": "TYPE_CUSTOM_SMS",
    "Live_Chat": "TYPE_LIVE_CHAT",
    "TIKTOK": "TYPE_TIKTOK",
}
FORWARD = shape(
    "isForwarded!:bool forwardWholeThread:bool messageId emailMessageId sourceContactId sourceConversationId toEmail "
    "recipientContactId recipientConversationId"
)
SEND = shape(
    f"type!:{'|'.join(SENT_AS)} subType:any contactId! appointmentId attachments:[text] emailFrom emailCc:[text] "
    "emailBcc:[text] html message subject replyMessageId templateId threadId scheduledTimestamp:number "
    "conversationProviderId emailTo customSubtypeId emailReplyMode:reply|reply_all fromNumber toNumber forward:FORWARD "
    "status:delivered|failed|pending|read usesNativeSchedulingAi:bool optimizationPeriod:24h|48h|72h",
    FORWARD=FORWARD,
)
STATUS = shape(
    "status!:delivered|failed|pending|read error:ERROR emailMessageId recipients:[text]",
    ERROR=shape("code! type! message!"),
)
RECORDED = shape(
    f"contactId! messageType:{TYPES} body subject direction:inbound|outbound status attachments:[text] "
    "conversationProviderId recording:number transcription:[text]"
)
SHOWN = (
    "id type messageType locationId contactId conversationId body direction status contentType attachments meta source "
    "userId conversationProviderId"
)
NOT_THE_OWNER = "The token does not own the conversation provider of this message."


def view(message: Record) -> Record:
    """A message as the vendor shows it."""
    return {**pick(message, SHOWN), **times(message, "dateAdded")}


def conversation_of(state: State, contact: Record) -> Record:
    """The conversation with a contact, made where there is none."""
    held = state.by_value("conversations", contact["locationId"], "contactId", contact["id"])
    if held:
        return held[0]
    return state.create("conversations", contact["locationId"], {"contactId": contact["id"]})


def record_message(state: State, contact: Record, fields: Record) -> Record:
    """Stores a message of a contact's conversation and moves the conversation's last message."""
    conversation = conversation_of(state, contact)
    kind = fields.get("messageType", "TYPE_SMS")
    content = {"contentType": "text/html"} if kind == "TYPE_EMAIL" else {}
    plain = {"messageType": kind, "type": NUMBERS[kind], **content}
    links = {"contactId": contact["id"], "conversationId": conversation["id"]}
    message = state.create("messages", contact["locationId"], {**plain, **fields, **links})
    if kind == "TYPE_EMAIL":
        message = _with_email(state, contact, message)
    inbound = message["direction"] == "inbound"
    last = {
        "lastMessageBody": message["body"],
        "lastMessageType": kind,
        "lastMessageDirection": message["direction"],
        "lastMessageDate": message["dateAdded"],
        "unreadCount": conversation["unreadCount"] + 1 if inbound else 0,
    }
    state.update("conversations", conversation, last)
    return message


def _with_email(state: State, contact: Record, message: Record) -> Record:
    ours, theirs = f"office@{contact['locationId'].lower()}.example.com", contact.get("email", "")
    inbound = message["direction"] == "inbound"
    email = {
        "threadId": message["id"],
        "messageId": message["id"],
        "from": message.get("emailFrom", theirs if inbound else ours),
        "to": [message.get("emailTo", ours if inbound else theirs)],
        **pick(message, "contactId conversationId subject body direction status contentType attachments source"),
    }
    made = state.create("emails", contact["locationId"], email)
    meta = {"email": {"messageIds": [made["id"]]}}
    return state.update("messages", message, {"meta": meta})


def _send(call: Call) -> Record:
    body = call.body
    contact = call.state.get("contacts", body["contactId"])
    if not any(body.get(name) for name in ("message", "html", "attachments", "templateId")):
        raise bad_request("There is no message or attachments for this message. Skip sending.")
    fields = pick(body, "attachments subject conversationProviderId emailFrom emailTo status")
    text = body.get("html") if body["type"] == "Email" else body.get("message")
    source = {"messageType": SENT_AS[body["type"]], "source": "api", "app": call.grant.app}
    said = {"body": text or body.get("message", "")}
    message = record_message(call.state, contact, {**fields, **source, **said})
    return _told(message, "Message queued successfully.")


def _told(message: Record, words: str) -> Record:
    ids = message.get("meta", {}).get("email", {}).get("messageIds", [])
    email = {"emailMessageId": ids[0]} if ids else {}
    told = {"conversationId": message["conversationId"], "messageId": message["id"], "status": message["status"]}
    return {**told, **email, "msg": words}


def _set_status(call: Call) -> Record:
    message = call.record("messages", "messageId")
    if message.get("app", call.grant.app) != call.grant.app:
        raise unauthorized(NOT_THE_OWNER)
    message = call.state.update("messages", message, pick(call.body, "status error"))
    for key in message.get("meta", {}).get("email", {}).get("messageIds", []):
        call.state.update("emails", call.state.get("emails", key), {"status": call.body["status"]})
    return _told(message, "Message status updated.")


def _read(call: Call) -> Record:
    return view(call.record("messages", "id"))


def _list(call: Call) -> Record:
    """Newest first, going on towards older ones after `lastMessageId`."""
    conversation = call.record("conversations", "conversationId")
    kind, limit = call.query.get("type"), int(call.query.get("limit", 20))
    held = call.state.by_value("messages", conversation["locationId"], "conversationId", conversation["id"])
    found = [each for each in reversed(held) if kind in {None, each["messageType"]}]
    after = call.query.get("lastMessageId")
    if after:
        keys = [each["id"] for each in found]
        found = found[keys.index(after) + 1 :] if after in keys else []
    page = found[:limit]
    last = page[-1]["id"] if page else ""
    said = {"lastMessageId": last, "nextPage": len(found) > limit, "messages": [view(each) for each in page]}
    return said if call.state.documented else {"messages": said}


def _email(call: Call) -> Record:
    email = call.record("emails", "id")
    names = "id threadId locationId contactId conversationId subject body direction status contentType attachments"
    shown = {**pick(email, f"{names} from to source"), **times(email, "dateAdded")}
    return shown if call.state.documented else {"emailMessage": shown}


def receive(state: State, asked: Any) -> Record:
    """A message that comes in, or any other message, from outside the API.

    Raises:
        Refusal: it is not described as it should be, or its contact is not known.
    """
    wrong = list(faults(RECORDED, asked)) if isinstance(asked, dict) else ["the body must be an object"]
    if wrong:
        raise bad_request("; ".join(wrong))
    contact = state.get("contacts", asked["contactId"])
    fields = {"direction": "inbound", "status": "delivered", **asked}
    return record_message(state, contact, fields)


GET: dict[str, Any] = {"version": "2021-04-15", "scope": "conversations/message.readonly"}
SET: dict[str, Any] = {"version": "2021-04-15", "scope": "conversations/message.write"}
ROUTES: tuple[Route, ...] = (
    post("/conversations/messages", _send, body=SEND, **SET),
    get("/conversations/messages/{id}", _read, **GET),
    get("/conversations/messages/email/{id}", _email, **GET),
    put("/conversations/messages/{messageId}/status", _set_status, body=STATUS, **SET),
    get(
        "/conversations/{conversationId}/messages",
        _list,
        query=shape(f"lastMessageId limit:count<=100 type:{LISTED}"),
        lists="messages",
        **GET,
    ),
)
