"""Secret inputs of orders, encrypted for as long as they stand in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from connections.operation import Operation
from connections.request import masked

SEALED = "sealed"


class NoKey(RuntimeError):
    """There is no key with which a secret could be encrypted, or the one that it was encrypted with is gone."""


def sealed(operation: Operation, inputs: Mapping[str, Any], keys: Sequence[SecretStr]) -> dict[str, Any]:
    """The inputs with every password and key encrypted, by the newest of these Fernet keys.

    Raises:
        NoKey: something is secret and there is no key.
    """
    secret = _secret(operation, inputs)
    if secret and not keys:
        raise NoKey(f"`{secret[0]}` is secret: set HIGHTIDE_SECRET_KEY, so that it can be kept encrypted")
    return {**inputs, **{name: {SEALED: _box(keys).encrypt(orjson.dumps(inputs[name])).decode()} for name in secret}}


def opened(operation: Operation, inputs: Mapping[str, Any], keys: Sequence[SecretStr]) -> dict[str, Any]:
    """The inputs as they were before they were sealed.

    Raises:
        NoKey: none of the keys is the one that they were encrypted with.
    """
    return {**inputs, **{name: _plain(name, inputs[name], keys) for name in _secret(operation, inputs)}}


def _plain(name: str, hidden: Any, keys: Sequence[SecretStr]) -> Any:
    try:
        return orjson.loads(_box(keys).decrypt(hidden[SEALED]))
    except (InvalidToken, ValueError):
        raise NoKey(f"`{name}` was encrypted with a key that HIGHTIDE_SECRET_KEY does not hold any more") from None


def _secret(operation: Operation, inputs: Mapping[str, Any]) -> list[str]:
    shown = masked(operation, inputs)
    return [name for name in inputs if shown[name] is not inputs[name]]


def _box(keys: Sequence[SecretStr]) -> MultiFernet:
    return MultiFernet([Fernet(key.get_secret_value()) for key in keys])
