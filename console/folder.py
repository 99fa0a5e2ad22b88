"""The project that a command works on: its settings, its files, its ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

from config.problems import ConfigError
from config.settings import Settings, read_settings
from console.failures import Fault
from worker.ledger import credentials
from worker.ledger.database import migrate, versions
from worker.ledger.store import Store
from worker.logs import Mask, secrets_of_connections, secrets_of_settings
from worker.place import place_of


def environment(project: Path | None) -> dict[str, str]:
    """The environment of this process, with the project's folder in it as the engine's processes want it."""
    folder = (project or Path(os.environ.get("HIGHTIDE_PROJECT") or ".")).absolute()
    return {**os.environ, "HIGHTIDE_PROJECT": str(folder)}


def settings_of(project: Path | None) -> Settings:
    """The project's settings.

    Raises:
        ConfigError: the environment is at fault.
        Fault: there is no such folder.
    """
    settings = read_settings(environment(project))
    if not settings.project.is_dir():
        raise Fault(f"there is no folder {settings.project}; `hightide init DIR` makes a project")
    return settings


def mask_of(project: Path | None) -> Mask:
    """What hides the project's secrets; those of its connections too, where they can be read."""
    from config.project import load  # noqa: PLC0415  # with both catalogues; most commands do without

    settings = settings_of(project)
    mask = Mask(secrets_of_settings(settings))
    with suppress(ConfigError):  # what a faulty project has done can be looked at all the same
        mask.learn(secrets_of_connections(load(settings.project, environment(project)).connections))
    return mask


def mask_of_command(words: Sequence[str]) -> Mask:
    """What hides the secrets of the project that a command line names, however wrong the rest of it is."""
    named = [
        after if word == "--project" else word.partition("=")[2]
        for word, after in pairwise([*words, ""])
        if word == "--project" or word.startswith("--project=")
    ]
    try:
        return mask_of(Path(named[-1]) if named else None)
    except (ConfigError, Fault):
        return Mask(os.environ.values())


@contextmanager
def ledger(project: Path | None) -> Iterator[Store]:
    """The project's ledger, with its newest schema.

    Raises:
        Fault: the project was never run, so that there is none.
    """
    settings = settings_of(project)
    if settings.database_url is None and not (settings.state_dir / "hightide.db").exists():
        raise Fault(f"{settings.project} has no ledger yet: `hightide run` makes it")
    url = place_of(settings).database_url
    store = Store(url)
    try:
        present, newest = versions(store.engine)
        if present != newest:
            migrate(url)
        yield store
    finally:
        store.close()


def granted(settings: Settings) -> dict[str, str | None]:
    """The scopes that the ledger's tokens were given, by connection; none where there is no ledger."""
    if settings.database_url is None and not (settings.state_dir / "hightide.db").exists():
        return {}
    store = Store(place_of(settings).database_url)
    try:
        there, newest = versions(store.engine)
        known = store.read_now(credentials.everything) if there == newest else []
        return {each.name: each.scope for each in known}
    finally:
        store.close()
