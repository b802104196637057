"""One option is one row: where the rows come from, and how a row reads a value.

A dataclass of :mod:`hornburg.settings.options` declares an option as one annotated field::

    http_port: Annotated[int, Row("HttpPort", "Port of the HTTP server.", most=65535)] = 8042

The annotation gives the type that the program sees, the default stands where Python has it, and
:class:`Row` carries the rest. Everything else (the reader, the documentation, the list of names)
is derived from there, so that no option is written down twice.
"""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from hornburg.settings.errors import Refused

__all__ = ["Option", "Row", "Secret", "options_of", "to_json"]

# No name, path or title of a configuration is longer (PATH_MAX of Linux is 4096).
_LONGEST_TEXT = 4096
_LONGEST_LIST = 10_000

Reader = Callable[[object], Any]


class Secret:
    """A text that must not be seen: ``repr`` and ``str`` hide it, :meth:`reveal` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class Row:
    """What an annotation can't say about an option.

    ``name`` as the configuration file writes it, ``doc`` one sentence, ``unit`` of a number,
    ``least`` and ``most`` its range; ``supported`` is False while the option is known and has no
    effect yet; ``feature`` names the part of the server that a default switches on and that isn't
    there yet; ``vital`` marks an option that nobody may believe to work when it doesn't, so that
    setting it stops the start as long as it isn't supported; ``secret`` keeps values out of
    messages; ``ours`` marks what Orthanc doesn't have. ``read`` and ``allowed`` are given for
    types that need a reader of their own; ``text_leaves`` says that the members of a section are
    texts even if an environment variable holds digits; ``none`` is how no value is written where
    Orthanc has a text for it.
    """

    name: str
    doc: str
    unit: str = ""
    least: int | None = None
    most: int | None = None
    supported: bool = True
    feature: str = ""
    vital: bool = False
    secret: bool = False
    ours: bool = False
    read: Reader | None = None
    allowed: str = ""
    text_leaves: bool = False
    none: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One option, complete: its row, its attribute, its default as JSON, and its reader."""

    row: Row
    attribute: str
    kind: str
    default: object
    nullable: bool
    reader: Reader

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def is_text(self) -> bool:
        """Whether an environment variable gives the value as it stands, not as JSON."""
        return self.kind in ("string", "path", "word")

    @property
    def allowed(self) -> str:
        """What may be written, in a few words."""
        row = self.row
        text = row.allowed or _PLAIN[self.kind]
        if self.kind == "integer":
            text = _range(row)
        if row.unit:
            text += f" ({row.unit})"
        return text + (", or null" if self.nullable else "")

    def read(self, value: object) -> object:
        """Turn the JSON of a configuration file into the value of the attribute.

        Raises :class:`Refused`.
        """
        if value is None and self.nullable:
            return None
        try:
            return self.reader(value)
        except Refused as no:
            if no.path:
                raise
            raise Refused(self.allowed, value) from None


_PLAIN = {
    "boolean": "true or false",
    "integer": "an integer",
    "string": f"a string of at most {_LONGEST_TEXT} characters",
    "path": "the path of a file or folder",
    "list": "a list of strings",
    "paths": "a list of paths",
    "word": "one of the words",
    "section": "a section",
}


def _range(row: Row) -> str:
    if row.most is None:
        return "an integer" if row.least is None else f"an integer of at least {row.least}"
    return f"an integer from {row.least or 0} to {row.most}"


def options_of(owner: type) -> dict[str, Option]:
    """All options that the fields of the dataclass ``owner`` declare, by name, in order."""
    hints = get_type_hints(owner, include_extras=True)
    found: dict[str, Option] = {}
    for field in dataclasses.fields(owner):
        hint = hints[field.name]
        if get_origin(hint) is not Annotated:
            continue
        inner, row = get_args(hint)[:2]
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        else:
            default = field.default
        found[row.name] = _option(field.name, inner, row, default)
    return found


def _option(attribute: str, hint: Any, row: Row, default: object) -> Option:
    nullable = False
    if get_origin(hint) in (Union, types.UnionType):
        nullable = type(None) in get_args(hint)
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    kind, reader = _reader_of(hint, row)
    if isinstance(hint, type) and issubclass(hint, enum.Enum) and not row.allowed:
        row = dataclasses.replace(row, allowed=" or ".join(f'"{m.value}"' for m in hint))
    written = row.none if default is None else to_json(default)
    return Option(row, attribute, kind, written, nullable, row.read or reader)


def _reader_of(hint: Any, row: Row) -> tuple[str, Reader]:
    if hint is bool:
        return "boolean", _read_boolean
    if hint is int:
        return "integer", lambda value: _read_integer(value, row)
    if hint is str:
        return "string", _read_string
    if hint is Path:
        return "path", _read_path
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "word", lambda value: _read_word(value, hint)
    if get_origin(hint) is tuple:
        if get_args(hint)[0] is Path:
            return "paths", lambda value: _read_list(value, _read_path)
        return "list", lambda value: _read_list(value, _read_string)
    if row.read is None:
        raise TypeError(f"the row {row.name} needs a reader of its own for {hint}")
    return "section", row.read


def _read_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Refused("", value)
    return value


def _read_integer(value: object, row: Row) -> int:
    # bool is a kind of int in Python, not in JSON; 1.0 is refused by Orthanc too.
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused("", value)
    least = row.least or 0 if row.least is not None or row.most is not None else value
    if value < least or (row.most is not None and value > row.most):
        raise Refused("", value)
    return value


def _read_string(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or "\0" in value:
        raise Refused("", value)
    # Half a surrogate pair ("\\ud800") is no text: no file name, header or answer can hold it.
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise Refused("", value)
    return value


def _read_path(value: object) -> Path:
    text = _read_string(value)
    if not text:
        raise Refused("", value)
    return Path(text)


def _read_word(value: object, words: type[enum.Enum]) -> enum.Enum:
    for word in words:
        if word.value == value:
            return word
    raise Refused("", value)


def _read_list(value: object, read: Reader) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > _LONGEST_LIST:
        raise Refused("", value)
    return tuple(read(item) for item in value)


def to_json(value: object) -> object:
    """The JSON form of a default value."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    return value
