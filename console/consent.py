"""A consent: a person is sent to the vendor's page, comes back with a code, and the tokens for it are stored.

Both ends may be different processes: `hightide connect` begins, and whoever serves the redirect finishes.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from config.project import Project
from config.settings import is_unspecified
from connections import grants
from connections.connection import Connection, OAuth
from connections.errors import VendorError
from connections.grants import Granted
from connections.vendors import Vendor
from console.failures import Fault
from worker.credentials import sealed
from worker.exchange import Exchange
from worker.ledger import consents, credentials
from worker.ledger.consents import Begun
from worker.ledger.database import now_ms
from worker.ledger.store import Store
from worker.scopes import Lack, is_used, lacking, needed
from worker.seal import NoKey
from worker.vault import Vault, vault_of

CALLBACK = "/oauth/callback"


class Declined(Exception):
    """The consent came to nothing; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A consent that was begun: the address of the vendor's page holds the state that only we know."""

    connection: str
    address: str = field(repr=False)
    state: str = field(repr=False)
    redirect_uri: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """What a consent gave: the connection's account, how long (s) the token lasts, and the scopes it lacks."""

    connection: str
    location_id: str | None
    company_id: str | None
    lasts: float
    scope: str | None
    lacking: tuple[Lack, ...] = ()


def redirect_of(project: Project, auth: OAuth) -> str:
    """Where a person comes back to: as the connection says, or our own web process.

    Raises:
        Fault: the web process listens at every address, which is none that a browser can go to.
    """
    if auth.redirect_uri is None and is_unspecified(project.settings.web_host):
        raise Fault(
            f"HIGHTIDE_WEB_ADDRESS is {project.settings.web_address}, where no browser can come back to: give the "
            f"connection's `auth` a `redirect_uri`, such as https://YOUR.HOST{CALLBACK}, and the vendor's app the same"
        )
    return auth.redirect_uri or f"http://{project.settings.web_address}{CALLBACK}"


def begin(project: Project, connection: Connection, store: Store, *, white_label: bool = False) -> Asked:
    """Begin a consent: what it asks for is what the automations need.

    Raises:
        Fault: it is no OAuth connection, its vendor has no such page, or nothing would be asked for.
        NoKey: the tokens could not be stored.
    """
    auth, vendor = connection.auth, project.vendors.get(connection.kind) or Vendor(kind=connection.kind)
    if not isinstance(auth, OAuth):
        raise Fault(f"connection {connection.name} needs no consent: its `auth` is `{auth.type}`, not `oauth`")
    page = _page(connection, auth, vendor, white_label=white_label)
    scopes = tuple(needed(project, connection))
    if not is_used(project, connection):
        raise Fault(f"no automation uses connection {connection.name}, so that there is no scope to ask for")
    state, redirect = grants.new_secret(), redirect_of(project, auth)
    verifier = grants.new_secret() if vendor.pkce else None
    hidden = vault_of(project.settings).seal(verifier or "")  # also proves that there is a key
    begun = Begun(
        connection=connection.name,
        redirect_uri=redirect,
        scope=" ".join(scopes),
        verifier=hidden if verifier else None,
    )
    store.write_now(consents.begin, state, begun, now_ms())
    address = grants.consent_address(page, auth, redirect_uri=redirect, scopes=scopes, state=state, verifier=verifier)
    return Asked(connection=connection.name, address=address, state=state, redirect_uri=redirect, scopes=scopes)


async def finish(project: Project, store: Store, back: Mapping[str, str]) -> Consented:
    """Finish a consent with what the redirect brought back (`code` and `state`): store the tokens.

    Raises:
        Declined: nothing was begun with that state, the person or the vendor refused, or chose another account.
        NoKey: the tokens cannot be stored.
    """
    begun = await store.write(consents.finish, back.get("state", ""), now_ms())
    if begun is None:
        raise Declined("this consent was not begun here, was used already, or took too long: `hightide connect` anew")
    if "code" not in back:
        said = back.get("error_description") or back.get("error") or "no code came back"
        raise Declined(f"the vendor gives no access for connection {begun.connection}: {_short(said)}")
    connection = project.connections.get(begun.connection)
    if connection is None or not isinstance(connection.auth, OAuth):
        raise Declined(f"connection {begun.connection} is no OAuth connection of connections.yaml any more")
    vault = vault_of(project.settings)
    granted = await _granted(project, connection, connection.auth, begun, back["code"], vault)
    _check_account(connection, granted)
    scope = granted.scope or begun.scope
    row = {**sealed(vault, connection.name, granted, time.time()), "scope": scope}
    await store.write(credentials.store, row, now_ms())
    return Consented(
        connection=connection.name,
        location_id=granted.location_id,
        company_id=granted.company_id,
        lasts=granted.lasts,
        scope=scope,
        lacking=tuple(each for each in lacking(project, {connection.name: scope})),
    )


def callback(project: Callable[[], Project], store: Store) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of the redirect, for Starlette: `project` gives the project as it stands.

    What it answers is plain text, and holds nothing of what was in the address.
    """

    async def answered(request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        try:
            done = await finish(project(), store, request.query_params)
        except (Declined, NoKey) as error:
            return PlainTextResponse(f"{error}\n", 400, headers)
        return PlainTextResponse("\n".join(words(done)) + "\n", headers=headers)

    return answered


def words(done: Consented) -> list[str]:
    """What a consent gave, for people."""
    kind, account = ("location", done.location_id) if done.location_id else ("company", done.company_id)
    place = f" to {kind} {account}" if account else ""
    said = [f"connection {done.connection} is connected{place}; its token is renewed by itself"]
    return said + [f"warning: {each}" for each in done.lacking]


async def _granted(
    project: Project, connection: Connection, auth: OAuth, begun: Begun, code: str, vault: Vault
) -> Granted:
    verifier = None if begun.verifier is None else vault.open(begun.verifier)
    exchange = Exchange(vault=lambda: vault, vendors=project.vendors, limiter=None, clock=time.time)
    try:
        return await exchange.granted(connection, auth, code, begun.redirect_uri, verifier)
    except VendorError as error:
        raise Declined(f"the code for connection {connection.name} gives no tokens: {error}") from error
    finally:
        await exchange.close()


def _check_account(connection: Connection, granted: Granted) -> None:
    """Whether the person chose the account that the connection is for.

    Raises:
        Declined: another one.
    """
    for what, wanted, got in (
        ("location_id", connection.location_id, granted.location_id),
        ("company_id", connection.company_id, granted.company_id),
    ):
        if wanted is not None and got is not None and wanted != got:
            raise Declined(
                f"connection {connection.name} has the {what} {wanted}, and {got} was chosen: choose the right one, or "
                "change connections.yaml"
            )


def _page(connection: Connection, auth: OAuth, vendor: Vendor, *, white_label: bool) -> str:
    standard = vendor.white_label_page if white_label or auth.white_label else vendor.consent_page
    page = auth.consent_page or standard
    if page is None:
        kind = "white-label consent page" if white_label or auth.white_label else "consent page"
        raise Fault(f"{connection.kind} has no {kind} that we know: give connection {connection.name} a `consent_page`")
    if urlsplit(page).scheme not in {"https", "http"}:
        raise Fault(f"connection {connection.name}: `consent_page` is no web address")
    return page


def _short(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)[:200]
