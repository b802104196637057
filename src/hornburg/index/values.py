"""The values that cross the index: what it is asked, given, and answers."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hornburg.dicom.levels import Level

__all__ = [
    "MOST_METADATA_CHARACTERS",
    "Attachment",
    "Bounds",
    "Change",
    "Compression",
    "Condition",
    "Counts",
    "Deletion",
    "Export",
    "Line",
    "Match",
    "MetadataValue",
    "NewInstance",
    "OrderBy",
    "Query",
    "Resource",
    "ResourceStatistics",
    "Scope",
    "Statistics",
    "Stored",
]

#: The longest value of one metadata: it is read with its resource, every time.
MOST_METADATA_CHARACTERS = 1 << 20


class Compression(enum.IntEnum):
    """How an attachment lies in the storage (the numbers are Orthanc's)."""

    NONE = 1
    ZLIB = 2


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a resource. Sizes in bytes, MD5 in lower-case hex ("" when not computed)."""

    name: str
    number: int
    uuid: str
    size: int
    md5: str
    compression: Compression
    compressed_size: int
    compressed_md5: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """A metadata with its revision."""

    value: str
    revision: int


@dataclass(slots=True)
class Resource:
    """A patient, study, series or instance with what an answer about it needs."""

    level: Level
    public_id: str
    parent_id: str | None
    main_tags: bytes
    patient_main_tags: bytes | None
    children: tuple[str, ...]
    is_stable: bool
    last_update: str
    labels: tuple[str, ...]
    metadata: dict[str, str]
    protected: bool = False
    attachments: tuple[Attachment, ...] = ()
    requested_tags: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the whole archive holds. Sizes in bytes."""

    patients: int
    studies: int
    series: int
    instances: int
    disk_size: int
    uncompressed_size: int


@dataclass(frozen=True, slots=True)
class ResourceStatistics:
    """What one resource holds. Sizes in bytes."""

    studies: int
    series: int
    instances: int
    disk_size: int
    uncompressed_size: int
    dicom_disk_size: int
    dicom_uncompressed_size: int


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the log of changes."""

    seq: int
    type: str
    level: Level
    public_id: str
    date: str


@dataclass(frozen=True, slots=True)
class Export:
    """An entry of the log of what was sent elsewhere."""

    seq: int
    level: Level
    public_id: str
    modality: str
    date: str
    patient_id: str
    study_uid: str
    series_uid: str
    sop_uid: str


@dataclass(frozen=True, slots=True)
class NewInstance:
    """An instance on its way in. Tuples and lists have one entry a level, patient first.

    Main tags and metadata are asked for by level, and only of what is new.
    """

    public_ids: tuple[str, str, str, str]
    main_tags: Sequence[Mapping[str, str]]
    metadata: Sequence[Mapping[str, str]]
    attachment: Attachment
    now: float
    date: str
    overwrite: str = "Never"
    expected_instances: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a new instance: stored or already there, files that nobody needs now, and
    the number of its entry in the log of changes: the index holds it when its newest change has
    that number or a larger one."""

    is_new: bool
    removed_uuids: tuple[str, ...] = ()
    change: int = 0


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a deletion leaves: files to remove, and the nearest ancestor that is still there."""

    uuids: tuple[str, ...]
    remaining: tuple[Level, str] | None


class Line(NamedTuple):
    """What a list shows of a resource: public identifiers and main tags, encoded as JSON, of a
    level and those above it, the resource's own last; and one metadata, empty without it."""

    public_ids: tuple[str, ...]
    main_tags: tuple[str, ...]
    metadata: str


class Counts(NamedTuple):
    """What is below a resource; ``modalities`` sorted, empty when nobody asked for them."""

    studies: int
    series: int
    instances: int
    modalities: tuple[str, ...] = ()


class Match(enum.Enum):
    """How a condition compares (PS3.4 C.2.2.2)."""

    EQUAL = "equal"
    LIST = "list"
    WILDCARD = "wildcard"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a main tag of the level that is searched, or of one above.

    ``values`` is one value (``EQUAL``), at least one (``LIST``; and ``WILDCARD``, of whose
    patterns any may match), or (low, high) for a ``RANGE``, whose open end is the empty string.
    Values are compared without case and accents unless ``case_sensitive``. A tag that is missing
    matches nothing; universal matching is no condition at all.
    """

    level: Level
    name: str
    match: Match
    values: tuple[str, ...]
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class OrderBy:
    """A sort key: ``kind`` is "DicomTag" or "Metadata"."""

    kind: str
    key: str
    descending: bool = False
    level: Level | None = None
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """Studies, and what belongs to them: each set that isn't empty must hold the study.

    ``labels`` of the study or its patient; ``patients`` by PatientID and ``studies`` by
    StudyInstanceUID, letter by letter. A patient is within when one of its studies is; series and
    instances go with their study.
    """

    labels: frozenset[str] = frozenset()
    patients: frozenset[str] = frozenset()
    studies: frozenset[str] = frozenset()


Scope = tuple[Bounds, ...] | None
"""``None`` is everything; of several bounds any one is enough; the empty tuple is nothing."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for at one level. ``limit`` 0 is no limit.

    ``modalities`` is ModalitiesInStudy: any series of the study has one of them, which may hold
    wildcards. ``labels_constraint`` is All, Any or None; None with no ``labels`` finds what has
    no label. ``metadata`` goes from name to value, which may hold wildcards. ``scope`` is where
    to look at all (:class:`hornburg.index.scoped.ScopedReader` sets it).
    """

    level: Level
    conditions: tuple[Condition, ...] = ()
    modalities: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    labels_constraint: str = "All"
    metadata: Mapping[str, str] = field(default_factory=dict)
    ancestor: tuple[Level, str] | None = None
    order_by: tuple[OrderBy, ...] = ()
    since: int = 0
    limit: int = 0
    scope: Scope = None
