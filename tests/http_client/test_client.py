"""Our own requests to servers that mean no good: bounded in size and time, led nowhere else."""

from __future__ import annotations

import asyncio
import gzip
import logging
import mmap
import tracemalloc
import zlib
from typing import Any

import pytest
from tests.http_client.servers import Asked, answer, scripted

from hornburg.http_client.client import HttpClient, Limits
from hornburg.http_client.errors import (
    AnswerError,
    BadUrlError,
    RedirectError,
    TimedOutError,
    UnreachableError,
)
from hornburg.security.egress import ForbiddenHostError, PeerHosts
from hornburg.settings import Settings
from hornburg.settings.outgoing import read_peer_hosts

SECRET = {"Authorization": "Basic geheim", "Token": "geheim"}


def client(resolve: Any = None, **options: Any) -> HttpClient:
    settings = Settings(**{"http_timeout": 20, **options})
    return HttpClient(settings, resolve) if resolve else HttpClient(settings)


async def test_a_request_and_its_answer():
    async with scripted(answer(b'{"a":1}', content_type="application/json")) as server:
        got = await client().request(
            "POST", f"{server.url}/x/y?z=1", headers={"Token": "t"}, body=b"body"
        )
    assert (got.status, got.body, got.headers["content-type"]) == (
        200,
        b'{"a":1}',
        "application/json",
    )
    (asked,) = server.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/x/y?z=1", b"body")
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.headers["token"] == "t"
    assert "transfer-encoding" not in asked.headers
    assert "cookie" not in asked.headers


async def test_statuses_of_errors_are_answers():
    async with scripted(answer(b"no", 404)) as server:
        got = await client().request("GET", server.url)
    assert (got.status, got.body) == (404, b"no")


async def test_a_large_body_is_sent_in_pieces():
    async def count(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(str(len(asked.body)).encode()))

    size = 32 << 20
    with mmap.mmap(-1, size) as body:
        async with scripted(count, keep_bodies=False) as server:
            tracemalloc.start()
            got = await client().request("POST", server.url, body=body)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert got.status == 200
    assert server.asked[0].headers["content-length"] == str(size)
    assert server.received == size
    assert most < 12 << 20


def _place(url: str) -> Any:
    from hornburg.http_client.places import place_of

    return place_of(url)


async def test_a_session_keeps_its_connection_and_no_cookies():
    async with (
        scripted(answer(set_cookie="a=b")) as server,
        client().session(_place(server.url)) as session,
    ):
        for _ in range(3):
            await session.request("GET", "/")
        assert server.connections == 1
        assert not any("cookie" in asked.headers for asked in server.asked)


