"""Fragments to messages and back."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.dimse.commands import Command, CommandField, encode_command
from hornburg.dimse.errors import CommandError, DimseError
from hornburg.dimse.messages import (
    CommandReceived,
    DatasetFragment,
    MessageError,
    MessageEvent,
    Messages,
    pieces,
    repeated,
)
from hornburg.ul.connection import Connection
from hornburg.ul.events import (
    AssociateAccept,
    AssociateRequest,
    ContextResult,
    DataReceived,
    PresentationContext,
)
from hornburg.ul.limits import Limits

STORE = Command(
    CommandField.C_STORE_RQ,
    message_id=1,
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    sop_instance_uid="1.2.3",
    has_dataset=True,
)
ECHO = Command(CommandField.C_ECHO_RQ, message_id=2, sop_class_uid="1.2.840.10008.1.1")


def pdv(data: bytes, *, command: bool = False, last: bool = True, context: int = 1) -> DataReceived:
    return DataReceived(context, command, last, memoryview(data))


def receive_all(messages: Messages, fragments: Iterable[DataReceived]) -> list[MessageEvent]:
    return [event for fragment in fragments for event in messages.receive(fragment)]


@dataclass
class Wire:
    """What was sent, as the other side receives it."""

    maximum_fragment: int
    sent: list[DataReceived] = field(default_factory=list)

    def data(self, context_id: int, is_command: bool, fragment: bytes, is_last: bool) -> bytes:
        assert len(fragment) <= self.maximum_fragment
        self.sent.append(DataReceived(context_id, is_command, is_last, memoryview(bytes(fragment))))
        return bytes([context_id]) + bytes(fragment)


def test_a_command_alone() -> None:
    messages = Messages()
    assert messages.receive(pdv(encode_command(ECHO), command=True, context=3)) == (
        CommandReceived(3, ECHO),
    )
    assert messages.idle


def test_a_data_set_passes_through_without_a_copy() -> None:
    messages = Messages()
    assert messages.receive(pdv(encode_command(STORE), command=True)) == (
        CommandReceived(1, STORE),
    )
    assert not messages.idle
    first, second = memoryview(b"abcd"), memoryview(b"ef")
    (event,) = messages.receive(DataReceived(1, False, False, first))
    assert isinstance(event, DatasetFragment)
    assert event.data is first
    assert not event.is_last
    assert not messages.idle
    (event,) = messages.receive(DataReceived(1, False, True, second))
    assert event == DatasetFragment(1, second, True)
    assert messages.idle


def test_a_command_byte_by_byte() -> None:
    encoded = encode_command(ECHO)
    messages = Messages()
    for at in range(len(encoded) - 1):
        assert messages.receive(pdv(encoded[at : at + 1], command=True, last=False)) == ()
        assert not messages.idle
    assert messages.receive(pdv(encoded[-1:], command=True)) == (CommandReceived(1, ECHO),)
    # Nothing of it is left in the next one.
    assert messages.receive(pdv(encoded, command=True)) == (CommandReceived(1, ECHO),)


def test_a_command_may_end_with_an_empty_fragment() -> None:
    messages = Messages()
    messages.receive(pdv(encode_command(ECHO), command=True, last=False))
    assert messages.receive(pdv(b"", command=True)) == (CommandReceived(1, ECHO),)


def test_a_data_set_may_be_empty_or_end_with_an_empty_fragment() -> None:
    for fragments in ([pdv(b"")], [pdv(b"ab", last=False), pdv(b"")]):
        messages = Messages()
        messages.receive(pdv(encode_command(STORE), command=True))
        assert receive_all(messages, fragments)[-1] == DatasetFragment(1, memoryview(b""), True)
        assert messages.idle


@pytest.mark.parametrize(
    ("fragments", "said"),
    [
        ([pdv(b"ab")], "without a command"),
        ([pdv(encode_command(ECHO), command=True), pdv(b"ab")], "without a command"),
        (
            [pdv(encode_command(ECHO)[:9], command=True, last=False), pdv(b"ab")],
            "without a command",
        ),
        ([pdv(encode_command(STORE), command=True)] * 2, "before the data set"),
        (
            [
                pdv(encode_command(STORE), command=True),
                pdv(b"ab", last=False),
                pdv(encode_command(ECHO), command=True),
            ],
            "before the data set",
        ),
        (
            [pdv(encode_command(STORE), command=True), pdv(b"ab", context=3)],
            "presentation context 3 inside",
        ),
        (
            [
                pdv(encode_command(STORE)[:20], command=True, last=False),
                pdv(encode_command(STORE)[20:], command=True, context=3),
            ],
            "presentation context 3 inside",
        ),
        (
            [pdv(encode_command(STORE), command=True), pdv(b"ab"), pdv(b"cd")],
            "without a command",
        ),
        (
            [
                pdv(
                    encode_command(Command(CommandField.C_CANCEL_RQ, has_dataset=True)),
                    command=True,
                )
            ],
            "C-CANCEL",
        ),
    ],
)
def test_broken_rules(fragments: list[DataReceived], said: str) -> None:
    messages = Messages()
    receive_all(messages, fragments[:-1])
    with pytest.raises(MessageError, match=said):
        messages.receive(fragments[-1])


def test_a_cancel_comes_between_messages() -> None:
    cancel = Command(CommandField.C_CANCEL_RQ, responded_to=1)
    messages = Messages()
    events = receive_all(
        messages,
        [
            pdv(encode_command(STORE), command=True),
            pdv(b"ab"),
            pdv(encode_command(cancel), command=True),
        ],
    )
    assert events[-1] == CommandReceived(1, cancel)


@pytest.mark.parametrize("command", [True, False])
def test_empty_fragments_in_a_row_are_bounded(command: bool) -> None:
    messages = Messages()
    if not command:
        messages.receive(pdv(encode_command(STORE), command=True))
    empty = pdv(b"", command=command, last=False)
    for _ in range(16):
        assert messages.receive(empty) == ()
    messages.receive(pdv(b"ab", command=command, last=False))
    for _ in range(16):
        messages.receive(empty)
    with pytest.raises(MessageError, match="empty"):
        messages.receive(empty)


@pytest.mark.parametrize("command", [True, False])
def test_small_fragments_of_a_message_are_bounded(command: bool) -> None:
    """Each costs as much time as a large one; larger ones between them don't begin anew."""
    messages = Messages()
    if not command:
        messages.receive(pdv(encode_command(STORE), command=True))
    large, small = (pdv(bytes(size), command=command, last=False) for size in (64, 2))
    for _ in range(4):
        for _ in range(1024):
            messages.receive(small)
        messages.receive(large)
    with pytest.raises(MessageError, match="4096 fragments of fewer than 64 bytes"):
        messages.receive(small)


