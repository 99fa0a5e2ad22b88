"""Businesses that contacts belong to."""

from __future__ import annotations

from connections.operation import InLocation, get
from connections.paging import Offset
from triggers.trigger import Object, Snapshot, Trigger, minutes

CATEGORY = "Businesses"

READ = ("businesses.readonly",)
OF_RECORDS = ("RecordCreate", "RecordUpdate", "RecordDelete")

ROWS = (
    Trigger(
        id="ghl.businesses.get",
        summary="One business has changed, or is gone",
        fetch=get("/businesses/{businessId}"),
        records="business",
        strategy=Object(),
        default_event="changed",
        volatile=("traceId", "updatedAt", "updatedBy"),
        scopes=READ,
        every=minutes(10),
        wakes=OF_RECORDS,
    ),
    Trigger(
        id="ghl.businesses.list",
        summary="A business is new, has changed, or is gone",
        fetch=get("/businesses/", InLocation),
        records="businesses",
        strategy=Snapshot(version="updatedAt", added="createdAt"),
        paging=Offset(),
        volatile=("traceId", "updatedBy"),
        scopes=READ,
        every=minutes(10),
        wakes=OF_RECORDS,
    ),
)
