"""Secrets at rest: tokens are sealed before they go into the database (Fernet, keys rotated newest first)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from config.settings import Settings

KEY_FILE = "secret.key"


class NoKey(RuntimeError):
    """There is no key to seal tokens with, or none that opens what was sealed."""


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
            raise NoKey("a stored token was sealed with a key that is not in HIGHTIDE_SECRET_KEY any more") from None


def vault_of(settings: Settings) -> Vault:
    """The vault of a project: keys from the environment, or, in embedded use, one of its own in a file.

    Raises:
        NoKey: a database is configured and no key is; a key made here would be lost with this machine.
    """
    if settings.secret_keys:
        return Vault(settings.secret_keys)
    if settings.database_url is not None:
        raise NoKey(
            "HIGHTIDE_SECRET_KEY is not set, so tokens cannot be stored: make a key with `hightide keys new` and give "
            "the same one to every process"
        )
    return Vault((SecretStr(own_key(settings.state_dir)),))


def own_key(folder: Path) -> str:
    """The project's own key, made on first use; only its owner may read the file."""
    path = folder / KEY_FILE
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    with os.fdopen(handle, "w") as file:
        key = Fernet.generate_key().decode()
        file.write(key + "\n")
    return key
