"""Files that vendors hand out, such as recordings: streamed into the project's folder, never into the database."""

from __future__ import annotations

import glob
import mimetypes
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from connections.connection import Connection
from connections.quota import Precedence
from connections.wire import Request
from triggers.reading import fingerprint, key_of
from triggers.trigger import Trigger

EXTENSIONS = {"audio/x-wav": ".wav", "audio/wav": ".wav", "audio/mpeg": ".mp3", "text/plain": ".txt"}
PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}")


class NotKept(Exception):
    """A file cannot be kept where it should be: the folder cannot be written, or the disk is full."""


class Downloader(Protocol):
    """The part of the HTTP client that streams files."""

    async def download(
        self, connection: Connection, request: Request, path: Path, precedence: Precedence = "poll"
    ) -> tuple[int, str, str]:
        """Stream an answer into a file, which appears only when whole: its bytes, SHA-256 in hex, and type.

        Raises:
            VendorError: see `connections.errors`.
            OSError: the file cannot be written.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The folder of the files; each lies in `CONNECTION/TRIGGER/`, named after the record that it belongs to."""

    client: Downloader
    folder: Path

    async def fetch(
        self, trigger: Trigger, connection: Connection, request: Request, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Fetch a file: the feed's parameters with its `contentType`, `size`, `sha256` and path (`file`).

        Raises:
            VendorError: see `connections.errors`.
            NotKept: the file cannot be written.
        """
        path = self.folder / _safe(connection.name) / _safe(trigger.id) / _safe(key_of(params, trigger.key) or "")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in path.parent.glob(f".{glob.escape(path.name)}.*"):  # by a worker that died
                left.unlink(missing_ok=True)
            size, digest, kind = await self.client.download(connection, request, path)
            kept = path.replace(path.with_name(path.name + _extension(kind)))
        except OSError as error:
            raise NotKept(f"{trigger.id}: the file cannot be kept in {path.parent}: {error.strerror}") from error
        return {**params, "contentType": kind, "size": size, "sha256": digest, "file": str(kept)}


def forget(folder: Path, before: float) -> int:
    """Remove the files that were fetched before that time (epoch s), and empty folders; how many files went."""
    gone = 0
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        with suppress(OSError):  # another beat was faster, or a folder is in use
            if path.is_dir():
                path.rmdir()
            elif path.stat().st_mtime < before:
                path.unlink()
                gone += 1
    return gone


def _safe(name: str) -> str:
    """The name where it can be that of a file, else a digest of it."""
    return name if PLAIN.fullmatch(name.replace(".", "_")) and not name.startswith(".") else fingerprint(name)


def _extension(kind: str) -> str:
    plain = kind.partition(";")[0].strip().lower()
    return EXTENSIONS.get(plain) or mimetypes.guess_extension(plain) or ""
