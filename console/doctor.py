"""`hightide doctor`: what is installed, reachable, misconfigured, and what to do about it."""

from __future__ import annotations

import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import httpx
import typer
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from config.problems import ConfigError
from config.project import Project as Loaded
from config.project import load
from config.settings import Settings, read_settings
from connections.connection import Connection, OAuth
from console import output
from console.folder import environment, granted
from console.options import Json, Project
from console.project_commands import inventory
from worker import reports
from worker.embedded import EmbeddedBroker
from worker.ledger.database import now_ms, versions
from worker.ledger.store import Store
from worker.logs import Mask, secrets_of_settings
from worker.place import Place, place_of
from worker.scopes import lacking
from worker.seal import NoKey
from worker.vault import demand_key

PACKAGES = ("hightide", "celery", "kombu", "redis", "httpx", "sqlalchemy", "psycopg")
SCARCE, SHORT = 1_000_000_000, 100_000_000
"""Free bytes on the disk below which it is a warning, and a failure."""
SKEWED = 5.0
"""Seconds by which our clock and the vendor's may differ: dates in the vendor's answers have whole seconds."""
PATIENCE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: how it is, and what to do where that is not well."""

    about: str
    state: Literal["ok", "warn", "fail"]
    message: str
    hint: str | None = None


def doctor(project: Project = None, as_json: Json = False) -> None:
    """Look at Python, database, Redis, disk, clocks and the project; say what is not well and what to do.

    The exit status is 1 where something fails, and 0 otherwise.
    """
    findings = list(_looked_at(environment(project)))
    if as_json:
        output.json([asdict(each) for each in findings])
    for each in () if as_json else findings:
        hint = f" ({each.hint})" if each.hint else ""
        output.result(f"{each.state:4}  {each.about}: {each.message}{hint}")
    if any(each.state == "fail" for each in findings):
        raise typer.Exit(1)


def _looked_at(environ: dict[str, str]) -> Iterator[Finding]:
    yield _python()
    yield _packages()
    home = Path(environ["HIGHTIDE_PROJECT"])
    try:
        settings = read_settings(environ)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding(about="settings", state="fail", message=str(problem))
        return
    place, mask = place_of(settings), Mask(secrets_of_settings(settings))
    yield _database(settings, place, mask)
    yield _broker(place, mask)
    yield _disk(settings.state_dir)
    yield from _processes(settings, place)
    try:
        loaded = load(home, environ)
    except ConfigError as error:
        words = f"{output.counted(len(error.problems), 'problem', 'problems')}, the first: {error.problems[0]}"
        yield Finding(about="project", state="fail", message=words, hint="`hightide check` lists them all")
        return
    yield _project(loaded)
    yield from _tokens(loaded, place)
    for connection in {each.base_url: each for each in loaded.connections.values()}.values():
        yield _clock(connection)


def _python() -> Finding:
    said = f"{platform.python_version()} at {sys.executable}, {platform.platform(terse=True)}"
    return Finding(about="python", state="ok", message=said)


def _packages() -> Finding:
    return Finding(about="packages", state="ok", message=", ".join(f"{name} {version(name)}" for name in PACKAGES))


def _database(settings: Settings, place: Place, mask: Mask) -> Finding:
    where = make_url(place.database_url).render_as_string(hide_password=True)
    if settings.database_url is None and not (settings.state_dir / "hightide.db").exists():
        return Finding(about="database", state="ok", message=f"{where}, which the first run makes")
    store = Store(place.database_url)
    try:
        there, newest = versions(store.engine)
    except SQLAlchemyError as error:
        cause = mask(" ".join(str(getattr(error, "orig", None) or error).split())[:300])
        hint = "is it running, and is HIGHTIDE_DATABASE_URL right?"
        return Finding(about="database", state="fail", message=f"{where} cannot be used: {cause}", hint=hint)
    finally:
        store.close()
    if there != newest:
        hint = "beat and worker bring it to the newest when they start"
        old = f"{where} has schema {there or 'none'}, the newest is {newest}"
        return Finding(about="database", state="warn", message=old, hint=hint)
    return Finding(about="database", state="ok", message=f"{where}, schema {there}")


def _broker(place: Place, mask: Mask) -> Finding:
    return _redis(place.redis_url, mask) if place.broker is None else _embedded(place.broker)


def _embedded(broker: EmbeddedBroker) -> Finding:
    try:
        broker.check()
    except RuntimeError as error:
        return Finding(about="redis", state="fail", message=str(error))
    running = "running" if broker.answers() else "not running; `hightide run` starts it"
    return Finding(about="redis", state="ok", message=f"our own Valkey, {running}")


def _redis(url: str, mask: Mask) -> Finding:
    address = url.replace("redis+socket://", "unix://")
    shown = mask(url)
    try:
        with Redis.from_url(address, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)) as redis:
            told = redis.info("server") | redis.info("memory")
    except (RedisError, OSError, ValueError) as error:
        hint = "is it running, and is HIGHTIDE_REDIS_URL right?"
        cause = mask(str(error))[:300]
        return Finding(about="redis", state="fail", message=f"{shown} does not answer: {cause}", hint=hint)
    policy = told.get("maxmemory_policy")
    said = f"{shown}, version {told.get('redis_version')}"
    if policy not in {"noeviction", None}:
        hint = "set maxmemory-policy noeviction, or what the processes share may be thrown away"
        return Finding(about="redis", state="warn", message=f"{said}, evicts by {policy}", hint=hint)
    return Finding(about="redis", state="ok", message=said)


def _disk(folder: Path) -> Finding:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:.1f} GB free at {there}"
    if free < SCARCE:
        return Finding(about="disk", state="fail" if free < SHORT else "warn", message=said, hint="make room")
    return Finding(about="disk", state="ok", message=said)


def _processes(settings: Settings, place: Place) -> Iterator[Finding]:
    if settings.database_url is None and not (settings.state_dir / "hightide.db").exists():
        return
    store = Store(place.database_url)
    try:
        seen = store.read_now(reports.processes, now_ms())
    except SQLAlchemyError:
        return  # what is wrong with the database was told
    finally:
        store.close()
    for role in ("beat", "worker"):
        count = sum(1 for each in seen if each.role == role and each.state == "running")
        if count:
            yield Finding(about=role, state="ok", message=f"{count} running")
        else:
            yield Finding(about=role, state="warn", message="none is running", hint="`hightide run` starts both")


def _tokens(loaded: Loaded, place: Place) -> Iterator[Finding]:
    """How keys and tokens are; nothing where no connection keeps tokens here."""
    try:
        demand_key(loaded.settings, loaded.connections.values())
    except NoKey as error:
        yield Finding(about="keys", state="fail", message=str(error))
    known = _stored(loaded.settings, place)
    if known is None:
        return
    for each in loaded.connections.values():
        if isinstance(each.auth, OAuth):
            yield _token(each.name, known.pop(each.name, None))
    for other in known.values():
        if other.reason:
            yield _token(other.connection, other)
    for lack in lacking(loaded, granted(loaded.settings)):
        yield Finding(about=f"scopes of {lack.connection}", state="fail", message=str(lack))


def _stored(settings: Settings, place: Place) -> dict[str, reports.TokenReport] | None:
    """The tokens in the ledger by connection; None where it cannot be read, which was told."""
    if settings.database_url is None and not (settings.state_dir / "hightide.db").exists():
        return {}
    store = Store(place.database_url)
    try:
        return {each.connection: each for each in store.read_now(reports.tokens)}
    except SQLAlchemyError:
        return None
    finally:
        store.close()


def _token(name: str, token: reports.TokenReport | None) -> Finding:
    about = f"token of {name}"
    if token is None:
        return Finding(about=about, state="fail", message="there is none", hint=f"run `hightide connect {name}`")
    if token.reason:
        return Finding(about=about, state="fail" if token.state == "lost" else "warn", message=token.reason)
    said = f"good until {output.moment(token.expires_at)}, renewed by itself"
    return Finding(about=about, state="ok", message=said)


def _project(loaded: Loaded) -> Finding:
    said = inventory(loaded)
    if loaded.warnings:
        words = f"{said}, {output.counted(len(loaded.warnings), 'warning', 'warnings')}"
        return Finding(about="project", state="warn", message=words, hint="`hightide check` shows them")
    return Finding(about="project", state="ok", message=said)


def _clock(connection: Connection, clock: Callable[[], float] = time.time) -> Finding:
    """Whether the vendor answers, and how far our clocks are apart; its answers tell the time in whole seconds."""
    about = f"vendor of {connection.name}"
    try:
        date = httpx.get(connection.base_url, timeout=PATIENCE, trust_env=False).headers.get("date", "")
        apart = clock() - parsedate_to_datetime(date).timestamp()
    except httpx.HTTPError as error:
        cause = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
        hint = "what is due waits until it answers"
        return Finding(about=about, state="warn", message=f"{connection.base_url} does not answer: {cause}", hint=hint)
    except ValueError:
        return Finding(about=about, state="ok", message=f"{connection.base_url} answers, and tells no time")
    if abs(apart) > SKEWED:
        words = f"our clock is {apart:+.0f} s from that of {connection.base_url}"
        return Finding(about=about, state="warn", message=words, hint="set this machine's clock, by NTP for instance")
    return Finding(about=about, state="ok", message=f"{connection.base_url} answers, clocks agree")
