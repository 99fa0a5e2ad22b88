"""Webhooks: who sent one, whether it is fresh, and what it is about. It only says that it is worth looking now."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connections.paging import at_path

LARGEST = 262_144
"""The largest body (bytes) that is read."""
OLDEST = 300.0
"""How old (s) a webhook may be, and how far ahead of our clock."""

Algorithm = Literal["ed25519", "rsa_sha256", "hmac_sha256"]


class Unacceptable(Exception):
    """A webhook that is not acted on: `status` is the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How a vendor signs: the header, the algorithm, and the key (base64 SPKI, or the shared secret for HMAC).

    Without a key nothing is signed rightly.
    """

    header: str
    algorithm: Algorithm
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How a vendor's webhooks are read: any of the signatures will do; the others are places in the payload.

    A place that begins with `header.` is a header of the request.
    """

    signatures: tuple[Signature, ...]
    type: str = "type"
    id: str | None = "webhookId"
    time: str | None = "timestamp"
    account: tuple[str, ...] = ("locationId", "companyId")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a webhook says: the vendor's word for what happened, and at which account."""

    type: str
    account: str | None
    id: str | None
    payload: Mapping[str, Any]


# Seen in two unrelated public clients; the guide of the vendor is the place to compare it with.
GHL_KEY = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="


def read(scheme: Scheme, headers: Mapping[str, str], body: bytes, now: float, hint: str | None = None) -> Notice:
    """The notice in a webhook; `hint` is its type where the payload names none (it comes from the address).

    Raises:
        Unacceptable: it is not signed by the vendor, too old, or cannot be read.
    """
    if not any(_signed(signature, headers, body) for signature in scheme.signatures):
        raise Unacceptable(401, "the signature is missing or wrong")
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unacceptable(400, "the body is no JSON") from None
    if not isinstance(payload, dict):
        raise Unacceptable(400, "the body is no JSON object")
    told = partial(_told, payload, headers)
    _fresh(scheme, told(scheme.time), now)
    kind = told(scheme.type) or hint
    if not isinstance(kind, str):
        raise Unacceptable(400, f"there is no {scheme.type}; put the type at the end of the address")
    account = next((value for place in scheme.account if isinstance(value := told(place), str)), None)
    number = told(scheme.id)
    return Notice(type=kind, account=account, id=None if number is None else str(number), payload=payload)


def digest(body: bytes) -> str:
    """What tells two webhooks apart that carry no id."""
    return hashlib.sha256(body).hexdigest()


def fault_of_key(algorithm: Algorithm, key: str) -> str | None:
    """What is wrong with the key of a signature; None where nothing is."""
    if algorithm == "hmac_sha256":
        return None if key else "is empty"
    kind = ed25519.Ed25519PublicKey if algorithm == "ed25519" else rsa.RSAPublicKey
    return None if isinstance(_public(key), kind) else f"is no public key for {algorithm}, in base64 (SPKI, DER)"


def _public(key: str) -> Any:
    """The public key of a text; None where it is none."""
    try:
        return load_der_public_key(base64.b64decode(key))
    except (ValueError, UnsupportedAlgorithm):
        return None


def _told(payload: Mapping[str, Any], headers: Mapping[str, str], place: str | None) -> Any:
    if place is None:
        return None
    header = place.removeprefix("header.")
    return at_path(payload, place) if header == place else headers.get(header.lower())


def _fresh(scheme: Scheme, said: Any, now: float) -> None:
    if said is None:
        return
    sent = _seconds(said)
    if sent is None or abs(now - sent) > OLDEST:
        raise Unacceptable(400, f"its {scheme.time} is more than {OLDEST:.0f} seconds from now")


def _seconds(said: Any) -> float | None:
    if isinstance(said, str) and said.isdecimal():
        said = int(said)  # as headers have it
    if isinstance(said, int | float) and not isinstance(said, bool):
        return said / 1000 if said > 1e11 else float(said)
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _signed(signature: Signature, headers: Mapping[str, str], body: bytes) -> bool:
    given = headers.get(signature.header.lower(), "")
    if not signature.key or not given or given == "N/A":
        return False
    if signature.algorithm == "hmac_sha256":
        expected = hmac.new(signature.key.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), given.removeprefix("sha256=").lower().encode())
    key = _public(signature.key)
    try:
        proof = base64.b64decode(given, validate=True)
        if signature.algorithm == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(proof, body)
            return True
        if signature.algorithm == "rsa_sha256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(proof, body, padding.PKCS1v15(), hashes.SHA256())
            return True
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return False
