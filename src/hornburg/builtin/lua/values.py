"""Values of Lua and those of JSON and of messages, both ways, within the Lua process.

Strings of Lua are bytes here. A table with the keys 1 to n, and an empty one, is a list, as in
Orthanc; any other is a mapping.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

__all__ = ["ValueTooDeepError", "dump_json", "from_lua", "parse_json", "to_lua"]

#: Nesting of tables.
_DEEPEST = 64

_INT32 = 1 << 31

#: What Lua takes for a number when it looks at a string: digits, signs, hexadecimal and exponents.
_OF_NUMBERS = frozenset(b"0123456789abcdefABCDEFxXpP+-. \t\n\r\f\v")

Tables = Callable[[Mapping[Any, Any]], Any]
"""Makes a table of Lua."""


class ValueTooDeepError(Exception):
    """Tables that are nested too deeply, or within themselves."""


def to_lua(value: Any, table: Tables) -> Any:
    """A value for Lua. Every number becomes a float, as in Orthanc."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, int) and not isinstance(value, bool):
        return _float(value)
    if isinstance(value, Mapping):
        return table(
            {
                to_lua(key, table): to_lua(item, table)
                for key, item in value.items()
                if item is not None
            }
        )
    if isinstance(value, list | tuple):
        return table(
            {place: to_lua(item, table) for place, item in enumerate(value, 1) if item is not None}
        )
    return value


def from_lua(value: Any, kind: Callable[[Any], str | None], depth: int = 0) -> Any:
    """A value of Lua for a message: bytes, numbers, booleans, lists and mappings with text as
    keys. Functions and the like are ``None``.

    Raises:
        ValueTooDeepError: tables are nested too deeply.
    """
    if value is None or isinstance(value, bytes | bool | int | float):
        return value
    if kind(value) != "table":
        return None
    if depth >= _DEEPEST:
        raise ValueTooDeepError(f"tables are nested deeper than {_DEEPEST} levels")
    pairs = list(value.items())
    if _is_list(pairs):
        return [
            from_lua(item, kind, depth + 1) for _, item in sorted(pairs, key=lambda pair: pair[0])
        ]
    return {_key(key): from_lua(item, kind, depth + 1) for key, item in pairs}


def dump_json(value: Any, *, keep_strings: bool) -> bytes:
    """JSON of a value of :func:`from_lua`, in Orthanc's form.

    Without ``keep_strings``, texts that read as numbers become numbers (Orthanc Book, users/lua).
    """
    return _json(value, keep_strings=keep_strings).encode()


def parse_json(raw: bytes) -> Any:
    """The value of a JSON document; ``None`` when it is none."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _is_list(pairs: list[tuple[Any, Any]]) -> bool:
    most = len(pairs)
    return all(
        isinstance(key, int) and not isinstance(key, bool) and 1 <= key <= most for key, _ in pairs
    )


def _key(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    if isinstance(key, int | float) and not isinstance(key, bool):
        return str(key)
    raise ValueTooDeepError("a key of a table is no text and no number")


def _json(value: Any, *, keep_strings: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, bytes):
        number = None if keep_strings else _as_number(value)
        return _text(value.decode("utf-8", "replace")) if number is None else _number(number)
    if isinstance(value, list):
        return f"[{','.join(_json(item, keep_strings=keep_strings) for item in value)}]"
    members = (
        f"{_text(key)}:{_json(item, keep_strings=keep_strings)}"
        for key, item in sorted(value.items())
    )
    return f"{{{','.join(members)}}}"


def _number(value: float) -> str:
    """Integers of 32 bits as such, all else with 17 digits."""
    if math.isnan(value):
        return "null"
    if math.isinf(value):
        return "1e+9999" if value > 0 else "-1e+9999"
    if value == int(value) and -_INT32 <= value < _INT32:
        return str(int(value))
    text = f"{value:.17g}"
    return text if "e" in text or "." in text else f"{text}.0"


def _as_number(text: bytes) -> float | None:
    """What Lua makes of a text in arithmetic (Lua 5.3 Reference Manual, 3.4.3)."""
    text = text.strip(b" \t\n\r\f\v")
    if not text or len(text) > 200 or not _OF_NUMBERS.issuperset(text):
        return None
    try:
        bare = text.lstrip(b"+-")
        if bare[:2].lower() == b"0x":
            return float.fromhex(text.decode())
        return float(text)
    except (ValueError, OverflowError):
        return None


def _text(text: str) -> str:
    """ASCII alone, as Orthanc writes it."""
    escaped = msgspec.json.encode(text).decode()
    if escaped.isascii():
        return escaped
    return "".join(sign if sign < "\x80" else _escape(sign) for sign in escaped)


def _escape(sign: str) -> str:
    code = ord(sign)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
