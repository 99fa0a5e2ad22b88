"""Settings: what the environment says about where things are and who may see them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import SecretStr

from config.environment import read_environment
from config.problems import ConfigError, Problem

NAMES: Mapping[str, str] = {
    "HIGHTIDE_PROJECT": "the project's folder; the current one by default",
    "HIGHTIDE_STATE_DIR": "folder of what Hightide keeps, such as fetched files; .hightide in the project by default",
    "HIGHTIDE_DATABASE_URL": "PostgreSQL of the ledger; a SQLite file in the state folder by default",
    "HIGHTIDE_REDIS_URL": "Redis or Valkey of queue and quota; an embedded Valkey by default",
    "HIGHTIDE_SECRET_KEY": "Fernet keys for tokens at rest, comma-separated, newest first",
    "HIGHTIDE_KEEP_DAYS": "days after which runs that ended well are forgotten; 30 by default",
    "HIGHTIDE_KEEP_FILES_DAYS": "days after which recordings and other fetched files are removed; 30 by default",
    "HIGHTIDE_WEB_ADDRESS": "where the web process listens, HOST:PORT; 127.0.0.1:8765 by default",
    "HIGHTIDE_WEB_PASSWORD": "password of the web page; demanded when it listens beyond this machine",
}

WEBHOOK_KEY = "HIGHTIDE_WEBHOOK_KEY_"
"""Followed by a vendor's kind in capitals: the key its webhooks are signed with (`..._GHL_RSA` allows the old kind)."""
_KEEP_DAYS = "30"
_WEB_ADDRESS = "127.0.0.1:8765"
_DATABASES = ("postgresql://", "postgres://", "postgresql+psycopg://")
_BROKERS = ("redis://", "rediss://", "redis+socket://", "unix://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the project, its database and its Redis are; URLs may hold passwords and stay out of the repr."""

    project: Path
    state_dir: Path
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    secret_keys: tuple[SecretStr, ...] = ()
    keep_days: int = 30
    keep_files_days: int = 30
    web_address: str = _WEB_ADDRESS
    web_password: SecretStr | None = None
    webhook_keys: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)
    """By the names of their variables."""

    @property
    def files(self) -> Path:
        """The folder of recordings and other files that vendors hand out."""
        return self.state_dir / "files"

    @property
    def embedded(self) -> bool:
        """Whether neither a database nor a Redis is configured, so that Hightide brings its own."""
        return self.database_url is None and self.redis_url is None

    @property
    def web_host(self) -> str:
        """The host part of `web_address`, an IPv6 address without its brackets."""
        return self.web_address.rpartition(":")[0].strip("[]")

    @property
    def web_port(self) -> int:
        """The port part of `web_address`."""
        return int(self.web_address.rpartition(":")[2])


def read_settings(environ: Mapping[str, str], project: Path | None = None) -> Settings:
    """The settings of a project: its .env beneath the given environment, which wins.

    Without `project` the folder is `HIGHTIDE_PROJECT`, or the current one.

    Raises:
        ConfigError: a variable cannot be what it says, or is probably misspelt.
    """
    folder = (project or Path(environ.get("HIGHTIDE_PROJECT") or ".")).absolute()
    known, problems = read_environment(environ, folder)
    given = {name: known[name].strip() for name in NAMES if known.get(name, "").strip()}
    problems += tuple(
        Problem(file="environment", message=f"{name} {message}", hint=hint)
        for name, message, hint in (*_misspelt(known), *_faults(given))
    )
    if problems:
        raise ConfigError(problems)
    password = given.get("HIGHTIDE_WEB_PASSWORD")
    return Settings(
        project=folder,
        state_dir=folder / given.get("HIGHTIDE_STATE_DIR", ".hightide"),
        database_url=_with_driver(given.get("HIGHTIDE_DATABASE_URL")),
        redis_url=given.get("HIGHTIDE_REDIS_URL"),
        secret_keys=tuple(SecretStr(key) for key in _keys(given)),
        keep_days=int(given.get("HIGHTIDE_KEEP_DAYS", _KEEP_DAYS)),
        keep_files_days=int(given.get("HIGHTIDE_KEEP_FILES_DAYS", _KEEP_DAYS)),
        web_address=given.get("HIGHTIDE_WEB_ADDRESS", _WEB_ADDRESS),
        web_password=SecretStr(password) if password else None,
        webhook_keys={
            name.upper(): SecretStr(known[name])
            for name in known
            if name.startswith(WEBHOOK_KEY) and known[name].strip()
        },
    )


