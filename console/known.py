"""What a command knows of: the built-in operations, the connectors that Hightide ships, and those of the project."""

from __future__ import annotations

from pathlib import Path

from config.catalogues import Catalogues, catalogues, read_connectors
from config.environment import read_environment
from config.problems import ConfigError
from console.folder import environment


def known(project: Path | None) -> Catalogues:
    """All that can be used; without a project in the folder what Hightide ships.

    Raises:
        ConfigError: the project's connectors are at fault.
    """
    environ = environment(project)
    folder = Path(environ["HIGHTIDE_PROJECT"])
    filled, _ = read_environment(environ, folder)
    own = read_connectors(folder, filled)
    if own.problems:
        raise ConfigError(own.problems)
    return catalogues().with_connectors(own.connectors)


def kind_in(operation: str) -> str:
    """The kind of vendor that an operation belongs to: `ghl` of `ghl.contacts.search`."""
    return operation.partition(".")[0]
