"""The form of a line, and what chains and seals it.

A line is one JSON object: ``seq`` counts lines over all files, ``prev`` is the SHA-256 of the line
before, then come the members of the event, and ``seal`` is the HMAC-SHA256 of all that stands
before it. Whoever can write to the files but hasn't the key can't make a line, and can't take one
out without the next one showing it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hornburg.errors import HornburgError

__all__ = [
    "LONGEST_LINE",
    "START",
    "Line",
    "Position",
    "TrailError",
    "hash_of",
    "key_name",
    "make_line",
    "new_key",
    "parse",
    "read_key",
    "seal_of",
]

#: Bytes of a line: a hundred resources and some bounded texts are far less.
LONGEST_LINE = 64 << 10

_KEY_BYTES = 32
_SEAL = b',"seal":"'
_SEAL_LENGTH = len(_SEAL) + 64 + len(b'"}')

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class TrailError(HornburgError):
    """The trail can't be read or written."""


class Position(NamedTuple):
    """The last line: its number and its hash."""

    seq: int
    hash: str


START = Position(0, "0" * 64)
"""Before the first line."""


class Line(NamedTuple):
    """A line that was read: its members, its hash, and whether the seal is of this key."""

    members: dict[str, Any]
    position: Position
    prev: str
    sealed: bool


def hash_of(line: bytes) -> str:
    """The SHA-256 of a line without its line feed, in hex."""
    return hashlib.sha256(line).hexdigest()


def seal_of(key: bytes, content: bytes) -> str:
    """The HMAC-SHA256 of what is sealed, in hex."""
    return hmac.digest(key, content, "sha256").hex()


def make_line(key: bytes, last: Position, members: Mapping[str, Any]) -> tuple[bytes, Position]:
    """The line after ``last``, without line feed, and its position."""
    seq = last.seq + 1
    head = b'{"seq":%d,"prev":"%b",%b' % (seq, last.hash.encode(), _encode(members)[1:-1])
    line = b'%b%b%b"}' % (head, _SEAL, seal_of(key, head).encode())
    return line, Position(seq, hash_of(line))


def parse(key: bytes, line: bytes) -> Line | None:
    """A line without line feed; ``None`` when it is none of the trail at all."""
    if len(line) > LONGEST_LINE or line[-_SEAL_LENGTH : -_SEAL_LENGTH + len(_SEAL)] != _SEAL:
        return None
    try:
        members = _decode(line)
    except (msgspec.MsgspecError, RecursionError):
        return None
    seq, prev, seal = members.get("seq"), members.get("prev"), members.get("seal")
    if type(seq) is not int or not isinstance(prev, str) or not isinstance(seal, str):
        return None
    expected = seal_of(key, line[:-_SEAL_LENGTH])
    sealed = hmac.compare_digest(expected.encode(), seal.encode("utf-8", "replace"))
    return Line(members, Position(seq, hash_of(line)), prev, sealed)


def key_name(key: bytes) -> str:
    """A name for the key that doesn't tell it: files say by which one they are sealed."""
    return hashlib.sha256(b"hornburg trail key" + key).hexdigest()[:16]


def read_key(file: Path) -> bytes | None:
    """The key; ``None`` when there is no such file.

    Raises:
        TrailError: it can't be read, or is no key.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(256).strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TrailError(f"The key of the audit trail {file}: {error.strerror}") from None
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise TrailError(f"The key of the audit trail {file}: {_KEY_BYTES} bytes in hex are needed")
    return key


def new_key(file: Path) -> bytes:
    """Make a key that its owner alone can read, durable when this returns.

    Raises:
        TrailError: it can't be written.
    """
    key = secrets.token_bytes(_KEY_BYTES)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, key.hex().encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise TrailError(f"The key of the audit trail {file}: {error.strerror}") from None
    return key
