"""A manifest: a vendor, its triggers and its actions, described in YAML and read as the rows that the engine knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from actions.action import Action
from config.connection_file import AUTHS, CREDENTIALS, fault_of_url
from config.document import Document, Place
from config.environment import names_in
from config.findings import Findings
from config.inheritance import merged, stated
from config.manifest_requests import places, read_paging
from config.manifest_rows import Origin, read_action, read_trigger
from config.manifest_shapes import MANIFEST
from config.problems import Said, listed, meant
from connections.connection import Quota
from connections.paging import OnePage
from connections.vendors import VENDORS, Vendor
from connections.webhooks import Scheme, Signature, fault_of_key
from triggers.trigger import Trigger

Row = TypeVar("Row", Trigger, Action)

KIND = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""What a header may be called (RFC 9110, 5.6.2)."""
NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_OF_VENDOR = ("token_path", "consent_page", "pkce")
"""What a manifest says under `auth.oauth` is the vendor's, not the connection's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """What a manifest describes: a vendor, and its operations by id."""

    vendor: Vendor
    triggers: Mapping[str, Trigger]
    actions: Mapping[str, Action]


def read_manifest(found: Findings, stem: str, shipped: Mapping[str, Mapping[str, Any]]) -> Connector | None:
    """The connector of a file called `stem`; None where it is at fault, which is among the findings.

    `shipped` are the manifests that it may extend, by kind, as values.
    """
    before = len(found.problems)
    _inherit(found, shipped)
    if not isinstance(found.document.value, dict):
        found.sound(MANIFEST, found.document.value, ())
        return None
    found.document = stated(found)
    found.check_variables(found.document.value, ())
    given = found.sound(MANIFEST, found.filled(found.document.value), ())
    kind = given.get("kind", stem)
    _check_kind(kind, stem, found)
    vendor = _vendor(kind, given, found)
    origin = Origin(
        kind=kind,
        title=vendor.title,
        version=given.get("version", {}).get("value", ""),
        paging=read_paging(given.get("pagination"), OnePage(), ("pagination",), found),
    )
    triggers = _rows(read_trigger, given.get("triggers", {}), origin, ("triggers",), found)
    actions = _rows(read_action, given.get("actions", {}), origin, ("actions",), found)
    if not triggers and not actions and len(found.problems) == before:
        found.fault((), "has neither `triggers` nor `actions`")
    return None if len(found.problems) > before else Connector(vendor=vendor, triggers=triggers, actions=actions)


def _inherit(found: Findings, shipped: Mapping[str, Mapping[str, Any]]) -> None:
    """Put what the manifest extends beneath it."""
    value = found.document.value
    below = value.get("extends") if isinstance(value, dict) else None
    if isinstance(below, str) and below in shipped:
        whole = merged(shipped[below], {name: each for name, each in value.items() if name != "extends"})
        found.document = replace(found.document, value=whole)
    elif isinstance(below, str):
        found.fault(("extends",), f"Hightide ships no connector `{below}`", meant(below, shipped))


def _check_kind(kind: str, stem: str, found: Findings) -> None:
    if kind in VENDORS:
        found.fault(("kind",), f"`{kind}` is built in", "a manifest has a kind of its own")
    elif kind != stem:
        found.fault(("kind",), f"the file of `{kind}` should be called {kind}.yaml")
    elif not KIND.fullmatch(kind):
        found.fault(("kind",), f"`{kind}` cannot be a kind", "lower-case letters, digits, `-` and `_`")


def _rows(
    read: Callable[[str, Any, Origin, Place, Findings], Row | None],
    given: Mapping[str, Any],
    origin: Origin,
    place: Place,
    found: Findings,
) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for name, value in given.items():
        if name.startswith(f"{origin.kind}.") and name.count(".") > 1:  # `chairs.list` of `chairs` is fine
            found.fault((*place, name), f"`{name}` begins with the kind", "names stand without it here", key=True)
        elif not NAME.fullmatch(name):
            hint = "lower-case words with dots between them, such as `leads.list`"
            found.fault((*place, name), f"`{name}` cannot be a name", hint, key=True)
        row = read(name, value, origin, (*place, name), found)
        if row is not None:
            rows[row.id] = row
    return rows


def _vendor(kind: str, given: Mapping[str, Any], found: Findings) -> Vendor:
    url = given.get("base_url")
    if url is not None and (fault := fault_of_url(url)):
        found.fault(("base_url",), *fault)
    for part, field in (("version", "header"), ("webhooks", "header")):
        header = given.get(part, {}).get(field)
        if header is not None and not HEADER.fullmatch(header):
            found.fault((part, field), f"`{header}` is no name of a header", "letters, digits and `-`")
    for name in ("not_found", "too_many"):
        if not _is_pattern(given.get(name, "")):
            found.fault((name,), "is no regular expression")
    auths = _auths(given.get("auth", {}), found)
    quota = given.get("quota", "off")
    return Vendor(
        kind=kind,
        title=given.get("title", kind),
        note=given.get("note"),
        base_url=None if url is None else url.rstrip("/"),
        quota=None if quota == "off" else Quota(**quota),
        not_found=given.get("not_found"),
        too_many=given.get("too_many"),
        version_header=given.get("version", {}).get("header"),
        webhooks=_scheme(given.get("webhooks"), found),
        auths={name: _of_connection(name, told) for name, told in auths.items()},
        **{name: value for name, value in auths.get("oauth", {}).items() if name in _OF_VENDOR},
    )


def _scheme(given: Mapping[str, Any] | None, found: Findings) -> Scheme | None:
    """How webhooks are checked and read; without a key only the environment's will do."""
    if given is None:
        return None
    signature = Signature(header=given["header"], algorithm=given["algorithm"], key=given.get("key", ""))
    fault = fault_of_key(signature.algorithm, signature.key) if "key" in given else None
    if fault:
        found.fault(("webhooks", "key"), f"`key` {fault}")
    elif signature.key and signature.algorithm == "hmac_sha256" and _is_plain(found.document):
        found.warn(("webhooks", "key"), "`key` is written in the file", "write `${NAME}`, and NAME=... in .env")
    return Scheme(
        signatures=(signature,),
        type=given.get("type", "type"),
        id=given.get("id"),
        time=given.get("time"),
        account=places(given.get("account", ())),
    )


