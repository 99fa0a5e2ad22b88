"""connections.yaml: named accounts at vendors, as values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from config.document import Place
from config.findings import Findings
from config.inputs import faults
from config.problems import listed, meant
from config.settings import is_loopback
from config.shapes import CONNECTION, CONNECTIONS
from connections.connection import Agency, Auth, Connection, Locations, OAuth, Quota
from connections.vendors import Vendor

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What connections and automations may be called: names go into commands, ids and metrics."""

AUTHS: Mapping[str, type[Any]] = {
    str(each.default): auth for auth in get_args(Auth) for each in fields(auth) if each.name == "type"
}
"""The ways to authenticate, by the `type` that people write."""
CREDENTIALS = frozenset({"token", "client_id", "client_secret", "key", "username", "password"})
"""The fields of an `auth` that belong to one account; `file:/PATH` reads them from a file."""


def read_connections(
    found: Findings, vendors: Mapping[str, Vendor], broken: Collection[str] = ()
) -> dict[str, Connection | None]:
    """The connections of a file by name; None for those that are at fault, which is among the findings.

    Nor is there one of a kind whose connector is `broken`, for which it is not blamed.
    """
    top = found.sound(CONNECTIONS, found.document.value, ())
    given: dict[str, Any] = top.get("connections", {})
    connections = {name: _connection(name, value, found, vendors, broken) for name, value in given.items()}
    for name, connection in list(connections.items()):
        if connection and isinstance(connection.auth, Agency):
            _check_agency(connection, connection.auth.connection, connections, found)
            agency = connections.get(connection.auth.connection)
            connections[name] = replace(connection, app=getattr(agency and agency.auth, "client_id", ""))
        elif connection and connection.locations:
            hint = "they are an agency's: `auth: {type: agency, connection: NAME}`"
            found.fault(("connections", name, "locations"), "this connection has no `locations`", hint, key=True)
    return connections


def kinds(found: Findings, vendors: Mapping[str, Vendor]) -> dict[str, str]:
    """The kind of each connection of a file by name, also of those at fault, as far as it can be told."""
    top = found.document.value
    given = top.get("connections") if isinstance(top, dict) else None
    told = given.items() if isinstance(given, dict) else ()
    said = {name: found.filled(value.get("kind")) for name, value in told if isinstance(value, dict)}
    return {name: kind for name, kind in said.items() if isinstance(kind, str) and kind in vendors}


def check_name(name: str, place: Place, found: Findings) -> None:
    """A fault where a connection or automation is called what cannot be a name."""
    if not NAME.fullmatch(name):
        found.fault(place, f"`{name}` cannot be a name", "letters, digits, `-`, `_` and `.`; 64 at most", key=True)


def _connection(
    name: str, value: Any, found: Findings, vendors: Mapping[str, Vendor], broken: Collection[str]
) -> Connection | None:
    place: Place = ("connections", name)
    before = len(found.problems)
    check_name(name, place, found)
    found.check_variables(value, place)
    given = found.sound(CONNECTION, found.filled(value), place)
    kind = given.get("kind", "")
    if kind in broken and kind not in vendors:
        return None
    if kind and kind not in vendors:
        found.fault((*place, "kind"), f"unknown kind `{kind}`", meant(kind, vendors))
    vendor = vendors.get(kind, Vendor(kind=""))
    base_url = _base_url(given.get("base_url"), vendor, place, found)
    auth = _auth(given["auth"], vendor, (*place, "auth"), found) if "auth" in given else None
    if len(found.problems) > before or auth is None:
        return None
    _check_consent(auth, (*place, "auth"), found)
    _warn_of_plain_secrets(value["auth"], base_url, (*place, "auth"), found)
    return Connection(
        name=name,
        kind=kind,
        base_url=base_url,
        auth=auth,
        location_id=given.get("location_id"),
        company_id=given.get("company_id"),
        quota=_quota(given.get("quota", {}), vendor),
        locations=_locations(given.get("locations")),
    )


def _locations(given: Any) -> Locations | None:
    match given:
        case None:
            return None
        case list():
            return Locations(ids=tuple(dict.fromkeys(given)))
        case dict():
            return Locations(name=given.get("name"), but=tuple(given.get("except", ())))
        case _:
            return Locations()


def _quota(given: Any, vendor: Vendor) -> Quota | None:
    if given == "off" or (not given and vendor.quota is None):
        return None
    return replace(vendor.quota or Quota(), **given)


def _base_url(given: str | None, vendor: Vendor, place: Place, found: Findings) -> str:
    url = given or vendor.base_url or ""
    if not url and vendor.kind:
        found.fault(place, "`base_url` is missing", f"{vendor.kind} has no address of its own", key=True)
    elif url and (fault := fault_of_url(url)):
        found.fault((*place, "base_url"), *fault)
    return url.rstrip("/")


