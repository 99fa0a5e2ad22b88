"""A connection: a named account at a vendor, and how much of the vendor's quota it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateToken:
    """A static bearer token (HighLevel: Settings > Private Integrations)."""

    token: SecretStr
    type: Literal["private_token"] = "private_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """A short-lived token is fetched with an id and a secret (RFC 6749, 4.4)."""

    client_id: str
    client_secret: SecretStr
    token_path: str = "/oauth/token"
    scope: str | None = None
    type: Literal["client_credentials"] = "client_credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """Tokens of an authorization-code grant, kept in the ledger and refreshed."""

    client_id: str
    client_secret: SecretStr
    type: Literal["oauth"] = "oauth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """Location tokens are asked for with the token of an agency's connection."""

    connection: str
    type: Literal["agency"] = "agency"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key in a header or in the query string."""

    key: SecretStr
    header: str | None = "Authorization"
    query: str | None = None
    type: Literal["api_key"] = "api_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAuth:
    """Nothing is sent."""

    type: Literal["none"] = "none"


Auth = PrivateToken | ClientCredentials | OAuth | Agency | ApiKey | NoAuth


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many requests a vendor allows: in ten seconds, and in a day."""

    per_10s: int = 100
    per_day: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A named account at a vendor.

    Connections with the same `budget` share one quota: the vendor counts per app and location (or company).
    """

    name: str
    kind: str
    base_url: str
    auth: Auth
    location_id: str | None = None
    company_id: str | None = None
    quota: Quota | None = Quota()

    @property
    def budget(self) -> str:
        """The name of the quota that this connection draws on."""
        app = getattr(self.auth, "client_id", "private")
        return f"{self.kind}:{app}:{self.location_id or self.company_id or self.name}"
