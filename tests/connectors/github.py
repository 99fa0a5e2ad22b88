"""A GitHub of one repository, after its documentation: issues, comments, pages by Link header, tokens, limits."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

TOKEN = "github_pat_0123456789"
PLACES = ("/repos/octocat/shop", "/repositories/1")
"""The repository has two addresses; links name the second."""
Reply = tuple[int, Any, dict[str, str]]


@dataclass
class GitHub:
    """The repository, what it was asked, and how it misbehaves.

    While `holding` no POST is answered: every other one has taken effect by then, the rest never will. The first
    `limited` requests are refused as too many.
    """

    url: str = ""
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    holding: bool = False
    held: int = 0
    limited: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    let_go: threading.Event = field(default_factory=threading.Event)

    def open(self, title: str, *labels: str, **more: Any) -> dict[str, Any]:
        """A new issue."""
        with self.lock:
            number = len(self.issues) + 1
            now = _now()
            made = {
                "number": number,
                "title": title,
                "labels": [{"name": each} for each in labels],
                "state": "open",
                "html_url": f"https://github.com/octocat/shop/issues/{number}",
                "created_at": now,
                "updated_at": now,
                **more,
            }
            self.issues.append(made)
            return made

    def answer(self, method: str, target: str, headers: Any, body: Any) -> Reply:
        """The answer to a request, its effect included."""
        self.asked.append((method, target))
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}, {}
        if not headers["User-Agent"] or headers["X-GitHub-Api-Version"] != "2022-11-28":
            return 403, {"message": "Request forbidden by administrative rules."}, {}
        if self.limited:
            self.limited -= 1
            wait = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 2)}
            return 403, {"message": "API rate limit exceeded for user ID 1."}, wait
        place = next((each for each in PLACES if parts.path.startswith(f"{each}/issues")), None)
        if place is None:
            return 404, {"message": "Not Found"}, {}
        rest = parts.path.removeprefix(f"{place}/issues")
        with self.lock:
            return self._issues(method, rest, query, body) if not rest else self._issue(method, rest, query, body)

    def _issues(self, method: str, rest: str, query: dict[str, str], body: Any) -> Reply:
        if method == "POST":
            return 201, self.open(body["title"], *body.get("labels", ()), body=body.get("body")), {}
        field_ = {"created": "created_at", "updated": "updated_at"}[query.get("sort", "created")]
        wanted = set(query["labels"].split(",")) if "labels" in query else set()
        found = [
            issue
            for issue in self.issues
            if query.get("state", "open") in {"all", issue["state"]}
            and wanted <= {label["name"] for label in issue["labels"]}
            and issue["updated_at"] > query.get("since", "")
        ]
        found.sort(key=lambda issue: (issue[field_], issue["number"]), reverse=query.get("direction", "desc") == "desc")
        return _page("/repositories/1/issues", found, query)

    def _issue(self, method: str, rest: str, query: dict[str, str], body: Any) -> Reply:
        matched = re.fullmatch(r"/(\d+)(/comments)?", rest)
        if matched is None or int(matched[1]) > len(self.issues):
            return 404, {"message": "Not Found"}, {}
        issue = self.issues[int(matched[1]) - 1]
        if method == "PATCH":
            issue |= {**body, "updated_at": _now()}
            return 200, issue, {}
        if method == "GET":
            found = [each for each in self.comments if each["issue"] == issue["number"]]
            return _page(f"/repositories/1/issues/{issue['number']}/comments", found, query)
        now = _now()
        made = {"id": 9_000 + len(self.comments), "issue": issue["number"], "body": body["body"], "created_at": now}
        self.comments.append(made)
        issue["updated_at"] = now
        return 201, made, {}

    def hold(self) -> bool:
        """Whether this POST is held, and never takes effect."""
        with self.lock:
            self.held += 1
            return self.held % 2 == 0


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(path: str, found: list[Any], query: dict[str, str]) -> Reply:
    size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
    more = {}
    if page * size < len(found):
        following = urlencode({**query, "page": page + 1})
        more["Link"] = f'<BASE{path}?{following}>; rel="next", <BASE{path}?page=99>; rel="last"'
    return 200, found[(page - 1) * size : page * size], more


def _handler(github: GitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            holding = github.holding and self.command == "POST"
            if holding and github.hold():
                github.let_go.wait(60)
                self.close_connection = True
                return
            body = json.loads(given) if given else None
            status, said, more = github.answer(self.command, self.path, self.headers, body)
            if holding:
                github.let_go.wait(60)
            answer = json.dumps(said).encode()
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value.replace("BASE", github.url))
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do  # as http.server calls them

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    """A server whose clients may be killed in the middle."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Whoever asked is gone."""


@contextmanager
def serving(handler: Callable[[], type[BaseHTTPRequestHandler]]) -> Iterator[str]:
    """A server on a port of its own: its address."""
    server = _Server(("127.0.0.1", 0), handler())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def github() -> Iterator[GitHub]:
    """GitHub, on this machine."""
    made = GitHub()
    with serving(lambda: _handler(made)) as url:
        made.url = url
        try:
            yield made
        finally:
            made.let_go.set()
