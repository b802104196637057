"""The same messages by pynetdicom, which writes and reads them with pydicom."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from pydicom.uid import UID
from pynetdicom import dimse_messages, dimse_primitives
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.pdu_primitives import P_DATA

from hornburg.dimse.commands import Command, CommandField, decode_command, encode_command
from hornburg.dimse.messages import CommandReceived, DatasetFragment, Messages, pieces
from hornburg.ul.events import DataReceived

CLASS = "1.2.840.10008.5.1.4.1.1.2"
INSTANCE = "1.2.826.0.1.3680043.8.498.1"
DATASET = b"\x08\x00\x18\x00" * 101

C = CommandField

#: Our command, the peer's name of it, and what the peer sets.
PAIRS: list[tuple[Command, str, dict[str, Any]]] = [
    (
        Command(C.C_ECHO_RQ, 7, sop_class_uid=CLASS),
        "C_ECHO",
        {"MessageID": 7, "AffectedSOPClassUID": CLASS},
    ),
    (
        Command(C.C_ECHO_RSP, responded_to=7, sop_class_uid=CLASS, status=0),
        "C_ECHO",
        {"MessageIDBeingRespondedTo": 7, "AffectedSOPClassUID": CLASS, "Status": 0},
    ),
    (
        Command(
            C.C_STORE_RQ,
            65535,
            sop_class_uid=CLASS,
            sop_instance_uid=INSTANCE,
            has_dataset=True,
            priority=2,
            move_originator_aet="MOVER",
            move_originator_id=3,
        ),
        "C_STORE",
        {
            "MessageID": 65535,
            "AffectedSOPClassUID": CLASS,
            "AffectedSOPInstanceUID": INSTANCE,
            "Priority": 2,
            "MoveOriginatorApplicationEntityTitle": "MOVER",
            "MoveOriginatorMessageID": 3,
            "DataSet": BytesIO(DATASET),
        },
    ),
    (
        Command(
            C.C_STORE_RSP,
            responded_to=1,
            sop_class_uid=CLASS,
            sop_instance_uid=INSTANCE,
            status=0xA900,
            error_comment="It does not match",
            offending=(0x00080016, 0x00080018),
        ),
        "C_STORE",
        {
            "MessageIDBeingRespondedTo": 1,
            "AffectedSOPClassUID": CLASS,
            "AffectedSOPInstanceUID": INSTANCE,
            "Status": 0xA900,
            "ErrorComment": "It does not match",
            "OffendingElement": [0x00080016, 0x00080018],
        },
    ),
    (
        Command(C.C_FIND_RQ, 2, sop_class_uid=CLASS, has_dataset=True, priority=1),
        "C_FIND",
        {
            "MessageID": 2,
            "AffectedSOPClassUID": CLASS,
            "Priority": 1,
            "Identifier": BytesIO(DATASET),
        },
    ),
    (
        Command(C.C_FIND_RSP, responded_to=2, sop_class_uid=CLASS, has_dataset=True, status=0xFF00),
        "C_FIND",
        {
            "MessageIDBeingRespondedTo": 2,
            "AffectedSOPClassUID": CLASS,
            "Status": 0xFF00,
            "Identifier": BytesIO(DATASET),
        },
    ),
    (
        Command(
            C.C_MOVE_RQ,
            3,
            sop_class_uid=CLASS,
            has_dataset=True,
            priority=0,
            move_destination="DEST_AE",
        ),
        "C_MOVE",
        {
            "MessageID": 3,
            "AffectedSOPClassUID": CLASS,
            "Priority": 0,
            "MoveDestination": "DEST_AE",
            "Identifier": BytesIO(DATASET),
        },
    ),
    *(
        (
            Command(
                field,
                responded_to=3,
                sop_class_uid=CLASS,
                status=0xB000,
                remaining=0,
                completed=5,
                failed=1,
                warning=2,
            ),
            name,
            {
                "MessageIDBeingRespondedTo": 3,
                "AffectedSOPClassUID": CLASS,
                "Status": 0xB000,
                "NumberOfRemainingSuboperations": 0,
                "NumberOfCompletedSuboperations": 5,
                "NumberOfFailedSuboperations": 1,
                "NumberOfWarningSuboperations": 2,
            },
        )
        for field, name in ((C.C_MOVE_RSP, "C_MOVE"), (C.C_GET_RSP, "C_GET"))
    ),
    (
        Command(C.C_GET_RQ, 3, sop_class_uid=CLASS, has_dataset=True, priority=2),
        "C_GET",
        {
            "MessageID": 3,
            "AffectedSOPClassUID": CLASS,
            "Priority": 2,
            "Identifier": BytesIO(DATASET),
        },
    ),
    (Command(C.C_CANCEL_RQ, responded_to=4), "C_CANCEL", {"MessageIDBeingRespondedTo": 4}),
    (
        Command(
            C.N_EVENT_REPORT_RQ,
            1,
            sop_class_uid=CLASS,
            sop_instance_uid=INSTANCE,
            has_dataset=True,
            event_type=2,
        ),
        "N_EVENT_REPORT",
        {
            "MessageID": 1,
            "AffectedSOPClassUID": CLASS,
            "AffectedSOPInstanceUID": INSTANCE,
            "EventTypeID": 2,
            "EventInformation": BytesIO(DATASET),
        },
    ),
    (
        Command(
            C.N_EVENT_REPORT_RSP,
            responded_to=1,
            sop_class_uid=CLASS,
            sop_instance_uid=INSTANCE,
            status=0x0110,
            error_comment="no",
            error_id=12,
            event_type=2,
        ),
        "N_EVENT_REPORT",
        {
            "MessageIDBeingRespondedTo": 1,
            "AffectedSOPClassUID": CLASS,
            "AffectedSOPInstanceUID": INSTANCE,
            "EventTypeID": 2,
            "Status": 0x0110,
            "ErrorComment": "no",
            "ErrorID": 12,
        },
    ),
    (
        Command(
            C.N_ACTION_RQ,
            1,
            sop_class_uid=CLASS,
            sop_instance_uid=INSTANCE,
            has_dataset=True,
            action_type=1,
        ),
        "N_ACTION",
        {
            "MessageID": 1,
            "RequestedSOPClassUID": CLASS,
            "RequestedSOPInstanceUID": INSTANCE,
            "ActionTypeID": 1,
            "ActionInformation": BytesIO(DATASET),
        },
    ),
    (
        Command(
            C.N_ACTION_RSP,
            responded_to=1,
            sop_class_uid=CLASS,
            sop_instance_uid=INSTANCE,
            status=0,
            action_type=1,
        ),
        "N_ACTION",
        {
            "MessageIDBeingRespondedTo": 1,
            "AffectedSOPClassUID": CLASS,
            "AffectedSOPInstanceUID": INSTANCE,
            "ActionTypeID": 1,
            "Status": 0,
        },
    ),
    (
        Command(
            C.N_GET_RQ,
            1,
            sop_class_uid=CLASS,
            sop_instance_uid=INSTANCE,
            attributes=(0x00100010, 0x7FE00010),
        ),
        "N_GET",
        {
            "MessageID": 1,
            "RequestedSOPClassUID": CLASS,
            "RequestedSOPInstanceUID": INSTANCE,
            "AttributeIdentifierList": [0x00100010, 0x7FE00010],
        },
    ),
    (
        Command(C.N_SET_RQ, 1, sop_class_uid=CLASS, sop_instance_uid=INSTANCE, has_dataset=True),
        "N_SET",
        {
            "MessageID": 1,
            "RequestedSOPClassUID": CLASS,
            "RequestedSOPInstanceUID": INSTANCE,
            "ModificationList": BytesIO(DATASET),
        },
    ),
    (
        Command(C.N_CREATE_RQ, 1, sop_class_uid=CLASS, sop_instance_uid=INSTANCE, has_dataset=True),
        "N_CREATE",
        {
            "MessageID": 1,
            "AffectedSOPClassUID": CLASS,
            "AffectedSOPInstanceUID": INSTANCE,
            "AttributeList": BytesIO(DATASET),
        },
    ),
    (
        Command(C.N_DELETE_RQ, 1, sop_class_uid=CLASS, sop_instance_uid=INSTANCE),
        "N_DELETE",
        {"MessageID": 1, "RequestedSOPClassUID": CLASS, "RequestedSOPInstanceUID": INSTANCE},
    ),
]


def peers_message(name: str, kind: str, values: dict[str, Any]) -> DIMSEMessage:
    primitive = getattr(dimse_primitives, name)()
    for attribute, value in values.items():
        setattr(primitive, attribute, value)
    message: DIMSEMessage = getattr(dimse_messages, f"{name}_{kind}")()
    message.primitive_to_message(primitive)
    return message


def kind_of(command: Command) -> str:
    return "RSP" if command.is_response else "RQ"


class Wire:
    """Takes what we send to where the peer reads it."""

    maximum_fragment = 64

    def __init__(self) -> None:
        self.received = DIMSEMessage()
        self.complete = False

    def data(self, context_id: int, is_command: bool, fragment: bytes, is_last: bool) -> bytes:
        primitive = P_DATA()
        header = bytes([is_command | is_last << 1])
        primitive.presentation_data_value_list = [[context_id, header + bytes(fragment)]]
        self.complete = self.received.decode_msg(primitive)
        return b"x"


def test_every_request_and_the_responses_that_matter_are_here() -> None:
    fields = {command.field for command, _, _ in PAIRS}
    assert {field for field in C if field < 0x8000} <= fields


@pytest.mark.parametrize(
    ("command", "name", "values"), PAIRS, ids=lambda each: getattr(each, "name", None)
)
@pytest.mark.parametrize("longest", [30, 128, 16384])
def test_what_the_peer_sends_is_read(
    command: Command, name: str, values: dict[str, Any], longest: int
) -> None:
    messages = Messages()
    events: list[Any] = []
    for primitive in peers_message(name, kind_of(command), values).encode_msg(1, longest):
        for context_id, value in primitive.presentation_data_value_list:
            data = memoryview(value)
            events += messages.receive(
                DataReceived(context_id, bool(data[0] & 1), bool(data[0] & 2), data[1:])
            )
    assert events[0] == CommandReceived(1, command)
    dataset = b"".join(each.data for each in events if isinstance(each, DatasetFragment))
    assert dataset == (DATASET if command.has_dataset else b"")
    assert messages.idle


@pytest.mark.parametrize(
    ("command", "name", "values"), PAIRS, ids=lambda each: getattr(each, "name", None)
)
def test_the_peer_reads_what_we_send(command: Command, name: str, values: dict[str, Any]) -> None:
    wire = Wire()
    list(pieces(wire, 1, command, DATASET if command.has_dataset else None))
    assert wire.complete
    assert type(wire.received).__name__ == f"{name}_{kind_of(command)}"
    primitive = wire.received.message_to_primitive()
    for attribute, value in values.items():
        read = getattr(primitive, attribute)
        if isinstance(value, BytesIO):
            assert read.getvalue() == DATASET
        else:
            assert (list(read) if isinstance(value, list) else read) == value, attribute


@pytest.mark.parametrize(
    ("command", "name", "values"), PAIRS, ids=lambda each: getattr(each, "name", None)
)
def test_the_bytes_are_the_same(command: Command, name: str, values: dict[str, Any]) -> None:
    message = peers_message(name, kind_of(command), values)
    (first, *_) = message.encode_msg(1, 16384)
    theirs = bytes(first.presentation_data_value_list[0][1][1:])
    ours = encode_command(command)
    assert decode_command(theirs) == decode_command(ours)
    assert ours == theirs


def test_uids_of_odd_and_even_length() -> None:
    for uid in ("1.2.3", "1.2.34"):
        assert UID(uid).is_valid
        message = peers_message("C_ECHO", "RQ", {"MessageID": 1, "AffectedSOPClassUID": uid})
        (first,) = message.encode_msg(1, 16384)
        theirs = bytes(first.presentation_data_value_list[0][1][1:])
        assert decode_command(theirs).sop_class_uid == uid
        assert encode_command(decode_command(theirs)) == theirs
