"""The vendors that are known by name: where they answer, what they allow, how they say "not found"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connections.connection import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """What is the same for all connections to one vendor.

    `not_found` is a pattern in the message of a 400 that means "it does not exist", `no_route` one in that of a 401
    that speaks of the path and not of the credential; `version_header` is where an operation's version goes, None where
    the vendor has none. `token_path` and `consent_page` belong to OAuth.
    """

    kind: str
    base_url: str | None = None
    quota: Quota | None = None
    not_found: str | None = None
    no_route: str | None = None
    version_header: str | None = None
    token_path: str = "/oauth/token"
    consent_page: str | None = None


# Missing objects often answer 400 "Contact with id X not found"; 404 is hardly declared in the vendor's documents.
GHL = Vendor(
    kind="ghl",
    base_url="https://services.leadconnectorhq.com",
    quota=Quota(per_10s=100, per_day=200_000),
    not_found=r"\bnot found\b|\bdoes not exist\b|\bno longer exists\b",
    no_route=r"not yet supported by the IAM Service",
    version_header="Version",
    token_path="/oauth/token",
    consent_page="https://marketplace.gohighlevel.com/v2/oauth/chooselocation",
)

VENDORS: Mapping[str, Vendor] = MappingProxyType({GHL.kind: GHL})
