"""C-FIND of patients, studies, series and instances: from an identifier to answers (PS3.4 C.4.1).

Who is asked is the archive's one road of finds; this module says what an identifier means, and how
an answer looks. What Orthanc 1.10 does was watched; where its answer was poorer than the standard's
(computed tags, items of sequences, private tags in another block), the standard's is given.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from hornburg.archive.answer_form import AnswerForm, AnswerWriter
from hornburg.archive.find import Lines, Look, find_batches
from hornburg.archive.keys import Key, empty, keys_of, matches, shaped
from hornburg.archive.parts import Archive
from hornburg.archive.query_lines import LineForm, Source
from hornburg.archive.requested import Kin
from hornburg.archive.search import Search
from hornburg.archive.search_tags import MODALITIES_IN_STUDY, SearchTag, search_tag
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, Value
from hornburg.dicom.levels import Level
from hornburg.dicom.reader import DicomFile
from hornburg.errors import BadRequestError, Outside
from hornburg.index.base import Match, Resource
from hornburg.settings import StorageAccessOnFind

__all__ = ["LEVELS", "Answers", "IdentifierError", "Query", "query_of"]

#: Answers that are encoded in a row.
_AT_ONCE = 20

_LEVEL = 0x00080052
_RETRIEVE_AET = 0x00080054
_MODALITY = 0x00080060
_SOP_CLASS_UID = 0x00080016
_TIMEZONE = 0x00080201

LEVELS = {
    "PATIENT": Level.PATIENT,
    "STUDY": Level.STUDY,
    "SERIES": Level.SERIES,
    "IMAGE": Level.INSTANCE,
    # Orthanc takes its own word too.
    "INSTANCE": Level.INSTANCE,
}


class IdentifierError(BadRequestError):
    """The identifier has no level that its SOP class knows, or does not say what is wanted
    (PS3.4 tables C.4-1 and C.4-2: 0xA900)."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 8, "Bad request", 0xA900)


