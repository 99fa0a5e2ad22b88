"""Arrivals and departures: what webhooks say of where an app was installed or uninstalled.

They are noted at once, for speed. The truth is what the agency's list says, which is asked for right afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from connections.connection import Connection as Account
from connections.connection import OAuth
from connections.vendors import Vendor
from connections.webhooks import Notice
from worker.ledger import installations
from worker.ledger.installations import Installations
from worker.locations import followed


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An app that came to a location, or to a whole company, or that left it; as the vendor of that kind says."""

    kind: str
    installed: bool
    app: str | None
    company: str | None
    location: str | None


def arrival(vendor: Vendor, notice: Notice) -> Arrival | None:
    """What a webhook says about an installation; None where it is about something else."""
    installed = vendor.installs.get(notice.type)
    if installed is None:
        return None
    app, company, location = (_text(notice, name) for name in ("appId", "companyId", "locationId"))
    return Arrival(kind=vendor.kind, installed=installed, app=app, company=company, location=location)


def note(connection: Connection, accounts: Mapping[str, Account], arrivals: Iterable[Arrival], now: int) -> bool:
    """Write down what is certain of these; whether they are about agencies of ours, which should be asked then."""
    agencies, known = followed(accounts), installations.read(connection)
    ours = False
    for each in arrivals:
        for agency in agencies:
            if _may_concern(each, agency):
                ours = True
                for location in _places(each, agency, known):
                    installations.note(connection, agency.name, location, None, now, installed=each.installed)
    return ours


def _may_concern(each: Arrival, agency: Account) -> bool:
    """Whether an agency has that app. All apps of a vendor may be signed for with one key, so it has to be named."""
    app = agency.auth.app if isinstance(agency.auth, OAuth) else None
    return (agency.kind, app) == (each.kind, each.app) and each.company in {None, agency.company_id}


def _places(each: Arrival, agency: Account, known: Installations) -> Iterator[str]:
    """The locations of an agency that are certainly meant: the company is often left out, and then it may be another's.

    A company that leaves takes its locations along; which ones come with it only its list says.
    """
    mine = known.get(agency.name, {})
    if each.location is not None:
        if each.company is not None or each.location in mine:
            yield each.location
    elif each.company is not None and not each.installed:
        yield from mine


def _text(notice: Notice, name: str) -> str | None:
    value = notice.payload.get(name)
    return value if isinstance(value, str) and value else None
