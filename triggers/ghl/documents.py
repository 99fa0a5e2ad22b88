"""Documents to sign, and the templates they are made from: beside the catalogue, and not counted in it."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from connections.fields import Comma, Joined
from connections.operation import LocationId, get
from connections.paging import Offset
from triggers.trigger import Snapshot, Trigger

CATEGORY = "Documents & Contracts"
EXTRA = True

PAGE = 20
"""No limit is documented, and a page shorter than asked for would pass for the last: so few are surely given."""


class Documents(TypedDict, total=False):
    """Which documents: all of the location unless narrowed."""

    locationId: Required[LocationId]
    status: Annotated[
        list[Literal["draft", "sent", "viewed", "completed", "accepted"]],
        Joined(),
        Field(description="Only these statuses; the vendor gets them joined by commas."),
    ]
    paymentStatus: Annotated[
        Literal["waiting_for_payment", "paid", "no_payment"], Field(description="Only this state of payment.")
    ]
    query: Annotated[str, Field(description="Words in the document's name.")]


class Templates(TypedDict, total=False):
    """Which templates: all of the location unless narrowed."""

    locationId: Required[LocationId]
    type: Annotated[Comma, Field(description="Of `proposal`, `estimate`, `contentLibrary`.")]
    name: Annotated[str, Field(description="Words in the template's name.")]
    isPublicDocument: Annotated[bool, Field(description="Only those that are public forms; `userId` is needed then.")]
    userId: Annotated[str, Field(description="The id of a user.")]


ROWS = (
    Trigger(
        id="ghl.documents.list",
        summary="A document is new, has changed (its status, say), or is gone",
        fetch=get("/proposals/document", Documents),
        records="documents",
        key=("_id",),
        strategy=Snapshot(version="updatedAt", added="createdAt", missing=2),
        paging=Offset(size=PAGE),
        gone={"deleted": True},
        scopes=("documents_contracts/list.readonly",),
        token="either",
    ),
    Trigger(
        id="ghl.documents.templates.list",
        summary="A template of documents is new, has changed, or is gone",
        fetch=get("/proposals/templates", Templates),
        records="data",
        key=("_id|id",),
        strategy=Snapshot(version="updatedAt", added="createdAt", missing=2),
        paging=Offset(size=PAGE, as_text=True),
        gone={"deleted": True},
        scopes=("documents_contracts_template/list.readonly",),
        token="either",
    ),
)
