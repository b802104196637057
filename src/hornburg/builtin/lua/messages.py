"""What the server and its Lua process say to each other: length in four bytes, then MessagePack.

The server sends :class:`Load`, :class:`Run` or :class:`Call`; the process answers with
:class:`Done` or :class:`Failed`, and before that it may say and ask things. Each :class:`Ask` gets
a :class:`Reply`, and before that there may be another ``Call``, for a callback within a callback.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = [
    "HEAD",
    "Ask",
    "Call",
    "Done",
    "Failed",
    "FromLua",
    "Load",
    "Reply",
    "Run",
    "Say",
    "ToLua",
    "decode_from_lua",
    "decode_to_lua",
    "frame",
]

HEAD = struct.Struct(">I")
"""The length of what follows, in bytes."""


class Load(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Take a script of the configuration. ``name`` is what errors call it."""

    name: str
    source: bytes


class Run(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Take what ``/tools/execute-script`` was sent."""

    source: bytes


class Call(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Call a global function. Values are those of JSON, and bytes."""

    function: str
    arguments: list[Any]


class Reply(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """The answer to an :class:`Ask`; with ``error`` it is a Lua error there."""

    value: Any = None
    error: str | None = None


class Say(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A line that a script prints or logs; ``level`` is ``print``, ``info``, ``warning`` or
    ``error``."""

    level: str
    text: str


class Ask(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A function of the server that a script calls."""

    function: str
    arguments: list[Any]


class Done(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """It went well. ``defined``: which of the callbacks are there now."""

    value: Any
    defined: list[str]


class Failed(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """It did not, and why."""

    reason: str
    defined: list[str]


ToLua = Load | Run | Call | Reply
FromLua = Say | Ask | Done | Failed


def _plain(value: Any) -> Any:
    """Mappings that can't be changed, and values that have no form of their own."""
    return dict(value) if isinstance(value, Mapping) else None


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
decode_to_lua = msgspec.msgpack.Decoder(ToLua).decode
decode_from_lua = msgspec.msgpack.Decoder(FromLua).decode


def frame(message: ToLua | FromLua) -> bytes:
    """A message with its length before it."""
    raw = _encode(message)
    return HEAD.pack(len(raw)) + raw
