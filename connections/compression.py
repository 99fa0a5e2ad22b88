"""Bodies without their compression, bounded in size."""

from __future__ import annotations

import zlib

from connections.errors import Garbage


def unpacked(body: bytes, encoding: str, limit: int, where: str) -> bytes:
    """The body without its compression.

    Raises:
        Garbage: it is broken, of an unknown kind, or larger than `limit` bytes.
    """
    if encoding.strip().lower() in {"", "identity"}:
        return body
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        raise Garbage(f"{where}: the answer is compressed in a way that was not asked for: {encoding[:40]}")
    if not body:
        return body
    unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, whichever the bytes say
    try:
        data = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise Garbage(f"{where}: the compression of the answer is broken ({error})") from error
    if len(data) > limit:
        raise Garbage(f"{where}: the answer is larger than {limit:,} bytes")
    if not unpacker.eof:
        raise Garbage(f"{where}: the compressed answer ends in the middle")
    return data
