"""A connection: a named account at a vendor, and how much of the vendor's quota it may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
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
    """Tokens of an authorization-code grant, kept in the ledger and refreshed.

    `redirect_uri` is where the consent page sends people back to, as the vendor's app has it; our own web process by
    default. `consent_page` is asked in place of the vendor's, or, with `white_label`, of the vendor's neutral one.
    `app_id` is the app at the vendor; by default the client's id up to its first dash, as HighLevel has it.
    """

    client_id: str
    client_secret: SecretStr
    redirect_uri: str | None = None
    consent_page: str | None = None
    white_label: bool = False
    app_id: str | None = None
    type: Literal["oauth"] = "oauth"

    @property
    def app(self) -> str:
        """The id of the app at the vendor."""
        return self.app_id or self.client_id.partition("-")[0]


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
class Basic:
    """A user name and a password (RFC 7617)."""

    username: str
    password: SecretStr
    type: Literal["basic"] = "basic"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAuth:
    """Nothing is sent."""

    type: Literal["none"] = "none"


Auth = PrivateToken | ClientCredentials | OAuth | Agency | ApiKey | Basic | NoAuth


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many requests a vendor allows: in ten seconds, and in a day."""

    per_10s: int = 100
    per_day: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Locations:
    """Which of an agency's locations a connection stands for.

    Those with these `ids`, or all that the app is installed in; of these, those whose name fits the pattern `name`
    (`*` and `?`, in either case), less those in `but`.
    """

    ids: tuple[str, ...] | None = None
    name: str | None = None
    but: tuple[str, ...] = ()

    def take_in(self, id_: str, name: str | None) -> bool:
        """Whether the location of that id and name is among them; a name that is not known fits no pattern."""
        if id_ in self.but or (self.ids is not None and id_ not in self.ids):
            return False
        return self.name is None or (name is not None and fnmatch(name.casefold(), self.name.casefold()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A named account at a vendor, or, with `locations`, one account for each of an agency's locations.

    Connections with the same `budget` share one quota: the vendor counts per app and location (or company). `app` is
    the app of the agency whose tokens it uses.
    """

    name: str
    kind: str
    base_url: str
    auth: Auth
    location_id: str | None = None
    company_id: str | None = None
    quota: Quota | None = Quota()
    locations: Locations | None = None
    app: str = ""

    @property
    def budget(self) -> str:
        """The name of the quota that this connection draws on."""
        app = self.app or getattr(self.auth, "client_id", "private")
        return f"{self.kind}:{app}:{self.location_id or self.company_id or self.name}"

    def address_of(self, path: str) -> str:
        """The address of a path below the base URL; a whole address is its own."""
        return self.base_url.rstrip("/") + path if path.startswith("/") else path

    def at(self, location_id: str) -> Connection:
        """The account of one of its locations, named `GROUP/LOCATION_ID`."""
        return replace(self, name=f"{self.name}/{location_id}", location_id=location_id, locations=None)


class Connections(Mapping[str, Connection]):
    """The connections that people wrote, and by their names also those of single locations of a group.

    Only what was written is counted and walked through.
    """

    def __init__(self, written: Mapping[str, Connection]) -> None:
        self._written = dict(written)
        self._located: dict[str, Connection] = {}

    def __getitem__(self, name: str) -> Connection:
        """The connection of that name; the same object each time."""
        found = self._written.get(name) or self._located.get(name)
        if found is None:
            group, _, location = str(name).partition("/")  # what messages ask for may be anything
            several = self._written.get(group)
            if several is None or several.locations is None or not location:
                raise KeyError(name)
            found = self._located[name] = several.at(location)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)

    def __repr__(self) -> str:
        return f"Connections({list(self._written)})"
