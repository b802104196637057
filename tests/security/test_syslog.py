"""Audit messages to a syslog server: frames, TLS, and servers that are away."""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from tests.security.audit_schema import check
from tests.security.certificates import make

from hornburg.security import syslog as module
from hornburg.security.audit_message import Source, messages_of
from hornburg.security.syslog import Syslog, framed, syslog_context
from hornburg.security.trail import Event, Identity, Subject, Trail
from hornburg.security.trail.writer import Writer
from hornburg.settings import SettingsError
from hornburg.settings.trail import SyslogSettings

_FRAME = re.compile(
    rb"<85>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\S+) hornburg (\d+) DICOM\+RFC3881 - "
    rb"\xef\xbb\xbf(.*)",
    re.DOTALL,
)


class Receiver:
    """A small syslog server: RFC 6587 section 3.4.1, octet counting."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                length = await reader.readuntil(b" ")
                await self.messages.put(await reader.readexactly(int(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def next(self) -> bytes:
        """The XML of the next message, whose frame is right."""
        message = await asyncio.wait_for(self.messages.get(), 30)
        found = _FRAME.fullmatch(message)
        assert found, message
        check(fromstring(found[4]))
        return found[4]


def sender(receiver: Receiver, context: ssl.SSLContext | None = None) -> Syslog:
    source = Source("HORNBURG", "ours")
    return Syslog(
        "127.0.0.1",
        receiver.port,
        context,
        lambda entries, known: messages_of(source, entries, known),
    )


def upload(number: int) -> Event:
    whose = Identity("p", "s", f"ID-{number}", "1.2.3")
    return Event(action="upload", subjects=(Subject(3, "i", whose),))


def trail_of(folder: Path, syslog: Syslog) -> Trail:
    return Trail(Writer(folder, folder / "trail.key", 1 << 20), flush=0.01, forward=syslog)


async def test_messages_come_in_order_over_tcp(tmp_path):
    receiver = Receiver()
    await receiver.start()
    trail = trail_of(tmp_path, sender(receiver))
    await trail.open()
    for number in range(200):
        trail.note(upload(number))
    for number in range(200):
        assert f'"ID-{number}"'.encode() in await receiver.next()
    trail.note(Event(action="stop"))
    await trail.close()
    assert b"110121" in await receiver.next(), "what was noted last goes before the end"
    await receiver.stop()


async def test_messages_come_over_tls_with_certificates_of_both_sides(tmp_path):
    authority = make(tmp_path, "authority")
    server = make(tmp_path, "server", issuer=authority, authority=False, names="IP:127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    context.load_cert_chain(server.certificate, server.key)
    context.verify_mode = ssl.CERT_REQUIRED
    receiver = Receiver(context)
    await receiver.start()
    client = syslog_context(
        SyslogSettings("x", 1, "tls", authority.certificate, server.certificate, server.key)
    )
    trail = trail_of(tmp_path / "trail", sender(receiver, client))
    await trail.open()
    trail.note(upload(1))
    assert b'"ID-1"' in await receiver.next()
    await trail.close()
    await receiver.stop()


async def test_a_server_with_a_foreign_certificate_hears_nothing(tmp_path, caplog):
    server = make(tmp_path, "server", names="IP:127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.certificate, server.key)
    receiver = Receiver(context)
    await receiver.start()
    # The authorities of the system don't know it.
    syslog = sender(receiver, syslog_context(SyslogSettings("x", 1)))
    trail = trail_of(tmp_path / "trail", syslog)
    await trail.open()
    trail.note(upload(1))
    await trail.flush()
    while "can't be reached" not in caplog.text:
        await asyncio.sleep(0.01)
    await trail.close()
    assert receiver.messages.empty()
    assert "1 audit messages were not sent" in caplog.text
    await receiver.stop()


async def test_a_server_that_comes_back_hears_what_waited(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.01)
    receiver = Receiver()
    await receiver.start()
    trail = trail_of(tmp_path, sender(receiver))
    await trail.open()
    trail.note(upload(1))
    await receiver.next()
    await receiver.stop()
    while "can't be reached" not in caplog.text:
        trail.note(upload(2))
        await trail.flush()
        await asyncio.sleep(0.01)
    trail.note(upload(3))
    await receiver.start()
    while b'"ID-3"' not in await receiver.next():
        pass
    assert "is back" in caplog.text
    await trail.close()
    await receiver.stop()


async def test_what_there_is_no_room_for_is_counted_and_said(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "_MOST_WAITING", 3)
    receiver = Receiver()
    lost: list[int] = []
    syslog = sender(receiver)
    syslog.on_lost = lost.append
    syslog._add([b"1 x"] * 8)
    await receiver.start()
    syslog.port = receiver.port
    syslog.open()
    for _ in range(3):
        assert await asyncio.wait_for(receiver.messages.get(), 30) == b"x"
    await syslog.close()
    assert lost == [5]
    assert "5 audit messages" in caplog.text
    await receiver.stop()


async def test_a_name_that_is_none_is_said(monkeypatch, caplog):
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.01)
    receiver = Receiver()
    await receiver.start()
    syslog = sender(receiver)
    syslog.host = "log..example"
    syslog.open()
    syslog._add([b"1 x"])
    async with asyncio.timeout(30):
        while "can't be reached" not in caplog.text:
            await asyncio.sleep(0.01)
        syslog.host = "127.0.0.1"  # it goes on trying
        assert await receiver.messages.get() == b"x"
    await syslog.close()
    await receiver.stop()


def test_a_frame_counts_bytes():
    frame = framed("é".encode(), 0.0, "here", 7)
    length, _, rest = frame.partition(b" ")
    assert int(length) == len(rest)
    assert rest.startswith(b"<85>1 1970-01-01T00:00:00.000000Z here hornburg 7 DICOM+RFC3881 - ")


def test_certificates_that_are_none_stop_the_start(tmp_path):
    with pytest.raises(SettingsError, match=r"AuditTrail\.Syslog"):
        syslog_context(SyslogSettings("x", 1, "tls", tmp_path / "missing.pem"))
