"""The vendors that are known by name: where they answer, what they allow, how they say "not found"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from connections.connection import Quota
from connections.webhooks import GHL_KEY, Scheme, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """What is the same for all connections to one vendor.

    `title` is its name, `note` what people should know about all of its operations. `auths` are the ways to
    authenticate that there are, each with its fields' values by default; without any, all are.
    `not_found` is a pattern in the message of a 400 that means "it does not exist", `too_many` one in that of a 403
    that means "too many requests", `no_route` one in that of a 401 that speaks of the path and not of the credential.
    `version_header` is where an operation's version goes, None where the vendor has none; `webhooks` says how its
    webhooks are signed and read. With `custom_fields` its locations have fields of their own, listed as HighLevel lists
    them.

    The rest belongs to OAuth. `white_label_page` is the consent page without the vendor's name; with `pkce` a consent
    is tied to us by a verifier (RFC 7636). At `reconnect_path` an app that lost its tokens gets new ones, at
    `location_token_path` an agency's token is exchanged for a location's, at `installed_path` an agency's locations
    that have the app are listed. `installs` are the types of webhook that say that the app was installed (or not).
    """

    kind: str
    title: str = ""
    note: str | None = None
    auths: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    base_url: str | None = None
    quota: Quota | None = None
    not_found: str | None = None
    too_many: str | None = None
    no_route: str | None = None
    version_header: str | None = None
    token_path: str = "/oauth/token"
    consent_page: str | None = None
    white_label_page: str | None = None
    pkce: bool = False
    reconnect_path: str | None = None
    location_token_path: str | None = None
    installed_path: str | None = None
    installs: Mapping[str, bool] = field(default_factory=dict)
    webhooks: Scheme | None = None
    custom_fields: bool = False

    @property
    def patterns(self) -> Mapping[int, str | None]:
        """The patterns in messages of refusals, by status."""
        return {400: self.not_found, 401: self.no_route, 403: self.too_many}


# Missing objects often answer 400 "Contact with id X not found"; 404 is hardly declared in the vendor's documents.
GHL = Vendor(
    kind="ghl",
    title="HighLevel",
    base_url="https://services.leadconnectorhq.com",
    quota=Quota(per_10s=100, per_day=200_000),
    not_found=r"\bnot found\b|\bdoes not exist\b|\bno longer exists\b",
    no_route=r"not yet supported by the IAM Service",
    version_header="Version",
    token_path="/oauth/token",
    consent_page="https://marketplace.gohighlevel.com/v2/oauth/chooselocation",
    white_label_page="https://marketplace.leadconnectorhq.com/v2/oauth/chooselocation",
    reconnect_path="/oauth/reconnect",
    location_token_path="/oauth/locationToken",
    installed_path="/oauth/installedLocations",
    installs={"INSTALL": True, "UNINSTALL": False},
    webhooks=Scheme(signatures=(Signature(header="X-GHL-Signature", algorithm="ed25519", key=GHL_KEY),)),
    custom_fields=True,
)

VENDORS: Mapping[str, Vendor] = MappingProxyType({GHL.kind: GHL})
