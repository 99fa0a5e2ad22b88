"""`hightide`: reads the command line, carries a command out, and tells in words whatever goes wrong."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer

from console.commands import HELP, Commands


def main() -> NoReturn:
    """The console script; it always ends by exiting.

    0 done, 1 the user's input is at fault, 2 usage, 3 the vendor refused or something is out of reach.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # text streams of a process
    try:
        Commands(name="hightide", help=HELP, no_args_is_help=True).main(prog_name="hightide")
    except BrokenPipeError:
        _hush()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001  # the one place where whatever went wrong becomes words
        from console.failures import told  # noqa: PLC0415  # its imports are for those who need them
        from console.folder import mask_of_command  # noqa: PLC0415

        message, status = told(error, os.environ, lambda: mask_of_command(sys.argv))
        typer.echo(message, err=True)
        sys.exit(status)
    sys.exit(0)


def _hush() -> None:
    """Whoever read our output has gone; say nothing more when the process ends."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123  # it lives as long as the process
