"""Messages: sending them, and telling what became of them."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Probe, Unsafe
from connections.fields import Email, Number, Phone, Url
from connections.operation import LocationId, get, post, put

CATEGORY = "Conversations & Messages"

VERSION = "2021-04-15"
WRITE = ("conversations/message.write",)

Status = Literal["delivered", "failed", "pending", "read"]


class Failure(TypedDict, total=False):
    """Why a provider could not deliver a message."""

    code: Required[str]
    type: Required[str]
    message: Required[str]


class StatusChange(TypedDict, total=False):
    """What became of a message."""

    status: Required[Status]
    error: Failure
    emailMessageId: str
    recipients: Annotated[list[Email], Field(description="For which other recipients of an e-mail it holds.")]


class Typing(TypedDict, total=False):
    """Whether an agent is typing in a live chat."""

    locationId: Required[LocationId]
    isTyping: Required[bool]
    visitorId: Required[str]
    conversationId: Required[str]


class Forward(TypedDict, total=False):
    """Which e-mail is forwarded, and to whom."""

    isForwarded: Required[bool]
    forwardWholeThread: bool
    messageId: Annotated[str, Field(description="The thread that is forwarded.")]
    emailMessageId: Annotated[str, Field(description="The single e-mail that is forwarded.")]
    sourceContactId: str
    sourceConversationId: str
    toEmail: Email
    recipientContactId: str
    recipientConversationId: str


class NewMessage(TypedDict, total=False):
    """A message to a contact."""

    type: Required[Literal["SMS", "RCS", "Email", "WhatsApp", "IG", "FB", "Custom", "Live_Chat", "TIKTOK"]]
    contactId: Required[str]
    message: Annotated[str, Field(description="The text.")]
    html: Annotated[str, Field(description="The text of an e-mail, as HTML.")]
    subject: Annotated[str, Field(description="The subject of an e-mail.")]
    attachments: Annotated[list[Url], Field(description="Web addresses of files.")]
    templateId: str
    appointmentId: str
    emailFrom: str
    emailTo: Annotated[Email, Field(description="One of the contact's other addresses.")]
    emailCc: list[Email]
    emailBcc: list[Email]
    emailReplyMode: Literal["reply", "reply_all"]
    replyMessageId: Annotated[str, Field(description="The message that is replied to.")]
    threadId: str
    fromNumber: Phone
    toNumber: Phone
    scheduledTimestamp: Annotated[Number, Field(description="When to send it, in seconds since 1970.")]
    conversationProviderId: str
    customSubtypeId: Annotated[str, Field(description="What kind of e-mail it is, for those who unsubscribe.")]
    forward: Forward
    subType: Annotated[str, Field(description="As in Email.")]
    status: Status
    usesNativeSchedulingAi: bool
    optimizationPeriod: Literal["24h", "48h", "72h"]


class OfContact(TypedDict, total=False):
    """A look at a contact's conversations."""

    locationId: Required[LocationId]
    contactId: str


ROWS = (
    Action(
        id="ghl.conversations.messages.set_status",
        summary="Tell what became of a message",
        send=put("/conversations/messages/{messageId}/status", StatusChange, version=VERSION),
        returns="messageId",
        scopes=WRITE,
        warning="Only the conversation provider's own app may do this",
    ),
    Action(
        id="ghl.conversations.live_chat.typing",
        summary="Show in a live chat that an agent is typing",
        send=post("/conversations/providers/live-chat/typing", Typing, version=VERSION),
        scopes=("conversations/livechat.write",),
    ),
    Action(
        id="ghl.conversations.messages.send",
        summary="Send a message to a contact",
        send=post("/conversations/messages", NewMessage, version=VERSION),
        repeat=Unsafe(
            probe=Probe(
                find=get("/conversations/{conversationId}/messages", version=VERSION),
                records=("messages.messages", "messages"),
                fixed={"limit": 20},
                same={"body": "message"},
                unless={"direction": "inbound"},
                since="dateAdded",
                more=Probe(
                    find=get("/conversations/search", OfContact, version=VERSION),
                    records="conversations",
                    asks={"contactId": "contactId"},
                ),
                more_as="conversationId",
            )
        ),
        returns=("messageId", "messageIds.0", "emailMessageId"),
        one_of=("message", "html", "attachments", "templateId"),
        scopes=WRITE,
        warning="An answer means that the message is queued: ghl.conversations.messages.get tells whether it arrived",
    ),
)