def test_the_size_of_a_command_is_bounded_before_it_is_kept() -> None:
    messages = Messages(command_limit=100)
    messages.receive(pdv(b"x" * 60, command=True, last=False))
    with pytest.raises(MessageError, match="101 bytes or more, 100"):
        messages.receive(pdv(b"x" * 41, command=True, last=False))
    with pytest.raises(MessageError, match="100"):
        Messages(command_limit=100).receive(pdv(b"x" * 101, command=True))


def test_a_command_that_is_none() -> None:
    for data in (b"", b"noise"):
        with pytest.raises(CommandError):
            Messages().receive(pdv(data, command=True))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 1, 1, 3]),
            st.booleans(),
            st.booleans(),
            st.sampled_from([encode_command(STORE), encode_command(ECHO), b"", b"ab"])
            | st.binary(max_size=8),
        ),
        max_size=30,
    )
)
def test_any_fragments_give_whole_messages_or_one_error(
    fragments: list[tuple[int, bool, bool, bytes]],
) -> None:
    messages = Messages()
    due: int | None = None
    try:
        for context, command, last, data in fragments:
            for event in messages.receive(pdv(data, command=command, last=last, context=context)):
                if isinstance(event, CommandReceived):
                    assert due is None
                    due = event.context_id if event.command.has_dataset else None
                else:
                    assert due == event.context_id
                    due = None if event.is_last else due
    except DimseError:
        pass


