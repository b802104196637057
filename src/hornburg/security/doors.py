"""What callers ask over DICOM, and which of it is open to everybody.

``doors_of`` is the one place where settings become open or closed doors; a stricter profile
closes them here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from hornburg.settings import Modality, Settings

__all__ = ["Act", "Doors", "allows", "doors_of"]


class Act(enum.Enum):
    """What a caller may want; the value is the attribute of ``Modality`` that allows it."""

    ECHO = "allow_echo"
    STORE = "allow_store"
    FIND = "allow_find"
    FIND_WORKLIST = "allow_find_worklist"
    MOVE = "allow_move"
    GET = "allow_get"
    STORAGE_COMMITMENT = "allow_n_action"
    EVENT_REPORT = "allow_n_event_report"

    @property
    def word(self) -> str:
        """The act in the words of the standard."""
        return _WORDS[self]


_WORDS = {
    Act.ECHO: "C-ECHO",
    Act.STORE: "C-STORE",
    Act.FIND: "C-FIND",
    Act.FIND_WORKLIST: "C-FIND of worklists",
    Act.MOVE: "C-MOVE",
    Act.GET: "C-GET",
    Act.STORAGE_COMMITMENT: "N-ACTION of storage commitment",
    Act.EVENT_REPORT: "N-EVENT-REPORT of storage commitment",
}


@dataclass(frozen=True, slots=True)
class Doors:
    """The acts that are open to everybody who calls."""

    open: frozenset[Act]

    @property
    def any_open(self) -> bool:
        return bool(self.open)

    def open_to_all(self, act: Act) -> bool:
        return act in self.open


def doors_of(settings: Settings) -> Doors:
    """The ``DicomAlwaysAllow...`` options. Storage commitment has none: known modalities only."""
    asked = {
        Act.ECHO: settings.dicom_always_allow_echo,
        Act.STORE: settings.dicom_always_allow_store,
        Act.FIND: settings.dicom_always_allow_find,
        Act.FIND_WORKLIST: settings.dicom_always_allow_find_worklist,
        Act.MOVE: settings.dicom_always_allow_move,
        Act.GET: settings.dicom_always_allow_get,
    }
    return Doors(frozenset(act for act, is_open in asked.items() if is_open))


def allows(modality: Modality, act: Act) -> bool:
    """Whether the entry of a modality allows something."""
    return bool(getattr(modality, act.value))
