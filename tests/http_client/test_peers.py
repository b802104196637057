"""Peers over HTTP: what is sent to them, and what is made of their answers."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.http_client.servers import Asked, Scripted, answer, scripted

from hornburg.archive.peer_port import PeerError, PeerGoneError, PeerStatusError, PeerTarget
from hornburg.http_client.client import HttpClient
from hornburg.http_client.peers import HttpPeers
from hornburg.security.egress import ForbiddenHostError, PeerHosts
from hornburg.settings import Settings
from hornburg.settings.outgoing import read_peer_hosts
from hornburg.settings.peers import read_peer

GOOD = answer(b'{"Name":"There"}')


def target(server: Scripted, *, added: bool = False, path: str = "", **more: Any) -> PeerTarget:
    form = {"Url": server.url + path, "Username": "alice", "Password": "geheim"} | more
    return PeerTarget("backup", read_peer(form), added)


def port(*hosts: str, timeout: int = 20) -> HttpPeers:
    return HttpPeers(
        HttpClient(Settings(http_timeout=timeout)), PeerHosts(read_peer_hosts(list(hosts)))
    )


async def store(server: Scripted, content: bytes = b"DICM", **more: Any) -> bytes:
    async with port().sender(target(server, **more)) as sender:
        return await sender.store(content)


async def test_a_question_carries_what_is_configured():
    async with scripted(GOOD) as server:
        peer = target(server, path="/orthanc", HttpHeaders={"Token": "t"})
        assert json.loads(await port().system(peer)) == {"Name": "There"}
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("GET", "/orthanc/system")
    assert asked.headers["authorization"] == "Basic YWxpY2U6Z2VoZWlt"
    assert asked.headers["token"] == "t"


async def test_names_beyond_ascii_and_headers_of_the_configuration_win():
    async with scripted(GOOD) as server:
        await port().system(target(server, Username="\u00e4", Password="\u00f6"))
        await port().system(target(server, HttpHeaders={"Authorization": "Bearer x"}))
    assert server.asked[0].headers["authorization"] == "Basic w6Q6w7Y="
    assert server.asked[1].headers["authorization"] == "Bearer x"


async def test_instances_go_over_one_connection():
    async with (
        scripted(answer(b'{"Status":"Success"}')) as server,
        port().sender(target(server)) as sender,
    ):
        for _ in range(3):
            await sender.store(b"DICM")
        await sender.store(gzip.compress(b"DICM"), compressed=True)
    assert server.connections == 1
    assert [asked.target for asked in server.asked] == ["/instances"] * 4
    assert [asked.body for asked in server.asked[:3]] == [b"DICM"] * 3
    assert "content-encoding" not in server.asked[0].headers
    assert server.asked[3].headers["content-encoding"] == "gzip"
    assert gzip.decompress(server.asked[3].body) == b"DICM"
    assert all(asked.headers["content-type"] == "application/dicom" for asked in server.asked)


@pytest.mark.parametrize("status", ["Success", "AlreadyStored", "FilteredOut"])
async def test_what_a_peer_decides_is_no_failure(status: str):
    async with scripted(answer(json.dumps({"Status": status}).encode())) as server:
        assert json.loads(await store(server)) == {"Status": status}


@pytest.mark.parametrize("said", [b'{"Status":"\xff"}', b'{"\xff":1}', b'{"Status":"Success"'])
async def test_answers_that_are_no_text(said: bytes):
    async with scripted(answer(said)) as server:
        with pytest.raises(PeerError, match="no JSON object"):
            await store(server)
        with pytest.raises(PeerError, match="no JSON object"):
            await port().system(target(server))


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "another user name or password"),
        (403, "doesn't allow"),
        (404, "no such REST API"),
        (413, "too large"),
        (429, "refuses for a while"),
        (500, "500 Internal Server Error"),
        (204, "204"),
        (599, "599"),
    ],
)
async def test_refusals_are_told_apart(status: int, hint: str):
    async with scripted(answer(b"{}" if status != 204 else b"", status)) as server:
        with pytest.raises(PeerStatusError, match=hint) as caught:
            await port().system(target(server))
        assert caught.value.outside.orthanc == 2005
        with pytest.raises(PeerError, match=hint) as refused:
            await store(server)
        assert refused.value.outside.orthanc == 9
    for error in (caught, refused):
        assert "backup" in str(error.value)
        assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"[]", b'"x"', b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000]
)
async def test_answers_that_are_no_object(body: bytes):
    async with scripted(answer(body)) as server:
        with pytest.raises(PeerError, match=r"JSON|larger"):
            await port().system(target(server))
        with pytest.raises(PeerError, match=r"JSON|larger"):
            await store(server)


async def test_an_instance_that_was_not_stored():
    async with scripted(answer(b'{"Status":"Failure"}')) as server:
        with pytest.raises(PeerError, match="not stored"):
            await store(server)


@asynccontextmanager
async def _leading() -> AsyncIterator[tuple[Scripted, Scripted]]:
    async with scripted(GOOD) as other, scripted(answer(b"", 307, location=other.url)) as server:
        yield server, other


async def test_no_other_server_is_told_anything():
    async with _leading() as (server, other):
        with pytest.raises(PeerError, match="another server"):
            await port().system(target(server))
        with pytest.raises(PeerError, match="leads elsewhere"):
            await store(server)
        assert other.asked == []


async def test_endless_answers_and_bombs():
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()

    bomb = answer(gzip.compress(b" " * (50 << 20)), content_encoding="gzip")
    for behave in (endless, bomb):
        async with scripted(behave) as server:
            with pytest.raises(PeerError, match="larger"):
                await port().system(target(server))


async def test_silence_and_absence_are_of_one_kind():
    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with scripted(silent) as server:
        with pytest.raises(PeerGoneError, match="backup"):
            await port(timeout=1).system(target(server))
    with pytest.raises(PeerGoneError, match="backup"):
        await port().system(target(server))


async def test_the_time_out_of_a_peer_is_its_own():
    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.2)
        writer.write(GOOD)

    async with scripted(slow) as server:
        assert await port(timeout=1).system(target(server, Timeout=20))


async def test_only_peers_that_the_api_added_are_judged():
    async with scripted(GOOD) as server:
        asking = port("10.0.0.0/8")
        await asking.system(target(server))
        with pytest.raises(ForbiddenHostError):
            await asking.system(target(server, added=True))
        with pytest.raises(ForbiddenHostError):
            async with asking.sender(target(server, added=True)) as sender:
                await sender.store(b"DICM")
        await port("127.0.0.0/8").system(target(server, added=True))
    assert len(server.asked) == 2


async def test_a_certificate_that_is_not_there():
    async with scripted(GOOD) as server:
        peer = target(server, CertificateFile="/nowhere", Url="https://127.0.0.1:1/")
        with pytest.raises(PeerError, match="can't be read"):
            await port().system(peer)
    assert server.asked == []
