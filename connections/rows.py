"""The rows of a catalogue, found by walking the folder of modules that declare them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType
from typing import Any


def rows_of(package: ModuleType, *, extra: bool = False) -> Mapping[str, Any]:
    """Every row in the package's modules by id; each module has a `CATEGORY` and its `ROWS`.

    With `extra` those of the modules that say `EXTRA`: they are beside the catalogue and not counted in it.

    Raises:
        ValueError: two rows share an id.
    """
    found: dict[str, Any] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if getattr(module, "EXTRA", False) is not extra:
            continue
        for row in module.ROWS:
            if row.id in found:
                raise ValueError(f"two rows are called {row.id}: one of them is in {module.__file__}")
            found[row.id] = replace(row, category=module.CATEGORY)
    return MappingProxyType(found)
