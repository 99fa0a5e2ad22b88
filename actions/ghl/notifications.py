"""What a calendar tells people, and when."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe
from connections.fields import Email, Number, Phone
from connections.operation import delete, get, post, put

CATEGORY = "Calendars & Appointments"

VERSION = "2021-04-15"
WRITE = ("calendars/events.write",)

Receiver = Literal["contact", "guest", "assignedUser", "emails", "phoneNumbers", "business"]
Channel = Literal["email", "inApp", "sms", "whatsapp"]
Occasion = Literal["booked", "confirmation", "cancellation", "reminder", "followup", "reschedule"]


class Delay(TypedDict, total=False):
    """How long before or after."""

    timeOffset: Number
    unit: Annotated[str, Field(description="As in `hours`.")]


class Details(TypedDict, total=False):
    """What every notification may have."""

    isActive: bool
    templateId: Annotated[str, Field(description="The template of an e-mail.")]
    body: Annotated[str, Field(description="The text of an e-mail.")]
    subject: Annotated[str, Field(description="The subject of an e-mail.")]
    afterTime: Annotated[list[Delay], Field(description="How long after the meeting a follow-up is sent.")]
    beforeTime: Annotated[list[Delay], Field(description="How long before the meeting a reminder is sent.")]
    additionalEmailIds: Annotated[list[Email], Field(description="E-mail addresses that get it as well.")]
    additionalPhoneNumbers: Annotated[list[Phone], Field(description="Phone numbers that get it as well.")]
    selectedUsers: Annotated[list[str], Field(description="Ids of users, or `sub_account_admin`.")]
    fromAddress: str
    fromName: str
    fromNumber: Phone


class NewNotification(Details, total=False):
    """A notification that does not exist yet."""

    receiverType: Required[Receiver]
    channel: Required[Channel]
    notificationType: Required[Occasion]


class Notification(Details, total=False):
    """A notification's fields that change."""

    receiverType: Receiver
    channel: Channel
    notificationType: Occasion
    deleted: Annotated[bool, Field(description="True takes it out of use.")]


ROWS = (
    Action(
        id="ghl.calendars.notifications.create",
        summary="Add a notification to a calendar",
        send=post("/calendars/{calendarId}/notifications", NewNotification, body_is_array=True, version=VERSION),
        repeat=Guarded(
            probe=Probe(
                find=get("/calendars/{calendarId}/notifications", version=VERSION),
                records=("notifications", "data", ""),
                asks={"calendarId": "calendarId"},
                fixed={"deleted": False},
                same={
                    "receiverType": "receiverType",
                    "channel": "channel",
                    "notificationType": "notificationType",
                    "beforeTime": "beforeTime",
                    "afterTime": "afterTime",
                },
                id="_id",
            )
        ),
        returns=("0._id", "_id", "notifications.0._id"),
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.notifications.update",
        summary="Change a notification of a calendar",
        send=put("/calendars/{calendarId}/notifications/{notificationId}", Notification, version=VERSION),
        scopes=WRITE,
    ),
    Action(
        id="ghl.calendars.notifications.delete",
        summary="Delete a notification of a calendar",
        send=delete("/calendars/{calendarId}/notifications/{notificationId}", version=VERSION),
        missing_is_done=True,
        scopes=WRITE,
    ),
)
