"""Command sets and fragments from a hostile peer.

Invariants: nothing but an error of DIMSE is raised; what is let in can be encoded again and then
means the same; a data set follows a command that announced it, and nothing else.

    python fuzz/dimse_command.py -max_total_time=60

Commands are changed samples more often than noise: noise hardly ever has all that a command needs.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["hornburg.dimse"]):
    from hornburg.dimse.commands import (
        Command,
        CommandField,
        decode_command,
        encode_command,
        response,
    )
    from hornburg.dimse.errors import CommandError, DimseError
    from hornburg.dimse.messages import CommandReceived, Messages
from hornburg.ul.events import DataReceived

SAMPLES = [
    encode_command(
        Command(
            field,
            message_id=1,
            responded_to=1,
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            sop_instance_uid="1.2.3",
            has_dataset=with_dataset,
            status=0xB000 if field & 0x8000 else None,
            priority=2,
            **more,
        )
    )
    for field in CommandField
    for with_dataset in (False, True)
    for more in (
        {},
        {"move_destination": "A", "move_originator_aet": "B", "move_originator_id": 3},
        {"remaining": 1, "completed": 2, "failed": 3, "warning": 4, "event_type": 1},
        {"error_comment": "no", "error_id": 1, "offending": (1 << 16,), "attributes": (2, 3)},
    )
]


def changed(data: bytes) -> bytes:
    """A sample; then three bytes for each change: where, how, and with what."""
    if len(data) < 2:
        return data
    sample = bytearray(SAMPLES[data[0] % len(SAMPLES)])
    for at in range(1, len(data) - 2, 3):
        where, how, what = data[at] % (len(sample) + 1), data[at + 1] % 5, data[at + 2]
        if how <= 1 and where < len(sample):
            sample[where] = what
        elif how == 2:
            del sample[where : where + what % 32]
        elif how == 3:
            sample[where:where] = data[at : at + what % 64]
        elif how == 4:
            sample += SAMPLES[what % len(SAMPLES)]
    return bytes(sample)


def one_command(data: bytes) -> None:
    """A command set alone."""
    try:
        command = decode_command(data)
    except CommandError:
        return
    encoded = encode_command(command)
    again = decode_command(encoded)
    if encode_command(again) != encoded:
        raise RuntimeError(f"{command} is not what it was: {again}")
    if not command.is_response and command.field != CommandField.C_CANCEL_RQ:
        encode_command(response(command, 0x0211, error_comment=command.error_comment))


def fragments(data: bytes) -> None:
    """Fragments, each with a byte of flags and a byte of length, or of a sample, before it."""
    messages = Messages(command_limit=512)
    view = memoryview(data)
    due: int | None = None
    while len(view) >= 2:
        flags, length = view[0], view[1]
        if flags & 4:
            fragment, view = memoryview(SAMPLES[length % len(SAMPLES)]), view[2:]
        else:
            fragment, view = view[2 : 2 + length], view[2 + length :]
        context_id = 1 if flags < 0xF0 else 3
        event = DataReceived(context_id, bool(flags & 1), bool(flags & 2), fragment)
        try:
            results = messages.receive(event)
        except DimseError:
            return
        for result in results:
            if isinstance(result, CommandReceived):
                if due is not None:
                    raise RuntimeError("a command inside of a data set")
                due = result.context_id if result.command.has_dataset else None
            else:
                if due != result.context_id:
                    raise RuntimeError("a data set that no command announced")
                due = None if result.is_last else due


def one_input(data: bytes) -> None:
    """The first byte says what the others are."""
    if not data:
        return
    if data[0] < 0x20:
        one_command(data[1:])
    elif data[0] < 0xA0:
        one_command(changed(data[1:]))
    else:
        fragments(data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
