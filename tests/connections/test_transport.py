from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import traceback
import zlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from multidict import CIMultiDict

from connections.compression import unpacked
from connections.errors import Garbage, NoAnswer, Unreachable
from connections.transport import Limits, Outgoing, Reply, Saved, Timeouts, Transport, insecure

pytestmark = pytest.mark.anyio
Start = Callable[[Any], AbstractAsyncContextManager[Any]]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both loops: they name broken connections differently."""
    return "asyncio", {"use_uvloop": request.param}


def ask(url: str, method: str = "POST", body: bytes = b"{}") -> httpx.Request:
    request = httpx.Request(method, url, headers={"authorization": "Bearer secret"}, content=body)
    request.read()
    return request


SECRET = CIMultiDict({"authorization": "Bearer secret"})


def says(data: bytes, *, again: bool = False) -> Any:
    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        return again

    return respond


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def outcome(
    url: str, method: str = "POST", *, timeouts: Timeouts | None = None, limits: Limits | None = None
) -> Reply:
    transport = Transport(timeouts, limits)
    try:
        return await transport.send(ask(url, method))
    finally:
        await transport.close()


async def test_a_refused_port_is_unreachable_and_the_message_says_where() -> None:
    port = free_port()
    with pytest.raises(
        Unreachable, match=rf"POST 127\.0\.0\.1:{port}/x: no connection came about \(Connection refused\)"
    ) as caught:
        await outcome(f"http://127.0.0.1:{port}/x?key=secret")
    assert "secret" not in str(caught.value)


async def test_a_server_that_speaks_no_tls_is_unreachable() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    with pytest.raises(Unreachable, match="no secure connection"):
        await outcome(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    server.close()


async def test_a_certificate_that_nobody_vouches_for_is_unreachable(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable, match="certificate is not to be trusted"):
        await outcome(f"https://127.0.0.1:{port}/")
    server.close()


async def test_a_connection_that_does_not_come_about_in_time_is_unreachable() -> None:
    with socket.socket() as deaf:  # its queue is full after a few: further connections hang
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        waiting = []
        for _ in range(4):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
            waiting.append(each)
        with pytest.raises(Unreachable, match="in time"):
            await outcome(url, timeouts=Timeouts(connect=0.2, pool=0.4))
        for each in waiting:
            each.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
async def test_a_connection_cut_before_the_answer_is_no_answer_and_nothing_is_sent_twice(
    loopback: Start, method: str
) -> None:
    async with loopback(says(b"")) as server:
        with pytest.raises(NoAnswer, match="closed without an answer"):
            await outcome(server.url, method)
        await asyncio.sleep(0.05)
        assert len(server.seen) == 1


async def test_a_kept_connection_that_the_server_drops_on_use_is_no_answer(loopback: Start, answer: Any) -> None:
    calls = 0

    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        nonlocal calls
        calls += 1
        if calls == 1:
            writer.write(answer())
        return calls == 1

    async with loopback(respond) as server:
        transport = Transport()
        assert (await transport.send(ask(server.url))).status == 200
        with pytest.raises(NoAnswer):
            await transport.send(ask(server.url))
        assert (server.connections, len(server.seen)) == (1, 2)
        await transport.close()


async def test_an_answer_cut_after_its_headers_is_no_answer(loopback: Start) -> None:
    async with loopback(says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")) as server:
        with pytest.raises(NoAnswer, match="cut off"):
            await outcome(server.url)


async def test_an_answer_cut_in_its_body_is_no_answer(loopback: Start) -> None:
    async with loopback(says(b'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"a"')) as server:
        with pytest.raises(NoAnswer, match="cut off"):
            await outcome(server.url)


async def test_an_answer_that_is_no_http_is_no_answer(loopback: Start) -> None:
    async with loopback(says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")) as server:
        with pytest.raises(NoAnswer, match="no HTTP"):
            await outcome(server.url)


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"])
async def test_a_key_in_the_query_is_in_no_message_and_no_traceback(loopback: Start, data: bytes) -> None:
    key = uuid4().hex
    async with loopback(says(data)) as server:
        with pytest.raises(NoAnswer) as caught:
            await outcome(f"{server.url}/x?api_key={key}")
    assert key not in "".join(traceback.format_exception(caught.value))


async def test_a_reset_connection_is_no_answer(loopback: Start) -> None:
    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()
        return False

    async with loopback(respond) as server:
        with pytest.raises(NoAnswer):
            await outcome(server.url)


async def test_a_server_that_keeps_silent_is_no_answer(loopback: Start) -> None:
    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        await asyncio.Event().wait()
        return False

    async with loopback(respond) as server:
        with pytest.raises(NoAnswer, match="no answer came in time"):
            await outcome(server.url, timeouts=Timeouts(read=0.1))


async def test_an_answer_that_trickles_for_ever_ends_with_the_total_time(loopback: Start) -> None:
    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with loopback(respond) as server:
        with pytest.raises(NoAnswer, match="no whole answer"):
            await outcome(server.url, timeouts=Timeouts(read=5, total=0.3))


async def test_headers_come_in_lower_case_and_the_body_whole(loopback: Start) -> None:
    async with loopback(says(b"HTTP/1.1 201 OK\r\nX-RateLimit-Max: 25\r\nContent-Length: 2\r\n\r\n[]")) as server:
        reply = await outcome(server.url)
    assert reply == Reply(201, {"x-ratelimit-max": "25", "content-length": "2"}, b"[]")


async def test_cookies_are_not_kept_and_redirects_not_followed(loopback: Start, answer: Any) -> None:
    moved = answer(302, location="/elsewhere", set_cookie="session=1; Path=/")
    async with loopback(says(moved, again=True)) as server:
        transport = Transport()
        for _ in range(2):
            assert (await transport.send(ask(server.url))).status == 302
        await transport.close()
        assert [seen.target for seen in server.seen] == ["/", "/"]
        assert not any("cookie" in seen.headers for seen in server.seen)


async def test_a_connection_is_used_again(loopback: Start, answer: Any) -> None:
    async with loopback(says(answer(), again=True)) as server:
        transport = Transport()
        for _ in range(3):
            await transport.send(ask(server.url))
        await transport.close()
        assert (server.connections, len(server.seen)) == (1, 3)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_answer_is_unpacked(
    loopback: Start, answer: Any, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    async with loopback(says(answer(200, pack(b'{"a": 1}'), content_encoding=encoding))) as server:
        assert (await outcome(server.url)).body == b'{"a": 1}'


async def test_an_answer_beyond_the_limit_is_garbage(loopback: Start, answer: Any) -> None:
    async with loopback(says(answer(200, b" " * 5_000))) as server:
        with pytest.raises(Garbage, match="larger than 1,000 bytes"):
            await outcome(server.url, limits=Limits(answer=1_000))


def test_a_compressed_answer_may_not_grow_beyond_the_limit() -> None:
    with pytest.raises(Garbage, match="larger than 1,000 bytes"):
        unpacked(gzip.compress(b" " * 10**7), "gzip", 1_000, "GET /x")


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (b"not gzip", "gzip", "broken"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-9], "gzip", "ends in the middle"),
        (b"x", "br", "not asked for: br"),
    ],
)
def test_broken_compression_is_garbage(body: bytes, encoding: str, words: str) -> None:
    with pytest.raises(Garbage, match=words):
        unpacked(body, encoding, 10_000, "GET /x")


def test_an_empty_body_needs_no_unpacking() -> None:
    assert unpacked(b"", "gzip", 10, "GET /x") == b""


async def test_a_host_gets_so_many_requests_at_once_and_no_more(loopback: Start, answer: Any) -> None:
    async def respond(_: Any, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.01)
        writer.write(answer())
        return True

    async with loopback(respond) as server:
        transport = Transport(limits=Limits(per_host=3))

        async def one() -> None:
            async with transport.slots("here"):
                await transport.send(ask(server.url))

        await asyncio.gather(*(one() for _ in range(20)))
        await transport.close()
        assert server.most_at_once == 3


async def test_a_download_is_streamed_into_its_file(loopback: Start, answer: Any, tmp_path: Path) -> None:
    data = bytes(range(256)) * 1_000
    async with loopback(says(answer(200, data, content_type="audio/x-wav"))) as server:
        transport = Transport()
        saved = await transport.save(Outgoing("GET", server.url, SECRET), tmp_path / "call.wav")
        await transport.close()
    assert isinstance(saved, Saved)
    assert (saved.size, saved.content_type) == (256_000, "audio/x-wav")
    assert (tmp_path / "call.wav").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["call.wav"]


@pytest.mark.parametrize(
    ("data", "limits", "error"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", Limits(), NoAnswer),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", Limits(download=2), Garbage),
        (b"", Limits(), NoAnswer),
    ],
)
async def test_a_download_that_is_not_whole_leaves_no_file(
    loopback: Start, tmp_path: Path, data: bytes, limits: Limits, error: type[Exception]
) -> None:
    (tmp_path / "call.wav").write_bytes(b"before")
    async with loopback(says(data)) as server:
        transport = Transport(limits=limits)
        with pytest.raises(error):
            await transport.save(Outgoing("GET", server.url, SECRET), tmp_path / "call.wav")
        await transport.close()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("call.wav", b"before")]


async def test_a_download_that_is_refused_is_read_as_any_answer(loopback: Start, answer: Any, tmp_path: Path) -> None:
    async with loopback(says(answer(404, b'{"message": "no such recording"}'))) as server:
        transport = Transport()
        reply = await transport.save(Outgoing("GET", server.url, SECRET), tmp_path / "call.wav")
        await transport.close()
    assert isinstance(reply, Reply)
    assert (reply.status, list(tmp_path.iterdir())) == (404, [])


async def test_a_download_that_cannot_be_written_says_so(loopback: Start, answer: Any, tmp_path: Path) -> None:
    async with loopback(says(answer(200, b"abc"))) as server:
        transport = Transport()
        with pytest.raises(FileNotFoundError):
            await transport.save(Outgoing("GET", server.url, SECRET), tmp_path / "none" / "call.wav")
        await transport.close()


@pytest.mark.parametrize(
    "url", ["https://services.example", "http://localhost:8080", "http://127.0.0.9", "http://[::1]:9"]
)
def test_https_and_loopback_are_fine(url: str) -> None:
    assert insecure(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://services.example", "write https://"),
        ("http://127.0.0.1.example", "write https://"),
        ("http://10.0.0.1", "write https://"),
        ("ftp://services.example", "no https:// address"),
        ("services.example", "no https:// address"),
        ("https://", "no https:// address"),
    ],
)
def test_plain_http_and_non_addresses_are_refused(url: str, words: str) -> None:
    assert words in str(insecure(url))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415
    from ipaddress import ip_address  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path
