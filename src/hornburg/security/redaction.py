"""What the log may say of data sets: names of attributes always, values only where they can't tell
who a patient is (``DeidentifyLogs``).

Titles and addresses of machines are no patient data, and neither are Orthanc's identifiers, which
are digests. UIDs are: PS3.15 table E.1-1 has them replaced. With ``DeidentifyLogs`` off the log has
values too, bounded and in one line, whatever a peer sends.
"""

from __future__ import annotations

import re

from hornburg.dicom.dictionary import DEFAULT, Dictionary
from hornburg.dicom.elements import Elements, Value

__all__ = ["describe", "shown", "without_values"]

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
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in short
    )


def without_values(sentence: str, *, deidentify: bool = True) -> str:
    """The sentence of an error, for the log: what it quotes may have come with a query.

    Errors name attributes as they are and quote values, with ``repr``.
    """
    return _QUOTED.sub(HIDDEN, sentence) if deidentify else sentence


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
    if deidentify and tag not in _PLAIN:
        return HIDDEN
    if isinstance(content, bytes):
        if value.vr == "UI":
            return shown(content[: _LONGEST + 1].decode("latin-1").rstrip("\0 "))
        return f"({len(content)} bytes)"
    return shown(content)
