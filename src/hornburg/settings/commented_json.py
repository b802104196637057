"""JSON as configuration files write it: comments and a trailing comma are allowed.

Beyond RFC 8259 a file may hold ``//`` and ``/* */`` comments and a comma after the last member,
as Orthanc's own files do. Stricter than most readers: a name that is set twice in one object is
refused (one of the two would silently lose), nesting and size are bounded, and NaN and Infinity
are no numbers. Every complaint is a :class:`SettingsError` with line and column.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import NoReturn

from hornburg.settings.errors import SettingsError, show

__all__ = ["MAXIMUM_DEPTH", "MAXIMUM_SIZE", "Document", "parse"]

# The deepest option of Orthanc has four levels; 32 leaves room for the sections of plug-ins and
# keeps the recursion far from Python's own limit.
MAXIMUM_DEPTH = 32
# Characters. A large dictionary of private tags has some 100 KB.
MAXIMUM_SIZE = 4 * 1024 * 1024
# More digits than any option needs; int() of a long text takes quadratic time.
_MAXIMUM_DIGITS = 400

_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]+")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text: its value, and the line of each member of the outermost object."""

    value: object
    lines: dict[str, int] = field(default_factory=dict)


def parse(text: str, where: str) -> Document:
    """Parse one JSON text with comments.

    ``where`` names the text in errors. Raises :class:`SettingsError`, and nothing else.
    """
    if len(text) > MAXIMUM_SIZE:
        raise SettingsError(where, f"{len(text)} characters, at most {MAXIMUM_SIZE} are read")
    parser = _Parser(text.removeprefix("\ufeff"), where)
    value = parser.value(0)
    parser.skip()
    if parser.at < len(parser.text):
        parser.fail("nothing but comments may follow the end of the document")
    return Document(value, parser.lines)


class _Parser:
    """A reader that goes down one level of Python per level of JSON, at most MAXIMUM_DEPTH."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.at = 0
        self.lines: dict[str, int] = {}

    def fail(self, problem: str, at: int | None = None) -> NoReturn:
        place = self.at if at is None else at
        line = self.text.count("\n", 0, place) + 1
        column = place - self.text.rfind("\n", 0, place)
        raise SettingsError(f"{self.where} line {line} column {column}", problem)

    def skip(self) -> None:
        """Go over white space and comments."""
        found = _SPACE.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        if self.text.startswith("/*", self.at):
            self.fail("this comment is never closed, */ is missing")

    def peek(self) -> str:
        self.skip()
        return self.text[self.at : self.at + 1]

    def value(self, depth: int) -> object:
        if depth > MAXIMUM_DEPTH:
            self.fail(f"nested deeper than {MAXIMUM_DEPTH} levels")
        first = self.peek()
        if first == "{":
            return self.members(depth)
        if first == "[":
            return self.elements(depth)
        if first == '"':
            return self.string()
        if first == "-" or (first.isascii() and first.isdigit()):
            return self.number()
        return self.word()

    def members(self, depth: int) -> dict[str, object]:
        self.at += 1
        result: dict[str, object] = {}
        while self.peek() != "}":
            start = self.at
            if self.peek() != '"':
                self.fail('expected "name" or }')
            name = self.string()
            if name in result:
                self.fail(f"{show(name)} is set twice in the same object", start)
            if depth == 0:
                self.lines[name] = self.text.count("\n", 0, start) + 1
            if self.peek() != ":":
                self.fail(f"expected : after {show(name)}")
            self.at += 1
            result[name] = self.value(depth + 1)
            self.comma("}")
        self.at += 1
        return result

    def elements(self, depth: int) -> list[object]:
        self.at += 1
        result: list[object] = []
        while self.peek() != "]":
            result.append(self.value(depth + 1))
            self.comma("]")
        self.at += 1
        return result

    def comma(self, closing: str) -> None:
        following = self.peek()
        if following == ",":
            self.at += 1
        elif following != closing:
            self.fail(f"expected , or {closing}")

    def string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            self.fail("this string is never closed")
        try:
            result: str = json.loads(found.group())
        except json.JSONDecodeError as error:
            self.fail(f"bad string: {error.msg}", self.at + error.pos)
        self.at = found.end()
        return result

    def number(self) -> int | float:
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            self.fail("bad number")
        digits = found.group()
        if len(digits) > _MAXIMUM_DIGITS:
            self.fail(f"a number of {len(digits)} digits, at most {_MAXIMUM_DIGITS} are read")
        self.at = found.end()
        return int(digits) if found.group(1) is None and found.group(2) is None else float(digits)

    def word(self) -> object:
        found = _WORD.match(self.text, self.at)
        word = found.group() if found is not None else ""
        if word not in _WORDS:
            what = show(word) if word else show(self.text[self.at : self.at + 1])
            self.fail(
                "the text ends too early"
                if self.at >= len(self.text)
                else f"expected a value, found {what}"
            )
        self.at += len(word)
        return _WORDS[word]
