"""Conversations with contacts, searched by their last message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.messages import TYPES
from sandbox.refusal import unprocessable
from sandbox.route import Call, Route, get, post
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import full_name, pick

SEARCH = shape(
    "locationId! contactId assignedTo followers mentions query sort:asc|desc startAfterDate:any id limit:count<=100 "
    f"lastMessageType:{TYPES} lastMessageAction:automated|manual lastMessageDirection:inbound|outbound "
    "status:all|read|unread|starred|recents "
    "sortBy:last_manual_message_date|last_message_date|score_profile|overdue_at|due_at sortScoreProfile scoreProfile "
    "scoreProfileMin:number scoreProfileMax:number startDate:number endDate:number"
)
TYPING = shape("locationId! isTyping!:truth visitorId! conversationId!")
CHANNEL = {"TYPE_EMAIL": "TYPE_EMAIL", "TYPE_FACEBOOK": "TYPE_FB_MESSENGER", "TYPE_REVIEW": "TYPE_REVIEW"}
NUMBERS = {"TYPE_PHONE": 1, "TYPE_EMAIL": 2, "TYPE_FB_MESSENGER": 3, "TYPE_REVIEW": 4}
MESSAGE = "lastMessageBody lastMessageType lastMessageDirection lastMessageDate"


def _channel(conversation: Record) -> str:
    return CHANNEL.get(conversation.get("lastMessageType", ""), "TYPE_PHONE")


def listed(call: Call, conversation: Record) -> Record:
    """A conversation as search shows it: its times in milliseconds, with what its contact is called."""
    contact = call.state.find("contacts", conversation["contactId"]) or {}
    name = full_name(contact)
    blank = {"lastMessageBody": "", "lastMessageType": "TYPE_SMS"}
    return {
        **blank,
        **pick(conversation, f"id contactId locationId unreadCount dateAdded dateUpdated assignedTo starred {MESSAGE}"),
        "type": _channel(conversation),
        "fullName": name,
        "contactName": name,
        "email": contact.get("email", ""),
        "phone": contact.get("phone", ""),
        "tags": contact.get("tags", []),
        "followers": conversation.get("followers", []),
        "sort": [conversation.get("lastMessageDate", conversation["dateAdded"])],
    }


def _read(call: Call) -> Record:
    conversation = call.record("conversations", "conversationId")
    shown = pick(conversation, "id contactId locationId deleted inbox unreadCount assignedTo starred")
    return {**shown, "type": NUMBERS[_channel(conversation)]}


def _search(call: Call) -> Record:
    """By last message, newest first unless told otherwise; goes on strictly beyond `startAfterDate`."""
    limit, ascending = int(call.query.get("limit", 20)), call.query.get("sort") == "asc"
    rows = call.state.tables["conversations"].get(call.location, {})
    times = call.state.by_time("conversations", call.location, "lastMessageDate", None, None)
    tests = _tests(call)
    found = [entry for entry in times if all(test(rows[entry[1]]) for test in tests)]
    total = len(found)
    after = call.query.get("startAfterDate")
    if after is not None:
        mark = _mark(after)
        found = [entry for entry in found if (entry[0] > mark if ascending else entry[0] < mark)]
    page = (found if ascending else found[::-1])[:limit]
    return {"conversations": [listed(call, rows[key]) for _, key in page], "total": total}


def _mark(text: str) -> int:
    if not text.isdecimal():
        raise unprocessable("startAfterDate must be a number of milliseconds")
    return int(text)


def _tests(call: Call) -> list[Callable[[Record], bool]]:
    query = call.query
    tests: list[Callable[[Record], bool]] = [lambda each: not each["deleted"]]
    same = [name for name in ("id", "contactId", "lastMessageType", "lastMessageDirection") if query.get(name)]
    tests.append(lambda each: all(each.get(name) == query[name] for name in same))
    if query.get("assignedTo"):
        wanted = {None if key == "unassigned" else key for key in query["assignedTo"].split(",")}
        tests.append(lambda each: each.get("assignedTo") in wanted)
    if query.get("followers"):
        tests.append(lambda each: bool(set(each.get("followers", [])) & set(query["followers"].split(","))))
    if query.get("status") in {"unread", "read", "starred"}:
        tests.append(STATUS[query["status"]])
    if query.get("query"):
        tests.append(lambda each: _mentions(call, each, query["query"].lower()))
    tests.append(lambda each: query.get("startDate", 0) <= each["dateAdded"] <= query.get("endDate", 1 << 62))
    return tests


STATUS: dict[str, Callable[[Record], bool]] = {
    "unread": lambda each: each["unreadCount"] > 0,
    "read": lambda each: each["unreadCount"] == 0,
    "starred": lambda each: bool(each.get("starred")),
}


def _mentions(call: Call, conversation: Record, words: str) -> bool:
    contact = call.state.find("contacts", conversation["contactId"]) or {}
    return any(words in str(contact.get(name, "")).lower() for name in ("firstName", "lastName", "email", "phone"))


def _typing(call: Call) -> Record:
    call.state.get("conversations", call.body["conversationId"])
    return {"success": True}


GET: dict[str, Any] = {"version": "2021-04-15", "scope": "conversations.readonly"}
ROUTES: tuple[Route, ...] = (
    get("/conversations/search", _search, query=SEARCH, lists="conversations", **GET),
    get("/conversations/{conversationId}", _read, **GET),
    post(
        "/conversations/providers/live-chat/typing",
        _typing,
        body=TYPING,
        ok=201,
        version="2021-04-15",
        scope="conversations/livechat.write",
    ),
)
