"""From the tags that a query or an answer names to where their values come from.

A value comes from the index (main tags of the level and of those above), from what the server
counts (ModalitiesInStudy and its like), or from the file of one instance of the resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from hornburg.archive.parts import Archive
from hornburg.dicom.dictionary import Step
from hornburg.dicom.levels import Level
from hornburg.errors import BadRequestError, Outside

__all__ = ["COMPUTED", "MODALITIES_IN_STUDY", "SearchTag", "UnknownTagError", "search_tag"]

MODALITIES_IN_STUDY = 0x00080061
_MODALITY = 0x00080060

COMPUTED: Mapping[int, Level | None] = {
    0x00080056: None,  # InstanceAvailability
    MODALITIES_IN_STUDY: Level.STUDY,
    0x00080062: Level.STUDY,  # SOPClassesInStudy
    0x00201200: Level.PATIENT,  # NumberOfPatientRelatedStudies
    0x00201202: Level.PATIENT,  # NumberOfPatientRelatedSeries
    0x00201204: Level.PATIENT,  # NumberOfPatientRelatedInstances
    0x00201206: Level.STUDY,  # NumberOfStudyRelatedSeries
    0x00201208: Level.STUDY,  # NumberOfStudyRelatedInstances
    0x00201209: Level.SERIES,  # NumberOfSeriesRelatedInstances
}
"""Tags that the server counts (PS3.4 C.3.4), with the level of what is counted, if it has one."""


class UnknownTagError(BadRequestError):
    """What should name a tag is in no dictionary."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 27, "Unknown DICOM tag", 0xA900)


@dataclass(frozen=True, slots=True)
class SearchTag:
    """A tag, or one inside of sequences, as a search at some level sees it.

    ``asked`` is how the caller wrote it. ``level`` is the level whose main tag it is, or that
    is counted; ``main`` and ``computed`` tell which of both, and neither that its value is in the
    files.
    """

    asked: str
    path: tuple[Step, ...]
    keyword: str
    vr: str
    level: Level | None = None
    main: bool = False
    computed: bool = False

    @property
    def tag(self) -> int:
        """The outermost tag."""
        return self.path[0].tag

    def is_modality(self, level: Level) -> bool:
        """Whether a search at this level compares it with the modalities of a study's series.

        A study has no modality of its own: who asks for one means that of its series.
        """
        return (self.computed and self.tag == MODALITIES_IN_STUDY) or (
            level == Level.STUDY and len(self.path) == 1 and self.tag == _MODALITY
        )

    @property
    def digits(self) -> str:
        """The outermost tag as ``gggg,eeee``."""
        return f"{self.tag >> 16:04x},{self.tag & 0xFFFF:04x}"


def search_tag(archive: Archive, level: Level, name: str) -> SearchTag:
    """Read a keyword, ``gggg,eeee`` or a path into sequences, for a search at a level.

    Raises:
        UnknownTagError: it is in no dictionary.
    """
    path = archive.dictionary.path(name) if len(name) <= 1024 else None
    if path is None:
        raise UnknownTagError(f"{name[:64]!r} is no DICOM tag: a keyword or gggg,eeee is needed")
    tag = path[0].tag
    keyword = archive.dictionary.keyword(tag)
    vr = archive.dictionary.vr(path[-1].tag)
    if len(path) > 1 or path[0].item is not None:
        return SearchTag(name, path, keyword, vr)
    for at in range(level, -1, -1):
        if tag in archive.main_tags.tags(Level(at)):
            return SearchTag(name, path, keyword, vr, Level(at), main=True)
    if tag in COMPUTED:
        counted = COMPUTED[tag]
        if counted is None or counted <= level:
            return SearchTag(name, path, keyword, vr, counted, computed=True)
    return SearchTag(name, path, keyword, vr)
