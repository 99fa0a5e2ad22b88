"""Secrets at rest: tokens are sealed before they go into the database (Fernet, keys rotated newest first)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from config.settings import Settings
from connections.connection import Agency, Connection, OAuth
from worker.seal import NoKey

KEY_FILE = "secret.key"
"""Of embedded use, in the project's `.hightide/`: a key a line, newest first."""


class Vault:
    """Seals and opens texts; what was sealed with an older key still opens, and is sealed anew with the newest."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])

    def seal(self, text: str) -> str:
        """The text, unreadable without a key."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text again.

        Raises:
            NoKey: none of the keys opens it.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise NoKey(
                "none of the keys in HIGHTIDE_SECRET_KEY opens a stored token: put the key back that it was sealed with"
            ) from None

    def rotate(self, sealed: str) -> str:
        """The same, sealed with the newest key.

        Raises:
            NoKey: none of the keys opens it.
        """
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise NoKey("a stored secret was sealed with a key that is not in HIGHTIDE_SECRET_KEY any more") from None


def vault_of(settings: Settings) -> Vault:
    """The vault of a project: keys from the environment, or, in embedded use, those of its own in a file.

    Raises:
        NoKey: a database is configured and no key is; a key made here would be lost with this machine.
    """
    keys = keys_of(settings)
    if not keys:
        raise NoKey(
            "HIGHTIDE_SECRET_KEY is not set, so tokens cannot be stored: make a key with `hightide keys new` and give "
            "the same one to every process"
        )
    return Vault(keys)


def keys_of(settings: Settings) -> tuple[SecretStr, ...]:
    """The keys of a project, as `vault_of` takes them; none where it would refuse."""
    if settings.secret_keys or settings.database_url is not None:
        return settings.secret_keys
    return own_keys(settings.state_dir)


def demand_key(settings: Settings, connections: Iterable[Connection]) -> None:
    """Refuse to go on where tokens would have to be stored and there is no key for them.

    Raises:
        NoKey: as `vault_of`; which connection stands in the way.
    """
    storing = [each.name for each in connections if isinstance(each.auth, OAuth | Agency)]
    if storing and not settings.secret_keys and settings.database_url is not None:
        raise NoKey(
            f"connection {storing[0]} keeps its tokens in the database, and HIGHTIDE_SECRET_KEY is not set: make a key "
            "with `hightide keys new` and give the same one to every process"
        )


def own_keys(folder: Path) -> tuple[SecretStr, ...]:
    """The project's own keys, the first of them made on first use; only their owner may read the file.

    Raises:
        NoKey: the file is there and holds no key.
    """
    path = folder / KEY_FILE
    if not path.exists():
        _placed(path, [Fernet.generate_key().decode()], replace=False)
    try:
        keys = [line.strip() for line in path.read_text("ascii").splitlines() if line.strip()]
        Vault([SecretStr(key) for key in keys])
    except ValueError as error:
        raise NoKey(f"{path} holds no key: put back the file that the stored tokens were sealed with") from error
    return tuple(SecretStr(key) for key in keys)


def new_own_key(folder: Path) -> None:
    """Put a new key before the project's own ones; the last two are kept, for who still holds the one before."""
    known = [key.get_secret_value() for key in own_keys(folder)]
    _placed(folder / KEY_FILE, [Fernet.generate_key().decode(), *known][:2], replace=True)


def _placed(path: Path, keys: Sequence[str], *, replace: bool) -> None:
    """Put the file in its place whole, so that nobody ever reads half of it; without `replace` the first one stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # made with mode 0600
    with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    made = Path(file.name)
    if replace:
        made.replace(path)
        return
    try:
        os.link(made, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        made.unlink()
