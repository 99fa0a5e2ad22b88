"""Conversations, their messages, recordings and transcripts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.errors import Garbage
from connections.fields import Comma, Joined, Ms, Number
from connections.names import Named
from connections.operation import AT_LOCATION, LocationId, get
from connections.paging import Keyset, first_at, object_in
from triggers.trigger import Availability, Object, Trigger, Watermark, minutes, seconds

CATEGORY = "Conversations & Messages"

VERSION = "2021-04-15"
READ = ("conversations.readonly",)
READ_MESSAGES = ("conversations/message.readonly",)
OF_MESSAGES = ("InboundMessage", "OutboundMessage")
OF_CONVERSATIONS = (*OF_MESSAGES, "ConversationUnreadUpdate")
OF_DELIVERY = (*OF_MESSAGES, "LCEmailStats")
NOT_YET = (400, 404, 422)
"""What the vendor answers until a recording or a transcript is there."""
A_DAY = timedelta(hours=24)
"""After so long there will be none: calls of voice agents, for one, have theirs elsewhere."""

LastMessage = Literal[
    "TYPE_CALL",
    "TYPE_SMS",
    "TYPE_RCS",
    "TYPE_EMAIL",
    "TYPE_SMS_REVIEW_REQUEST",
    "TYPE_WEBCHAT",
    "TYPE_SMS_NO_SHOW_REQUEST",
    "TYPE_CAMPAIGN_SMS",
    "TYPE_CAMPAIGN_CALL",
    "TYPE_CAMPAIGN_EMAIL",
    "TYPE_CAMPAIGN_VOICEMAIL",
    "TYPE_FACEBOOK",
    "TYPE_CAMPAIGN_FACEBOOK",
    "TYPE_CAMPAIGN_MANUAL_CALL",
    "TYPE_CAMPAIGN_MANUAL_SMS",
    "TYPE_GMB",
    "TYPE_CAMPAIGN_GMB",
    "TYPE_REVIEW",
    "TYPE_INSTAGRAM",
    "TYPE_WHATSAPP",
    "TYPE_CUSTOM_SMS",
    "TYPE_CUSTOM_EMAIL",
    "TYPE_CUSTOM_PROVIDER_SMS",
    "TYPE_CUSTOM_PROVIDER_EMAIL",
    "TYPE_IVR_CALL",
    "TYPE_ACTIVITY_CONTACT",
    "TYPE_ACTIVITY_INVOICE",
    "TYPE_ACTIVITY_PAYMENT",
    "TYPE_ACTIVITY_OPPORTUNITY",
    "TYPE_LIVE_CHAT",
    "TYPE_LIVE_CHAT_INFO_MESSAGE",
    "TYPE_ACTIVITY_APPOINTMENT",
    "TYPE_FACEBOOK_COMMENT",
    "TYPE_INSTAGRAM_COMMENT",
    "TYPE_CUSTOM_CALL",
    "TYPE_INTERNAL_COMMENT",
    "TYPE_ACTIVITY_EMPLOYEE_ACTION_LOG",
    "TYPE_TIKTOK",
    "TYPE_TIKTOK_COMMENT",
    "TYPE_ACTIVITY_WHATSAPP",
    "TYPE_FORM_SUBMISSION",
    "TYPE_SMS_REACTION",
]
MessageType = Literal[
    "TYPE_CALL",
    "TYPE_SMS",
    "TYPE_RCS",
    "TYPE_EMAIL",
    "TYPE_FACEBOOK",
    "TYPE_GMB",
    "TYPE_INSTAGRAM",
    "TYPE_WHATSAPP",
    "TYPE_ACTIVITY_APPOINTMENT",
    "TYPE_ACTIVITY_CONTACT",
    "TYPE_ACTIVITY_INVOICE",
    "TYPE_ACTIVITY_PAYMENT",
    "TYPE_ACTIVITY_OPPORTUNITY",
    "TYPE_LIVE_CHAT",
    "TYPE_INTERNAL_COMMENTS",
    "TYPE_ACTIVITY_EMPLOYEE_ACTION_LOG",
    "TYPE_TIKTOK",
    "TYPE_ACTIVITY_WHATSAPP",
    "TYPE_FORM_SUBMISSION",
]


class Search(TypedDict, total=False):
    """Which conversations: all of the location unless narrowed."""

    locationId: Required[LocationId]
    contactId: str
    assignedTo: Annotated[
        Comma,
        Named("user", but=("unassigned",)),
        Field(description="Users who look after it, or `unassigned`."),
    ]
    followers: Annotated[Comma, Field(description="Ids of users who follow the conversation.")]
    mentions: Annotated[Comma, Field(description="Ids of users who are mentioned.")]
    query: Annotated[str, Field(description="Words to look for.")]
    id: Annotated[str, Field(description="Only this conversation.")]
    lastMessageType: LastMessage
    lastMessageAction: Literal["automated", "manual"]
    lastMessageDirection: Literal["inbound", "outbound"]
    status: Literal["all", "read", "unread", "starred", "recents"]
    sortScoreProfile: str
    scoreProfile: Annotated[str, Field(description="A score profile, with scoreProfileMin and scoreProfileMax.")]
    scoreProfileMin: Number
    scoreProfileMax: Number
    startDate: Annotated[Ms, Field(description="Only conversations begun at or after this time.")]
    endDate: Annotated[Ms, Field(description="Only conversations begun before this time.")]


class Messages(TypedDict, total=False):
    """Which messages: all of the conversation unless narrowed."""

    type: Annotated[list[MessageType], Joined(), Field(description="Only these types of message.")]


def joined(answer: Any, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry with the whole transcript; documents show a single sentence where answers hold a list of them."""
    found = first_at(answer, ("transcriptions", "data", ""))
    told = [object_in(sentence) for sentence in (found if isinstance(found, list) else [found])]
    if told and not any("transcript" in sentence for sentence in told):
        raise Garbage("expected sentences with their transcript")
    sentences = sorted(told, key=lambda sentence: int(sentence.get("sentenceIndex") or 0))
    text = " ".join(str(sentence["transcript"]) for sentence in sentences if sentence.get("transcript"))
    return [{"messageId": inputs["messageId"], "text": text, "sentences": sentences}] if text else []


