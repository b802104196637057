"""A patient, study, series or instance as Orthanc's JSON.

The main tags lie in the index as JSON, so that nothing is decoded on the way of the usual form;
the members come in the order of their names, as Orthanc writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from hornburg.archive.parts import Archive
from hornburg.archive.requested import decode_tags
from hornburg.archive.series import as_number, expected_number, series_status
from hornburg.archive.verbatim import from_text
from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.levels import Level
from hornburg.dicom.main_tags import MainTags
from hornburg.dicom.orthanc_json import Form
from hornburg.errors import ParameterOutOfRangeError
from hornburg.index.base import Attachment, Reader, Resource

__all__ = ["CONTENTS", "USUAL", "ResourceWriter", "contents_of", "usual"]

USUAL = frozenset(
    ("MainDicomTags", "Children", "Parent", "Labels", "Status", "IsStable", "IsProtected")
)
"""What an expanded answer holds when nobody asks for anything else."""

CONTENTS = USUAL | {"Metadata", "Attachments"}
"""What ``ResponseContent`` may name (Orthanc 1.12.5)."""

_encode = msgspec.json.Encoder().encode
_CHILDREN = ("Studies", "Series", "Instances")


def contents_of(names: Iterable[str]) -> frozenset[str]:
    """Read ``ResponseContent``.

    Raises:
        ParameterOutOfRangeError: a name is none of :data:`CONTENTS`.
    """
    contents = frozenset(names)
    for name in contents - CONTENTS:
        raise ParameterOutOfRangeError(
            f"ResponseContent: {name[:64]!r} is none of {', '.join(sorted(CONTENTS))}"
        )
    return contents


def usual(reader: Reader, resource: Resource) -> bytes:
    """The usual form of an answer, which is the fastest."""
    level = resource.level
    labels = _encode(resource.labels).decode() if resource.labels else "[]"
    if level == Level.STUDY:
        head = (
            f'{{"ID":"{resource.public_id}","IsStable":{_bool(resource.is_stable)},'
            f'"Labels":{labels},"LastUpdate":"{resource.last_update}","MainDicomTags":'
        )
        middle = f',"ParentPatient":"{resource.parent_id}","PatientMainDicomTags":'
        tail = f',"Series":{_ids(resource.children)},"Type":"Study"}}'
        patient = resource.patient_main_tags or b"{}"
        return b"".join(
            (head.encode(), resource.main_tags, middle.encode(), patient, tail.encode())
        )
    if level == Level.INSTANCE:
        file = resource.attachments[0] if resource.attachments else None
        head = (
            f'{{"FileSize":{file.size if file else 0},"FileUuid":"{file.uuid if file else ""}",'
            f'"ID":"{resource.public_id}","IndexInSeries":{_index(resource)},'
            f'"Labels":{labels},"MainDicomTags":'
        )
        tail = f',"ParentSeries":"{resource.parent_id}","Type":"Instance"}}'
    elif level == Level.SERIES:
        expected = expected_number(resource)
        head = (
            f'{{"ExpectedNumberOfInstances":{"null" if expected is None else expected},'
            f'"ID":"{resource.public_id}","Instances":{_ids(resource.children)},'
            f'"IsStable":{_bool(resource.is_stable)},"Labels":{labels},'
            f'"LastUpdate":"{resource.last_update}","MainDicomTags":'
        )
        tail = (
            f',"ParentStudy":"{resource.parent_id}","Status":"{series_status(reader, resource)}",'
            '"Type":"Series"}'
        )
    else:
        head = (
            f'{{"ID":"{resource.public_id}","IsProtected":{_bool(resource.protected)},'
            f'"IsStable":{_bool(resource.is_stable)},"Labels":{labels},'
            f'"LastUpdate":"{resource.last_update}","MainDicomTags":'
        )
        tail = f',"Studies":{_ids(resource.children)},"Type":"Patient"}}'
    return b"".join((head.encode(), resource.main_tags, tail.encode()))


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _ids(ids: tuple[str, ...]) -> str:
    # Identifiers are hexadecimal digits and dashes: nothing to escape.
    return '["' + '","'.join(ids) + '"]' if ids else "[]"


def _index(resource: Resource) -> str:
    number = as_number(resource.metadata.get("IndexInSeries"))
    return "null" if number is None else str(number)


class ResourceWriter:
    """Writes resources in the form and with the contents that a request asks for.

    Args:
        archive: whose resources they are.
        form: of the tags: by name, by ``gggg,eeee``, or in full.
        contents: some of :data:`CONTENTS`.
    """

    def __init__(
        self, archive: Archive, form: Form = "simplify", contents: frozenset[str] = USUAL
    ) -> None:
        self._dictionary = archive.dictionary
        self._form = form
        self._contents = contents
        self._sequences = _sequences(archive.main_tags)
        plain = form == "simplify" and contents == USUAL and not self._sequences
        self._plain = plain

    def __call__(self, reader: Reader, resource: Resource) -> bytes:
        if self._plain and resource.requested_tags is None:
            return usual(reader, resource)
        members = self._members(reader, resource)
        return _encode({name: members[name] for name in sorted(members)})

    def _members(self, reader: Reader, resource: Resource) -> dict[str, Any]:
        level, contents = resource.level, self._contents
        members: dict[str, Any] = {"ID": resource.public_id, "Type": level.word}
        if "MainDicomTags" in contents:
            members["MainDicomTags"] = self._tags(resource.main_tags)
            if resource.patient_main_tags is not None:
                members["PatientMainDicomTags"] = self._tags(resource.patient_main_tags)
        if "Children" in contents and level.child is not None:
            members[_CHILDREN[level]] = resource.children
        if "Parent" in contents and level.parent is not None:
            members[f"Parent{level.parent.word}"] = resource.parent_id
        if "Labels" in contents:
            members["Labels"] = resource.labels
        if "IsStable" in contents and level != Level.INSTANCE:
            members["IsStable"] = resource.is_stable
            members["LastUpdate"] = resource.last_update
        if "IsProtected" in contents and level == Level.PATIENT:
            members["IsProtected"] = resource.protected
        if "Status" in contents:
            members.update(_status(reader, resource))
        if "Metadata" in contents:
            members["Metadata"] = {
                name: from_text(value).decode("utf-8", "replace")
                for name, value in sorted(resource.metadata.items())
            }
        if "Attachments" in contents:
            attachments = reader.attachments(level, resource.public_id) or []
            members["Attachments"] = [_attachment(one) for one in attachments]
        if resource.requested_tags is not None:
            members["RequestedTags"] = resource.requested_tags
        return members

    def _tags(self, encoded: bytes) -> Any:
        if self._form == "simplify" and not self._sequences:
            return msgspec.Raw(encoded)
        tags: dict[str, Any] = dict(decode_tags(encoded))
        for name in self._sequences & tags.keys():
            tags[name] = msgspec.Raw(tags[name].encode())
        if self._form == "simplify":
            return tags
        rows = sorted((_digits(self._dictionary, name), name, tags[name]) for name in tags)
        if self._form == "short":
            return {digits: value for digits, _name, value in rows}
        return {
            digits: {
                "Name": name,
                "Type": "Sequence" if name in self._sequences else "String",
                "Value": value,
            }
            for digits, name, value in rows
        }


@lru_cache(maxsize=16)
def _sequences(main_tags: MainTags) -> frozenset[str]:
    return main_tags.sequences


@lru_cache(maxsize=4096)
def _digits(dictionary: Dictionary, name: str) -> str:
    tag = dictionary.tag(name) or 0
    return f"{tag >> 16:04x},{tag & 0xFFFF:04x}"


def _status(reader: Reader, resource: Resource) -> dict[str, Any]:
    if resource.level == Level.SERIES:
        return {
            "ExpectedNumberOfInstances": expected_number(resource),
            "Status": series_status(reader, resource),
        }
    if resource.level == Level.INSTANCE:
        file = resource.attachments[0] if resource.attachments else None
        return {
            "FileSize": file.size if file else 0,
            "FileUuid": file.uuid if file else "",
            "IndexInSeries": as_number(resource.metadata.get("IndexInSeries")),
        }
    return {}


def _attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "CompressedMD5": attachment.compressed_md5,
        "CompressedSize": attachment.compressed_size,
        "ContentType": attachment.number,
        "UncompressedMD5": attachment.md5,
        "UncompressedSize": attachment.size,
        "Uuid": attachment.uuid,
    }
