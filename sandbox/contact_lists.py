"""Contacts in lists: newest first, by search, by business."""

from __future__ import annotations

from bisect import bisect_left
from urllib.parse import urlencode

from sandbox.clock import iso
from sandbox.contacts import view
from sandbox.route import Call, Route, get, post
from sandbox.search import Dialect, search
from sandbox.shape import shape
from sandbox.state import Record
from sandbox.views import full_name, names, pick

TEXTS = names(
    "id firstName lastName firstNameLowerCase lastNameLowerCase fullNameLowerCase email phone companyName businessId "
    "businessName source type assignedTo city state country postalCode website address1 address tags timezone dnd "
    "followers dateOfBirth validEmail contactName locationId"
)
ALIASES = {"firstNameLowerCase": "firstName", "lastNameLowerCase": "lastName", "address": "address1"}
DIALECT = Dialect(
    table="contacts",
    times={"dateAdded": "dateAdded", "dateUpdated": "dateUpdated"},
    texts={name: ALIASES.get(name, name) for name in TEXTS},
    numbers={},
    custom="customFields",
    words=("firstName", "lastName", "email", "phone", "companyName"),
    default_sort="dateAdded",
)
SEARCH = shape("locationId! pageLimit!:count<=500 page:count searchAfter:any filters:[object] sort:[object] query?")


def listed(contact: Record) -> Record:
    """A contact as lists show it."""
    shown = view(contact)
    for name in ("dndSettings", "visitorId", "attributionSource", "lastAttributionSource", "emailLowerCase"):
        shown.pop(name, None)
    name = shown.pop("name")
    return {**shown, "contactName": name, "followers": contact.get("followers", []), "attributions": []}


def _search(call: Call) -> Record:
    found = search(call.state, call.location, DIALECT, call.body, int(call.body["pageLimit"]))
    contacts = [
        {**listed(contact), "additionalEmails": [], "additionalPhones": [], "searchAfter": after}
        for contact, after in found.page
    ]
    return {"contacts": contacts, "total": found.total}


def _list(call: Call) -> Record:
    """Newest first; goes on after a time (ms) and an id, which must be given together to move on."""
    state, location, limit = call.state, call.location, int(call.query.get("limit", 20))
    times = state.by_time("contacts", location, "dateAdded", None, None)
    rows = state.tables["contacts"].get(location, {})
    words = str(call.query.get("query", "")).lower()
    if words:
        times = [entry for entry in times if _mentions(rows[entry[1]], words)]
    after, after_id = call.query.get("startAfter"), call.query.get("startAfterId")
    end = len(times) if after is None or after_id is None else bisect_left(times, (int(after), after_id))
    part = times[max(0, end - limit) : end][::-1]
    page = [listed(rows[key]) for _, key in part]
    return {"contacts": page, "count": len(times), "meta": _meta(call, part, len(times), limit)}


def _mentions(contact: Record, words: str) -> bool:
    return any(words in str(contact.get(name, "")).lower() for name in DIALECT.words)


def _meta(call: Call, part: list[tuple[int, str]], total: int, limit: int) -> Record:
    meta: Record = {"total": total, "currentPage": 1, "nextPage": None, "prevPage": None, "nextPageUrl": None}
    if not part:
        return meta
    stamp, key = part[-1]
    meta |= {"startAfter": stamp, "startAfterId": key}
    if len(part) == limit:
        more = {"locationId": call.location, "limit": limit, "startAfter": stamp, "startAfterId": key}
        meta |= {"nextPage": 2, "nextPageUrl": f"https://services.leadconnectorhq.com/contacts/?{urlencode(more)}"}
    return meta


def _by_business(call: Call) -> Record:
    call.record("businesses", "businessId")
    found = call.state.by_value("contacts", call.location, "businessId", call.path["businessId"])
    words = str(call.query.get("query", "")).lower()
    found = [each for each in found if call.state.visible(each["id"]) and (not words or _mentions(each, words))]
    skip = call.whole("skip", 0)
    page = found[skip : skip + call.whole("limit", 25)]
    return {"contacts": [_in_business(contact) for contact in page], "count": len(found)}


def _in_business(contact: Record) -> Record:
    shown = pick(contact, "id locationId email timezone country source customFields tags businessId")
    more = {"dateAdded": iso(contact["dateAdded"]), "attributions": [], "followers": contact.get("followers", [])}
    name = full_name(contact)
    return {**shown, **more, "contactName": name}


ROUTES: tuple[Route, ...] = (
    post("/contacts/search", _search, body=SEARCH, reads=True, scope="contacts.readonly", lists="contacts"),
    get(
        "/contacts/",
        _list,
        query=shape("locationId! startAfterId startAfter:offset query limit:count<=100"),
        scope="contacts.readonly",
        lists="contacts",
    ),
    get(
        "/contacts/business/{businessId}",
        _by_business,
        query=shape("locationId! limit skip query"),
        scope="contacts.readonly",
        lists="contacts",
    ),
)
