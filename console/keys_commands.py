"""`hightide keys`: the keys that tokens are encrypted with."""

from __future__ import annotations

import typer
from cryptography.fernet import Fernet

from console import output
from console.failures import Fault
from console.folder import ledger, settings_of
from console.options import Project
from worker.rotation import rotate as rotated
from worker.seal import NoKey
from worker.vault import KEY_FILE, new_own_key, vault_of

keys = typer.Typer(
    add_completion=False,
    help="The keys that tokens are encrypted with in the database.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@keys.command()
def new() -> None:
    """Print a new key, for HIGHTIDE_SECRET_KEY; several are separated by commas, the newest first."""
    output.result(Fernet.generate_key().decode())


@keys.command()
def rotate(project: Project = None) -> None:
    """Encrypt all that is secret in the database anew, with the newest key.

    Put a new key before the others in HIGHTIDE_SECRET_KEY, start all processes again, then call this; after that the
    older keys can be removed. Where no key and no database is configured, the project's own key is replaced.
    """
    settings = settings_of(project)
    with ledger(project) as store:
        try:
            if not settings.secret_keys and settings.database_url is None:
                new_own_key(settings.state_dir)
            count = store.write_now(rotated, vault_of(settings))
        except NoKey as error:
            raise Fault(str(error)) from None
    where = "HIGHTIDE_SECRET_KEY" if settings.secret_keys else str(settings.state_dir / KEY_FILE)
    output.result(f"{count} rows are encrypted with the newest key of {where}")
