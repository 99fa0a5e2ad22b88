"""Ids as the vendor makes them: 20 letters and digits, or 24 hexadecimal digits, or a UUID."""

from __future__ import annotations

import hashlib
import random
import string

ALPHABET = string.ascii_letters + string.digits
_random = random.SystemRandom()
_quick = random.Random(_random.getrandbits(128))


def new_id() -> str:
    """A fresh id of 20 letters and digits."""
    return "".join(_quick.choices(ALPHABET, k=20))


def new_hex() -> str:
    """A fresh id of 24 hexadecimal digits, for the records whose id the vendor calls `_id`."""
    return f"{_quick.getrandbits(96):024x}"


def new_trace() -> str:
    """A fresh trace id, a UUID."""
    digits = f"{_quick.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def derived(*parts: str) -> str:
    """An id of 20 letters and digits that is always the same for the same parts."""
    number = int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest(), "big")
    letters = []
    for _ in range(20):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)


def derived_hex(*parts: str) -> str:
    """An id of 24 hexadecimal digits that is always the same for the same parts."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:24]