async def test_a_connection_that_was_closed_meanwhile_is_opened_again():
    async def once(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if len(server.asked) == 2:
            writer.close()
        else:
            writer.write(answer())

    async with scripted(once) as server, client().session(_place(server.url)) as session:
        await session.request("GET", "/")
        assert (await session.request("POST", "/", body=b"x")).status == 200
        assert server.connections == 2


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with scripted(answer()) as server:
        assert (await client().request("GET", server.url)).status == 200


# -- size ------------------------------------------------------------------------------------


async def _endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def _endless_head(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: " + b"y" * 1000 + b"\r\n")
        await writer.drain()


async def _endless_line(asked: Asked, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"y" * 1000)
        await writer.drain()


@pytest.mark.parametrize(
    "behave",
    [
        _endless,
        _endless_head,
        _endless_line,
        answer(b"x" * 2000),
        b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999999999999999999\r\n\r\n",
        answer(gzip.compress(bytes(50 << 20), mtime=0), content_encoding="gzip"),
        answer(zlib.compress(bytes(50 << 20)), content_encoding="deflate"),
        b"nonsense\r\n\r\n",
        answer(gzip.compress(b"", mtime=0) * 200, content_encoding="gzip"),
        answer(b"x", content_encoding="br"),
        answer(b"x", content_encoding="gzip, gzip"),
        answer(b"nonsense", content_encoding="gzip"),
        answer(gzip.compress(b"abc" * 100, mtime=0)[:-9], content_encoding="gzip"),
        answer(zlib.compress(b"abc") + b"more", content_encoding="deflate"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcde",
        b"\0\0\0\0\r\n\r\n",
    ],
)
async def test_answers_that_are_not_taken(behave: Any):
    async with scripted(behave) as server:
        with pytest.raises(AnswerError) as caught:
            await client().request("GET", server.url, headers=SECRET, limits=Limits(body=1000))
    assert str(server.port) in str(caught.value)
    assert "geheim" not in str(caught.value)


async def test_a_bomb_takes_no_memory():
    bomb = answer(gzip.compress(bytes(200 << 20)), content_encoding="gzip")
    async with scripted(bomb) as server:
        tracemalloc.start()
        with pytest.raises(AnswerError):
            await client().request("GET", server.url, limits=Limits(body=1 << 20))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 8 << 20


async def test_compressed_answers_are_taken():
    for body in (
        answer(gzip.compress(b"abc") + gzip.compress(b"def"), content_encoding="gzip"),
        answer(zlib.compress(b"abcdef"), content_encoding="deflate"),
        answer(b"abcdef", content_encoding="identity"),
    ):
        async with scripted(body) as server:
            got = await client().request("GET", server.url, limits=Limits(body=6 << 10))
            assert got.body == b"abcdef"


# -- time ------------------------------------------------------------------------------------


async def test_silence_ends():
    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with scripted(silent) as server:
        with pytest.raises(TimedOutError):
            await client().request("GET", server.url, timeout=0.05)


async def test_trickling_ends():
    async def trickle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with scripted(trickle) as server:
        with pytest.raises(TimedOutError):
            await client().request("GET", server.url, timeout=0.2)


async def test_who_takes_nothing_is_left():
    async def deaf(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with scripted(deaf, read_bodies=False) as server:
        with pytest.raises(TimedOutError):
            await client().request("POST", server.url, body=bytes(30 << 20), timeout=0.2)


async def test_nobody_there():
    async with scripted(answer()) as server:
        pass
    with pytest.raises(UnreachableError):
        await client().request("GET", server.url)

    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(UnreachableError, match="resolved"):
        await client(nowhere).request("GET", "http://pacs.example.org/")


# -- redirects -------------------------------------------------------------------------------


def _leading(location: str) -> Any:
    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.target == "/end":
            writer.write(answer(b"end"))
        else:
            writer.write(answer(b"", 302, location=location))

    return behave


@pytest.mark.parametrize("location", ["/end", "end", "//127.0.0.1:{port}/end"])
async def test_redirects_within_a_server_are_followed(location: str):
    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await _leading(location.format(port=server.port))(asked, writer)

    async with scripted(behave) as server:
        got = await client().request("GET", f"{server.url}/start", headers=SECRET)
    assert got.body == b"end"
    assert server.asked[1].headers["authorization"] == SECRET["Authorization"]


@pytest.mark.parametrize(
    "location",
    [
        "{other}/end",
        "http://localhost:{port}/end",
        "https://127.0.0.1:{port}/end",
        "http://user:pass@127.0.0.1:{port}/end",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "http://[::1/",
        "//evil.example.org/",
        "\\\\evil.example.org/",
    ],
)
async def test_redirects_to_another_server_are_refused(location: str):
    async with scripted(answer(b"secret")) as other:

        async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await _leading(location.format(other=other.url, port=server.port))(asked, writer)

        async with scripted(behave) as server:
            with pytest.raises(RedirectError) as caught:
                await client().request("GET", f"{server.url}/start", headers=SECRET)
    assert other.asked == []
    assert len(server.asked) == 1
    assert "geheim" not in str(caught.value)


async def test_redirects_in_circles_end():
    async with scripted(_leading("/start")) as server:
        with pytest.raises(RedirectError):
            await client().request("GET", f"{server.url}/start")
    assert len(server.asked) == 4


async def test_what_was_sent_is_never_sent_again():
    async with scripted(_leading("/end")) as server:
        got = await client().request("POST", f"{server.url}/start", body=b"x")
    assert got.status == 302
    assert len(server.asked) == 1


# -- where to --------------------------------------------------------------------------------


def hosts(*given: str) -> PeerHosts:
    return PeerHosts(read_peer_hosts(list(given)))


async def test_the_connection_goes_to_the_address_that_was_judged():
    """DNS rebinding: the second answer of the name server would lead elsewhere."""
    names: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        names.append(host)
        return ["127.0.0.1"] if len(names) == 1 else ["169.254.169.254"]

    async with scripted(answer()) as server:
        url = f"http://pacs.example.org:{server.port}/"
        asking = client(resolve)
        assert (await asking.request("GET", url, hosts=hosts())).status == 200
        assert server.asked[0].headers["host"] == f"pacs.example.org:{server.port}"
        assert names == ["pacs.example.org"]
        # Each use looks again.
        with pytest.raises(ForbiddenHostError):
            await asking.request("GET", url, hosts=hosts())
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], ["169.254.169.254"]),
        ([], ["fe80::1"]),
        ([], ["::ffff:169.254.169.254"]),
        (["pacs.example.org"], ["169.254.169.254"]),
        (["10.0.0.0/8"], ["127.0.0.1"]),
        (["*.other.org"], ["127.0.0.1"]),
    ],
)
async def test_addresses_where_no_peer_may_be(listed: list[str], found: list[str]):
    async def resolve(host: str, port: int) -> list[str]:
        return found

    async with scripted(answer()) as server:
        with pytest.raises(ForbiddenHostError):
            await client(resolve).request(
                "GET", f"http://pacs.example.org:{server.port}/", hosts=hosts(*listed)
            )
    assert server.asked == []