def _is_plain(document: Document) -> bool:
    return not names_in(document.value["webhooks"]["key"])


def _of_connection(auth: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields of a connection's `auth` are by default."""
    if auth == "oauth":
        return {name: value for name, value in told.items() if name not in _OF_VENDOR}
    if auth == "api_key" and "query" in told:
        return {"header": None, **told}
    return dict(told)


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _auths(given: Mapping[str, Any], found: Findings) -> dict[str, dict[str, Any]]:
    """The ways to authenticate that a connection may choose, each with what its fields are by default."""
    auths: dict[str, dict[str, Any]] = {}
    if "type" in given:
        way = given["type"] if given["type"] in [*AUTHS] else "api_key"
        hint = f"a way to authenticate is a name here, as in `{way}: {{}}`; connections say `type`"
        found.fault(("auth", "type"), "`auth` has no `type` in a connector", hint, key=True)
        return auths
    for name, told in given.items():
        place: Place = ("auth", name)
        if name not in AUTHS:
            others = meant(name, AUTHS) or f"known: {listed(AUTHS)}"
            hint = "did you mean `private_token`?" if name == "bearer" else others
            found.fault(place, f"unknown type `{name}`", hint, key=True)
            continue
        if told is not None and not isinstance(told, dict):
            found.fault(place, "should be a mapping of names to values", "`{}` where there is nothing to say")
            continue
        known = [each.name for each in fields(AUTHS[name]) if each.name not in {*CREDENTIALS, "type", "connection"}]
        known += [each for each in _OF_VENDOR if name == "oauth" and each not in known]
        for each, value in (told or {}).items():
            if each not in known:
                found.fault((*place, each), f"unknown field `{each}`", meant(each, known), key=True)
            elif fault := _fault_of_auth(each, value):
                found.fault((*place, each), *fault)
        auths[name] = {each: value for each, value in (told or {}).items() if each in known}
    return auths


def _fault_of_auth(field: str, value: Any) -> Said | None:
    """What is wrong with a field of a way to authenticate, and what to do about it."""
    if field in {"pkce", "white_label"}:
        return None if isinstance(value, bool) else (f"`{field}` should be true or false", None)
    if not isinstance(value, str):
        return None if value is None else (f"`{field}` should be text", None)
    if field == "header" and not HEADER.fullmatch(value):
        return f"`{value}` is no name of a header", "letters, digits and `-`"
    whole = fault_of_url(value.partition("?")[0])
    if field == "token_path" and whole and not value.startswith("/"):
        return "`token_path` should be a path below `base_url`, or a whole address", "expected such as `/oauth/token`"
    if field == "consent_page" and whole:
        return "`consent_page` is no web address", "expected https://HOST/PAGE"
    return None


def as_values(document: Document) -> Mapping[str, Any]:
    """A shipped manifest as what others may extend."""
    return document.value if isinstance(document.value, dict) else {}
