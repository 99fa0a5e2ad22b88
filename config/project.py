"""A project: everything its files say, read and checked as a whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from actions.action import Action
from config.automation import Automation
from config.automation_file import Around, read_automations
from config.catalogues import Catalogues, catalogues, read_connectors
from config.connection_file import kinds, read_connections
from config.document import read_document
from config.environment import Environment, read_environment
from config.findings import Findings
from config.problems import ConfigError, Problem
from config.settings import Settings, read_settings
from connections.connection import Connection, Connections
from connections.vendors import Vendor
from triggers.trigger import Trigger

CONNECTIONS = "connections.yaml"
AUTOMATIONS = "automations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project that can be run: no `Problem` is in it; `warnings` are what may not do what is expected.

    `triggers`, `actions` and `vendors` are what its automations may use, by id and kind; `secret_files` are those that
    credentials were read from (`file:`).
    """

    settings: Settings
    connections: Mapping[str, Connection]
    automations: Mapping[str, Automation]
    environ: Environment
    triggers: Mapping[str, Trigger] = field(default_factory=lambda: catalogues().triggers, repr=False)
    actions: Mapping[str, Action] = field(default_factory=lambda: catalogues().actions, repr=False)
    vendors: Mapping[str, Vendor] = field(default_factory=lambda: catalogues().vendors, repr=False)
    warnings: tuple[Problem, ...] = ()
    secret_files: tuple[Path, ...] = ()


def load(
    project: Path,
    environ: Mapping[str, str],
    *,
    triggers: Mapping[str, Trigger] | None = None,
    actions: Mapping[str, Action] | None = None,
    vendors: Mapping[str, Vendor] | None = None,
) -> Project:
    """The project in a folder, in an environment.

    Its own connectors join the triggers, actions and vendors that are given; by default all that Hightide ships.

    Raises:
        ConfigError: something is wrong; all that is wrong is in it.
    """
    folder = project.absolute()
    known, problems = read_environment(environ, folder)
    settings, wrong = _settings(environ, folder)
    own = read_connectors(folder, known)
    files = _Files(
        folder=folder, environ=known, problems=[*problems, *wrong, *own.problems], warnings=list(own.warnings)
    )
    rows = _given(triggers, actions, vendors).with_connectors(own.connectors)
    connections = files.connections(rows.vendors, own.broken)
    around = Around(
        triggers=rows.triggers,
        actions=rows.actions,
        connections=connections or {},
        kinds=files.kinds,
        vendors=rows.vendors,
        broken=own.broken,
        complete=connections is not None,
    )
    automations = files.automations(around)
    if files.problems or settings is None:
        raise ConfigError(files.problems)
    return Project(
        settings=settings,
        connections=Connections({name: each for name, each in (connections or {}).items() if each}),
        automations=automations,
        environ=known,
        triggers=rows.triggers,
        actions=rows.actions,
        vendors=rows.vendors,
        warnings=tuple(sorted(files.warnings, key=lambda each: (each.file, each.line, each.column))),
        secret_files=tuple(files.secrets),
    )


def _given(
    triggers: Mapping[str, Trigger] | None, actions: Mapping[str, Action] | None, vendors: Mapping[str, Vendor] | None
) -> Catalogues:
    ours = catalogues()
    return Catalogues(
        triggers=ours.triggers if triggers is None else triggers,
        actions=ours.actions if actions is None else actions,
        vendors=ours.vendors if vendors is None else vendors,
    )


def _settings(environ: Mapping[str, str], folder: Path) -> tuple[Settings | None, tuple[Problem, ...]]:
    try:
        return read_settings(environ, folder), ()
    except ConfigError as exc:
        return None, exc.problems


@dataclass(slots=True, kw_only=True)
class _Files:
    """The files of a project while they are read: problems and warnings pile up."""

    folder: Path
    environ: Environment
    problems: list[Problem]
    warnings: list[Problem] = field(default_factory=list)
    secrets: list[Path] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    """The kind of each connection, also of those at fault, as far as it can be told."""

    def connections(
        self, vendors: Mapping[str, Vendor], broken: Collection[str]
    ) -> dict[str, Connection | None] | None:
        """The connections by name, None for those at fault; None where the file cannot be read at all."""
        if not (self.folder / CONNECTIONS).exists():
            hint = "`hightide init` makes a project" if self.folder.is_dir() else "there is no such folder"
            self.problems.append(Problem(file=CONNECTIONS, message=f"is not in {self.folder}", hint=hint))
            return None
        found = self._read(CONNECTIONS)
        if found is None:
            return None
        connections = read_connections(found, vendors, broken)
        self.kinds = kinds(found, vendors)
        self._keep(found)
        return connections

    def automations(self, around: Around) -> dict[str, Automation]:
        """The automations of all files by name; a name that is there twice is a problem at both places."""
        automations: dict[str, Automation] = {}
        places: dict[str, list[Problem]] = {}
        for file in self._automation_files():
            found = self._read(file)
            if found is None:
                continue
            for name, automation in read_automations(found, around).items():
                same = found.document.problem(("automations", name), f"there are two automations `{name}`", key=True)
                places.setdefault(name, []).append(same)
                if automation is not None:
                    automations[name] = automation
            self._keep(found)
        for twice in (each for each in places.values() if len(each) > 1):
            for number, place in enumerate(twice):
                other = twice[0 if number else 1]
                self.problems.append(replace(place, hint=f"the other is in {other.file}:{other.line}"))
        return automations

    def _automation_files(self) -> list[str]:
        """The names of the files of automations, in order; those that would be overlooked are problems."""
        try:
            names = sorted(path.name for path in (self.folder / AUTOMATIONS).iterdir() if path.is_file())
        except OSError:
            return []
        for name in names:
            if name.endswith(".yml"):
                file = f"{AUTOMATIONS}/{name}"
                self.problems.append(Problem(file=file, message="is not read", hint="name it .yaml"))
        return [f"{AUTOMATIONS}/{name}" for name in names if name.endswith(".yaml") and not name.startswith(".")]

    def _read(self, file: str) -> Findings | None:
        document, problems = read_document(self.folder / file, file)
        self.problems += problems
        return Findings(document=document, environ=self.environ) if document else None

    def _keep(self, found: Findings) -> None:
        self.problems += found.problems
        self.warnings += found.warnings
        self.secrets += found.files
