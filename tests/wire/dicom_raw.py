"""A peer that does exactly what a test says, in bytes, and nothing by itself."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Self

from hornburg.dimse.commands import Command, CommandField, decode_command, encode_command
from hornburg.ul.events import AssociateRequest, PresentationContext, RoleSelection
from hornburg.ul.writers import RELEASE_REQUEST, write_request

__all__ = ["ABORT", "ACCEPT", "DATA", "REJECT", "RELEASE", "RawPeer", "store_command"]

# Types of PDUs (PS3.8 section 9.3.1)
ACCEPT, REJECT, DATA, RELEASE, ABORT = 2, 3, 4, 6, 7

_PATIENCE = 60

Context = tuple[str, Sequence[str]]


class RawPeer:
    """A connection to a DICOM server."""

    def __init__(self, port: int, *, buffer: int = 0) -> None:
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(_PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        #: Presentation context -> what was said to it: result, transfer syntax.
        self.results: dict[int, tuple[int, str]] = {}
        self.maximum = 16384
        self._left = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    # -- PDUs -----------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def _exactly(self, size: int) -> bytes:
        while len(self._left) < size:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError(f"closed after {len(self._left)} of {size} bytes")
            self._left += more
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def pdu(self) -> tuple[int, bytes]:
        """The next PDU: its type and its body.

        Raises:
            EOFError: the other side closed.
        """
        kind, length = struct.unpack(">BxI", self._exactly(6))
        return kind, self._exactly(length)

    def end(self) -> list[int]:
        """Close our direction, as the requestor should after a rejection or an abort, and wait
        for the other side; answers as :meth:`closed`."""
        self.socket.shutdown(socket.SHUT_WR)
        return self.closed()

    def closed(self) -> list[int]:
        """Wait until the other side closes; answers the types of the PDUs that came before."""
        kinds = []
        try:
            while True:
                kinds.append(self.pdu()[0])
        except (EOFError, ConnectionError):
            return kinds

    # -- associations ---------------------------------------------------------------------------

    def associate(
        self,
        *contexts: Context,
        calling: str = "RAW",
        called: str = "ORTHANC",
        maximum: int = 16384,
        roles: tuple[RoleSelection, ...] = (),
    ) -> tuple[int, bytes]:
        """Ask for an association; answers the PDU that came back."""
        offered = tuple(
            PresentationContext(2 * number + 1, uid, tuple(syntaxes))
            for number, (uid, syntaxes) in enumerate(contexts)
        )
        request = AssociateRequest(
            called_aet=called,
            calling_aet=calling,
            contexts=offered,
            maximum_length=maximum,
            roles=roles,
        )
        self.send(write_request(request))
        kind, body = self.pdu()
        if kind == ACCEPT:
            self._remember(body)
        return kind, body

    def _remember(self, body: bytes) -> None:
        position = 68
        while position < len(body):
            kind, length = struct.unpack_from(">BxH", body, position)
            value = body[position + 4 : position + 4 + length]
            if kind == 0x21:
                self.results[value[0]] = (value[2], value[8:].decode())
            elif kind == 0x50:
                (self.maximum,) = struct.unpack_from(">I", value, 4)
            position += 4 + length

    def release(self) -> None:
        """Release, and wait for the answer."""
        self.send(RELEASE_REQUEST)
        assert self.pdu()[0] == RELEASE

    # -- messages -------------------------------------------------------------------------------

    def command(self, context: int, command: Command) -> None:
        """Send a command."""
        self.send(data_pdu(context, encode_command(command), command=True, last=True))

    def message(self, context: int, command: Command, dataset: bytes) -> None:
        """Send a command and its data set, in PDUs as large as the other side takes."""
        room = self.maximum - 6
        pdus = [data_pdu(context, encode_command(command), command=True, last=True)]
        for start in range(0, max(len(dataset), 1), room):
            piece = dataset[start : start + room]
            pdus.append(data_pdu(context, piece, last=start + room >= len(dataset)))
        self.send(b"".join(pdus))

    def answer(self) -> Command:
        """The next command of the other side; data sets are left out.

        Raises:
            EOFError: it aborted, or closed.
        """
        whole = b""
        while True:
            kind, body = self.pdu()
            if kind != DATA:
                raise EOFError(f"PDU of type {kind}")
            position = 0
            while position < len(body):
                (length, _, control) = struct.unpack_from(">IBB", body, position)
                if control & 1:
                    whole += body[position + 6 : position + 4 + length]
                    if control & 2:
                        return decode_command(whole)
                position += 4 + length


def data_pdu(context: int, value: bytes, *, command: bool = False, last: bool = False) -> bytes:
    """A P-DATA-TF with one fragment (PS3.8 section 9.3.5, annex E.2)."""
    control = (1 if command else 0) | (2 if last else 0)
    head = struct.pack(">BxIIBB", 4, len(value) + 6, len(value) + 2, context, control)
    return head + value


def store_command(sop_class: str, sop_instance: str, message_id: int = 1) -> Command:
    """A C-STORE-RQ."""
    return Command(
        field=CommandField.C_STORE_RQ,
        message_id=message_id,
        sop_class_uid=sop_class,
        sop_instance_uid=sop_instance,
        has_dataset=True,
    )
