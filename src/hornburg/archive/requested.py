"""Tags that an answer shows besides the main ones (``RequestedTags`` of Orthanc 1.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hornburg.archive.parts import Archive
from hornburg.archive.search_tags import SearchTag, search_tag
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form, encode
from hornburg.dicom.reader import DicomFile
from hornburg.errors import BadRequestError
from hornburg.index.base import Counts, Query, Reader, Resource

__all__ = ["AVAILABILITY", "MOST_TAGS", "Kin", "Requested", "decode_tags"]

#: InstanceAvailability (PS3.4 C.4.1.1.3): immediately available.
AVAILABILITY = "ONLINE"

#: Tags in one request; a data set has some hundreds.
MOST_TAGS = 500

#: Characters of one value; longer ones, such as embedded documents, are left out of answers.
_LONGEST = 64 << 10

_MODALITIES = "ModalitiesInStudy"
_SOP_CLASSES = "SOPClassesInStudy"

_COUNTED: dict[str, Callable[[Counts], str]] = {
    _MODALITIES: lambda counts: "\\".join(counts.modalities),
    "NumberOfPatientRelatedStudies": lambda counts: str(counts.studies),
    "NumberOfPatientRelatedSeries": lambda counts: str(counts.series),
    "NumberOfPatientRelatedInstances": lambda counts: str(counts.instances),
    "NumberOfStudyRelatedSeries": lambda counts: str(counts.series),
    "NumberOfStudyRelatedInstances": lambda counts: str(counts.instances),
    "NumberOfSeriesRelatedInstances": lambda counts: str(counts.instances),
}
"""What the index counts, for a page of resources at once."""

_NOTHING = Counts(0, 0, 0)

_decode = msgspec.json.decode
_decode_texts = msgspec.json.Decoder(dict[str, str]).decode


@dataclass(slots=True)
class Kin:
    """What was looked up about the resources above those of an answer; siblings share them."""

    reader: Reader
    _resources: dict[tuple[Level, str], Resource | None] = field(default_factory=dict)
    _tags: dict[tuple[Level, str], dict[str, str]] = field(default_factory=dict)
    _computed: dict[tuple[Level, str, int], str] = field(default_factory=dict)
    #: By level, and whether modalities were asked for.
    _counts: dict[tuple[Level, bool], dict[str, Counts]] = field(default_factory=dict)

    def forget(self) -> None:
        """Give the memory back, between pages."""
        for kept in (self._resources, self._tags, self._computed, self._counts):
            kept.clear()

    def above(self, resource: Resource, level: Level) -> Resource | None:
        """The resource itself, or the one above it at a level."""
        found: Resource | None = resource
        while found is not None and found.level > level:
            key = (Level(found.level - 1), found.parent_id or "")
            if key not in self._resources:
                self._resources[key] = self.reader.resource(*key)
            found = self._resources[key]
        return found

    def main_tags(self, resource: Resource, level: Level) -> dict[str, str]:
        """The main tags of a level, of a resource at that level or below."""
        if level == resource.level:
            return decode_tags(resource.main_tags)
        if level == Level.PATIENT and resource.patient_main_tags is not None:
            return decode_tags(resource.patient_main_tags)
        above = self.above(resource, level)
        if above is None:
            return {}
        key = (level, above.public_id)
        if key not in self._tags:
            self._tags[key] = decode_tags(above.main_tags)
        return self._tags[key]

    def prepare(self, level: Level, public_ids: Sequence[str], tags: Iterable[SearchTag]) -> None:
        """Count beforehand, and at once, what tags will want of a page of resources of a level."""
        wanted = {tag.keyword for tag in tags if tag.computed and tag.level == level}
        if public_ids and not wanted.isdisjoint(_COUNTED):
            modalities = _MODALITIES in wanted
            counts = self.reader.counts(level, public_ids, modalities=modalities)
            self._counts.setdefault((level, modalities), {}).update(counts)

    def computed(self, resource: Resource, tag: SearchTag) -> str | None:
        """The value of a tag that the server counts."""
        if tag.level is None:
            return AVAILABILITY
        above = self.above(resource, tag.level)
        return None if above is None else self.computed_of(above.public_id, tag)

    def computed_of(self, public_id: str, tag: SearchTag) -> str:
        """The same of the resource itself that is counted."""
        level = tag.level
        if level is None:
            return AVAILABILITY
        if tag.keyword in _COUNTED:
            return _COUNTED[tag.keyword](self._counted(level, public_id, tag.keyword))
        key = (level, public_id, tag.tag)
        if key not in self._computed:
            self._computed[key] = _sop_classes(self.reader, level, public_id)
        return self._computed[key]

    def texts(
        self, level: Level, public_ids: Sequence[str], tags: Sequence[SearchTag]
    ) -> list[dict[str, str]]:
        """For each of some tags that the server counts, its value by resource of a level."""
        self.prepare(level, public_ids, tags)
        counts = self._counts.get((level, any(tag.keyword == _MODALITIES for tag in tags)), {})
        found = []
        for tag in tags:
            text = _COUNTED.get(tag.keyword)
            if text is None:
                found.append({one: self.computed_of(one, tag) for one in public_ids})
            else:
                found.append({one: text(counts.get(one, _NOTHING)) for one in public_ids})
        return found

    def _counted(self, level: Level, public_id: str, keyword: str) -> Counts:
        modalities = keyword == _MODALITIES
        for full in (True,) if modalities else (True, False):
            found = self._counts.get((level, full), {}).get(public_id)
            if found is not None:
                return found
        counts = self.reader.counts(level, (public_id,), modalities=modalities)
        found = counts.get(public_id, _NOTHING)
        self._counts.setdefault((level, modalities), {})[public_id] = found
        return found


def decode_tags(encoded: bytes | str) -> dict[str, str]:
    """Main tags by name."""
    return _decode_texts(encoded)


def _sop_classes(reader: Reader, level: Level, public_id: str) -> str:
    instances = reader.find(Query(Level.INSTANCE, ancestor=(level, public_id)))
    found = {one.metadata.get("SopClassUid", "") for one in instances}
    return "\\".join(sorted(one for one in found if one))


@dataclass(frozen=True, slots=True)
class Requested:
    """The tags that an answer shows, and in which form; those without a value are left out."""

    form: Form = "simplify"
    indexed: tuple[SearchTag, ...] = ()
    filed: tuple[SearchTag, ...] = ()

    @classmethod
    def of(
        cls, archive: Archive, level: Level, names: Iterable[str], form: Form = "simplify"
    ) -> Requested:
        """Read the names of tags for answers of a level.

        Raises:
            BadRequestError: too many, unknown, or inside of a sequence.
        """
        tags: dict[int, SearchTag] = {}
        # A tag that is asked for twice is looked up once.
        for name in dict.fromkeys(names):
            tag = search_tag(archive, level, name)
            if len(tag.path) > 1 or tag.path[0].item is not None:
                raise BadRequestError(
                    f"RequestedTags: {name[:64]!r} is inside of a sequence; ask for the sequence"
                )
            tags[tag.tag] = tag
            if len(tags) > MOST_TAGS:
                raise BadRequestError(f"RequestedTags: at most {MOST_TAGS} tags are allowed")
        indexed = tuple(tag for tag in tags.values() if _is_indexed(tag, form))
        filed = tuple(tag for tag in tags.values() if not _is_indexed(tag, form))
        return cls(form, indexed, filed)

    def __bool__(self) -> bool:
        return bool(self.indexed or self.filed)

    def prepare(self, kin: Kin, page: Sequence[Resource]) -> None:
        """Count beforehand what :meth:`from_index` will show of a page of one level."""
        if page:
            kin.prepare(page[0].level, [one.public_id for one in page], self.indexed)

    def from_index(self, kin: Kin, resource: Resource) -> None:
        """Fill in what the index knows."""
        shown: dict[str, Any] = {}
        for tag in self.indexed:
            if tag.computed:
                value = kin.computed(resource, tag)
            else:
                main = kin.main_tags(resource, tag.level or Level.PATIENT)
                value = main.get(tag.keyword)
            if value is not None:
                key, content = self._show(tag, _decode(value) if tag.vr == "SQ" else value)
                shown[key] = content
        resource.requested_tags = shown

    def from_file(self, file: DicomFile, resource: Resource) -> None:
        """Fill in what the file of an instance knows."""
        shown = resource.requested_tags
        if shown is None:
            shown = resource.requested_tags = {}
        for tag in self.filed:
            if tag.tag in file.dataset:
                text = encode(file, self.form, max_length=_LONGEST, only=(tag.tag,))
                shown.update(_decode(text))

    def _show(self, tag: SearchTag, value: Any) -> tuple[str, Any]:
        if self.form == "simplify":
            return tag.keyword, value
        if self.form == "short":
            return tag.digits, value
        return tag.digits, {"Name": tag.keyword, "Type": "String", "Value": value}


def _is_indexed(tag: SearchTag, form: Form) -> bool:
    """Sequences are in the index in one form alone."""
    return tag.computed or (tag.main and (tag.vr != "SQ" or form == "simplify"))
