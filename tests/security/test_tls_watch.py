"""Certificates that change on disk, while what was there before goes on."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading

import pytest
from tests.security.certificates import Certified, make
from tests.security.test_dicom_tls import client_of, handshake

from hornburg.security.tls_watch import FreshTls, watch
from hornburg.security.web_tls import server_context, server_files
from hornburg.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def first(folder):
    return make(folder, "first", days=100)


@pytest.fixture(scope="module")
def second(folder):
    return make(folder, "second", days=100)


@pytest.fixture
def place(tmp_path, first):
    """Where the server looks."""
    found = Certified(tmp_path / "server.crt", tmp_path / "server.key")
    put(found, first)
    return found


def put(place, certified):
    put_file(place.key, certified.key)
    put_file(place.certificate, certified.certificate)


def put_file(place, source):
    """As certbot and editors do: another file under the same name."""
    new = place.with_suffix(".new")
    new.write_bytes(source.read_bytes())
    new.chmod(0o600)
    os.replace(new, place)


def fresh(place):
    settings = Settings(
        ssl_enabled=True, ssl_certificate=place.certificate, ssl_private_key=place.key
    )
    return FreshTls("HTTPS", lambda: server_context(settings), server_files(settings), place.key)


def serves(tls, certified):
    try:
        handshake(tls.context, client_of(None, certified))
    except ssl.SSLCertVerificationError:
        return False
    return True


def test_a_new_certificate_is_taken_up_when_it_lies_still(place, first, second):
    tls = fresh(place)
    before = tls.context
    for _ in range(3):
        tls.look()
    assert tls.context is before
    put(place, second)
    tls.look()
    # Perhaps it is still being written.
    assert tls.context is before
    tls.look()
    assert serves(tls, second)
    assert not serves(tls, first)
    after = tls.context
    tls.look()
    assert tls.context is after


def test_who_is_inside_stays(place, second, first):
    tls = fresh(place)
    client, server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client_of(None, first).wrap_bio(server, client)
    answering = tls.context.wrap_bio(client, server, server_side=True)
    for side in (asking, answering, asking, answering):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    put(place, second)
    tls.renew()
    answering.write(b"as before")
    assert asking.read(100) == b"as before"


def test_a_key_that_comes_later(place, second, caplog):
    tls = fresh(place)
    before = tls.context
    put_file(place.certificate, second.certificate)
    tls.look()
    put_file(place.key, second.key)
    tls.look()
    assert tls.context is before
    tls.look()
    assert serves(tls, second)
    # Nobody was told of the moment between.
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_broken_file_is_said_once_and_the_old_one_stays(place, first, second, caplog, content):
    tls = fresh(place)
    if content is None:
        place.certificate.unlink()
    else:
        place.certificate.write_bytes(content)
    for _ in range(5):
        tls.look()
    assert serves(tls, first)
    (line,) = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert "keeps the certificate that it has" in line
    assert "SslCertificate" in line
    put(place, second)
    tls.look()
    tls.look()
    assert serves(tls, second)


def test_an_expired_one_is_not_taken_up(folder, place, first, caplog):
    put(place, first)
    tls = fresh(place)
    put(place, make(folder, "old", days=0))
    tls.renew()
    assert serves(tls, first)
    assert "has expired" in caplog.text


def test_what_the_operator_should_know(folder, place, caplog):
    tls = fresh(place)
    assert tls.findings() == []
    put(place, make(folder, "short", days=20))
    tls.renew()
    assert "expires on" in caplog.text
    assert any("expires on" in text for text in tls.findings())


def test_errors_that_nobody_has_foreseen_do_not_end_the_server(place, first, caplog):
    def make_it():
        if fail:
            raise RuntimeError("unforeseen")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    fail = False
    tls = FreshTls("HTTPS", make_it, (place.certificate,), place.key)
    before, fail = tls.context, True
    tls.renew()
    assert tls.context is before
    assert "unforeseen" in caplog.text


async def test_the_watch(place, second):
    tls = fresh(place)
    stop, now, taken = asyncio.Event(), asyncio.Event(), threading.Event()
    renew = tls.renew

    def renewed():
        renew()
        taken.set()

    tls.renew = renewed
    # Nobody waits for the usual time.
    watching = asyncio.create_task(watch((tls,), stop, now, every=3600))
    put(place, second)
    now.set()
    assert await asyncio.to_thread(taken.wait, 60)
    assert serves(tls, second)
    assert not now.is_set()
    stop.set()
    await asyncio.wait_for(watching, 60)


async def test_the_watch_by_itself(place, second):
    tls = fresh(place)
    stop, taken = asyncio.Event(), threading.Event()
    renew = tls.renew

    def renewed():
        renew()
        taken.set()

    tls.renew = renewed
    watching = asyncio.create_task(watch((tls,), stop, asyncio.Event(), every=0.01))
    put(place, second)
    assert await asyncio.to_thread(taken.wait, 60)
    assert serves(tls, second)
    stop.set()
    await asyncio.wait_for(watching, 60)
