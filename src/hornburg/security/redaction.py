"""What the log may say of data sets: names of attributes always, values only where they can't tell
who a patient is (``DeidentifyLogs``).

Titles and addresses of machines are no patient data, and neither are Orthanc's identifiers, which
are digests. UIDs are: PS3.15 table E.1-1 has them replaced. With ``DeidentifyLogs`` off the log has
values too, bounded and in one line, whatever a peer sends.
"""

from __future__ import annotations

import logging
import re
import traceback

from hornburg.dicom.dictionary import DEFAULT, Dictionary
from hornburg.dicom.elements import Elements, Value
from hornburg.errors import HornburgError

__all__ = ["LOGS", "Private", "Quoting", "Redacting", "describe", "shown", "without_values"]

#: Values that belong to the question, not to a person.
_PLAIN = frozenset(
    {
        0x00080005,  # SpecificCharacterSet
        0x00080052,  # QueryRetrieveLevel
        0x00080056,  # InstanceAvailability
        0x00080060,  # Modality
        0x00080061,  # ModalitiesInStudy
        0x00080062,  # SOPClassesInStudy
        0x00080016,  # SOPClassUID
    }
)

HIDDEN = "(hidden)"

#: Code strings and UIDs (PS3.5 table 6.2-1), and wildcards: whoever mistakes one field for another
#: writes a name with small letters or ^ there.
_CODE = re.compile(r"[A-Z0-9_ .*?\\]{0,200}", re.ASCII)

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")

#: Characters of one value, attributes of one data set: a line of a log, not a copy.
_LONGEST = 64
_MOST = 40

#: Sequences inside of sequences that are shown.
_DEEPEST = 3


def describe(
    elements: Elements, *, deidentify: bool = True, dictionary: Dictionary = DEFAULT
) -> str:
    """A query or a header as one line for the log.

    ``QueryRetrieveLevel=STUDY PatientName=(hidden) StudyDate=`` says that a name was given and a
    date was asked for.

    Args:
        deidentify: the setting ``DeidentifyLogs``.
    """
    return _line(elements, deidentify, dictionary, 0)


def shown(text: str) -> str:
    """A text from a peer, such as a title, as one bounded piece of a line of the log."""
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    if short.isprintable():
        return short
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in short
    )


def without_values(sentence: str, *, deidentify: bool = True) -> str:
    """The sentence of an error, for the log: what it quotes may have come with a query.

    Errors name attributes as they are and quote values, with ``repr``.
    """
    return _QUOTED.sub(HIDDEN, sentence) if deidentify else sentence


def _is_code(content: object) -> bool:
    if isinstance(content, bytes):
        content = content.decode("latin-1").rstrip("\0 ")
    return isinstance(content, str) and _CODE.fullmatch(content) is not None


class Private(str):
    """A text in a line of the log that may name a patient, such as the name of a file."""

    __slots__ = ()


class Quoting(str):
    """A text that may quote such a one, such as the sentence of an error."""

    __slots__ = ()


#: Loggers whose errors are about data. Those of the others are about the configuration and the
#: machine, and what they quote is what their reader has to look for.
_ABOUT_DATA = tuple(
    f"hornburg.{name}"
    for name in (
        "archive",
        "dicom",
        "http",
        "index",
        "jobs",
        "plugins",
        "rest",
        "storage",
        "worklists",
    )
)

_TRACEBACK = "Traceback (most recent call last):\n"
_MOST_CAUSES = 10


class Redacting(logging.Filter):
    """Keeps values out of every line of the log, whoever writes it, unless ``deidentify`` is off.

    What an exception quotes is hidden, and so are the arguments that are :class:`Private` or
    :class:`Quoting`. Of lines of other libraries, everything that is quoted is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.deidentify = True

    def filter(self, record: logging.LogRecord) -> bool:
        if not self.deidentify:
            return True
        if not record.name.startswith("hornburg"):
            record.msg, record.args = without_values(record.getMessage()), None
        elif isinstance(record.args, tuple):
            is_about_data = record.name.startswith(_ABOUT_DATA)
            record.args = tuple(_kept(one, is_about_data) for one in record.args)
        return True

    def stack(self, error: BaseException) -> str:
        """Where an exception was raised, and those that led to it; without their messages."""
        parts: list[str] = []
        one: BaseException | None = error
        while one is not None and len(parts) < _MOST_CAUSES:
            frames = "".join(traceback.format_tb(one.__traceback__))
            parts.append(f"{_TRACEBACK}{frames}{type(one).__name__}: {_message(one)}")
            one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        return "\n\n".join(reversed(parts))


LOGS = Redacting()
"""The one of this process; ``DeidentifyLogs`` sets it."""


def _kept(argument: object, is_about_data: bool) -> object:
    if isinstance(argument, Private):
        return HIDDEN
    if isinstance(argument, Quoting) or (is_about_data and isinstance(argument, BaseException)):
        return without_values(str(argument))
    return argument


def _message(error: BaseException) -> str:
    """Our own errors name attributes and quote values; who knows what others do."""
    return without_values(str(error)) if isinstance(error, HornburgError) else HIDDEN


def _line(elements: Elements, deidentify: bool, dictionary: Dictionary, depth: int) -> str:
    words = []
    for tag in sorted(elements)[:_MOST]:
        # A private creator is a text of the sender like any other, and names are for known tags.
        name = f"{tag >> 16:04x},{tag & 0xFFFF:04x}" if tag >> 16 & 1 else dictionary.keyword(tag)
        words.append(f"{name}={_value(tag, elements[tag], deidentify, dictionary, depth)}")
    if len(elements) > _MOST:
        words.append(f"and {len(elements) - _MOST} more")
    return " ".join(words)


def _value(tag: int, value: Value, deidentify: bool, dictionary: Dictionary, depth: int) -> str:
    content = value.content
    if not content:
        return ""
    if isinstance(content, tuple):
        if depth >= _DEEPEST:
            return "[...]"
        inner = _line(content[0], deidentify, dictionary, depth + 1)
        more = f", and {len(content) - 1} more" if len(content) > 1 else ""
        return f"[{inner}{more}]"
    if deidentify and not (tag in _PLAIN and _is_code(content)):
        return HIDDEN
    if isinstance(content, bytes):
        if value.vr == "UI":
            return shown(content[: _LONGEST + 1].decode("latin-1").rstrip("\0 "))
        return f"({len(content)} bytes)"
    return shown(content)
