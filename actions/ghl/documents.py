"""Sending documents to be signed: beside the catalogue, and not counted in it."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Probe, Unsafe
from connections.fields import Email
from connections.names import UserId
from connections.operation import LocationId, get, post
from connections.paging import Offset

CATEGORY = "Documents & Contracts"
EXTRA = True


class CopiedTo(TypedDict, total=False):
    """Somebody who gets a copy."""

    id: Required[str]
    email: Required[Email]
    contactName: Required[str]
    firstName: Required[str]
    lastName: Required[str]
    imageUrl: Required[str]


class ToReceiver(TypedDict, total=False):
    """The message to whoever receives the document."""

    templateId: Required[str]
    subject: Required[str]


class FromSender(TypedDict, total=False):
    """Who the message is from."""

    fromEmail: Required[Email]
    fromName: Required[str]


class Notification(TypedDict, total=False):
    """The message that goes with the document."""

    receive: Required[ToReceiver]
    sender: Required[FromSender]


class Sending(TypedDict, total=False):
    """A document, and how it is sent."""

    locationId: Required[LocationId]
    documentId: Required[str]
    sentBy: Required[Annotated[UserId, Field(description="The user who sends it.")]]
    documentName: str
    medium: Annotated[Literal["link", "email"], Field(description="As a link only, or by e-mail.")]
    ccRecipients: list[CopiedTo]
    notificationSettings: Notification


class SendingTemplate(TypedDict, total=False):
    """A template, and whom its document is for."""

    locationId: Required[LocationId]
    templateId: Required[str]
    contactId: Required[str]
    userId: Required[Annotated[UserId, Field(description="The user who sends it.")]]
    opportunityId: str
    sendDocument: Annotated[bool, Field(description="False leaves the document a draft.")]


class Look(TypedDict, total=False):
    """A look at the location's documents."""

    locationId: Required[LocationId]


PAGE = 20

ROWS = (
    Action(
        id="ghl.documents.send",
        summary="Send a document to its recipients",
        send=post("/proposals/document/send", Sending),
        repeat=Unsafe(
            probe=Probe(
                find=get("/proposals/document", Look),
                records="documents",
                asks={"locationId": "locationId"},
                same={"documentId|_id": "documentId"},
                unless={"status.0": "draft"},
                since="updatedAt",
                id="_id",
                paging=Offset(size=PAGE),
            )
        ),
        returns="links.0.documentId",
        scopes=("documents_contracts/sendLink.write",),
        token="either",
    ),
    Action(
        id="ghl.documents.templates.send",
        summary="Make a document for a contact from a template, and send it",
        send=post("/proposals/templates/send", SendingTemplate),
        repeat=Unsafe(
            probe=Probe(
                find=get("/proposals/document", Look),
                records="documents",
                asks={"locationId": "locationId"},
                same={"recipients.0.id": "contactId"},
                since="createdAt",
                id="documentId|_id",
                paging=Offset(size=PAGE),
            )
        ),
        returns="links.0.documentId",
        scopes=("documents_contracts_template/sendLink.write",),
        token="either",
    ),
)
