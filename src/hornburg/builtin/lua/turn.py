"""A call that runs, and what its script says meanwhile."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from hornburg.builtin.lua.errors import LuaError
from hornburg.builtin.lua.messages import Say

__all__ = ["Turn", "log", "one_line"]

log = logging.getLogger("hornburg.lua")

_LEVELS = {
    "print": logging.INFO,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

#: Lines that one call may log; the rest is dropped. Of what is printed for an answer, characters.
_MOST_LINES = 1000
_MOST_PRINTED = 16 << 20

#: What the log shows of a line.
_LONGEST_LINE = 2000


@dataclass(slots=True, eq=False)
class Turn:
    """A call that runs.

    Attributes:
        owner: the runtime that it runs in.
        outer: the call that brought it about, of whatever runtime.
        operations: what the script wants done with instances when it has ended.
        printed: what it has printed, if somebody wants to know.
        waits: whether it waits for the server, so that another call may come between.
    """

    owner: object = None
    outer: Turn | None = None
    operations: list[Any] = field(default_factory=list)
    printed: list[str] | None = None
    waits: bool = False
    _lines: int = 0
    _size: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def say(self, said: Say) -> None:
        """Log a line, and keep it when it is printed for an answer."""
        self._lines += 1
        if self._lines < _MOST_LINES:
            text = said.text[:_LONGEST_LINE]
            log.log(_LEVELS.get(said.level, logging.INFO), "Lua says: %s", one_line(text))
        elif self._lines == _MOST_LINES:
            log.warning("a script says more than %d lines; the rest is not shown", _MOST_LINES)
        if self.printed is not None and said.level == "print":
            self._size += len(said.text) + 1
            if self._size > _MOST_PRINTED:
                raise LuaError(f"it prints more than {_MOST_PRINTED >> 20} MB")
            self.printed.append(f"{said.text}\n")


def one_line(text: str) -> str:
    """What a script says starts no line of the log of its own."""
    return "".join(sign if sign.isprintable() or sign == "\t" else " " for sign in text)
