"""Arguments of functions that scripts call, as the server reads them: nothing is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hornburg.builtin.lua.errors import LuaFunctionError

__all__ = ["Arguments"]

_MOST_HEADERS = 100
_LONGEST_TEXT = 64 << 10


class Arguments:
    """The arguments of one call; ``function`` is named in errors."""

    def __init__(self, function: str, values: Sequence[Any]) -> None:
        self.function = function
        self._values = values

    def text(self, place: int, what: str) -> str:
        """A text that must be there; numbers are texts, too, as everywhere in Lua.

        Raises:
            LuaFunctionError: it isn't there, or no text.
        """
        raw = self.body(place, what)
        if not raw or len(raw) > _LONGEST_TEXT:
            raise self.wrong(place, what, "a text")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self.wrong(place, what, "text in UTF-8") from None

    def body(self, place: int, what: str) -> bytes:
        """Bytes, none when it is missing.

        Raises:
            LuaFunctionError: a table or a boolean.
        """
        value = self._at(place)
        if value is None:
            return b""
        if isinstance(value, bool):
            raise self.wrong(place, what, "a string")
        if isinstance(value, int):
            return str(value).encode()
        if isinstance(value, float):
            return f"{value:.14g}".encode()
        if not isinstance(value, bytes):
            raise self.wrong(place, what, "a string")
        return value

    def headers(self, place: int) -> dict[str, str]:
        """A table of headers, empty when it is missing.

        Raises:
            LuaFunctionError: no table of texts.
        """
        value = self._at(place)
        if value is None or value == []:
            return {}
        if not isinstance(value, Mapping) or len(value) > _MOST_HEADERS:
            raise self.wrong(place, "headers", f"a table of at most {_MOST_HEADERS} strings")
        found: dict[str, str] = {}
        for name, raw in value.items():
            text = Arguments(self.function, [raw]).body(0, "a header").decode("utf-8", "replace")
            if not name.isascii() or not name.isprintable() or not name or ":" in name:
                raise self.wrong(place, "headers", "a table with names of headers as keys")
            if not text.isprintable():
                raise self.wrong(place, "headers", "a table of strings without control characters")
            found[name] = text
        return found

    def number(self, place: int, what: str) -> float:
        """A number that is not negative.

        Raises:
            LuaFunctionError: it isn't.
        """
        try:
            value = float(self.body(place, what))
        except ValueError:
            value = -1
        if not 0 <= value < 1e9:
            raise self.wrong(place, what, "a number, not negative")
        return value

    def wrong(self, place: int, what: str, needed: str) -> LuaFunctionError:
        """The error for an argument."""
        return LuaFunctionError(f"{self.function}: argument {place + 1} ({what}) must be {needed}")

    def _at(self, place: int) -> Any:
        return self._values[place] if place < len(self._values) else None
