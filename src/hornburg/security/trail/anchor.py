"""Where the trail ends, beside the key: what was cut off at the end is missed.

The anchor is written after the lines, so lines may go beyond it, and never the other way round
while the machine runs. Lines of the last second may not have reached the disk when the power goes;
``durable`` is the last one that had, and ``boot`` tells whether the machine was started since.
"""

from __future__ import annotations

import hmac
import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from hornburg.security.trail.chain import Position, seal_of

__all__ = ["Anchor", "anchor_file", "boot", "read_anchor", "write_anchor"]

_SIZE = 512
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Anchor(NamedTuple):
    """The end of the trail."""

    last: Position
    durable: int
    boot: str

    def excuses(self, seq: int) -> bool:
        """Whether a trail that ends with line ``seq`` may have lost the others with the power."""
        return self.boot != boot() and seq >= self.durable


class _Content(msgspec.Struct):
    seq: int
    hash: str
    durable: int
    boot: str
    seal: str


_decode = msgspec.json.Decoder(_Content).decode


def anchor_file(key_file: Path) -> Path:
    """The anchor is where the key is: whoever may not read the one may not write the other."""
    return key_file.with_suffix(".anchor")


def boot() -> str:
    """A name for the time since the machine was started."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""


def _sealed(key: bytes, anchor: Anchor) -> str:
    last = anchor.last
    return seal_of(key, f"{last.seq} {last.hash} {anchor.durable} {anchor.boot}".encode())


def read_anchor(key: bytes, file: Path) -> Anchor | None:
    """The anchor; ``None`` when there is none.

    Raises:
        ValueError: what is there was not written with this key.
        OSError: it can't be read.
    """
    try:
        with file.open("rb") as opened:
            content = _decode(opened.read(_SIZE))
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        raise ValueError("it is damaged") from None
    anchor = Anchor(Position(content.seq, content.hash), content.durable, content.boot)
    if not hmac.compare_digest(_sealed(key, anchor).encode(), content.seal.encode()):
        raise ValueError("its seal is of another key")
    return anchor


def write_anchor(key: bytes, file: Path, anchor: Anchor) -> None:
    """Write the new anchor over the one before: a sector at most, so that after a power cut one of
    the two is there.

    Raises:
        OSError: it can't be written.
    """
    last = anchor.last
    content = _Content(last.seq, last.hash, anchor.durable, anchor.boot, _sealed(key, anchor))
    is_new = not file.exists()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, msgspec.json.encode(content).ljust(_SIZE - 1) + b"\n", 0)
        if is_new:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
