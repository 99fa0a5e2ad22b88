"""Opportunities in lists: the old search by query string, and the advanced one with filters and sort."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sandbox.opportunities import view
from sandbox.refusal import unprocessable
from sandbox.route import Call, Route, get, post
from sandbox.search import Dialect, search
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.zones import zone_of

DIALECT = Dialect(
    table="opportunities",
    times={
        "date_added": "createdAt",
        "date_updated": "updatedAt",
        "last_stage_change_date": "lastStageChangeAt",
        "last_status_change_date": "lastStatusChangeAt",
    },
    texts={
        "id": "id",
        "name": "name",
        "pipeline_id": "pipelineId",
        "pipeline_stage_id": "pipelineStageId",
        "status": "status",
        "assigned_to": "assignedTo",
        "contact_id": "contactId",
        "followers": "followers",
        "source": "source",
        "lost_reason_id": "lostReasonId",
    },
    numbers={"monetary_value": "monetaryValue"},
    custom="custom_fields",
    words=("name",),
    default_sort="date_added",
)
DETAILS = shape("notes:bool tasks:bool calendarEvents:bool unReadConversations:bool")
ADVANCED = shape(
    "locationId! query limit:count<=500 page:count searchAfter:any additionalDetails:DETAILS filters:[object] "
    "sort:[object]",
    DETAILS=DETAILS,
)
SIMPLE = shape(
    "q location_id! pipeline_id pipeline_stage_id contact_id status:open|won|lost|abandoned|all assigned_to campaignId "
    "id order endDate startAfter startAfterId date country page:count limit:count<=100 getTasks:bool getNotes:bool "
    "getCalendarEvents:bool"
)
SAME = {
    "pipeline_id": "pipelineId",
    "pipeline_stage_id": "pipelineStageId",
    "contact_id": "contactId",
    "assigned_to": "assignedTo",
    "id": "id",
}


def _advanced(call: Call) -> Record:
    found = search(call.state, call.location, DIALECT, call.body, int(call.body.get("limit", 20)))
    page = [{**view(call.state, record), "sort": after} for record, after in found.page]
    return {"opportunities": page, "total": found.total, "aggregations": {}}


def _simple(call: Call) -> Record:
    """By creation, newest first unless `order` says added_asc; goes on after a time and an id, or by page."""
    limit, ascending = int(call.query.get("limit", 20)), call.query.get("order") == "added_asc"
    since, until = _days(call)
    times = call.state.by_time("opportunities", call.location, "createdAt", since, until)
    rows = call.state.tables["opportunities"].get(call.location, {})
    times = [entry for entry in times if _fits(rows[entry[1]], call.query)]
    part, page = _part(call, times, limit, ascending)
    extra: Record = {name: [] for name, flag in FLAGS.items() if call.query.get(flag)}
    shown = [{**view(call.state, rows[key]), **extra} for _, key in part]
    return {"opportunities": shown, "meta": _meta(call, part, len(times), limit, page), "aggregations": {}}


FLAGS = {"notes": "getNotes", "tasks": "getTasks", "calendarEvents": "getCalendarEvents"}


def _fits(record: Record, query: Any) -> bool:
    words = str(query.get("q", "")).lower()
    return (
        all(record.get(field) == query[name] for name, field in SAME.items() if query.get(name))
        and query.get("status", "all") in {"all", record["status"]}
        and words in record["name"].lower()
    )


def _days(call: Call) -> tuple[int | None, int | None]:
    """`date` and `endDate` are whole days of creation, written mm-dd-yyyy."""
    where = zone_of(call.state, call.location)
    start = _day(call.query["date"], where) if "date" in call.query else None
    end = _day(call.query["endDate"], where) + timedelta(days=1) if "endDate" in call.query else None
    low = round(start.timestamp() * 1000) if start else None
    return low, round(end.timestamp() * 1000) - 1 if end else None


def _day(text: str, where: ZoneInfo) -> datetime:
    try:
        return datetime.strptime(text, "%m-%d-%Y").replace(tzinfo=where)
    except ValueError as exc:
        raise unprocessable(f"{text} must be a date as mm-dd-yyyy") from exc


def _part(call: Call, times: list[tuple[int, str]], limit: int, ascending: bool) -> tuple[list[tuple[int, str]], int]:
    after, after_id, page = call.query.get("startAfter"), call.query.get("startAfterId"), int(call.query.get("page", 1))
    if after is None or after_id is None:  # one without the other is the first page again
        start, end = (page - 1) * limit, max(0, len(times) - (page - 1) * limit)
        return times[start : start + limit] if ascending else times[max(0, end - limit) : end][::-1], page
    if not after.isdigit():
        raise unprocessable("startAfter must be a number string")
    mark = (int(after), after_id)
    if ascending:
        start = bisect_right(times, mark)
        return times[start : start + limit], page + 1
    end = bisect_left(times, mark)
    return times[max(0, end - limit) : end][::-1], page + 1


def _meta(call: Call, part: list[tuple[int, str]], total: int, limit: int, page: int) -> Record:
    meta: Record = {"total": total, "currentPage": page}
    if page > 1:
        meta["prevPage"] = page - 1
    if part:
        meta |= {"startAfter": part[-1][0], "startAfterId": part[-1][1]}
    if len(part) == limit:
        more = {**call.query, "startAfter": part[-1][0], "startAfterId": part[-1][1], "page": page + 1}
        url = f"https://services.leadconnectorhq.com/opportunities/search?{urlencode(more)}"
        meta |= {"nextPage": page + 1, "nextPageUrl": url}
    return meta


GET: dict[str, Any] = {"scope": "opportunities.readonly", "lists": "opportunities"}
ROUTES: tuple[Route, ...] = (
    get("/opportunities/search", _simple, query=SIMPLE, **GET),
    post("/opportunities/search", _advanced, body=ADVANCED, reads=True, **GET),
)
