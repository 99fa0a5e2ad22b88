"""What every process of the engine begins with: settings, project, place, and the engine made from them when needed."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog

from config.problems import ConfigError
from config.project import Project, load
from config.settings import Settings
from worker.engine import Engine
from worker.ledger.database import migrate
from worker.logs import Mask, secrets_of_automations, secrets_of_connections, secrets_of_settings
from worker.place import Place, place_of
from worker.seal import NoKey
from worker.vault import demand_key

LOOK_EVERY = 2.0
"""How often (s) the project's files are looked at for changes."""

log = structlog.get_logger()


class Desk:
    """The project of a process, read again when its files change, and the engine that works on it.

    A change that is faulty is reported once, and what was read before stays in force.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.place: Place = place_of(settings)
        self.mask = Mask(secrets_of_settings(settings))
        self._environ = environ
        self._project: Project | None = None
        self._seen: tuple[object, ...] = ()
        self._looked = 0.0
        self._engine: tuple[int, Project, Engine] | None = None

    def prepare(self) -> None:
        """Make sure that the broker answers and that the database has its newest schema."""
        if self.settings.database_url is None:  # otherwise the project's folder may be there for reading only
            self.settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.place.broker is not None:
            self.place.broker.keep()
        migrate(self.place.database_url)

    def project(self) -> Project:
        """The project as its files say now.

        Raises:
            ConfigError: they are faulty and were never right before.
        """
        if self._project is not None and time.monotonic() - self._looked < LOOK_EVERY:
            return self._project
        self._looked = time.monotonic()
        # and again, where a file was changed while it was read, or is only now known to belong to the project
        while (seen := _stamps(self.settings.project, self._secret_files())) != self._seen or self._project is None:
            self._seen = seen
            self._project = self._loaded()
        return self._project

    def engine(self) -> Engine:
        """The engine of this very process; a child never uses what its parent opened."""
        project = self.project()
        if self._engine is not None:
            pid, known, engine = self._engine
            if pid == os.getpid() and known is project:
                return engine
            if pid == os.getpid():
                engine.close()
        engine = Engine(project, self.place)
        self._engine = (os.getpid(), project, engine)
        _spare_garbage_collection()
        return engine

    def close(self) -> None:
        """End what belongs to this process."""
        if self._engine is not None and self._engine[0] == os.getpid():
            self._engine[2].close()
            self._engine = None

    def _secret_files(self) -> Iterable[Path]:
        return () if self._project is None else self._project.secret_files

    def _loaded(self) -> Project:
        try:
            project = load(self.settings.project, self._environ)
        except ConfigError as error:
            if self._project is None:
                raise
            log.error("project.faulty", problems=[str(problem) for problem in error.problems])  # noqa: TRY400  # a person's
            return self._project
        try:
            demand_key(self.settings, project.connections.values())
        except NoKey as error:
            if self._project is None:
                raise
            log.error("project.faulty", problems=[str(error)])  # noqa: TRY400  # a person's
            return self._project
        self.mask.learn(secrets_of_connections(project.connections))
        self.mask.learn(secrets_of_automations(project.automations.values(), project.environ))
        return project


def _spare_garbage_collection() -> None:
    """Leave out of every collection what lives as long as the process, and collect less often.

    With Python's own thresholds each request in flight sets off collections that walk every module; that was a fifth of
    the CPU time of a burst. What runs leave behind is freed by its reference count.
    """
    gc.unfreeze()  # an engine that was replaced may go
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _stamps(folder: Path, secrets: Iterable[Path]) -> tuple[object, ...]:
    files = [folder / "connections.yaml", folder / ".env", *sorted((folder / "automations").glob("*.yaml"))]
    files += [*sorted((folder / "connectors").glob("*.yaml")), *secrets]
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files if path.exists())