@dataclass(frozen=True, slots=True)
class Answers:
    """A batch of encoded answers; ``truncated`` with the last one when a limit left some out."""

    datasets: list[bytes]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A key whose value the index has."""

    key: Key
    tag: SearchTag


@dataclass(slots=True)
class _Sorted:
    """The keys of an identifier, by what has to be done for them."""

    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    indexed: list[_Indexed] = field(default_factory=list)
    filed: list[Key] = field(default_factory=list)
    #: Main tags of a lower level, which have no one value here.
    lower: list[Key] = field(default_factory=list)
    sop_class: bool = False
    modality: Key | None = None
    nothing: bool = False
    supported: bool = True
    template: Elements = field(default_factory=dict)


class Query:
    """An identifier that was understood. Make it with :func:`query_of`.

    ``supported`` tells whether all of its keys are; if not, answers are pending with 0xFF01
    (PS3.4 C.4.1.1.4), and the others match everything.
    """

    def __init__(
        self, archive: Archive, level: Level, sorted_keys: _Sorted, written: AnswerForm
    ) -> None:
        self._archive = archive
        self._level = level
        self._keys = sorted_keys
        self._written = written
        self._read: dict[str, Elements] = {}
        self.supported = sorted_keys.supported

    async def answers(self, transfer_syntax: str) -> AsyncGenerator[Answers, None]:
        """The encoded answers, batch by batch.

        Raises:
            BadRequestError: a key makes no sense; the message names it.
        """
        if self._keys.nothing:
            return
        keys = self._keys
        search = Search(self._level, keys.tags, exact_texts=True, metadata=keys.metadata)
        look: Look | None = self._look if keys.filed else None
        selective = any(key.selects for key in keys.filed)

        sources = self._sources()
        changing = [(one.tag, one.vr) for one in sources]
        writer = AnswerWriter(self._written, keys.template, changing, transfer_syntax)
        of_lines = LineForm(self._level, sources)
        metadata = "SopClassUid" if keys.sop_class else ""
        lines: Lines[bytes | list[str]] = Lines(of_lines.top, of_lines.texts, metadata)

        def form(kin: Kin, resource: Resource) -> bytes | list[str]:
            elements = self._elements(kin, resource)
            return self._written.encoded(elements, transfer_syntax, keys.template)

        async for found in find_batches(
            self._archive, search, lines, form, look, selective=selective
        ):
            answers = found.answers
            # The first are on their way, and others have their turn, while the last are encoded.
            for at in range(0, len(answers) or 1, _AT_ONCE):
                some = answers[at : at + _AT_ONCE]
                datasets = [one if isinstance(one, bytes) else writer.encoded(one) for one in some]
                yield Answers(datasets, found.truncated and at + _AT_ONCE >= len(answers))

    def _sources(self) -> list[Source]:
        """What an answer has, and from where, when no file need be opened: the same, sooner."""
        keys = self._keys
        sources = [Source(one.key.tag, one.key.vr, one.tag) for one in keys.indexed]
        if keys.sop_class:
            sources.append(Source(_SOP_CLASS_UID, "UI", metadata=True))
        if keys.modality is not None:
            tag = search_tag(self._archive, Level.STUDY, "ModalitiesInStudy")
            sources.append(Source(_MODALITY, "CS", tag, keys.modality.criterion))
        return sources

    def _look(self, file: DicomFile, resource: Resource) -> bool:
        if not matches(file.dataset, self._keys.filed):
            return False
        self._read[resource.public_id] = shaped(file.dataset, self._keys.filed)
        return True

    def _elements(self, kin: Kin, resource: Resource) -> Elements:
        keys = self._keys
        elements = dict(keys.template)
        tags: dict[Level, Mapping[str, str]] = {}
        for one in keys.indexed:
            tag = one.tag
            value: str | None
            if tag.computed:
                value = kin.computed(resource, tag)
            else:
                level = tag.level or Level.PATIENT
                if level not in tags:
                    tags[level] = kin.main_tags(resource, level)
                value = tags[level].get(tag.keyword)
            if value:
                elements[one.key.tag] = Value(one.key.vr, value)
        if keys.sop_class:
            elements[_SOP_CLASS_UID] = Value("UI", resource.metadata.get("SopClassUid", ""))
        if keys.modality is not None:
            elements[_MODALITY] = Value("CS", self._modality(kin, resource, keys.modality))
        if keys.filed:
            elements.update(self._read.pop(resource.public_id, {}))
        return elements

    def _modality(self, kin: Kin, resource: Resource, key: Key) -> str:
        """The modality that a study was found by: it has none of its own."""
        tag = search_tag(self._archive, Level.STUDY, "ModalitiesInStudy")
        for modality in (kin.computed(resource, tag) or "").split("\\"):
            if key.criterion is not None and key.criterion.accepts(modality):
                return modality
        return ""


def query_of(archive: Archive, identifier: DataSet, lowest: Level = Level.INSTANCE) -> Query:
    """Read an identifier.

    Args:
        archive: where it will look.
        identifier: the data set of the C-FIND.
        lowest: the lowest level of the information model.

    Raises:
        IdentifierError: the level is missing, or is none.
        BadRequestError: a key makes no sense; the message names it.
    """
    word = (identifier.text(_LEVEL) or "").strip()
    level = LEVELS.get(word.upper())
    if level is None or level > lowest:
        what = f"{word[:16]!r} is no level of this query" if word else "no QueryRetrieveLevel"
        raise IdentifierError(f"Identifier: {what}; PATIENT, STUDY, SERIES or IMAGE is needed")
    settings = archive.settings
    keys = keys_of(identifier, case_sensitive_pn=settings.case_sensitive_pn)
    sorted_keys = _Sorted()
    sorted_keys.template = {
        **{key.tag: empty(key) for key in keys},
        _LEVEL: Value("CS", word),
        _RETRIEVE_AET: Value("AE", settings.dicom_aet),
    }
    for key in keys:
        _sort(archive, level, key, sorted_keys)
    if sorted_keys.filed:
        # The first instance speaks for them once its file is read, as with Orthanc; for their
        # sake alone no file is opened.
        sorted_keys.filed += sorted_keys.lower
    _leave_out_unsupported(settings.storage_access_on_find, sorted_keys)
    written = AnswerForm.of(identifier, archive.runtime.default_encoding)
    return Query(archive, level, sorted_keys, written)


def _sort(archive: Archive, level: Level, key: Key, into: _Sorted) -> None:
    tag = key.tag
    if tag == _LEVEL or (tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF):
        return
    into.supported &= key.supported
    if tag == _RETRIEVE_AET:
        own = archive.settings.dicom_aet
        into.nothing |= key.criterion is not None and not key.criterion.accepts(own)
        return
    if tag == _TIMEZONE:
        # It says in which zone the query's own times are, and selects nothing.
        into.filed.append(Key(tag, key.vr))
        return
    if key.vr == "SQ" or key.creator or tag >> 16 & 1:
        into.filed.append(key)
        return
    found = search_tag(archive, level, key.digits)
    if found.main or found.computed:
        into.indexed.append(_Indexed(key, found))
        if key.criterion is not None:
            into.tags[key.digits] = key.text
    elif found.is_modality(level) and key.criterion is not None:
        if MODALITIES_IN_STUDY not in _asked(into):
            into.tags[key.digits] = key.text
            into.modality = key
    elif tag == _SOP_CLASS_UID and level == Level.INSTANCE and _is_plain(key):
        into.sop_class = True
        if key.criterion is not None:
            into.metadata["SopClassUid"] = key.criterion.values[0]
    elif key.criterion is not None or archive.main_tags.level_of(tag) is None:
        into.filed.append(key)
    else:
        into.lower.append(key)


def _asked(into: _Sorted) -> set[int]:
    return {one.key.tag for one in into.indexed if one.key.criterion is not None}


def _is_plain(key: Key) -> bool:
    return key.criterion is None or key.criterion.match is Match.EQUAL


def _leave_out_unsupported(access: StorageAccessOnFind, keys: _Sorted) -> None:
    """``StorageAccessOnFind`` may forbid to open files: then what they hold is not supported."""
    if access is StorageAccessOnFind.ALWAYS:
        return
    kept = (
        []
        if access is StorageAccessOnFind.NEVER
        else [key for key in keys.filed if not key.selects]
    )
    keys.supported &= len(kept) == len(keys.filed)
    keys.filed = kept