def fault_of_url(url: str) -> tuple[str, str | None] | None:
    """What is wrong with a `base_url`, and what to do about it; None where nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = parts = None
    if parts is None or not host or parts.scheme not in {"http", "https"} or re.search(r"[\s\\]", url):
        return "`base_url` is no web address", "expected https://HOST"
    if parts.query or parts.fragment or parts.username is not None:
        return "`base_url` may have a host, a port and a path, and nothing else", None
    if parts.scheme == "http" and not is_loopback(host):
        return "plain http is only for this machine", "use https"
    return None


def _auth(filled: Mapping[str, Any], vendor: Vendor, place: Place, found: Findings) -> Auth | None:
    kind = filled.get("type")
    auth = AUTHS.get(kind) if isinstance(kind, str) else None
    if auth is None:
        there = "type" in filled
        message = f"unknown type `{kind!s}`" if there else "`type` is missing"
        hint = (meant(kind, AUTHS) if isinstance(kind, str) else None) or f"known: {listed(AUTHS)}"
        found.fault((*place, "type"), message, hint)
        return None
    if vendor.auths and kind not in vendor.auths:
        found.fault((*place, "type"), f"{vendor.kind} does not take `{kind}`", f"it takes {listed(vendor.auths)}")
        return None
    names = [each.name for each in fields(auth)]
    for name in filled:
        if name not in names:
            found.fault((*place, name), f"unknown field `{name}`", meant(name, names), key=True)
    known = {**vendor.auths.get(str(kind), {}), **{name: value for name, value in filled.items() if name in names}}
    for name, value in known.items():
        if name in CREDENTIALS and isinstance(value, str):
            known[name] = _credential(name, value, (*place, name), found)
    adapter: TypeAdapter[Auth] = TypeAdapter(auth)
    wrong = faults(adapter, known, templates=False)
    for each in wrong:
        found.fault((*place, *each.place), each.message, each.hint, key=each.about != "value")
    return None if wrong else adapter.validate_python(known)


def _check_consent(auth: Auth, place: Place, found: Findings) -> None:
    """Faults for addresses that a person could not be sent to, or back from."""
    if isinstance(auth, OAuth):
        for name in ("redirect_uri", "consent_page"):
            url = getattr(auth, name)
            fault = None if url is None else fault_of_url(url.partition("?")[0])
            if fault:
                found.fault((*place, name), fault[0].replace("base_url", name), fault[1])


def _credential(name: str, value: str, place: Place, found: Findings) -> str:
    """The credential itself, read from its file where it is `file:/PATH`."""
    if value.startswith("file:"):
        path = Path(value.removeprefix("file:"))
        found.files.append(path)
        try:
            value = path.read_text(encoding="utf-8") if path.is_absolute() and path.is_file() else ""
        except (OSError, ValueError):
            value = ""
        if not value.strip():
            found.fault(place, f"`{name}` is in a file that cannot be read, or is empty", "expected file:/PATH/TO/FILE")
    elif not value.strip():
        found.fault(place, f"`{name}` is empty", "set its environment variable")
    return value.strip()


def _warn_of_plain_secrets(auth: Mapping[str, Any], base_url: str, place: Place, found: Findings) -> None:
    if is_loopback(urlsplit(base_url).hostname or ""):
        return
    for name in ("token", "client_secret", "key", "password"):
        value = auth.get(name)
        if isinstance(value, str) and "${" not in value and not value.startswith("file:"):
            found.warn((*place, name), f"`{name}` is written in the file", "write `${NAME}`, and NAME=... in .env")


def _check_agency(
    connection: Connection, agency: str, connections: Mapping[str, Connection | None], found: Findings
) -> None:
    place: Place = ("connections", connection.name, "auth", "connection")
    other = connections.get(agency)
    if agency not in connections:
        found.fault(place, f"unknown connection `{agency}`", meant(agency, connections))
    elif other is not None and other.kind != connection.kind:
        found.fault(
            place, f"`{agency}` is a connection of kind {other.kind}", f"expected one of kind {connection.kind}"
        )
    elif other is not None and (other.company_id is None or isinstance(other.auth, Agency)):
        found.fault(place, f"`{agency}` is no agency's connection", "an agency's connection has a `company_id`")
    if (connection.location_id is None) == (connection.locations is None):
        message = "both `location_id` and `locations` are there" if connection.locations else "`location_id` is missing"
        found.fault(place[:2], message, "give the one location's id, or `locations: all`, a list or a filter", key=True)
    elif connection.locations and not connection.locations.ids and other and not isinstance(other.auth, OAuth):
        hint = f"`{agency}` has no OAuth app whose installations could be listed; give a list of ids"
        found.fault((*place[:2], "locations"), "`locations` must be a list here", hint)
