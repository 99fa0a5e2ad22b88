"""Links in an answer's header (RFC 8288): where the next page is."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from connections.connection import Connection
from connections.tokens import query_of

_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[\w*!#$&+.^`|~-]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s\",;]*))?)*)")
_RELATION = re.compile(r"""(?:^|;)\s*rel\s*=\s*(?:"([^"]*)"|([^\s";]+))""", re.IGNORECASE)


def next_page(header: str, connection: Connection, path: str) -> str | None:
    """The page that a `Link` header calls the next one, seen from a request's path; None where it names none.

    It is path and query below the base URL, less the credential if that is in the query; the whole address, without its
    query, where it lies elsewhere.
    """
    target = next((target for target, more in _LINK.findall(header) if "next" in _relations(more)), None)
    if target is None:
        return None
    base = connection.base_url.rstrip("/")
    whole = urlsplit(urljoin(base + path, target))
    address = f"{whole.scheme}://{whole.netloc}{whole.path}"
    if not address.startswith(f"{base}/"):
        return address
    credential = {name for name, _ in query_of(connection.auth)}
    pairs = [pair for pair in parse_qsl(whole.query, keep_blank_values=True) if pair[0] not in credential]
    query = urlencode(pairs, quote_via=quote)
    return address.removeprefix(base) + (f"?{query}" if query else "")


def _relations(parameters: str) -> list[str]:
    found = _RELATION.search(parameters)
    return (found[1] or found[2] or "").lower().split() if found else []
