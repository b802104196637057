"""What a C-MOVE or C-GET asks for: from the unique keys of its identifier to resources."""

from __future__ import annotations

from hornburg.archive.find import find_ids
from hornburg.archive.parts import Archive
from hornburg.archive.query import LEVELS, IdentifierError
from hornburg.archive.search import Search
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.levels import Level

__all__ = ["wanted_resources"]

_QUERY_RETRIEVE_LEVEL = 0x00080052

#: The unique keys (PS3.4 C.6.1.1, C.6.2.1), and Accession Number, which Orthanc takes as one.
_KEYS = {
    "PatientID": (0x00100020, Level.PATIENT),
    "AccessionNumber": (0x00080050, Level.STUDY),
    "StudyInstanceUID": (0x0020000D, Level.STUDY),
    "SeriesInstanceUID": (0x0020000E, Level.SERIES),
    "SOPInstanceUID": (0x00080018, Level.INSTANCE),
}


async def wanted_resources(archive: Archive, identifier: DataSet) -> list[tuple[Level, str]]:
    """The resources that an identifier names (PS3.4 C.4.2.1.4); none when nothing matches.

    Lists of values are taken at every level, as Orthanc does; wildcards at none: what is sent
    must have been named.

    Raises:
        IdentifierError: no level, no key of that level, or a wildcard.
    """
    level = _level(identifier)
    tags: dict[str, str] = {}
    has_key = False
    for keyword, (tag, of) in _KEYS.items():
        value = (identifier.text(tag) or "").strip(" \0")
        if not value or of > level:
            continue
        if keyword.endswith("UID"):
            value = "\\".join(part.strip(" \0") for part in value.split("\\"))
        if any(sign in value for sign in "*?"):
            raise IdentifierError(f"{keyword} has a wildcard: a retrieval names what it wants")
        tags[keyword] = value
        has_key |= of is level
    if not has_key:
        keys = " or ".join(key for key, (_, of) in _KEYS.items() if of is level)
        raise IdentifierError(f"Level {level.word.upper()}: {keys} is needed")
    # Every instance of what is named is wanted: limits on finds are no limits here.
    found = await find_ids(archive, Search(level, tags, case_sensitive=True, capped=False))
    return [(level, public_id) for public_id in found.answers]


def _level(identifier: DataSet) -> Level:
    word = (identifier.text(_QUERY_RETRIEVE_LEVEL) or "").strip(" \0").upper()
    level = LEVELS.get(word)
    if level is not None:
        return level
    if word:
        raise IdentifierError("QueryRetrieveLevel is PATIENT, STUDY, SERIES or IMAGE")
    # Some workstations leave it out; the narrowest key says what they mean.
    for tag, of in reversed(_KEYS.values()):
        if (identifier.text(tag) or "").strip(" \0"):
            return of
    raise IdentifierError("QueryRetrieveLevel is missing, and there is no unique key")
