"""All that can be used: the built-in rows, the connectors that Hightide ships, and those of a project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from actions.action import Action
from actions.catalog import CATALOG as ACTIONS
from actions.catalog import EXTRAS as MORE_ACTIONS
from config.document import Document, read_document
from config.findings import Findings
from config.manifest import Connector, as_values, read_manifest
from config.problems import ConfigError, Problem
from connections.vendors import VENDORS, Vendor
from triggers.catalog import CATALOG as TRIGGERS
from triggers.catalog import EXTRAS as MORE_TRIGGERS
from triggers.trigger import Trigger

CONNECTORS = "connectors"
SHIPPED = Path(__file__).parent / CONNECTORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogues:
    """What automations may use: triggers and actions by id, vendors by kind."""

    triggers: Mapping[str, Trigger]
    actions: Mapping[str, Action]
    vendors: Mapping[str, Vendor]

    def with_connectors(self, connectors: Iterable[Connector]) -> Catalogues:
        """The same with these connectors; one of a kind that is there already takes its place."""
        triggers, actions, vendors = dict(self.triggers), dict(self.actions), dict(self.vendors)
        for connector in connectors:
            kind = f"{connector.vendor.kind}."
            for rows in (triggers, actions):
                for name in [name for name in rows if name.startswith(kind)]:
                    del rows[name]
            triggers |= connector.triggers
            actions |= connector.actions
            vendors[connector.vendor.kind] = connector.vendor
        return Catalogues(
            triggers=MappingProxyType(triggers), actions=MappingProxyType(actions), vendors=MappingProxyType(vendors)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The connectors of a folder, what is wrong with its files or may be, and the kinds that are `broken` by that."""

    connectors: tuple[Connector, ...] = ()
    broken: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Files:
    connectors: list[Connector] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_connectors(project: Path, environ: Mapping[str, str]) -> Read:
    """The connectors in a project's `connectors/`."""
    files = _Files()
    for name in _names(project / CONNECTORS):
        file = f"{CONNECTORS}/{name}"
        if name.endswith(".yml"):
            files.problems.append(Problem(file=file, message="is not read", hint="name it .yaml"))
            continue
        document, problems = read_document(project / file, file)
        files.problems += problems
        if document is not None:
            _read(document, name.removesuffix(".yaml"), environ, files)
    sound = {connector.vendor.kind for connector in files.connectors}
    return Read(
        connectors=tuple(files.connectors),
        broken=frozenset(name.partition(".")[0] for name in _names(project / CONNECTORS)) - sound,
        problems=tuple(files.problems),
        warnings=tuple(files.warnings),
    )


def _read(document: Document, stem: str, environ: Mapping[str, str], files: _Files) -> None:
    found = Findings(document=document, environ=environ)
    connector = read_manifest(found, stem, shipped_manifests())
    files.problems += found.problems
    files.warnings += found.warnings
    if connector is not None:
        files.connectors.append(connector)


def _names(folder: Path) -> list[str]:
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError:
        return []
    return [name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith(".")]


@cache
def catalogues() -> Catalogues:
    """The built-in rows and the connectors that Hightide ships.

    Raises:
        ConfigError: one of the shipped manifests is at fault.
    """
    files = _Files()
    for path, document in _shipped():
        _read(document, path.stem, {}, files)
    if files.problems:
        raise ConfigError(files.problems)
    built_in = Catalogues(triggers={**TRIGGERS, **MORE_TRIGGERS}, actions={**ACTIONS, **MORE_ACTIONS}, vendors=VENDORS)
    return built_in.with_connectors(files.connectors)


@cache
def shipped_manifests() -> Mapping[str, Mapping[str, Any]]:
    """The manifests that Hightide ships, by kind, as values that others may extend."""
    return MappingProxyType({path.stem: as_values(document) for path, document in _shipped()})


@cache
def _shipped() -> tuple[tuple[Path, Document], ...]:
    read = [(SHIPPED / name, read_document(SHIPPED / name, f"config/{CONNECTORS}/{name}")) for name in _names(SHIPPED)]
    problems = [problem for _, (_, problems) in read for problem in problems]
    if problems:
        raise ConfigError(problems)
    return tuple((path, document) for path, (document, _) in read if document is not None)
