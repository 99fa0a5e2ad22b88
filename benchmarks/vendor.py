"""A fast HighLevel on loopback: contacts to search, actions to count. It keeps nothing but the count of every effect.

`python -m benchmarks.vendor [--port P] [--delay MS]` prints its address and serves until its stdin ends, so that it
never outlives who started it. It is made to cost little beside what is measured: HTTP/1.1 by hand on uvloop, bodies
with a Content-Length only.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from array import array
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import cast
from urllib.parse import parse_qs, urlsplit

import orjson
import uvloop

from benchmarks import contacts

_ACTIONS = {  # what an action of this kind answers: status and body
    b"tags": (201, b'{"tags":["lead","burst","greeted"],"tagsAdded":["greeted"],"traceId":"bench"}'),
    b"notes": (201, b'{"note":{"id":"n1","body":"noted"},"traceId":"bench"}'),
    b"tasks": (201, b'{"task":{"id":"t1","title":"task","completed":false},"traceId":"bench"}'),
    b"upsert": (200, b'{"new":false,"contact":{"id":"c0"},"traceId":"bench"}'),
}
_REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 404: "Not Found", 422: "Unprocessable Entity"}
_HEADS = {
    status: f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json; charset=utf-8\r\n".encode()
    + b"Content-Length: %d\r\nDate: %s\r\n\r\n"
    for status, reason in _REASONS.items()
}


@dataclass(slots=True)
class Account:
    """When each contact was added, and how often each action took effect.

    An action on one contact is one key of `effects`: the path of its request, or the e-mail of an upsert. `first` and
    `last` are the times of the first and last effect, `asked` that of the first search since the last `mark`, all by
    `time.monotonic()`, one clock for the whole machine.
    """

    times: array[int] = field(default_factory=lambda: array("q"))
    effects: dict[bytes, int] = field(default_factory=dict)
    first: float = 0.0
    last: float = 0.0
    searches: int = 0
    shown: int = 0
    asked: float = 0.0

    def count(self, key: bytes) -> None:
        """Counts one action that took effect."""
        self.effects[key] = self.effects.get(key, 0) + 1
        self.last = time.monotonic()
        self.first = self.first or self.last

    def counts(self) -> dict[str, float]:
        """What has happened so far."""
        return {
            "contacts": len(self.times),
            "latest": self.times[-1] if self.times else 0,
            "distinct": len(self.effects),
            "doubled": sum(self.effects.values()) - len(self.effects),
            "first": self.first,
            "last": self.last,
            "searches": self.searches,
            "shown": self.shown,
            "asked": self.asked,
        }


class Vendor:
    """Answers requests for one account."""

    def __init__(self) -> None:
        self.account = Account()
        self.date = formatdate(usegmt=True).encode()

    def answer(self, method: bytes, target: bytes, body: bytes) -> bytes:
        """The whole HTTP answer to one request."""
        parts = target.split(b"/")
        if method == b"POST" and len(parts) == 4 and parts[1] == b"contacts" and parts[3] in _ACTIONS:
            if not 0 <= contacts.contact_number(parts[2]) < len(self.account.times):
                return self.refuse(400, f"Contact with id {parts[2].decode()} not found")
            self.account.count(target)
            return self.http(*_ACTIONS[parts[3]])
        if method == b"POST" and target == b"/contacts/upsert":
            self.account.count(orjson.loads(body)["email"].encode())
            return self.http(*_ACTIONS[b"upsert"])
        if method == b"POST" and target == b"/contacts/search":
            return self.search(body)
        if parts[1] == b"_control":
            return self.control(target.decode())
        return self.refuse(404, f"Cannot {method.decode()} {target.decode()}")

    def search(self, body: bytes) -> bytes:
        """One page of contacts."""
        self.account.searches += 1
        self.account.asked = self.account.asked or time.monotonic()
        try:
            page = contacts.search(self.account.times, orjson.loads(body))
        except (contacts.Unprocessable, ValueError, KeyError) as problem:
            return self.refuse(422, str(problem))
        self.account.shown += page.count('"searchAfter"')
        return self.http(200, page.encode())

    def control(self, target: str) -> bytes:
        """What only the benchmark asks: `reset?n=` (n old contacts), `burst?n=` (n new ones), `mark`, `effects`."""
        url = urlsplit(target)
        count, now = int(parse_qs(url.query).get("n", ["0"])[0]), time.time_ns() // 1_000_000
        if url.path == "/_control/reset":  # added over the year that ended an hour ago
            self.account = Account(times=contacts.spread(now - 31_536_000_000, now - 3_600_000, count))
        elif url.path == "/_control/burst":  # ten in a millisecond, up to now, all after the latest
            after = self.account.times[-1] + 1 if self.account.times else 0
            self.account.times.extend(contacts.spread(max(now - count // 10, after), max(now, after), count))
        elif url.path == "/_control/mark":
            self.account.asked = 0.0
        elif url.path != "/_control/effects":
            return self.refuse(404, f"no such control: {target}")
        return self.http(200, orjson.dumps(self.account.counts()))

    def refuse(self, status: int, message: str) -> bytes:
        """An error as HighLevel words it."""
        error = {"statusCode": status, "message": [message], "error": _REASONS[status], "traceId": "bench"}
        return self.http(status, orjson.dumps(error))

    def http(self, status: int, body: bytes) -> bytes:
        """The bytes of an answer."""
        return _HEADS[status] % (len(body), self.date) + body


class Wire(asyncio.Protocol):
    """One kept-alive connection; requests may come in pieces or several at once, answers go out in their order."""

    def __init__(self, vendor: Vendor, delay: float) -> None:
        self.vendor = vendor
        self.delay = delay
        self.unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)  # uvloop's own class is no subclass of it

    def data_received(self, data: bytes) -> None:
        data, start, answers = self.unread + data, 0, []
        while (end := data.find(b"\r\n\r\n", start)) >= 0:
            head = data[start:end]
            stop = end + 4 + _body_length(head)
            if len(data) < stop:
                break
            method, target, _ = head.split(b" ", 2)
            answers.append(self.vendor.answer(method, target, data[end + 4 : stop]))
            start = stop
        self.unread = data[start:]
        if answers:
            self.send(b"".join(answers))

    def send(self, answers: bytes) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, answers)
        else:
            self.transport.write(answers)


def _body_length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    return int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def serve(port: int, delay: float) -> None:
    """Serves until stdin ends; the address is printed once it answers. `delay` is in seconds."""
    vendor = Vendor()
    server = await asyncio.get_running_loop().create_server(
        lambda: Wire(vendor, delay), "127.0.0.1", port, backlog=1024
    )
    ended = asyncio.ensure_future(asyncio.to_thread(sys.stdin.buffer.read))
    async with server:
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        while not ended.done():
            vendor.date = formatdate(usegmt=True).encode()
            await asyncio.wait([ended], timeout=1)


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.vendor", description="A fast HighLevel on loopback.")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--delay", type=float, default=0, help="milliseconds before each answer")
    given = options.parse_args()
    uvloop.run(serve(given.port, given.delay / 1000))


if __name__ == "__main__":
    main()
