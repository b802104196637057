"""Bytes from a hostile peer, for an acceptor and a requestor in several states.

Invariants: those of ``tests.ul.invariants.check``. Nothing is raised; what is kept is bounded;
what is told and sent is sound; after the end nothing is told.

    python -m fuzz.ul_connection -max_total_time=60

The first byte picks the state, and whether the others are the stream itself or changes of valid
PDUs: noise hardly ever gets past the head of a PDU.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["hornburg.ul"]):
    from tests.ul.invariants import PIECES, PLACES, check


def changed(data: bytes) -> bytes:
    """Up to four valid PDUs; then three bytes for each change: where, how, and with what."""
    count = 1 + data[0] % 4
    stream = bytearray(b"".join(PIECES[number % len(PIECES)] for number in data[1 : 1 + count]))
    for at in range(1 + count, len(data) - 2, 3):
        # Most of what is worth changing stands in the first 256 bytes after some 16th.
        where = (data[at] + 16 * (data[at + 1] >> 3)) % (len(stream) + 1)
        how, what = data[at + 1] & 7, data[at + 2]
        if how <= 3 and where < len(stream):
            stream[where] = what
        elif how == 4:
            del stream[where : where + what % 32]
        elif how == 5:
            stream[where:where] = data[at : at + what % 64]
        elif how == 6:
            stream[where:where] = stream[where : where + what]
        else:
            stream += PIECES[what % len(PIECES)]
        del stream[20_000:]
    return bytes(stream)


def one_input(data: bytes) -> None:
    """Two bytes say where it begins and how it is cut; the others make the stream."""
    if len(data) < 4:
        return
    place = PLACES[(data[0] >> 1) % len(PLACES)]
    received = changed(data[2:]) if data[0] & 1 else data[2:]
    size = data[1] * 8
    check(place(), received, [size] * (len(received) // size) if size else [])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
