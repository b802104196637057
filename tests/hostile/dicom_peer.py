"""A peer that says on a DICOM port whatever it likes, whether it makes sense or not."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from hornburg.dimse.commands import Command, CommandField, decode_command, encode_command
from hornburg.ul.events import AssociateRequest, PresentationContext, RoleSelection
from hornburg.ul.writers import RELEASE_REQUEST, write_request

__all__ = [
    "ABORT",
    "ACCEPT",
    "DATA",
    "ECHO",
    "EXPLICIT",
    "FIND",
    "GET",
    "IMPLICIT",
    "MOVE",
    "MR",
    "PUSH",
    "REJECT",
    "RELEASED",
    "Caller",
    "Peer",
    "Scp",
    "element",
    "find_command",
    "message",
    "pdu",
    "pdv",
    "scp",
    "store_command",
]

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
ECHO = "1.2.840.10008.1.1"
MR = "1.2.840.10008.5.1.4.1.1.4"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
GET = "1.2.840.10008.5.1.4.1.2.2.3"
PUSH = "1.2.840.10008.1.20.1"

ACCEPT, REJECT, DATA, RELEASED, ABORT = 2, 3, 4, 6, 7

_PATIENCE = 60


def pdu(kind: int, body: bytes, length: int | None = None) -> bytes:
    """A PDU, whatever length it announces."""
    return struct.pack(">BxI", kind, len(body) if length is None else length) + body


def pdv(
    context: int, value: bytes, *, command: bool = False, last: bool = False, lie: int = 0
) -> bytes:
    """A presentation data value; ``lie`` is added to the length that it announces."""
    control = (1 if command else 0) | (2 if last else 0)
    return struct.pack(">IBB", len(value) + 2 + lie, context, control) + value


def element(tag: int, value: bytes) -> bytes:
    """An element in implicit VR little endian."""
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def store_command(sop_instance: str, message_id: int = 1, sop_class: str = MR) -> Command:
    """A C-STORE-RQ."""
    return Command(
        field=CommandField.C_STORE_RQ,
        message_id=message_id,
        sop_class_uid=sop_class,
        sop_instance_uid=sop_instance,
        has_dataset=True,
    )


def find_command(message_id: int = 1) -> Command:
    """A C-FIND-RQ of the study root."""
    return Command(
        field=CommandField.C_FIND_RQ, message_id=message_id, sop_class_uid=FIND, has_dataset=True
    )


class Peer:
    """Reads and writes PDUs on a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._left = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Send bytes; false when the other side wants no more of them."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def _exactly(self, size: int) -> bytes:
        while len(self._left) < size:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError("closed")
            self._left += more
        taken = bytes(self._left[:size])
        del self._left[:size]
        return taken

    def pdu(self) -> tuple[int, bytes]:
        """The next PDU: its type and its body."""
        kind, length = struct.unpack(">BxI", self._exactly(6))
        return kind, self._exactly(length)

    def rest(self) -> list[int]:
        """The types of the PDUs until the other side closes."""
        kinds = []
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                kinds.append(self.pdu()[0])
        return kinds

    def command(self) -> Command:
        """The next command; data sets are left out."""
        return decode_command(self.command_bytes())

    def command_bytes(self) -> bytes:
        whole = b""
        while True:
            kind, body = self.pdu()
            if kind != DATA:
                raise EOFError(f"PDU of type {kind}")
            position = 0
            while position < len(body):
                length, _, control = struct.unpack_from(">IBB", body, position)
                if control & 1:
                    whole += body[position + 6 : position + 4 + length]
                    if control & 2:
                        return whole
                position += 4 + length

    def say(self, context: int, command: Command | bytes, dataset: bytes | None = None) -> None:
        """Send a message."""
        self.send(message(context, command, dataset))


def message(context: int, command: Command | bytes, dataset: bytes | None = None) -> bytes:
    """A message in PDUs of at most 16 KB."""
    raw = command if isinstance(command, bytes) else encode_command(command)
    parts = [pdu(DATA, pdv(context, raw, command=True, last=True))]
    if dataset is not None:
        room = 16000
        for start in range(0, max(len(dataset), 1), room):
            piece = dataset[start : start + room]
            last = start + room >= len(dataset)
            parts.append(pdu(DATA, pdv(context, piece, last=last)))
    return b"".join(parts)


class Caller(Peer):
    """Who connects; ``address`` is where it comes from (127.0.0.2 is another machine to us)."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        super().__init__(
            socket.create_connection(("127.0.0.1", port), _PATIENCE, source_address=(address, 0))
        )

    def associate(
        self,
        *abstract: str,
        calling: str = "STRANGER",
        called: str = "ORTHANC",
        roles: Sequence[RoleSelection] = (),
        syntaxes: Sequence[str] = (IMPLICIT,),
    ) -> tuple[int, bytes]:
        """Ask for an association with contexts 1, 3, 5 …; answers what came back."""
        request = AssociateRequest(
            called_aet=called,
            calling_aet=calling,
            contexts=tuple(
                PresentationContext(2 * number + 1, uid, tuple(syntaxes))
                for number, uid in enumerate(abstract)
            ),
            roles=tuple(roles),
        )
        self.send(write_request(request))
        return self.pdu()

    def echo(self, message_id: int = 1) -> int | None:
        """C-ECHO on context 1; the status."""
        self.say(
            1,
            Command(field=CommandField.C_ECHO_RQ, message_id=message_id, sop_class_uid=ECHO),
        )
        return self.command().status

    def release(self) -> int:
        """Ask for the release; the type of the answer."""
        self.send(RELEASE_REQUEST)
        return self.pdu()[0]


class Scp:
    """Listens, and deals with each connection in a thread as it is told to."""

    def __init__(self, serve: Callable[[Peer], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(_PATIENCE)
                self._open.append(connection)
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), Peer(connection) as peer:
            self._serve(peer)

    def close(self) -> None:
        """Stop listening, and hang up."""
        self._listener.close()
        for connection in self._open:
            connection.close()


@contextlib.contextmanager
def scp(serve: Callable[[Peer], None]) -> Iterator[Scp]:
    """A listener for the time of a block."""
    made = Scp(serve)
    yield made
    made.close()
