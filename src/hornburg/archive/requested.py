"""Tags that an answer shows besides the main ones (``RequestedTags`` of Orthanc 1.11)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hornburg.archive.parts import Archive
from hornburg.archive.search_tags import SearchTag, search_tag
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form, encode
from hornburg.dicom.reader import DicomFile
from hornburg.errors import BadRequestError
from hornburg.index.base import Query, Reader, Resource

__all__ = ["MOST_TAGS", "Kin", "Requested"]

#: Tags in one request; a data set has some hundreds.
MOST_TAGS = 500

#: Characters of one value; longer ones, such as embedded documents, are left out of answers.
_LONGEST = 64 << 10

_CHILDREN = {
    Level.PATIENT: "NumberOfPatientRelatedStudies",
    Level.STUDY: "NumberOfStudyRelatedSeries",
    Level.SERIES: "NumberOfSeriesRelatedInstances",
}
"""What counts the children of a resource, which come with it."""

_decode = msgspec.json.decode


@dataclass(slots=True)
class Kin:
    """What was looked up about the resources above those of an answer; siblings share them."""

    reader: Reader
    _resources: dict[tuple[Level, str], Resource | None] = field(default_factory=dict)
    _tags: dict[tuple[Level, str], dict[str, str]] = field(default_factory=dict)
    _computed: dict[tuple[Level, str, int], str] = field(default_factory=dict)

    def forget(self) -> None:
        """Give the memory back, between pages."""
        for kept in (self._resources, self._tags, self._computed):
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

    def computed(self, resource: Resource, tag: SearchTag) -> str | None:
        """The value of a tag that the server counts."""
        if tag.level is None:
            return "ONLINE"  # InstanceAvailability, PS3.4 C.4.1.1.3: immediately available
        above = self.above(resource, tag.level)
        if above is None:
            return None
        key = (tag.level, above.public_id, tag.tag)
        if key not in self._computed:
            self._computed[key] = _compute(self.reader, above, tag.keyword)
        return self._computed[key]


def decode_tags(encoded: bytes) -> dict[str, str]:
    """Main tags by name."""
    return _decode(encoded, type=dict[str, str])


def _compute(reader: Reader, resource: Resource, keyword: str) -> str:
    level, public_id = resource.level, resource.public_id
    if keyword == "ModalitiesInStudy":
        series = reader.find(Query(Level.SERIES, ancestor=(level, public_id)))
        return _joined(decode_tags(one.main_tags).get("Modality", "") for one in series)
    if keyword == "SOPClassesInStudy":
        instances = reader.find(Query(Level.INSTANCE, ancestor=(level, public_id)))
        return _joined(one.metadata.get("SopClassUid", "") for one in instances)
    if keyword == _CHILDREN.get(level):
        return str(len(resource.children))
    counted = reader.resource_statistics(level, public_id)
    if counted is None:
        return "0"
    if keyword.endswith("Studies"):
        return str(counted.studies)
    return str(counted.series if keyword.endswith("Series") else counted.instances)


def _joined(values: Iterable[str]) -> str:
    return "\\".join(sorted({value for value in values if value}))


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
