"""Listings that go wrong between two pages: a page served again, records that come, go or move meanwhile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.faults import Fault
from sandbox.state import State

CURSORS = (
    "startAfter",
    "startAfterId",
    "startAfterDate",
    "searchAfter",
    "lastMessageId",
    "skip",
    "offset",
    "page",
    "cursor",
)
FIRST = {"", "0", "1", "[]", "None"}
KEYS = re.compile(rb'"_?id":"([^"]+)"')


def is_later(query: Mapping[str, Any], body: Any) -> bool:
    """Whether a request asks for a page after the first."""
    asked = {**query, **body} if isinstance(body, dict) else query
    return any(str(asked[name]) not in FIRST for name in CURSORS if name in asked)


def again(fault: Fault, listing: str) -> bytes | None:
    """The page served before, when the fault serves it once more."""
    if fault.page in {"page_twice", "repeat_page"} and listing in fault.pages and fault.fires():
        return fault.pages[listing]
    return None


def shift(fault: Fault, listing: str, state: State, table: str) -> None:
    """Lets a record come, go or move, as the fault says, before a later page is made."""
    before = fault.pages.get(listing)
    if fault.page != "shift" or before is None:
        return
    keys = (match.decode() for match in KEYS.findall(before))
    record = next((found for key in keys if (found := state.find(table, key))), None)
    if record is None or not fault.fires():
        return
    if fault.how == "delete":
        state.remove(table, record["id"])
    elif fault.how == "touch":
        state.update(table, record, {})
    else:
        home = str(state.owner(record["id"]))
        state.create(table, home, {k: v for k, v in record.items() if k not in {"id", "email", "phone"}})


def remember(fault: Fault, listing: str, content: bytes) -> None:
    """Keeps the page just served."""
    if fault.page is not None:
        fault.pages[listing] = content