async def test_the_next_address_is_tried():
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with scripted(answer()) as server:
        got = await client(resolve).request("GET", f"http://pacs.example.org:{server.port}/")
    assert got.status == 200


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/",
        "a:80",
        "//a/",
        "http://u:p@a/",
        "http://a/\r\nx: y",
        "http://a/ b",
        "http://a\\b/",
        "http://a:0/",
        "http://a:99999/",
        "http://[::1/",
        "http://a/\u00e4",
        "http:///",
        "http://a/" + "x" * 9000,
    ],
)
async def test_urls_that_are_not_asked(url: str):
    with pytest.raises(BadUrlError):
        await client().request("GET", url)


async def test_nothing_is_smuggled():
    async with scripted(answer()) as server:
        for headers in (
            {"X": "a\r\nY: b"},
            {"X\r\nY": "b"},
            {"X Y": "b"},
            {"Host": "evil"},
            {"Content-Length": "0"},
            {"Transfer-Encoding": "chunked"},
            {"X": "\u20ac"},
        ):
            with pytest.raises(BadUrlError):
                await client().request("GET", server.url, headers=headers)
        for method in ("GET / HTTP/1.1\r\n", "CONNECT", "get"):
            with pytest.raises(BadUrlError):
                await client().request(method, server.url)
        async with client().session(_place(server.url)) as session:
            for target in ("@evil/", ".evil/", "x", "//evil\r\n", ":1/"):
                with pytest.raises(BadUrlError):
                    await session.request("GET", target)
    assert server.asked == []


# -- the proxy, the log ------------------------------------------------------------------------


async def test_the_proxy_is_asked_with_its_own_credentials():
    async with scripted(answer(b"by proxy")) as proxy:
        through = client(http_proxy=f"alice:geheim@127.0.0.1:{proxy.port}")
        got = await through.request("GET", "http://pacs.example.org:8042/x", hosts=hosts())
        assert got.body == b"by proxy"
        (asked,) = proxy.asked
        assert asked.target == "http://pacs.example.org:8042/x"
        assert asked.headers["host"] == "pacs.example.org:8042"
        assert asked.headers["proxy-authorization"].startswith("Basic ")
        for host in ("169.254.169.254", "rebinding.example.org"):
            with pytest.raises(ForbiddenHostError):
                await through.request("GET", f"http://{host}/", hosts=hosts("10.0.0.0/8"))
    assert len(proxy.asked) == 1


async def test_a_proxy_that_refuses_is_named():
    async with scripted(answer(b"", 407)) as proxy:
        through = client(http_proxy=f"alice:geheim@127.0.0.1:{proxy.port}")
        with pytest.raises(UnreachableError, match="HttpProxy") as caught:
            await through.request("GET", "https://pacs.example.org/")
    assert "geheim" not in str(caught.value)


async def test_the_log_tells_of_requests_and_not_of_secrets(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, "hornburg")
    async with scripted(answer(set_cookie="geheim")) as server:
        await client().request("GET", f"{server.url}/x?q=geheim", headers=SECRET)
        assert caplog.text == ""
        await client(http_verbose=True).request("GET", f"{server.url}/x?q=geheim", headers=SECRET)
    assert f"GET {server.url}/x (127.0.0.1) with Authorization, Token and 0 bytes: 200" in (
        caplog.text
    )
    assert "geheim" not in caplog.text
