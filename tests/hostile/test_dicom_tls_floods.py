"""Handshakes: too many, of rubbish, or half of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from tests.hostile.dicom_peer import ACCEPT, ECHO, Caller
from tests.hostile.handshakes import RUBBISH, context, hello
from tests.hostile.target import Target
from tests.security.certificates import make

MB = 1 << 20


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("tls")
    ours = make(folder, "ours")
    target = Target(
        folder,
        DicomTlsEnabled=True,
        DicomTlsCertificate=str(ours.certificate),
        DicomTlsPrivateKey=str(ours.key),
        DicomTlsTrustedCertificates=str(ours.certificate),
        DicomTlsRemoteCertificateRequired=False,
        DicomScpTimeout=2,
    )
    yield target
    assert target.complaints() == []
    assert target.stop() == 0


def says_hello(target: Target, address: str) -> None:
    with Caller(target.dicom_port, address) as honest:
        honest.socket = context().wrap_socket(honest.socket)
        assert honest.associate(ECHO)[0] == ACCEPT
        assert honest.echo() == 0


@pytest.mark.parametrize("begun", [False, True])
def test_handshakes_that_stop(guarded: Target, begun: bool) -> None:
    before = guarded.descriptors()
    said = hello() if begun else b""
    with guarded.growing_at_most(96 * MB):
        callers = [Caller(guarded.dicom_port, f"127.0.1.{1 + at % 50}") for at in range(1000)]
        for caller in callers:
            caller.send(said)
        says_hello(guarded, "127.0.0.2")
        says_hello(guarded, "127.0.1.1")
    for caller in callers:
        caller.socket.close()
    guarded.settled(before + 8)


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish(guarded: Target, rubbish: bytes) -> None:
    before, lines = guarded.descriptors(), len(guarded.lines)
    with guarded.growing_at_most(32 * MB):
        for _ in range(100):
            with Caller(guarded.dicom_port) as caller:
                caller.send(rubbish)
                with contextlib.suppress(OSError):
                    while caller.socket.recv(1000):
                        continue
    says_hello(guarded, "127.0.0.1")
    guarded.settled(before + 8)
    # A scanner does not fill the log.
    assert len(guarded.lines) - lines < 50


def test_silence_after_the_handshake(guarded: Target) -> None:
    before = guarded.descriptors()
    callers = []
    for number in range(300):
        caller = Caller(guarded.dicom_port, f"127.0.1.{1 + number % 50}")
        with contextlib.suppress(OSError):
            caller.socket = context().wrap_socket(caller.socket)
        callers.append(caller)
    says_hello(guarded, "127.0.0.2")
    # Cut off by the server, although none of them ever closes.
    guarded.settled(before + 8)
    for caller in callers:
        caller.socket.close()
