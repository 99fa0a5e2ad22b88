"""Automations over many locations: one of each for every location that a connection stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from config.automation import Automation
from connections.connection import Agency, Connection, OAuth
from connections.errors import Garbage
from connections.vendors import Vendor
from connections.wire import Request
from worker.exchange import VERSION
from worker.kit import Caller
from worker.ledger.installations import Installations

PAGE = 100
MOST_PAGES = 1_000
"""An agency with more pages than that is none that exists; the list repeats itself."""


def members(connection: Connection, installed: Installations) -> tuple[str, ...]:
    """The ids of the locations that a connection stands for, in order.

    Of a list all but those that are known to be uninstalled; of `all` and of a filter those that are known to have the
    app.
    """
    wanted = connection.locations
    if wanted is None or not isinstance(connection.auth, Agency):
        return ()
    known = installed.get(connection.auth.connection, {})
    if wanted.ids is not None:
        return tuple(each for each in wanted.ids if each not in known or known[each].installed)
    return tuple(each for each, told in sorted(known.items()) if told.installed and wanted.take_in(each, told.name))


def expanded(
    automations: Iterable[Automation], connections: Mapping[str, Connection], installed: Installations
) -> list[Automation]:
    """The automations, those on a connection with `locations` once for each of its locations, under the same name."""
    found: list[Automation] = []
    standing: dict[str, tuple[str, ...]] = {}
    for automation in automations:
        home = connections.get(automation.trigger.connection)
        if home is None or home.locations is None:
            found.append(automation)
            continue
        if home.name not in standing:
            standing[home.name] = members(home, installed)
        found += [_at(automation, home.name, f"{home.name}/{location}") for location in standing[home.name]]
    return found


def followed(connections: Mapping[str, Connection]) -> list[Connection]:
    """The agencies whose installations matter: those that a connection with `locations` takes its tokens from."""
    names = {
        each.auth.connection
        for each in connections.values()
        if each.locations is not None and isinstance(each.auth, Agency)
    }
    agencies = (connections.get(name) for name in sorted(names))
    return [each for each in agencies if each is not None and isinstance(each.auth, OAuth)]


async def installed_in(agency: Connection, vendor: Vendor, client: Caller) -> dict[str, str | None] | None:
    """The locations in which the agency's app is installed, with their names; None where the vendor does not tell.

    Raises:
        VendorError: it cannot be asked, or its answer cannot be read.
    """
    if vendor.installed_path is None or not isinstance(agency.auth, OAuth):
        return None
    found: dict[str, str | None] = {}
    for page in range(MOST_PAGES):
        rows = _rows(await client.call(agency, _request(vendor.installed_path, agency, agency.auth, page), "poll"))
        found |= {row["_id"]: row.get("name") for row in rows if row.get("isInstalled", True)}
        if len(rows) < PAGE:
            return found
    raise Garbage(f"{agency.name}: the list of its installations does not end")


def _request(path: str, agency: Connection, auth: OAuth, page: int) -> Request:
    asked = {"companyId": agency.company_id or "", "appId": auth.app, "isInstalled": "true"}
    query = (*asked.items(), ("skip", str(page * PAGE)), ("limit", str(PAGE)))
    return Request(method="GET", path=path, query=query, version=VERSION)


def _rows(answer: Any) -> Sequence[Mapping[str, Any]]:
    rows = answer.data.get("locations") if isinstance(answer.data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("_id"), str) for row in rows):
        raise Garbage("the list of installations is not as the vendor's documents say")
    return rows


def _at(automation: Automation, group: str, name: str) -> Automation:
    trigger = replace(automation.trigger, connection=name)
    steps = tuple(replace(each, connection=name) if each.connection == group else each for each in automation.steps)
    return replace(automation, trigger=trigger, steps=steps)
