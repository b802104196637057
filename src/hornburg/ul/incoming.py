"""What arrives, cut into protocol data units."""

from __future__ import annotations

from hornburg.ul.errors import RemoteProtocolError
from hornburg.ul.limits import Limits
from hornburg.ul.pdu import FIXED_SIZE, HEAD, HEAD_SIZE, LEAST_ASSOCIATE, PduType
from hornburg.ul.rejections import AbortReason

__all__ = ["Incoming"]


#: First bytes of those who take the port for another one, for the log.
_STRANGERS = {
    0x16: " (a TLS handshake)",
    **{ord(letter): " (HTTP)" for letter in "GHPDOCT"},
    ord("S"): " (SSH)",
}


class Incoming:
    """Knows how long each PDU may be, and keeps the beginning of one that is not complete.

    ``waiting`` is that beginning; it never grows beyond what the head of its PDU announces, and
    a head that announces more than is allowed is refused before anything is kept.
    ``maximum_length`` is the largest P-DATA-TF that is allowed now, without its first 6 bytes.
    """

    __slots__ = ("_bounds", "_total", "maximum_length", "waiting")

    def __init__(self, limits: Limits) -> None:
        self.waiting = bytearray()
        self._total = 0
        associate = (LEAST_ASSOCIATE, limits.association_pdu)
        fixed = (FIXED_SIZE, FIXED_SIZE)
        self._bounds: dict[int, tuple[int, int]] = {
            PduType.ASSOCIATE_REQUEST: associate,
            PduType.ASSOCIATE_ACCEPT: associate,
            PduType.ASSOCIATE_REJECT: fixed,
            PduType.RELEASE_REQUEST: fixed,
            PduType.RELEASE_REPLY: fixed,
            PduType.ABORT: fixed,
        }
        self.announce(limits.maximum_length)

    def announce(self, maximum_length: int) -> None:
        """From now on the peer knows the largest P-DATA-TF that it may send."""
        self.maximum_length = maximum_length
        # The smallest has one presentation data value without a byte of data.
        self._bounds[PduType.DATA] = (6, maximum_length)

    def size_of(self, view: memoryview | bytearray, position: int) -> int:
        """The size in bytes of the PDU at ``position``, from its head alone.

        Raises:
            RemoteProtocolError: there is no such type of PDU, or it may not be as long, or short.
        """
        kind: int
        length: int
        kind, length = HEAD.unpack_from(view, position)
        bounds = self._bounds.get(kind)
        if bounds is None:
            raise RemoteProtocolError(
                f"A PDU of the unknown type 0x{kind:02X}{_STRANGERS.get(kind, '')}",
                AbortReason.UNRECOGNISED_PDU,
            )
        least, most = bounds
        if not least <= length <= most:
            raise RemoteProtocolError(
                f"{PduType(kind).name} announces {length} bytes; it may have {least} to {most}"
            )
        return HEAD_SIZE + length

    def complete(self, view: memoryview) -> tuple[memoryview | None, int]:
        """Go on with the PDU of which the beginning waits.

        Returns:
            The PDU, or none when it is still not complete, and how many bytes were taken.

        Raises:
            RemoteProtocolError: as for :meth:`size_of`.
        """
        waiting, size = self.waiting, len(view)
        taken = 0
        if len(waiting) < HEAD_SIZE:
            taken = min(HEAD_SIZE - len(waiting), size)
            waiting += view[:taken]
            if len(waiting) < HEAD_SIZE:
                return None, taken
        if self._total == 0:
            self._total = self.size_of(waiting, 0)
        stop = taken + self._total - len(waiting)
        waiting += view[taken:stop]
        if stop > size:
            return None, size
        # Views into it are given away, so that it can't be used again.
        self.forget()
        return memoryview(waiting), stop

    def keep(self, rest: memoryview) -> None:
        """Keep a copy of the beginning of a PDU."""
        self.waiting = bytearray(rest)

    def forget(self) -> None:
        """Nothing waits any more."""
        self.waiting = bytearray()
        self._total = 0
