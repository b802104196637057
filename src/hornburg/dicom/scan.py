"""The single pass over a data set: where each element is, and nothing else (PS3.5 section 7).

The walk keeps its own stack, so the depth of the file never becomes the depth of Python's. What
it gives is a plain dictionary a data set, ``tag -> (vr, offset, length, items)``: ``offset`` and
``length`` are the place of the value in the buffer, and ``items`` is the list of such
dictionaries of a sequence, or none. The length of a value of undefined length is that of what
lies before its delimiter, and an encapsulated value says so by a negative length, ``-1 - size``.

The walk is one long function on purpose: a call for each element would cost more than all else
that is done for it.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.fragments import skip_fragments
from hornburg.dicom.limits import Limits
from hornburg.dicom.vrs import LONG, SHORT

__all__ = ["Entries", "Entry", "LittleEndianItems", "scan"]

Entries = dict[int, tuple[str, int, int, list[Any] | None]]
"""A data set: tag -> (VR, offset of the value, its length, its items)."""

Entry = tuple[str, int, int, list[Entries] | None]

_UNDEFINED = 0xFFFFFFFF
_PIXEL_TAGS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_SHORT = {vr.encode(): vr for vr in SHORT}
_LONG = {vr.encode(): vr for vr in LONG}


class LittleEndianItems(list[Entries]):
    """The items of a UN of undefined length: little endian in any file (PS3.5 6.2.2 note 2)."""


class _Heads:
    """How the head of an element is read in one byte order."""

    def __init__(self, order: str) -> None:
        self.explicit = Struct(order + "HH2sH")
        self.implicit = Struct(order + "HHI")
        self.length = Struct(order + "I")


_LITTLE, _BIG = _Heads("<"), _Heads(">")


def scan(
    buffer: Buffer,
    pos: int,
    file_end: int,
    *,
    implicit: bool,
    big: bool,
    dictionary: Dictionary,
    limits: Limits,
) -> Entries:
    """Walk over the data set in ``buffer[pos:file_end]``.

    Raises:
        DicomFormatError: the bytes make no sense, end too early, or pass a limit.
    """
    heads = _BIG if big else _LITTLE
    read_explicit, read_implicit = heads.explicit.unpack_from, heads.implicit.unpack_from
    short, vr_of = _SHORT.get, dictionary.public_vrs.get
    room, fragment_room, depth = limits.elements, limits.fragments, limits.depth

    entries: Entries = {}
    end, open_end, last, ordered = file_end, False, -1, True
    sequence: list[Entries] = []
    sequence_end, sequence_open = file_end, False
    # Each frame is a data set that waits while a sequence inside it is read, and the sequence
    # that holds this data set.
    stack: list[tuple[Any, ...]] = []

    while True:
        # Elements of the current data set, until it ends or a sequence begins in it.
        while pos < end:
            value = pos + 8
            if implicit:
                if value > end:
                    if not stack and _only_zeros(buffer, pos, end):
                        pos = end
                        break
                    raise _cut(pos, end, stack)
                group, element, length = read_implicit(buffer, pos)
                tag = group << 16 | element
                vr = vr_of(tag)
                if vr is None:
                    if group == 0xFFFE:
                        vr = "--"
                    else:
                        vr = dictionary.vr(tag, _creator(buffer, entries, tag))
            else:
                if value > end:
                    if not stack and _only_zeros(buffer, pos, end):
                        pos = end
                        break
                    raise _cut(pos, end, stack)
                group, element, raw, length = read_explicit(buffer, pos)
                tag = group << 16 | element
                vr = short(raw)
                if vr is None:
                    vr, value, length = _other_vr(buffer, pos, end, heads, group, raw)
                    if vr == "":
                        vr = dictionary.vr(tag, _creator(buffer, entries, tag))
            room -= 1
            if room < 0:
                raise DicomFormatError(f"More than {limits.elements} elements", pos)
            if length <= end - value and vr != "SQ" and vr != "--" and length != _UNDEFINED:
                # The plain case, most of all files.
                if tag > last:
                    entries[tag] = (vr, value, length, None)
                    last = tag
                elif tag == 0 and not stack:
                    # PS3.10 7.2 allows padding only as (FFFC,FFFC); writers of blocks add zeros.
                    if not _only_zeros(buffer, pos, end):
                        raise DicomFormatError("(0000,0000) where an element should be", pos)
                    pos = end
                    break
                else:
                    ordered = False
                    entries.setdefault(tag, (vr, value, length, None))
                pos = value + length
                continue

            if vr == "--":
                # PS3.5 table 7.5-2: the delimiters.
                if element == 0xE00D and open_end:
                    pos += 8
                    open_end = False
                    break
                if element in (0xE00D, 0xE0DD) and length == 0 and not open_end:
                    pos += 8  # A delimiter too many, after something of defined length.
                    continue
                raise DicomFormatError(f"(fffe,{element:04x}) where an element should be", pos)
            if length != _UNDEFINED:
                if length > end - value:
                    raise DicomFormatError(
                        f"The value of ({group:04x},{element:04x}) has {length} bytes, "
                        f"{end - value} are left",
                        pos,
                    )
            elif tag in _PIXEL_TAGS or vr in ("OB", "OW"):
                stop, count = skip_fragments(buffer, value, end, fragment_room)
                fragment_room -= count
                if tag <= last:
                    ordered = False
                else:
                    last = tag
                # A length of -1 and less tells that the value is encapsulated; PS3.5 A.4: as OB.
                vr = "OB" if implicit else vr
                entries.setdefault(tag, (vr, value, value - stop - 1, None))
                pos = stop + 8
                continue
            elif vr not in ("SQ", "UN") and not implicit:
                raise DicomFormatError(
                    f"({group:04x},{element:04x}) of VR {vr} can't have an undefined length", pos
                )

            # A sequence begins.
            if len(stack) >= depth:
                raise DicomFormatError(f"Sequences are nested deeper than {depth}", pos)
            inside: list[Entries] = []
            if vr == "UN" and not implicit:
                inside = LittleEndianItems()
            bound = end if length == _UNDEFINED else value + length
            if tag <= last:
                ordered = False
            else:
                last = tag
            waiting = (entries, end, open_end, last, ordered, implicit, heads)
            stack.append((*waiting, sequence, sequence_end, sequence_open, tag, value))
            sequence, sequence_end, sequence_open = inside, bound, length == _UNDEFINED
            if vr == "UN" and not implicit:
                # PS3.5 6.2.2 note 2: read as Implicit VR Little Endian.
                implicit, heads = True, _LITTLE
                read_implicit = heads.implicit.unpack_from
            entries, open_end, end = {}, False, pos
            pos = value
            break
        else:
            if open_end:
                raise DicomFormatError("An item has no end", pos)
        if not ordered:
            _sort(entries)
            ordered = True
        if not stack:
            return entries

        # Between items of the current sequence.
        while True:
            if pos >= sequence_end and not sequence_open:
                sequence_stop = pos
            else:
                if pos + 8 > sequence_end:
                    raise DicomFormatError("A sequence has no end", pos)
                group, element, length = heads.implicit.unpack_from(buffer, pos)
                if group == 0xFFFE and element == 0xE000:
                    room -= 1
                    if room < 0:
                        raise DicomFormatError(f"More than {limits.elements} elements", pos)
                    pos += 8
                    entries, last = {}, -1
                    sequence.append(entries)
                    open_end = length == _UNDEFINED
                    end = sequence_end if open_end else pos + length
                    if end > sequence_end:
                        raise DicomFormatError(
                            f"An item has {length} bytes, {sequence_end - pos} are left", pos - 8
                        )
                    break
                if group != 0xFFFE or element != 0xE0DD:
                    raise DicomFormatError(
                        f"({group:04x},{element:04x}) where an item of a sequence should be", pos
                    )
                sequence_stop = pos
                pos += 8
                if not sequence_open:
                    continue
            inside = sequence
            (entries, end, open_end, last, ordered, implicit, heads) = stack[-1][:7]
            (sequence, sequence_end, sequence_open, tag, value) = stack.pop()[7:]
            read_explicit = heads.explicit.unpack_from
            read_implicit = heads.implicit.unpack_from
            entries.setdefault(tag, ("SQ", value, sequence_stop - value, inside))
            break


def _other_vr(
    buffer: Buffer, pos: int, end: int, heads: _Heads, group: int, raw: bytes
) -> tuple[str, int, int]:
    """The VR, the place of the value and its length, for what isn't a VR with a short length.

    The VR is ``--`` for delimiters, and empty when the element has none and the dictionary must
    tell.
    """
    vr = _LONG.get(raw)
    if vr is None:
        if group == 0xFFFE:
            return "--", pos + 8, heads.length.unpack_from(buffer, pos + 4)[0]
        if not (raw.isalpha() and raw.isupper()):
            # Seen in files of careless writers: an implicit element among explicit ones.
            return "", pos + 8, heads.length.unpack_from(buffer, pos + 4)[0]
        if bytes(buffer[pos + 6 : pos + 8]) != b"\0\0":
            return (
                "UN",
                pos + 8,
                int.from_bytes(
                    bytes(buffer[pos + 6 : pos + 8]), "big" if heads is _BIG else "little"
                ),
            )
        # PS3.5 6.2 note 1: VRs to come have the long form.
        vr = "UN"
    if pos + 12 > end:
        raise DicomFormatError("The file ends inside the head of an element", pos)
    return vr, pos + 12, heads.length.unpack_from(buffer, pos + 8)[0]


def _creator(buffer: Buffer, entries: Entries, tag: int) -> str:
    """The private creator of a private tag, if it is there already (PS3.5 7.8.1)."""
    if not tag >> 16 & 1:
        return ""
    entry = entries.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
    if entry is None or not 0 < entry[2] <= 64:
        return ""
    raw = bytes(buffer[entry[1] : entry[1] + entry[2]])
    return raw.strip(b" \0").decode("latin-1")


def _cut(pos: int, end: int, stack: list[Any]) -> DicomFormatError:
    where = "an item" if stack else "the file"
    return DicomFormatError(f"{end - pos} bytes at the end of {where} are no element", pos)


def _only_zeros(buffer: Buffer, pos: int, end: int) -> bool:
    """Whether nothing but padding follows; looked at in pieces, so that no copy is large."""
    while pos < end:
        piece = bytes(buffer[pos : min(end, pos + 65536)])
        if piece.count(0) != len(piece):
            return False
        pos += len(piece)
    return True


def _sort(entries: Entries) -> None:
    rows = sorted(entries.items())
    entries.clear()
    entries.update(rows)
