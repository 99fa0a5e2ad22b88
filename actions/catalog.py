"""The catalogue of actions: every row of every category, found by walking the folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType

from actions import ghl
from actions.action import Action


def catalog(package: ModuleType, *, extra: bool = False) -> Mapping[str, Action]:
    """Every row in the package's modules by id; each module has a `CATEGORY` and its `ROWS`.

    With `extra` those of the modules that say `EXTRA`: they are beside the catalogue and not counted in it.

    Raises:
        ValueError: two rows share an id.
    """
    found: dict[str, Action] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if getattr(module, "EXTRA", False) is not extra:
            continue
        for row in module.ROWS:
            if row.id in found:
                raise ValueError(f"two actions are called {row.id}: one of them is in {module.__file__}")
            found[row.id] = replace(row, category=module.CATEGORY)
    return MappingProxyType(found)


CATALOG = catalog(ghl)
EXTRAS = catalog(ghl, extra=True)
