"""The SOP classes and transfer syntaxes that the standard names, as pydicom's dictionary has them.

Retired ones are among them: archives meet them for as long as old images live.
"""

from __future__ import annotations

from hornburg.dicom.dictionary import _table

__all__ = [
    "STORAGE_CLASSES",
    "TRANSFER_SYNTAXES",
    "by_number",
    "is_known_class",
    "is_uid",
    "name_of_uid",
]

# UID -> name, kind, info, "Retired" or empty, keyword.
_DICTIONARY: dict[str, tuple[str, str, str, str, str]] = _table("_uid_dict").UID_dictionary

#: PS3.5 section 9.1.
_LONGEST_UID = 64

# DICOMDIR (PS3.3 F) lies on media and never crosses the network.
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"

# Real-time video (PS3.22) has its own way and no C-STORE.
_REAL_TIME = "1.2.840.10008.1.2.7."


def by_number(uid: str) -> tuple[int, ...]:
    """A sort key that puts UIDs in the order of their numbers, as Orthanc's lists have them."""
    return tuple(int(part) for part in uid.split(".") if part.isdigit())


def is_uid(text: str) -> bool:
    """Whether a text is a UID: numbers without leading zeros, joined by dots, 64 characters."""
    if not text.isascii() or len(text) > _LONGEST_UID:
        return False
    parts = text.split(".")
    return all(part.isdigit() and (part == "0" or part[0] != "0") for part in parts)


def name_of_uid(uid: str) -> str:
    """The standard's name of a UID, or an empty text."""
    return _DICTIONARY[uid][0] if uid in _DICTIONARY else ""


def is_known_class(uid: str) -> bool:
    """Whether the standard has a SOP class of this UID, for storage or not."""
    entry = _DICTIONARY.get(uid)
    return entry is not None and bool(entry[0]) and entry[1] in ("SOP Class", "Meta SOP Class")


def _stores(uid: str) -> bool:
    _, kind, _, _, keyword = _DICTIONARY[uid]
    return (
        kind == "SOP Class"
        and "Storage" in keyword
        and not keyword.startswith("StorageCommitment")
        and uid != _MEDIA_DIRECTORY
    )


def _is_syntax(uid: str) -> bool:
    return _DICTIONARY[uid][1] == "Transfer Syntax" and not uid.startswith(_REAL_TIME)


STORAGE_CLASSES: tuple[str, ...] = tuple(sorted(filter(_stores, _DICTIONARY), key=by_number))
"""Every SOP class whose instances a C-STORE may carry, in the order of the numbers."""

TRANSFER_SYNTAXES: tuple[str, ...] = tuple(sorted(filter(_is_syntax, _DICTIONARY), key=by_number))
"""Every transfer syntax that an instance may have, in the order of the numbers."""