def key_name(kind: str) -> str:
    """The variable with the key that the webhooks of a kind of vendor are signed with."""
    return WEBHOOK_KEY + kind.upper().replace("-", "_")


def is_loopback(host: str) -> bool:
    """Whether a host name or address never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_unspecified(host: str) -> bool:
    """Whether it stands for every address of a machine, such as 0.0.0.0: to listen at, and not to go to."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


Fault = tuple[str, str, str | None]


def _misspelt(environ: Mapping[str, str]) -> Iterator[Fault]:
    for name in environ:
        if name.startswith("HIGHTIDE_") and name not in NAMES and not name.startswith(WEBHOOK_KEY):
            close = get_close_matches(name, NAMES, n=1, cutoff=0.85)
            if close:
                yield name, "is no setting", f"did you mean `{close[0]}`?"


def _faults(given: Mapping[str, str]) -> Iterator[Fault]:
    database, redis = given.get("HIGHTIDE_DATABASE_URL"), given.get("HIGHTIDE_REDIS_URL")
    if database and not (database.startswith(_DATABASES) and _is_url(database)):
        hint = "expected postgresql://USER:PASSWORD@HOST/DATABASE; without it Hightide has a SQLite file of its own"
        yield "HIGHTIDE_DATABASE_URL", "is no PostgreSQL", hint
    if redis and not (redis.startswith(_BROKERS) and _is_url(redis)):
        yield "HIGHTIDE_REDIS_URL", "is no Redis we know", "expected redis://HOST:PORT/0"
    for name in ("HIGHTIDE_KEEP_DAYS", "HIGHTIDE_KEEP_FILES_DAYS"):
        if not re.fullmatch(r"[1-9][0-9]{0,4}", given.get(name, _KEEP_DAYS)):
            yield name, "is no number of days", f"expected a whole number such as {_KEEP_DAYS}"
    for number, key in enumerate(_keys(given), 1):
        if not _is_fernet(key):
            yield "HIGHTIDE_SECRET_KEY", f"holds no Fernet key at place {number}", "32 bytes in URL-safe base64"
    yield from _address_faults(given)


def _address_faults(given: Mapping[str, str]) -> Iterator[Fault]:
    address = given.get("HIGHTIDE_WEB_ADDRESS", _WEB_ADDRESS)
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\s/\[\]]+):(\d{1,5})", address)
    if found is None or int(found[2]) > 65535:
        yield "HIGHTIDE_WEB_ADDRESS", "is no address to listen on", "expected HOST:PORT, such as 127.0.0.1:8765"
    elif not is_loopback(found[1].strip("[]")) and "HIGHTIDE_WEB_PASSWORD" not in given:
        yield "HIGHTIDE_WEB_ADDRESS", "is open to other machines", "set HIGHTIDE_WEB_PASSWORD too"


def _keys(given: Mapping[str, str]) -> list[str]:
    return [key.strip() for key in given.get("HIGHTIDE_SECRET_KEY", "").split(",") if key.strip()]


def _is_fernet(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _is_url(text: str) -> bool:
    try:
        _ = urlsplit(text).port
    except ValueError:
        return False
    return True


def _with_driver(url: str | None) -> str | None:
    """The URL with the driver that is installed (psycopg 3) where it names none."""
    return url and re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
