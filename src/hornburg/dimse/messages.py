"""Messages (PS3.7 section 6.3.1, PS3.8 annex E): fragments joined to commands, and back.

Commands are joined, since they are small; data sets pass through fragment by fragment, without
a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from hornburg.dicom.buffer import Buffer
from hornburg.dimse.commands import (
    COMMAND_LIMIT,
    Command,
    CommandField,
    decode_command,
    encode_command,
)
from hornburg.dimse.errors import MessageError

__all__ = [
    "CommandReceived",
    "DatasetFragment",
    "Fragment",
    "MessageError",
    "MessageEvent",
    "Messages",
    "PDataSender",
    "pieces",
    "repeated",
]

#: Empty fragments in a row that are borne. They cost time and bring a message no further; a
#: sender has use for one, at the end of a data set whose size it didn't know.
_MOST_EMPTY = 16

#: Fragments of fewer bytes than :data:`_SMALL` that one message may have. Each costs as much time
#: as one of 16 KB; a sender that cuts where our PDUs end has one or two.
_MOST_SMALL = 4096
_SMALL = 64


class Fragment(Protocol):
    """What receiving needs of :class:`hornburg.ul.events.DataReceived`: one PDV (PS3.8 annex E)."""

    @property
    def context_id(self) -> int:
        """The presentation context."""

    @property
    def is_command(self) -> bool:
        """Whether it is of a command set or of a data set."""

    @property
    def is_last(self) -> bool:
        """Whether it ends the command set or the data set."""

    @property
    def data(self) -> memoryview:
        """Its bytes, without the message control header."""


class CommandReceived(NamedTuple):
    """A command is complete. Fragments of its data set follow when ``command.has_dataset``."""

    context_id: int
    command: Command


class DatasetFragment(NamedTuple):
    """More of the data set of the last command.

    ``data`` is valid as long as that of the event of the upper layer: until more is received.
    It may be empty when ``is_last``.
    """

    context_id: int
    data: memoryview
    is_last: bool


MessageEvent = CommandReceived | DatasetFragment


class Messages:
    """Joins the fragments that one side of an association sends.

    After an error the association has to be aborted; nothing more may be received.

    Args:
        command_limit: bytes of a command set at the most.
    """

    __slots__ = ("_command", "_context", "_dataset", "_empty", "_limit", "_small")

    def __init__(self, *, command_limit: int = COMMAND_LIMIT) -> None:
        self._limit = command_limit
        self._command = bytearray()
        self._context: int | None = None  # of the message that has begun and not ended
        self._dataset = False  # the command of that message is complete, its data set is due
        self._empty = 0
        self._small = 0

    @property
    def idle(self) -> bool:
        """Whether no message has begun that has not ended."""
        return self._context is None

    def receive(self, event: Fragment) -> tuple[MessageEvent, ...]:
        """Take one fragment; answers what has become of it.

        Raises:
            MessageError: fragments of two messages are mixed, a data set has no command, or
                there is too much of a command, or its fragments are too small.
            CommandError: the command can't be decoded.
        """
        context = self._context
        if context is not None and context != event.context_id:
            raise MessageError(
                f"fragment of presentation context {event.context_id} inside of a message of "
                f"presentation context {context}"
            )
        if event.is_command:
            return self._receive_command(event)
        if not self._dataset:
            raise MessageError(
                f"fragment of a data set without a command, presentation context {event.context_id}"
            )
        size = len(event.data)
        if event.is_last:
            self._context = None
            self._dataset = False
            self._empty = self._small = 0
        elif size >= _SMALL:
            self._empty = 0
        else:
            self._count_small(size)
            if not size:
                return ()
        return (DatasetFragment(event.context_id, event.data, event.is_last),)

    def _receive_command(self, event: Fragment) -> tuple[MessageEvent, ...]:
        if self._dataset:
            raise MessageError("a command before the data set of the last one has ended")
        data = event.data
        size = len(self._command) + len(data)
        if size > self._limit:
            raise MessageError(f"command set of {size} bytes or more, {self._limit} are allowed")
        if not event.is_last:
            self._context = event.context_id
            self._command += data
            if len(data) >= _SMALL:
                self._empty = 0
            else:
                self._count_small(len(data))
            return ()
        self._empty = self._small = 0
        if self._command:
            self._command += data
            command = decode_command(self._command)
            self._command = bytearray()
        else:
            command = decode_command(data)
        self._dataset = command.has_dataset
        self._context = event.context_id if command.has_dataset else None
        if command.has_dataset and command.field == CommandField.C_CANCEL_RQ:
            raise MessageError("C-CANCEL-RQ with a data set (PS3.7 section 9.3.2.3: it has none)")
        return (CommandReceived(event.context_id, command),)

    def _count_small(self, size: int) -> None:
        self._small += 1
        if self._small > _MOST_SMALL:
            raise MessageError(
                f"more than {_MOST_SMALL} fragments of fewer than {_SMALL} bytes in one message"
            )
        self._empty = 0 if size else self._empty + 1
        if self._empty > _MOST_EMPTY:
            raise MessageError(f"more than {_MOST_EMPTY} empty fragments in a row")


class PDataSender(Protocol):
    """What sending needs of :class:`hornburg.ul.connection.Connection`."""

    @property
    def maximum_fragment(self) -> int:
        """Bytes of a fragment that the other side takes at the most."""

    def data(
        self, context_id: int, is_command: bool, fragment: bytes | memoryview, is_last: bool
    ) -> bytes:
        """A P-DATA-TF PDU with one fragment."""


def pieces(
    connection: PDataSender,
    context_id: int,
    command: Command,
    dataset: Buffer | Iterable[Buffer] | None = None,
) -> Iterator[bytes]:
    """The PDUs of a message, to be written one after the other.

    The first piece has the command and the first fragment of the data set, so that a small
    message is one write and one packet. The data set is read as the pieces are taken; a part of
    it must not change before the next piece but one is there.

    Raises:
        MessageError: there is a data set and the command doesn't say so, or the other way round.
        CommandError: the command can't be encoded.
    """
    if command.has_dataset is (dataset is None):
        raise MessageError(f"{command.name} {'without' if dataset is None else 'with'} a data set")
    largest = _largest(connection)
    first = _command_pdus(connection, context_id, command, largest)
    if dataset is None:
        yield first
        return
    for fragment, is_last in _fragments(dataset, largest):
        pdu = connection.data(context_id, False, fragment, is_last)
        if first:
            pdu, first = first + pdu, b""
        yield pdu


def repeated(
    connection: PDataSender, context_id: int, command: Command, datasets: Iterable[bytes]
) -> Iterator[bytes]:
    """The PDUs of messages with the same command, such as the answers to a query: one piece for
    each message, for data sets that are small.

    Raises:
        MessageError, CommandError: as for :func:`pieces`.
    """
    if not command.has_dataset:
        raise MessageError(f"{command.name} with a data set")
    largest = _largest(connection)
    head = _command_pdus(connection, context_id, command, largest)
    for dataset in datasets:
        if len(dataset) <= largest:
            yield head + connection.data(context_id, False, dataset, True)
        else:
            fragments = _fragments(dataset, largest)
            pdus = [connection.data(context_id, False, one, last) for one, last in fragments]
            yield b"".join((head, *pdus))


def _largest(connection: PDataSender) -> int:
    # PS3.8 E.1: each fragment of a message shall consist of an even number of bytes.
    largest = connection.maximum_fragment & ~1
    if largest < 2:
        raise MessageError(f"the other side takes fragments of {connection.maximum_fragment} bytes")
    return largest


def _command_pdus(
    connection: PDataSender, context_id: int, command: Command, largest: int
) -> bytes:
    return b"".join(
        connection.data(context_id, True, fragment, is_last)
        for fragment, is_last in _fragments(encode_command(command), largest)
    )


def _fragments(
    dataset: Buffer | Iterable[Buffer], largest: int
) -> Iterator[tuple[bytes | memoryview, bool]]:
    """The data set in fragments, and whether each is the last one. There is always a last one.

    All but the last have ``largest`` bytes, however the parts were cut.
    """
    parts = (dataset,) if isinstance(dataset, Buffer) else dataset
    waiting: bytes | memoryview = b""
    for part in parts:
        view = memoryview(part)
        if room := len(waiting) and largest - len(waiting):
            waiting = b"".join((waiting, view[:room]))
            view = view[room:]
        for at in range(0, len(view), largest):
            if len(waiting):
                yield waiting, False
            waiting = view[at : at + largest]
    yield waiting, True
