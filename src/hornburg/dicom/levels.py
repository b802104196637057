"""The four levels of the DICOM information model (PS3.4 C.6.1.1), with Orthanc's words for them."""

from __future__ import annotations

import enum

__all__ = ["Level"]


class Level(enum.IntEnum):
    """A level, from the widest (patient) to the narrowest (instance)."""

    PATIENT = 0
    STUDY = 1
    SERIES = 2
    INSTANCE = 3

    @property
    def word(self) -> str:
        """``Patient``, ``Study``, ``Series`` or ``Instance``."""
        return _WORDS[self]

    @property
    def plural(self) -> str:
        """The first part of the routes of this level, such as ``studies``."""
        return _PLURALS[self]

    @property
    def parent(self) -> Level | None:
        """The level above, none for patients."""
        return Level(self - 1) if self else None

    @property
    def child(self) -> Level | None:
        """The level below, none for instances."""
        return Level(self + 1) if self < Level.INSTANCE else None

    @classmethod
    def from_word(cls, word: str) -> Level:
        """Read a level in any case, singular or plural.

        Raises:
            ValueError: it is no level.
        """
        try:
            return _BY_WORD[word.lower()]
        except KeyError:
            raise ValueError(f"{word!r} is no level: Patient, Study, Series or Instance") from None


_WORDS = ("Patient", "Study", "Series", "Instance")
_PLURALS = ("patients", "studies", "series", "instances")
_BY_WORD = {
    **{word.lower(): Level(number) for number, word in enumerate(_WORDS)},
    **{word: Level(number) for number, word in enumerate(_PLURALS)},
}
