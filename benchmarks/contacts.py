"""The contacts of the loopback vendor: computed from their number, so that a million of them take eight megabytes."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

Times = Sequence[int]
"""When each contact was added, in epoch milliseconds, never falling. A contact's number is its place in here."""

_FIRST = ("Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Ken", "Radia", "Tony", "Leslie")
_LAST = ("Lovelace", "Hopper", "Dijkstra", "Liskov", "Knuth", "Allen", "Thompson", "Perlman", "Hoare", "Lamport")


class Unprocessable(Exception):
    """The search is not one that HighLevel would carry out (422)."""


def spread(first: int, last: int, count: int) -> array[int]:
    """`count` times from `first` to `last`, both epoch milliseconds, evenly."""
    span = last - first
    return array("q", (first + span * number // max(count - 1, 1) for number in range(count)))


def contact_id(number: int) -> str:
    """The id of a contact: twenty characters, as HighLevel's, in the order of creation."""
    return f"c{number:019d}"


def contact_number(name: bytes) -> int:
    """The number of the contact with this id; -1 where it is no id of ours."""
    return int(name[1:]) if len(name) == 20 and name[:1] == b"c" and name[1:].isdigit() else -1


def contact(number: int, added: int) -> str:
    """One record as `POST /contacts/search` shows it, some 600 bytes of JSON. Nothing is edited: both times agree."""
    at = datetime.fromtimestamp(added / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    first, last = _FIRST[number % 10], _LAST[number // 10 % 10]
    return (
        f'{{"id":"{contact_id(number)}","locationId":"bench","contactName":"{first} {last}","firstName":"{first}",'
        f'"lastName":"{last}","email":"{first}.{last}.{number}@example.com","phone":"+1555{number:07d}",'
        '"companyName":"Analytical Engines Ltd","address":"12 St James Square","city":"London","state":null,'
        '"postalCode":"SW1Y 4JH","country":"GB","website":null,"timezone":"Europe/London","dnd":false,"type":"lead",'
        f'"source":"burst","assignedTo":null,"tags":["lead","burst"],"dateAdded":"{at}","dateUpdated":"{at}",'
        f'"customFields":[{{"id":"plan","value":"plan {number % 10}"}},{{"id":"score","value":{number % 100}}}],'
        f'"additionalEmails":[],"searchAfter":[{added},"{contact_id(number)}"]}}'
    )


def search(times: Times, body: dict[str, Any]) -> str:
    """The answer to a search: filtered by time, sorted by time and id, one page after `searchAfter`.

    Raises:
        Unprocessable: a parameter is missing, too large, or one that this vendor does not know.
    """
    low, high = _wanted(times, body)
    limit = body.get("pageLimit")
    if not body.get("locationId") or not isinstance(limit, int) or not 1 <= limit <= 500:
        raise Unprocessable("locationId and a pageLimit from 1 to 500 are required")
    total, after = high - low, body.get("searchAfter")
    if _ascending(body.get("sort")):
        low = max(low, _place(times, after) + 1) if after else low
        numbers = range(low, min(low + limit, high))
    else:
        high = min(high, _place(times, after)) if after else high
        numbers = range(high - 1, max(high - limit, low) - 1, -1)
    return f'{{"contacts":[{",".join(contact(n, times[n]) for n in numbers)}],"total":{total},"traceId":"bench"}}'


def _wanted(times: Times, body: dict[str, Any]) -> tuple[int, int]:
    surplus = body.keys() - {"locationId", "pageLimit", "filters", "sort", "searchAfter"}
    if surplus:
        raise Unprocessable(f"this vendor does not know {', '.join(sorted(surplus))}")
    low, high = 0, len(times)
    for item in body.get("filters") or ():
        if item.get("field") not in ("dateAdded", "dateUpdated") or item.get("operator") != "range":
            raise Unprocessable("filters are a range of dateAdded or dateUpdated")
        value = item["value"]
        low = max(low, bisect_left(times, _ms(value["gte"]))) if "gte" in value else low
        high = min(high, bisect_right(times, _ms(value["lte"]))) if "lte" in value else high
    return low, max(low, high)


def _ascending(sort: list[dict[str, str]] | None) -> bool:
    if not sort:
        return False
    if len(sort) > 1 or sort[0].get("field") not in ("dateAdded", "dateUpdated"):
        raise Unprocessable("sort is by dateAdded or dateUpdated")
    return sort[0].get("direction") == "asc"


def _place(times: Times, after: list[Any]) -> int:
    """The number of the contact that `[ms, id]` names, which must be one that was handed out."""
    number = contact_number(str(after[1]).encode())
    if not 0 <= number < len(times) or times[number] != after[0]:
        raise Unprocessable("searchAfter is not one of a record")
    return number


def _ms(value: object) -> int:
    if isinstance(value, str):
        return round(datetime.fromisoformat(value).timestamp() * 1000)
    if isinstance(value, int):
        return value
    raise Unprocessable("a time is ISO 8601 or epoch milliseconds")