ROWS = (
    Trigger(
        id="ghl.conversations.search",
        summary="A conversation is new, or has a new message",
        fetch=get("/conversations/search", Search, version=VERSION),
        records="conversations",
        strategy=Watermark(added="dateAdded", updated="lastMessageDate", lookback=seconds(60)),
        paging=Keyset(values={"startAfterDate": ("last.sort.0", "last.lastMessageDate")}, overlap=1),
        fixed={"sortBy": "last_message_date", "sort": "desc"},
        volatile=("traceId", "sort", "scoring"),
        default_event="updated",
        scopes=READ,
        every=minutes(1),
        wakes=OF_CONVERSATIONS,
    ),
    Trigger(
        id="ghl.conversations.get",
        summary="One conversation has changed, or is gone",
        fetch=get("/conversations/{conversationId}", version=VERSION),
        records=("conversation", ""),
        strategy=Object(),
        gone={"deleted": True},
        default_event="changed",
        volatile=("traceId", "dateUpdated", "scoring", "sort"),
        scopes=READ,
        every=minutes(2),
        wakes=OF_CONVERSATIONS,
    ),
    Trigger(
        id="ghl.conversations.emails.get",
        summary="One e-mail has changed: it was delivered, opened, or it failed",
        fetch=get("/conversations/messages/email/{id}", version=VERSION),
        records=("emailMessage", ""),
        strategy=Object(),
        default_event="changed",
        scopes=READ_MESSAGES,
        every=minutes(2),
        wakes=OF_DELIVERY,
    ),
    Trigger(
        id="ghl.conversations.messages.get",
        summary="One message has changed: it was delivered, read, or it failed",
        fetch=get("/conversations/messages/{id}", version=VERSION),
        records=("message", ""),
        strategy=Object(),
        default_event="changed",
        scopes=READ_MESSAGES,
        every=minutes(1),
        wakes=OF_DELIVERY,
    ),
    Trigger(
        id="ghl.conversations.messages.list",
        summary="A message of a conversation is new, or its status has changed",
        fetch=get("/conversations/{conversationId}/messages", Messages, version=VERSION),
        records=("messages.messages", "messages"),
        strategy=Watermark(added="dateAdded", also="status"),
        paging=Keyset(
            values={"lastMessageId": ("messages.lastMessageId", "lastMessageId")},
            more=("messages.nextPage", "nextPage"),
            size=50,
        ),
        scopes=READ_MESSAGES,
        every=minutes(1),
        wakes=OF_MESSAGES,
        warning="E-mails come without their text: ghl.conversations.emails.get has it",
    ),
    Trigger(
        id="ghl.conversations.messages.recording",
        summary="The recording of a call is there",
        fetch=get(
            "/conversations/messages/{messageId}/locations/{locationId}/recording",
            version=VERSION,
            path_from_connection=AT_LOCATION,
        ),
        key=("messageId",),
        strategy=Availability(once=True, binary=True, waiting=NOT_YET, patience=A_DAY, events=("new",)),
        scopes=READ_MESSAGES,
        wakes=OF_MESSAGES,
    ),
    Trigger(
        id="ghl.conversations.messages.transcription",
        summary="The transcript of a call is there",
        fetch=get(
            "/conversations/locations/{locationId}/messages/{messageId}/transcription",
            version=VERSION,
            path_from_connection=AT_LOCATION,
        ),
        key=("messageId",),
        strategy=Availability(entries=joined, once=True, waiting=NOT_YET, patience=A_DAY, events=("new", "changed")),
        scopes=READ_MESSAGES,
        wakes=OF_MESSAGES,
    ),
    Trigger(
        id="ghl.conversations.messages.transcription_download",
        summary="The transcript of a call is there as a file",
        fetch=get(
            "/conversations/locations/{locationId}/messages/{messageId}/transcription/download",
            version=VERSION,
            path_from_connection=AT_LOCATION,
        ),
        key=("messageId",),
        strategy=Availability(once=True, binary=True, waiting=NOT_YET, patience=A_DAY, events=("new",)),
        scopes=READ_MESSAGES,
        wakes=OF_MESSAGES,
    ),
)
