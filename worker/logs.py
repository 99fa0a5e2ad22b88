"""What the engine's processes log: JSON lines, words on a terminal; what is secret never leaves them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, TextIO
from urllib.parse import quote, unquote, urlsplit

import structlog
from structlog.stdlib import ProcessorFormatter

from config.automation import Automation
from config.environment import names_in
from config.findings import strings
from config.settings import Settings
from connections.connection import Connection

SHORTEST = 6
"""Shorter secrets are left: to mask them would tear words apart, and they protect nothing."""
HIDDEN = "***"


class Mask:
    """Replaces every secret it has learned of, as it is written plainly, in JSON and in URLs."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these too, from now on."""
        known = set(self._forms)
        for secret in secrets:
            if len(secret) >= SHORTEST:
                known |= {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
                known.add(quote(secret, safe=""))
        self._forms = tuple(sorted(known, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text without them."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def __repr__(self) -> str:
        return f"Mask({len(self._forms)} forms)"


def secrets_of_settings(settings: Settings) -> list[str]:
    """What the environment says that must not be read in a log: keys, and the passwords in addresses."""
    urls = [url for url in (settings.database_url, settings.redis_url) if url]
    passwords = [password for url in urls if (password := urlsplit(url).password)]
    held = (*settings.secret_keys, *settings.webhook_keys.values(), settings.web_password)
    keys = [key.get_secret_value() for key in held if key]
    return [*keys, *passwords, *(unquote(password) for password in passwords)]


def secrets_of_connections(connections: Mapping[str, Connection]) -> list[str]:
    """The tokens and keys of these connections."""
    from connections.tokens import secrets_of  # noqa: PLC0415  # with the whole HTTP client; most commands do without

    return [secret for connection in connections.values() for secret in secrets_of(connection.auth)]


def secrets_of_automations(automations: Iterable[Automation], environ: Mapping[str, str]) -> list[str]:
    """What stands for `${NAME}` in the steps of these automations."""
    texts = [text for each in automations for _, text in strings(each.definition()["steps"], ())]
    return [environ[name] for text in texts for name in names_in(text) if name in environ]


def configure(
    mask: Mask, *, level: int = logging.INFO, others: int = logging.WARNING, stream: TextIO = sys.stderr
) -> None:
    """Log to this stream from now on: our own events from `level` on, those of libraries from `others` on."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[ProcessorFormatter.remove_processors_meta, *_written(stream), _masked(mask)],
        )
    )
    logging.basicConfig(handlers=[handler], level=others, force=True)
    pool = logging.getLogger("multiprocessing")  # billiard's own, which passes nothing on
    pool.handlers, pool.propagate = [handler], False
    logging.captureWarnings(capture=True)
    logging.getLogger(OURS).setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *shared,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=lambda *_: logging.getLogger(OURS),
        cache_logger_on_first_use=False,
    )


OURS = "hightide"
"""The name of the logger that all our events go through."""


def _written(stream: TextIO) -> list[Any]:
    if stream.isatty():
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=False)]


def _masked(mask: Mask) -> Any:
    def masked(_logger: Any, _method: str, line: str | MutableMapping[str, Any]) -> str:
        return mask(str(line))

    return masked
