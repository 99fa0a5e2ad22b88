"""The options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Project = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="DIR",
        envvar="HIGHTIDE_PROJECT",
        show_envvar=True,
        help="The project's folder; the current one by default.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
