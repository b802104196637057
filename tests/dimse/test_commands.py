"""Command sets: round trips, what is tolerated, and what is refused."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.dimse.command_fields import RESPONSE, is_response
from hornburg.dimse.commands import (
    COMMAND_LIMIT,
    Command,
    CommandError,
    CommandField,
    decode_command,
    encode_command,
    response,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
INSTANCE = "1.2.826.0.1.3680043.8.498.1234567"

_PRIORITY = {
    CommandField.C_STORE_RQ,
    CommandField.C_FIND_RQ,
    CommandField.C_GET_RQ,
    CommandField.C_MOVE_RQ,
}


def element(number: int, value: bytes, group: int = 0) -> bytes:
    return struct.pack("<HHI", group, number, len(value)) + value


def us(number: int, value: int) -> bytes:
    return element(number, struct.pack("<H", value))


#: A C-ECHO-RQ without its group length.
ECHO = (
    element(0x0002, b"1.2.840.10008.1.1\0")
    + us(0x0100, 0x0030)
    + us(0x0110, 7)
    + us(0x0800, 0x0101)
)

_numbers = st.integers(0, 0xFFFF)
_uids = st.text("0123456789.", min_size=1, max_size=64)
_titles = st.text("ABCabc_-09", max_size=16)
_optional = st.none() | _numbers
_tags = st.lists(st.integers(0, 0xFFFFFFFF), max_size=5).map(tuple)


@st.composite
def commands(draw: Any) -> Command:
    """Commands as they may be sent: with the identifiers that their kind has."""
    field = draw(st.sampled_from(CommandField) | _numbers)
    if field in CommandField._value2member_map_:
        field = CommandField(field)
    answers = is_response(field) or field == CommandField.C_CANCEL_RQ
    return Command(
        field,
        message_id=0 if answers else draw(_numbers),
        responded_to=draw(_numbers) if answers else 0,
        sop_class_uid=draw(st.just("") | _uids),
        sop_instance_uid=draw(st.just("") | _uids),
        has_dataset=draw(st.booleans()),
        status=draw(_numbers if is_response(field) else st.none()),
        priority=draw(_numbers) if field in _PRIORITY else 0,
        move_destination=draw(_titles),
        move_originator_aet=draw(_titles),
        move_originator_id=draw(_optional),
        remaining=draw(_optional),
        completed=draw(_optional),
        failed=draw(_optional),
        warning=draw(_optional),
        error_comment=draw(st.text("abc 1-", max_size=64)).strip(),
        error_id=draw(_optional),
        offending=draw(_tags),
        attributes=draw(_tags),
        event_type=draw(_optional),
        action_type=draw(_optional),
    )


@given(commands())
def test_round_trip(command: Command) -> None:
    encoded = encode_command(command)
    assert len(encoded) % 2 == 0
    assert decode_command(encoded) == command
    assert decode_command(memoryview(bytearray(encoded))) == command


@given(commands())
def test_elements_are_in_order_and_counted(command: Command) -> None:
    encoded = encode_command(command)
    assert struct.unpack_from("<HHII", encoded) == (0, 0, 4, len(encoded) - 12)
    numbers, position = [], 0
    while position < len(encoded):
        _, number, length = struct.unpack_from("<HHI", encoded, position)
        numbers.append(number)
        position += 8 + length
    assert numbers == sorted(set(numbers))


@given(commands(), st.data())
def test_mutations_are_refused_or_read(command: Command, data: st.DataObject) -> None:
    encoded = bytearray(encode_command(command))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    del encoded[data.draw(st.integers(0, len(encoded))) :]
    try:
        decoded = decode_command(encoded)
    except CommandError as error:
        assert "\n" not in str(error)
    else:
        # Whatever is let in can be answered, and sent again.
        if not decoded.is_response and decoded.field != CommandField.C_CANCEL_RQ:
            encode_command(response(decoded, 0))
        encode_command(decoded)


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(CommandError):
        decode_command(noise)


@pytest.mark.parametrize("field", CommandField)
def test_every_request_has_a_response(field: CommandField) -> None:
    if field & RESPONSE:
        assert field & ~RESPONSE in list(CommandField)
        assert is_response(field)
    elif field != CommandField.C_CANCEL_RQ:
        assert field | RESPONSE in list(CommandField)


def test_order_repetition_and_unknown_elements_are_tolerated() -> None:
    shuffled = (
        us(0x0800, 0x0101)
        + us(0x0110, 1)
        + element(0x5180, b"retired!")
        + element(0x0010, b"of another group", group=8)
        + us(0x0110, 7)
        + us(0x0100, 0x0030)
        + element(0x0002, b"1.2.840.10008.1.1 ")
        + element(0x0000, struct.pack("<I", 99999))
    )
    assert decode_command(shuffled) == decode_command(ECHO)
    assert decode_command(ECHO) == Command(
        CommandField.C_ECHO_RQ, message_id=7, sop_class_uid="1.2.840.10008.1.1"
    )


def test_any_data_set_type_but_one_says_that_a_data_set_follows() -> None:
    for kind in (0x0000, 0x0001, 0x0102, 0xFFFF):
        assert decode_command(ECHO + us(0x0800, kind)).has_dataset
    assert not decode_command(ECHO).has_dataset


def test_elements_without_a_value_are_absent() -> None:
    assert decode_command(ECHO + element(0x1031, b"")) == decode_command(ECHO)


@pytest.mark.parametrize(
    ("without", "said"),
    [(0x0100, "0000,0100"), (0x0110, "0000,0110"), (0x0800, "0000,0800")],
)
def test_what_every_request_needs(without: int, said: str) -> None:
    parts = {0x0100: us(0x0100, 1), 0x0110: us(0x0110, 7), 0x0800: us(0x0800, 0)}
    decode_command(b"".join(parts.values()))
    with pytest.raises(CommandError, match=said):
        decode_command(b"".join(part for number, part in parts.items() if number != without))


@pytest.mark.parametrize("without", [0x0120, 0x0900])
def test_what_every_response_needs(without: int) -> None:
    parts = {
        0x0100: us(0x0100, 0x8001),
        0x0120: us(0x0120, 7),
        0x0800: us(0x0800, 0x0101),
        0x0900: us(0x0900, 0),
    }
    assert decode_command(b"".join(parts.values())).responded_to == 7
    with pytest.raises(CommandError, match=f"0000,{without:04X}"):
        decode_command(b"".join(part for number, part in parts.items() if number != without))


def test_cancel_names_the_request_and_has_no_identifier_of_its_own() -> None:
    cancel = decode_command(us(0x0100, 0x0FFF) + us(0x0120, 5) + us(0x0800, 0x0101))
    assert cancel == Command(CommandField.C_CANCEL_RQ, responded_to=5)
    with pytest.raises(CommandError, match="0000,0120"):
        decode_command(us(0x0100, 0x0FFF) + us(0x0110, 5) + us(0x0800, 0x0101))


@pytest.mark.parametrize(
    "broken",
    [
        b"\0",
        ECHO[:-1],
        ECHO + b"\0\0\0\0",
        ECHO + struct.pack("<HHI", 0, 0x1031, 0xFFFFFFFF),
        ECHO + struct.pack("<HHI", 0, 0x9999, 3) + b"ab",
        ECHO + element(0x0110, b"\1\0\2\0"),
        ECHO + element(0x0110, b"\1"),
        ECHO + element(0x0901, b"\0\0\0"),
        ECHO + element(0x0002, b"1" * 65),
        ECHO + element(0x1000, b"1" * 66),
        ECHO + element(0x0600, b"A" * 17),
    ],
)
def test_wrong_lengths_are_refused(broken: bytes) -> None:
    with pytest.raises(CommandError):
        decode_command(broken)


def test_an_explicit_command_set_is_refused() -> None:
    with pytest.raises(CommandError):
        decode_command(struct.pack("<HH2sHI", 0, 0, b"UL", 4, 10) + ECHO)


def test_the_size_is_bounded() -> None:
    filler = element(0x9999, b"x" * (COMMAND_LIMIT - len(ECHO) - 8))
    decode_command(ECHO + filler)
    with pytest.raises(CommandError, match="65536"):
        decode_command(ECHO + filler + b"xx")
    with pytest.raises(CommandError, match="65536"):
        encode_command(Command(CommandField.N_GET_RQ, 1, attributes=(1,) * (1 << 14)))


def test_texts_are_trimmed_and_any_byte_is_read() -> None:
    read = decode_command(
        ECHO
        + element(0x0600, b"  STORE \xff\0")
        + element(0x0902, b" not good \0")
        + element(0x1000, b"../../etc\0")
    )
    assert read.move_destination == "STORE \xff"
    assert read.error_comment == "not good"
    assert read.sop_instance_uid == "../../etc"
    assert decode_command(encode_command(replace(read, error_comment=""))) == replace(
        read, error_comment="", priority=0
    )


def test_long_comments_are_cut_and_made_plain() -> None:
    answer = Command(
        CommandField.C_FIND_RSP, responded_to=1, status=0xC000, error_comment="Ä\n\\" + "x" * 100
    )
    assert decode_command(encode_command(answer)).error_comment == "???" + "x" * 61
    long = encode_command(replace(answer, error_comment="")) + element(0x0902, b"y" * 1000)
    assert decode_command(long).error_comment == "y" * 64


@pytest.mark.parametrize(
    "field",
    [
        CommandField.N_GET_RQ,
        CommandField.N_SET_RQ,
        CommandField.N_ACTION_RQ,
        CommandField.N_DELETE_RQ,
    ],
)
def test_requested_and_affected(field: CommandField) -> None:
    common = us(0x0100, field) + us(0x0110, 1) + us(0x0800, 0x0101)
    requested = element(0x0003, b"1.2\0") + element(0x1001, b"3.4\0")
    affected = element(0x0002, b"5.6\0") + element(0x1000, b"7.8\0")
    read = decode_command(common + requested + affected)
    assert (read.sop_class_uid, read.sop_instance_uid) == ("1.2", "3.4")
    assert element(0x0003, b"1.2\0") in encode_command(read)
    # Some peers take the wrong one of the two.
    read = decode_command(common + affected)
    assert (read.sop_class_uid, read.sop_instance_uid) == ("5.6", "7.8")
    answer = response(read, 0x0211)
    assert element(0x0002, b"5.6\0") in encode_command(answer)
    assert answer.field == field | RESPONSE


def test_affected_and_requested() -> None:
    common = us(0x0100, CommandField.C_STORE_RQ) + us(0x0110, 1) + us(0x0800, 1)
    requested = element(0x0003, b"1.2\0") + element(0x1001, b"3.4\0")
    affected = element(0x0002, b"5.6\0") + element(0x1000, b"7.8\0")
    assert decode_command(common + requested + affected).sop_class_uid == "5.6"
    assert decode_command(common + requested).sop_instance_uid == "3.4"


def test_unknown_commands_can_be_refused() -> None:
    read = decode_command(us(0x0100, 0x0777) + us(0x0110, 3) + us(0x0800, 0x0101))
    assert read.name == "command 0x0777"
    refusal = decode_command(encode_command(response(read, 0x0211)))
    assert refusal == Command(0x8777, responded_to=3, status=0x0211)


@pytest.mark.parametrize(
    "command",
    [
        Command(CommandField.C_ECHO_RQ, message_id=0x10000),
        Command(CommandField.C_ECHO_RQ, message_id=-1),
        Command(CommandField.C_ECHO_RSP, status=1, offending=(1 << 32,)),
        Command(CommandField.C_STORE_RQ, sop_class_uid="1" * 65),
        Command(CommandField.C_STORE_RQ, sop_instance_uid="1.2.\u0660"),
        Command(CommandField.C_MOVE_RQ, move_destination="A" * 17),
        Command(0x10000),
    ],
)
def test_what_does_not_fit_is_not_sent(command: Command) -> None:
    with pytest.raises(CommandError):
        encode_command(command)


def test_responses() -> None:
    request = Command(
        CommandField.C_STORE_RQ,
        message_id=9,
        sop_class_uid=CT,
        sop_instance_uid=INSTANCE,
        has_dataset=True,
        priority=2,
        move_originator_aet="A",
        move_originator_id=4,
    )
    assert response(request, 0) == Command(
        CommandField.C_STORE_RSP,
        responded_to=9,
        sop_class_uid=CT,
        sop_instance_uid=INSTANCE,
        status=0,
    )
    failed = response(request, 0xA900, error_comment="no", offending=(0x00080016,))
    assert failed.error_comment == "no"
    assert failed.offending == (0x00080016,)
    action = Command(CommandField.N_ACTION_RQ, 3, action_type=1)
    assert response(action, 0).action_type == 1
    assert response(action, 0, sop_instance_uid="1.2").sop_instance_uid == "1.2"
    event = Command(CommandField.N_EVENT_REPORT_RQ, 3, event_type=2)
    assert response(event, 0).event_type == 2
    moved = response(Command(CommandField.C_MOVE_RQ, 1), 0xFF00, remaining=3, has_dataset=True)
    assert moved.remaining == 3
    assert moved.has_dataset


@pytest.mark.parametrize("field", [CommandField.C_CANCEL_RQ, CommandField.C_ECHO_RSP])
def test_some_commands_have_no_response(field: CommandField) -> None:
    with pytest.raises(CommandError, match="no response"):
        response(Command(field), 0)


def test_names() -> None:
    assert Command(CommandField.N_EVENT_REPORT_RQ).name == "N-EVENT-REPORT-RQ"
    assert Command(CommandField.C_ECHO_RSP).is_response
