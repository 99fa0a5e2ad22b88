from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from connections.client import Client
from connections.connection import ApiKey, ClientCredentials, Connection, NoAuth, OAuth, PrivateToken, Quota
from connections.errors import (
    BreakerOpen,
    Garbage,
    Later,
    NotFound,
    QuotaSpent,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
    VendorError,
)
from connections.quota import Grant, LocalLimiter, Precedence
from connections.tokens import Tokens
from connections.transport import Limits, Timeouts
from connections.wire import Request

pytestmark = pytest.mark.anyio
Start = Callable[[Any], AbstractAsyncContextManager[Any]]
Make = Callable[..., Connection]

GET = Request(method="GET", path="/contacts/c1", version="2021-07-28")
POST = Request(method="POST", path="/contacts/", body={"firstName": "Ann"}, version="2021-07-28")


@asynccontextmanager
async def client(limiter: Any = None, tokens: Any = None, **more: Any) -> AsyncIterator[Client]:
    made = Client(limiter or LocalLimiter(), tokens or Tokens(), **more)
    try:
        yield made
    finally:
        await made.close()


def always(data: bytes) -> Any:
    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        return True

    return respond


def in_turn(*answers: bytes) -> Any:
    left = list(answers)

    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        return True

    return respond


class Counting(LocalLimiter):
    """The local limiter, and what was asked of it."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.takes: list[tuple[int, Precedence]] = []
        self.given: list[int] = []

    async def take(self, budget: str, quota: Quota, want: int, precedence: Precedence) -> Grant:
        self.takes.append((want, precedence))
        return await super().take(budget, quota, want, precedence)

    async def give(self, budget: str, grant: Grant, unused: int) -> None:
        self.given.append(unused)
        await super().give(budget, grant, unused)


async def test_a_body_is_sent_as_json_with_the_vendors_headers(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer(201, b'{"id": "c1"}'))) as server, client() as ours:
        got = await ours.call(connection(server.url), POST, "action")
        await ours.call(connection(server.url), GET, "poll")
    assert (got.status, got.data) == (201, {"id": "c1"})
    with_body, without = server.seen
    assert (with_body.method, with_body.target, with_body.body) == ("POST", "/contacts/", b'{"firstName":"Ann"}')
    assert with_body.headers["content-type"] == "application/json"
    assert with_body.headers["authorization"] == "Bearer pit-0123456789abcdef"
    assert with_body.headers["version"] == "2021-07-28"
    assert with_body.headers["accept"] == "application/json"
    assert (without.target, without.body) == ("/contacts/c1", b"")
    assert not {"content-type", "transfer-encoding"} & set(without.headers)


async def test_an_empty_object_is_a_body_and_none_is_not(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer())) as server, client() as ours:
        for body in ({}, None, []):
            await ours.call(connection(server.url), Request(method="DELETE", path="/x", body=body), "action")
    assert [seen.body for seen in server.seen] == [b"{}", b"", b"[]"]
    assert ["content-type" in seen.headers for seen in server.seen] == [True, False, True]


async def test_path_and_query_arrive_as_they_were_meant(loopback: Start, answer: Any, connection: Make) -> None:
    request = Request(method="GET", path="/a/b%2Fc%3F%20%C3%A9/", query=(("q", "a b+c&d=é"), ("tags[]", "1")))
    async with loopback(always(answer())) as server, client() as ours:
        await ours.call(connection(server.url), request, "poll")
    assert server.seen[0].target == "/a/b%2Fc%3F%20%C3%A9/?q=a%20b%2Bc%26d%3D%C3%A9&tags%5B%5D=1"


@pytest.mark.parametrize("path", ["/contacts/..", "/contacts/./notes", "/contacts/%2E%2e/notes"])
async def test_a_path_that_would_climb_is_refused(loopback: Start, answer: Any, connection: Make, path: str) -> None:
    async with loopback(always(answer())) as server, client() as ours:
        with pytest.raises(Refused, match="would lead elsewhere"):
            await ours.call(connection(server.url), Request(method="DELETE", path=path), "action")
    assert server.seen == []


async def test_a_base_url_may_have_a_path_and_a_slash(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer())) as server, client() as ours:
        await ours.call(connection(f"{server.url}/api/"), GET, "poll")
    assert server.seen[0].target == "/api/contacts/c1"


async def test_other_vendors_get_no_version_header(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer())) as server, client() as ours:
        await ours.call(connection(server.url, kind="rankr", auth=NoAuth()), GET, "poll")
    assert not {"version", "authorization"} & set(server.seen[0].headers)


async def test_an_api_key_goes_into_its_header_or_the_query(loopback: Start, answer: Any, connection: Make) -> None:
    in_header = ApiKey(key=SecretStr("key-1"), header="X-Api-Key")
    in_query = ApiKey(key=SecretStr("key 2"), header=None, query="api_key")
    async with loopback(always(answer())) as server, client() as ours:
        await ours.call(connection(server.url, name="a", auth=in_header), GET, "poll")
        await ours.call(connection(server.url, name="b", auth=in_query), GET, "poll")
    first, second = server.seen
    assert (first.headers["x-api-key"], first.target) == ("key-1", "/contacts/c1")
    assert second.target == "/contacts/c1?api_key=key%202"


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, b" \n")])
async def test_no_body_is_no_data(loopback: Start, answer: Any, connection: Make, status: int, body: bytes) -> None:
    async with loopback(always(answer(status, body))) as server, client() as ours:
        assert (await ours.call(connection(server.url), GET, "poll")).data is None


async def test_the_vendors_clock_and_headers_are_given(loopback: Start, answer: Any, connection: Make) -> None:
    data = answer(date="Mon, 24 Nov 2025 16:00:00 GMT", X_Trace="t-1")
    async with loopback(always(data)) as server, client() as ours:
        got = await ours.call(connection(server.url), GET, "poll")
    assert got.at == 1_764_000_000_000
    assert got.headers["x-trace"] == "t-1"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><title>Just a moment</title>", 'a web page "Just a moment"'),
        (b'{"contacts": [{"id', "application/json"),
    ],
)
async def test_a_2xx_that_is_no_json_is_garbage(
    loopback: Start, answer: Any, connection: Make, body: bytes, words: str
) -> None:
    async with loopback(always(answer(200, body))) as server, client() as ours:
        with pytest.raises(Garbage, match=words) as caught:
            await ours.call(connection(server.url), GET, "poll")
    assert caught.value.status == 200


async def test_a_400_not_found_of_highlevel_is_not_found(loopback: Start, answer: Any, connection: Make) -> None:
    data = answer(400, b'{"message": "Contact with id c1 not found"}')
    async with loopback(always(data)) as server, client() as ours:
        with pytest.raises(NotFound, match="Contact with id c1 not found"):
            await ours.call(connection(server.url), GET, "poll")
        with pytest.raises(Refused) as caught:
            await ours.call(connection(server.url, name="other", kind="rankr"), GET, "poll")
    assert type(caught.value) is Refused


async def test_secrets_that_the_vendor_repeats_are_masked(loopback: Start, answer: Any, connection: Make) -> None:
    data = answer(401, b'{"message": "Invalid token pit-0123456789abcdef", "sent": "pit-0123456789abcdef"}')
    async with loopback(always(data)) as server, client() as ours:
        with pytest.raises(Unauthorized, match=r"Invalid token \*\*\*") as caught:
            await ours.call(connection(server.url), GET, "poll")
    assert "pit-" not in repr(caught.value.data)


async def test_secrets_are_in_no_repr(loopback: Start, answer: Any, connection: Make) -> None:
    auth = ApiKey(key=SecretStr("topsecret"), header="X-Key", query="key")
    async with loopback(always(answer())) as server, client() as ours:
        await ours.call(connection(server.url, auth=auth), GET, "poll")
        kept = repr(ours._accounts)
    assert "acme" in kept
    assert "topsecret" not in kept


async def test_a_token_that_no_header_may_hold_is_refused_without_showing_it(
    loopback: Start, answer: Any, connection: Make
) -> None:
    async with loopback(always(answer())) as server, client() as ours:
        for token in ("pit-abcdef\nX-Evil: 1", "pit-é", "", " pit-abcdef"):
            with pytest.raises(Refused, match="copy it again") as caught:
                await ours.call(connection(server.url, auth=PrivateToken(token=SecretStr(token))), GET, "poll")
            assert "abcdef" not in str(caught.value)
    assert server.seen == []


async def test_plain_http_to_elsewhere_is_refused(connection: Make) -> None:
    async with client() as ours:
        with pytest.raises(Refused, match=r"connection acme: base_url http://services\.example is plain http"):
            await ours.call(connection("http://services.example"), GET, "poll")
        with pytest.raises(Refused):
            await ours.reserve(connection("http://services.example"), 1, "poll")


async def test_a_connection_that_changed_is_taken_anew(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer())) as server, client() as ours:
        for token in ("first-token", "second-token"):
            await ours.call(connection(server.url, auth=PrivateToken(token=SecretStr(token))), GET, "poll")
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer first-token", "Bearer second-token"]


async def test_oauth_needs_a_source_that_keeps_its_tokens(loopback: Start, answer: Any, connection: Make) -> None:
    auth = OAuth(client_id="app", client_secret=SecretStr("s-123456"))
    async with loopback(always(answer())) as server, client() as ours:
        with pytest.raises(Refused, match="oauth tokens are kept in the ledger"):
            await ours.call(connection(server.url, auth=auth), GET, "poll")


class Rotating:
    """A token source whose next token is there once the old one was refused."""

    def __init__(self, *, more: bool = True) -> None:
        self.token, self.more, self.refreshed = 1, more, 0

    async def header(self, connection: Connection) -> Mapping[str, str]:
        return {"authorization": f"Bearer token-{self.token}"}

    async def refresh(self, connection: Connection, stale: Mapping[str, str]) -> bool:
        assert stale == {"authorization": f"Bearer token-{self.token}"}
        self.refreshed += 1
        self.token += 1
        return self.more

    async def close(self) -> None:
        pass


async def test_a_401_is_tried_once_more_with_a_new_token(loopback: Start, answer: Any, connection: Make) -> None:
    tokens = Rotating()
    async with loopback(in_turn(answer(401), answer())) as server, client(tokens=tokens) as ours:
        assert (await ours.call(connection(server.url), POST, "action")).status == 200
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer token-1", "Bearer token-2"]
    assert [seen.body for seen in server.seen] == [b'{"firstName":"Ann"}'] * 2


@pytest.mark.parametrize(("more", "sent"), [(True, 2), (False, 1)])
async def test_a_401_that_stays_is_unauthorized(
    loopback: Start, answer: Any, connection: Make, more: bool, sent: int
) -> None:
    data = answer(401, b'{"message": "The token is not authorized for this scope."}')
    async with loopback(always(data)) as server, client(tokens=Rotating(more=more)) as ours:
        with pytest.raises(Unauthorized, match="not authorized for this scope"):
            await ours.call(connection(server.url), GET, "poll")
    assert len(server.seen) == sent


class Slow(Rotating):
    """A token source that takes so many seconds to renew a token."""

    async def refresh(self, connection: Connection, stale: Mapping[str, str]) -> bool:
        await asyncio.sleep(0.1)
        return await super().refresh(connection, stale)


async def test_what_waited_too_long_for_a_new_token_is_not_sent_any_more_since_leases_end(
    loopback: Start, answer: Any, connection: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.client.SLACK", 0.05)
    async with loopback(in_turn(answer(401), answer())) as server, client(tokens=Slow(), patience=0.0) as ours:
        with pytest.raises(Later, match="too long until it could be sent"):
            await ours.call(connection(server.url), POST, "action")
        assert len(server.seen) == 1
        assert (await ours.call(connection(server.url), POST, "action")).status == 200


async def test_calls_in_flight_when_a_token_ends_share_one_new_token(
    loopback: Start, answer: Any, connection: Make
) -> None:
    """Each is refused only when the one before has been answered with the new token."""
    calls, issued, old = 5, 0, 0
    turns = [asyncio.Event() for _ in range(calls + 1)]

    async def respond(seen: Any, writer: asyncio.StreamWriter) -> bool:
        nonlocal issued, old
        if seen.target == "/oauth/token":
            issued += 1
            writer.write(answer(200, f'{{"access_token": "token-{issued}"}}'.encode()))
            return True
        number = int(seen.target.rpartition("/")[2])
        if seen.headers["authorization"] != "Bearer token-1":
            turns[number + 1].set()
            writer.write(answer())
            return True
        old += 1
        if old == calls:
            turns[0].set()
        await turns[number].wait()
        writer.write(answer(401))
        return True

    auth = ClientCredentials(client_id="app", client_secret=SecretStr("s-123456"))
    async with loopback(respond) as server, client() as ours:
        acme = connection(server.url, auth=auth)
        asked = [ours.call(acme, Request(method="GET", path=f"/things/{n}"), "poll") for n in range(calls)]
        assert [each.status for each in await asyncio.gather(*asked)] == [200] * calls
    assert issued == 2


@pytest.mark.parametrize("status", [200, 301])
async def test_a_key_in_the_query_is_in_no_message(loopback: Start, answer: Any, connection: Make, status: int) -> None:
    async def respond(seen: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer(status, f"no JSON: {seen.target}".encode(), location=f"/v2{seen.target}"))
        return True

    auth = ApiKey(key=SecretStr("top&secret"), header=None, query="key")
    async with loopback(respond) as server, client() as ours:
        with pytest.raises(VendorError) as caught:
            await ours.call(connection(server.url, auth=auth), GET, "poll")
    assert "secret" not in str(caught.value)


async def test_a_429_freezes_the_budget_for_all_calls(loopback: Start, answer: Any, connection: Make) -> None:
    data = answer(429, b'{"message": "Too Many Requests"}', X_RateLimit_Interval_Milliseconds="10000")
    async with loopback(always(data)) as server, client(patience=0.1) as ours:
        acme = connection(server.url, quota=Quota())
        before = time.time()
        with pytest.raises(RateLimited, match="Too Many Requests") as caught:
            await ours.call(acme, GET, "poll")
        assert caught.value.retry_at is not None
        assert before + 10 < caught.value.retry_at < before + 12
        with pytest.raises(QuotaSpent) as spent:
            await ours.call(acme, GET, "action")
        assert spent.value.retry_at == pytest.approx(caught.value.retry_at, abs=0.2)
        assert (await ours.reserve(acme, 5, "action")).granted == 0
    assert len(server.seen) == 1


async def test_a_429_obeys_retry_after(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer(429, retry_after="120"))) as server, client() as ours:
        with pytest.raises(RateLimited) as caught:
            await ours.call(connection(server.url), GET, "poll")
    assert caught.value.retry_at == pytest.approx(time.time() + 120.6, abs=0.7)


async def test_a_call_waits_for_its_quota_as_long_as_its_patience(
    loopback: Start, answer: Any, connection: Make
) -> None:
    limiter = LocalLimiter(window=0.3)
    async with loopback(always(answer())) as server, client(limiter, patience=1.0) as ours:
        acme = connection(server.url, quota=Quota(per_10s=2))
        started = time.monotonic()
        await asyncio.gather(*(ours.call(acme, GET, "action") for _ in range(5)))
        assert 0.6 <= time.monotonic() - started < 1.5
    assert len(server.seen) == 5


async def test_a_spent_quota_ends_a_call_without_sending_it(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer())) as server, client(patience=0.2) as ours:
        acme = connection(server.url, quota=Quota(per_10s=1))
        await ours.call(acme, GET, "action")
        with pytest.raises(QuotaSpent, match="connection acme: its quota is used up") as caught:
            await ours.call(acme, GET, "action")
    assert caught.value.retry_at == pytest.approx(time.time() + 10, abs=1)
    assert len(server.seen) == 1


async def test_a_spent_quota_does_not_hold_up_other_connections(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer())) as server, client(limits=Limits(per_host=2), patience=30) as ours:
        spent = connection(server.url, name="spent", quota=Quota(per_10s=1))
        await ours.call(spent, GET, "action")
        waiting = [asyncio.create_task(ours.call(spent, GET, "action")) for _ in range(4)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await ours.call(connection(server.url, name="free", quota=Quota()), GET, "action")
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def test_calls_that_come_together_draw_their_tokens_together(
    loopback: Start, answer: Any, connection: Make
) -> None:
    limiter = Counting()
    async with loopback(always(answer())) as server, client(limiter) as ours:
        acme = connection(server.url, quota=Quota())
        await asyncio.gather(*(ours.call(acme, GET, "action") for _ in range(30)))
    assert limiter.takes == [(30, "action")]


async def test_reserved_tokens_serve_the_calls_that_follow(loopback: Start, answer: Any, connection: Make) -> None:
    limiter = Counting()
    async with loopback(always(answer())) as server, client(limiter) as ours:
        acme = connection(server.url, quota=Quota())
        assert (await ours.reserve(acme, 3, "action")).granted == 3
        await asyncio.gather(*(ours.call(acme, GET, "action") for _ in range(3)))
        assert limiter.takes == [(3, "action")]
        await ours.call(acme, GET, "poll")
        assert limiter.takes[1:] == [(1, "poll")]


async def test_reserved_tokens_that_are_not_used_are_given_back_in_time(
    loopback: Start, answer: Any, connection: Make
) -> None:
    limiter = Counting()
    async with loopback(always(answer())) as server, client(limiter) as ours:
        acme = connection(server.url, quota=Quota(per_10s=10))
        assert (await ours.reserve(acme, 10, "action")).granted == 10
        await ours.call(acme, GET, "action")
        async with asyncio.timeout(2):
            while not limiter.given:
                await asyncio.sleep(0.01)
        assert limiter.given == [9]
        assert (await ours.reserve(acme, 10, "action")).granted == 9
    assert limiter.given == [9, 9]


async def test_without_a_quota_anything_is_granted(connection: Make) -> None:
    async with client() as ours:
        assert await ours.reserve(connection("https://services.example"), 500, "poll") == Grant(500, 0.0)


async def test_smaller_limits_are_learned_from_an_answer(loopback: Start, answer: Any, connection: Make) -> None:
    data = answer(200, b"{}", X_RateLimit_Max="5", X_RateLimit_Remaining="4", X_RateLimit_Limit_Daily="10000")
    async with loopback(always(data)) as server, client() as ours:
        acme = connection(server.url, quota=Quota())
        await ours.call(acme, GET, "action")
        assert (await ours.reserve(acme, 100, "action")).granted == 4


async def test_five_failures_open_the_breaker_and_a_success_closes_it(
    loopback: Start, answer: Any, connection: Make
) -> None:
    now = [1_000_000.0]
    async with loopback(in_turn(*[answer(500)] * 5, answer())) as server, client(clock=lambda: now[0]) as ours:
        acme = connection(server.url)
        for _ in range(5):
            with pytest.raises(ServerFault):
                await ours.call(acme, GET, "poll")
        with pytest.raises(BreakerOpen) as caught:
            await ours.call(acme, GET, "poll")
        assert caught.value.retry_at == 1_000_030.0
        assert len(server.seen) == 5
        assert await ours.reserve(acme, 10, "action") == Grant(0, 30.0)
        assert ours.snapshot()[0]["state"] == "open"
        now[0] += 30
        assert (await ours.reserve(acme, 10, "action")).granted == 1
        await ours.call(acme, GET, "poll")
        assert ours.snapshot()[0]["state"] == "closed"


async def test_refusals_of_data_do_not_open_the_breaker(loopback: Start, answer: Any, connection: Make) -> None:
    async with loopback(always(answer(422, b'{"message": ["no"]}'))) as server, client() as ours:
        for _ in range(8):
            with pytest.raises(Refused):
                await ours.call(connection(server.url), GET, "poll")
    assert len(server.seen) == 8


async def test_a_trial_that_is_cancelled_leaves_the_trial_to_the_next_call(
    loopback: Start, answer: Any, connection: Make
) -> None:
    now, slow = [1_000_000.0], asyncio.Event()

    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        if now[0] > 1_000_000.0 and not slow.is_set():
            slow.set()
            await asyncio.Event().wait()
        writer.write(answer(500) if now[0] == 1_000_000.0 else answer())
        return True

    async with loopback(respond) as server, client(clock=lambda: now[0]) as ours:
        acme = connection(server.url)
        for _ in range(5):
            with pytest.raises(ServerFault):
                await ours.call(acme, GET, "poll")
        now[0] += 30
        trial = asyncio.create_task(ours.call(acme, GET, "poll"))
        await slow.wait()
        trial.cancel()
        await asyncio.wait([trial])
        assert (await ours.call(acme, GET, "poll")).status == 200


async def test_a_download_is_saved_with_its_digest(
    loopback: Start, answer: Any, connection: Make, tmp_path: Path
) -> None:
    async with loopback(always(answer(200, b"RIFF....", content_type="audio/x-wav"))) as server, client() as ours:
        saved = await ours.download(connection(server.url), GET, tmp_path / "call.wav")
    assert saved == (8, hashlib.sha256(b"RIFF....").hexdigest(), "audio/x-wav")
    assert (tmp_path / "call.wav").read_bytes() == b"RIFF...."
    assert server.seen[0].headers["authorization"].startswith("Bearer pit-")


async def test_a_download_that_is_refused_says_so(
    loopback: Start, answer: Any, connection: Make, tmp_path: Path
) -> None:
    async with loopback(always(answer(404, b'{"message": "no recording"}'))) as server, client() as ours:
        with pytest.raises(NotFound, match="no recording"):
            await ours.download(connection(server.url), GET, tmp_path / "call.wav")
    assert list(tmp_path.iterdir()) == []


async def test_what_cannot_be_json_is_a_fault_of_ours_and_not_sent(
    loopback: Start, answer: Any, connection: Make
) -> None:
    async with loopback(always(answer())) as server, client() as ours:
        with pytest.raises(orjson.JSONEncodeError):
            await ours.call(connection(server.url), Request(method="POST", path="/x", body={"a": object()}), "action")
    assert server.seen == []


async def test_a_call_that_takes_too_long_ends(loopback: Start, connection: Make) -> None:
    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        await asyncio.Event().wait()
        return False

    async with loopback(respond) as server, client(timeouts=Timeouts(read=0.1)) as ours:
        with pytest.raises(VendorError, match="no answer came in time"):
            await ours.call(connection(server.url), GET, "poll")