@given(
    st.integers(2, 300),
    st.none() | st.lists(st.binary(max_size=400), max_size=6),
    st.sampled_from(["one", "parts", "generator"]),
)
def test_what_is_sent_is_received(largest: int, parts: list[bytes] | None, form: str) -> None:
    wire = Wire(largest)
    dataset: bytes | Iterable[bytes] | None = parts
    if parts is not None and form != "parts":
        dataset = b"".join(parts) if form == "one" else iter(parts)
    command = ECHO if parts is None else STORE
    written = b"".join(pieces(wire, 5, command, dataset))
    assert written == b"".join(bytes([5]) + bytes(each.data) for each in wire.sent)
    first, *rest = receive_all(Messages(), wire.sent)
    assert first == CommandReceived(5, command)
    received = b"".join(each.data for each in rest if isinstance(each, DatasetFragment))
    assert received == b"".join(parts or [])
    # PS3.8 E.1: an even number of bytes in each fragment; of an odd data set, all but the last.
    assert all(len(each.data) % 2 == 0 for each in wire.sent[:-1])
    assert [each.is_last for each in wire.sent if not each.is_command][-1:] == [True] * bool(
        parts is not None
    )


def test_a_small_message_is_one_piece() -> None:
    assert len(list(pieces(Wire(16378), 1, STORE, b"x" * 1000))) == 1
    assert len(list(pieces(Wire(16378), 1, ECHO))) == 1
    assert len(list(pieces(Wire(16378), 1, STORE, b"x" * 16378 * 3))) == 3
    assert len(list(pieces(Wire(16378), 1, STORE, [b"x" * 100] * 10))) == 1


def test_large_parts_are_not_copied() -> None:
    given: list[object] = []

    class Views(Wire):
        def data(self, context_id: int, is_command: bool, fragment: bytes, is_last: bool) -> bytes:
            given.append(fragment)
            return b""

    dataset = b"x" * 100
    list(pieces(Views(30), 1, STORE, dataset))
    views = given[-4:]
    assert all(isinstance(each, memoryview) and each.obj is dataset for each in views)


def test_a_mapped_file_is_one_data_set(tmp_path: Path) -> None:
    file = tmp_path / "dataset"
    file.write_bytes(b"x" * 100)
    wire = Wire(64)
    with (
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        list(pieces(wire, 1, STORE, mapped))
    assert [len(each.data) for each in wire.sent if not each.is_command] == [64, 36]


@pytest.mark.parametrize("largest", [4096, 16384, 131072])
def test_over_an_association(largest: int) -> None:
    one = Connection(requestor=True, limits=Limits(maximum_length=131072))
    other = Connection(requestor=False, limits=Limits(maximum_length=largest))
    syntax = "1.2.840.10008.1.2"
    request = AssociateRequest(
        "HORNBURG", "TEST", (PresentationContext(1, STORE.sop_class_uid, (syntax,)),)
    )
    one.connected()
    other.receive(one.send(request))
    accept = AssociateAccept(
        "HORNBURG", "TEST", (ContextResult(1, 0, syntax),), maximum_length=largest
    )
    one.receive(other.send(accept))
    dataset = bytes(range(256)) * 1000
    messages = Messages()
    received: list[bytes] = []
    for piece in pieces(one, 1, STORE, dataset):
        for event in other.receive(piece):
            assert isinstance(event, DataReceived)
            for each in messages.receive(event):
                if isinstance(each, DatasetFragment):
                    received.append(bytes(each.data))
                else:
                    assert each == CommandReceived(1, STORE)
    assert b"".join(received) == dataset
    assert messages.idle


def test_a_data_set_and_its_announcement_go_together() -> None:
    with pytest.raises(MessageError, match="with a data set"):
        list(pieces(Wire(100), 1, ECHO, b"ab"))
    with pytest.raises(MessageError, match="without a data set"):
        list(pieces(Wire(100), 1, STORE))


def test_a_peer_that_takes_next_to_nothing() -> None:
    with pytest.raises(MessageError, match="fragments of 1 bytes"):
        list(pieces(Wire(1), 1, ECHO))


@given(largest=st.integers(2, 400), datasets=st.lists(st.binary(max_size=300), max_size=4))
def test_messages_with_the_same_command_are_as_each_alone(
    largest: int, datasets: list[bytes]
) -> None:
    alone, together = Wire(largest), Wire(largest)
    expected = [b"".join(pieces(alone, 1, STORE, dataset)) for dataset in datasets]
    assert list(repeated(together, 1, STORE, datasets)) == expected


def test_messages_with_the_same_command_have_data_sets() -> None:
    with pytest.raises(MessageError, match="with a data set"):
        list(repeated(Wire(100), 1, ECHO, [b""]))
    with pytest.raises(MessageError, match="fragments of 1 bytes"):
        list(repeated(Wire(1), 1, STORE, [b""]))
