"""Identifiers of queries and retrievals that go to other application entities (PS3.4 C.4).

What is added, kept and left out was watched on Orthanc 1.10 at the other side of the line.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from hornburg.archive.quirks import adapted, universal
from hornburg.archive.remote import Model
from hornburg.dicom.charsets import ORTHANC_ENCODINGS, charset_of
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.elements import Elements, Value
from hornburg.dicom.levels import Level
from hornburg.dicom.modules import MODULE_TAGS
from hornburg.dicom.orthanc_json import Form
from hornburg.errors import BadRequestError
from hornburg.settings.values import Manufacturer

__all__ = [
    "QUERY_LEVELS",
    "UNIQUE_KEYS",
    "json_of_elements",
    "key_of",
    "model_of",
    "query_identifier",
    "retrieve_identifier",
    "wanted_of_answer",
    "wanted_of_keys",
    "with_charset",
]

log = logging.getLogger("hornburg.archive")

_CHARSET, _QUERY_LEVEL = 0x00080005, 0x00080052
_PATIENT_ID, _ACCESSION = 0x00100020, 0x00080050
_STUDY_UID, _SERIES_UID, _INSTANCE_UID = 0x0020000D, 0x0020000E, 0x00080018
_SOP_CLASSES_IN_STUDY = 0x00080062

UNIQUE_KEYS: Mapping[Level, int] = {
    Level.PATIENT: _PATIENT_ID,
    Level.STUDY: _STUDY_UID,
    Level.SERIES: _SERIES_UID,
    Level.INSTANCE: _INSTANCE_UID,
}
"""The unique key of each level (PS3.4 C.6.1.1)."""

#: Levels as C-FIND and C-MOVE name them (PS3.4 table C.6.1-1).
QUERY_LEVELS = {
    Level.PATIENT: "PATIENT",
    Level.STUDY: "STUDY",
    Level.SERIES: "SERIES",
    Level.INSTANCE: "IMAGE",
}
_VRS = {_PATIENT_ID: "LO", _ACCESSION: "SH"}  # the other keys are UIDs

# What only a query can ask at a level: how many there are below, and what they are.
_COMPUTED = {
    Level.PATIENT: (0x00201200, 0x00201202, 0x00201204),
    Level.STUDY: (0x00080061, _SOP_CLASSES_IN_STUDY, 0x00201206, 0x00201208),
    Level.SERIES: (0x00201209,),
    Level.INSTANCE: (),
}
_ALLOWED = {
    level: frozenset().union(
        *(MODULE_TAGS[above] for above in Level if above <= level),
        _COMPUTED[level],
        (_CHARSET, _QUERY_LEVEL),
    )
    for level in Level
}


def model_of(level: Level) -> Model:
    """The information model of a level: the study root one has no patients (PS3.4 C.6.2)."""
    return Model.PATIENT_ROOT if level is Level.PATIENT else Model.STUDY_ROOT


def query_identifier(
    level: Level,
    query: Elements,
    manufacturer: Manufacturer,
    *,
    encoding: str,
    normalize: bool = True,
) -> Elements:
    """The identifier of a C-FIND.

    With ``normalize``, what does not belong to the level or one above is left out, and the log
    says so. The keys of the hierarchy are added with any value. A query for any value is written
    as the other side understands it.

    Args:
        encoding: Orthanc's name of the encoding of texts.
    """
    identifier = {tag: value for tag, value in query.items() if tag >> 16 > 2}
    if normalize:
        for tag in [tag for tag in identifier if tag not in _ALLOWED[level]]:
            log.warning(
                "(%04x,%04x) is left out of a C-FIND: it doesn't belong to the level %s",
                tag >> 16,
                tag & 0xFFFF,
                level.word,
            )
            del identifier[tag]
    identifier = adapted(identifier, manufacturer)
    added = [_PATIENT_ID]
    if level > Level.PATIENT:
        added += [_ACCESSION, *_uids(level)]
    for tag in added:
        if tag not in identifier:
            identifier[tag] = Value(_VRS.get(tag, "UI"), universal(manufacturer))
    identifier[_QUERY_LEVEL] = Value("CS", QUERY_LEVELS[level])
    return with_charset(identifier, encoding)


def with_charset(identifier: Elements, encoding: str) -> Elements:
    """An identifier that says in which character set it is.

    That is the one of the configuration, unless the identifier names another; a text that has
    no place in it makes it UTF-8, for a question mark instead of a letter would match anything.
    """
    named = identifier.get(_CHARSET)
    term = named.content if named is not None and isinstance(named.content, str) else ""
    term = term or ORTHANC_ENCODINGS.get(encoding, "ISO_IR 100")
    codec = charset_of(term, "Ascii").codec
    if not all(_fits(text, codec) for text in _texts(identifier)):
        term = "ISO_IR 192"
    return {**identifier, _CHARSET: Value("CS", term)}


def _texts(identifier: Elements) -> Iterable[str]:
    for value in identifier.values():
        if isinstance(value.content, tuple):
            for item in value.content:
                yield from _texts(item)
        elif isinstance(value.content, str):
            yield value.content


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def retrieve_identifier(level: Level, keys: Mapping[int, str]) -> Elements:
    """The identifier of a C-MOVE or C-GET: the unique keys of the hierarchy (PS3.4 C.4.2.1.4).

    Raises:
        BadRequestError: one of them is missing or has wildcards, so that nobody could tell what
            would come.
    """
    wanted = (_PATIENT_ID,) if level is Level.PATIENT else _uids(level)
    identifier: Elements = {_QUERY_LEVEL: Value("CS", QUERY_LEVELS[level])}
    for tag in wanted:
        value = keys.get(tag, "").strip()
        if not value or "*" in value or "?" in value:
            raise BadRequestError(
                f"To retrieve at the level {level.word}, the value of "
                f"({tag >> 16:04x},{tag & 0xFFFF:04x}) is needed, without wildcards"
            )
        identifier[tag] = Value(_VRS.get(tag, "UI"), value)
    return identifier


def wanted_of_keys(level: Level, keys: Elements) -> tuple[Elements, tuple[str, ...]]:
    """What a user names as a resource of another application entity: the keys with the level,
    and the SOP classes of its instances when SOPClassesInStudy is among them."""
    shown = {tag: value for tag, value in keys.items() if tag != _SOP_CLASSES_IN_STUDY}
    shown[_QUERY_LEVEL] = Value("CS", QUERY_LEVELS[level])
    classes = keys.get(_SOP_CLASSES_IN_STUDY)
    return shown, _listed(classes.content if classes is not None else "")


def wanted_of_answer(
    level: Level, answer: DataSet, query: Elements
) -> tuple[Elements, tuple[str, ...]]:
    """The same of an answer of a C-FIND; what jobs and answers show of it is what Orthanc
    shows."""
    return _shown_identifier(level, answer, query), _listed(answer.text(_SOP_CLASSES_IN_STUDY))


def _listed(value: object) -> tuple[str, ...]:
    """The UIDs of a value, as many as an association has room for (PS3.8 9.3.2.2)."""
    if not isinstance(value, str):
        return ()
    return tuple(part.strip(" \0") for part in value.split("\\") if part.strip(" \0"))[:128]


def key_of(answer: DataSet, tag: int, query: Elements) -> str:
    """The value of a unique key in an answer. Some archives leave out those that the query named;
    but a pattern or a list that was asked for is no value."""
    value = answer.text(tag)
    if value:
        return value
    asked = query.get(tag)
    text = asked.content if asked is not None and isinstance(asked.content, str) else ""
    return "" if any(sign in text for sign in "*?\\") else text


def _shown_identifier(level: Level, answer: DataSet, query: Elements) -> Elements:
    """The keys of an answer, with its level."""
    tags = [_PATIENT_ID] if level is Level.PATIENT else [_PATIENT_ID, _ACCESSION, *_uids(level)]
    shown: Elements = {_QUERY_LEVEL: Value("CS", QUERY_LEVELS[level])}
    for tag in tags:
        value = key_of(answer, tag, query) if tag in UNIQUE_KEYS.values() else answer.text(tag)
        shown[tag] = Value(_VRS.get(tag, "UI"), value or "")
    return shown


def _uids(level: Level) -> tuple[int, ...]:
    return tuple(UNIQUE_KEYS[above] for above in Level if Level.PATIENT < above <= level)


def json_of_elements(elements: Elements, dictionary: Dictionary, form: Form) -> dict[str, Any]:
    """Elements of our own as JSON, in Orthanc's forms. Bytes are not shown."""
    members: dict[str, Any] = {}
    for tag in sorted(elements):
        content = elements[tag].content
        name = dictionary.keyword(tag)
        digits = f"{tag >> 16:04x},{tag & 0xFFFF:04x}"
        shown: Any = None
        kind = "Null"
        if isinstance(content, tuple):
            kind = "Sequence"
            shown = [json_of_elements(item, dictionary, form) for item in content]
        elif isinstance(content, str):
            kind, shown = "String", content
        if form == "full":
            members[digits] = {"Name": name, "Type": kind, "Value": shown}
        else:
            members[digits if form == "short" else name] = shown
    return members
