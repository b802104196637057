"""Queries that callbacks answer: tables of Lua, with tags by number or by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hornburg.builtin.lua.errors import LuaError
from hornburg.dicom.dictionary import Dictionary

__all__ = ["Queries", "integer"]

_TAG = re.compile(r"([0-9a-fA-F]{4})[,-]?([0-9a-fA-F]{4})")


class Queries:
    """Reads them. ``dictionary`` has the names of tags."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary

    def tags(self, name: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The query that a table means; ``name`` is the callback that gave it.

        Raises:
            LuaError: a key is no tag, or a value no text.
        """
        found: dict[str, Any] = {}
        # The server shows tags by number; a name is what the script has added, so it comes last.
        for key in sorted(answer, key=lambda key: _TAG.fullmatch(key) is None):
            tag = self._tag(name, key)
            if isinstance(answer[key], list) and not self._may_hold_items(tag):
                # A table where a text belongs would be read as no value, which matches all.
                raise LuaError(f"{name} answered a table for {tag}, which is no sequence")
            found[tag] = self._value(name, answer[key])
        return found

    def _may_hold_items(self, tag: str) -> bool:
        return self._dictionary.vr(int(tag.replace(",", ""), 16)) in ("SQ", "UN")

    def _tag(self, name: str, key: str) -> str:
        match = _TAG.fullmatch(key)
        if match is not None:
            return f"{match[1]},{match[2]}".lower()
        tag = self._dictionary.tag(key)
        if tag is None:
            raise LuaError(f"{name} answered a table with the key {key[:80]!r}, which is no tag")
        return f"{tag >> 16:04x},{tag & 0xFFFF:04x}"

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, list):
            return [self.tags(name, item) if item else {} for item in map(_item, value)]
        number = integer(value)
        if number is not None:
            return str(number)
        if isinstance(value, float):
            return f"{value:.14g}"
        raise LuaError(f"{name} answered a table whose values are no strings")


def _item(value: Any) -> Mapping[str, Any]:
    """An item of a sequence; an empty table of Lua is an empty list."""
    if isinstance(value, Mapping):
        return value
    if value == []:
        return {}
    raise LuaError("items of a sequence must be tables")


def integer(value: Any) -> int | None:
    """A whole number of Lua, in whatever form; ``None`` for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None
