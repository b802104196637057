"""What a find looks for, and how that is shared out between the index and the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hornburg.archive.matching import Criterion, criterion
from hornburg.archive.parts import Archive
from hornburg.archive.requested import Requested
from hornburg.archive.search_tags import SearchTag, search_tag
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form
from hornburg.errors import BadRequestError, ParameterOutOfRangeError
from hornburg.index.base import Condition, Match, OrderBy, Query
from hornburg.settings import StorageAccessOnFind

__all__ = ["Late", "Order", "Plan", "Search", "plan_of"]

#: Conditions, labels and sort keys in one search: what a form on a screen could ever hold.
_MOST_CONDITIONS = 100
#: Values in one search, such as the UIDs of a list.
_MOST_VALUES = 50_000
#: Patterns, and modalities, of one tag: each is a comparison of its own for every candidate.
_MOST_PATTERNS = 100

_LARGEST = (1 << 62) - 1

#: VRs of numbers, which are not sorted as texts.
_NUMBERS = frozenset(("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"))
_NUMERIC_METADATA = frozenset(("IndexInSeries", "ExpectedNumberOfInstances", "PixelDataOffset"))

#: With one of these equal to a value, the index finds a handful at once.
_POINTS = {
    Level.PATIENT: frozenset(("PatientID",)),
    Level.STUDY: frozenset(("StudyInstanceUID", "AccessionNumber", "PatientID")),
    Level.SERIES: frozenset(("SeriesInstanceUID", "StudyInstanceUID")),
    Level.INSTANCE: frozenset(("SOPInstanceUID",)),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A sort key: ``kind`` is "DicomTag" or "Metadata", ``key`` the name of the tag or metadata."""

    kind: str
    key: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for.

    ``tags`` goes from a keyword, ``gggg,eeee`` or a path into sequences to what is asked of it
    (PS3.4 C.2.2.2): a value, a list with backslashes, a pattern with ``*`` and ``?``, a range of
    dates or times; nothing matches everything. ``case_sensitive`` none leaves names to
    ``CaseSensitivePN``, and other texts to ``exact_texts`` (PS3.4 C.2.2.2.1). ``limit`` 0 is no limit but that of the configuration. ``requested`` tags
    come in ``form``. ``capped`` false leaves LimitFindResults and LimitFindInstances aside: what
    a resource consists of is no find, and must be whole.
    """

    level: Level
    tags: Mapping[str, str] = field(default_factory=dict)
    case_sensitive: bool | None = None
    labels: tuple[str, ...] = ()
    labels_constraint: str = "All"
    metadata: Mapping[str, str] = field(default_factory=dict)
    ancestor: tuple[Level, str] | None = None
    order_by: tuple[Order, ...] = ()
    since: int = 0
    limit: int = 0
    requested: tuple[str, ...] = ()
    form: Form = "simplify"
    capped: bool = True
    exact_texts: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """A condition that the index can't look at."""

    tag: SearchTag
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class Plan:
    """A search, shared out: ``query`` is for the index, ``late`` for what the index leaves.

    ``cap`` is LimitFindResults or LimitFindInstances, 0 for none.
    """

    query: Query
    late: tuple[Late, ...]
    requested: Requested
    cap: int

    @property
    def room(self) -> int:
        """How many answers are wanted, 0 for all; one more where it shows that there were more."""
        if self.cap and (not self.query.limit or self.query.limit > self.cap):
            return self.cap + 1
        return self.query.limit

    @property
    def is_point(self) -> bool:
        """Whether the index answers at once, so that no thread need be asked."""
        points = _POINTS[self.query.level]
        return any(
            condition.match is Match.EQUAL and condition.name in points
            for condition in self.query.conditions
        )


def plan_of(archive: Archive, search: Search) -> Plan:
    """Share a search out.

    Raises:
        BadRequestError: an argument that makes no sense; the message names it.
    """
    _check_bounds(search)
    level = search.level
    conditions: list[Condition] = []
    modalities: tuple[str, ...] = ()
    late: list[Late] = []
    values = 0
    for name, text in search.tags.items():
        tag = search_tag(archive, level, name)
        found = criterion(
            name, tag.vr, text, case_sensitive=_is_exact(archive, search, tag), tag=tag.digits
        )
        if found is None:
            continue
        values += len(found.values)
        patterns = found.match is Match.WILDCARD or tag.is_modality(level)
        if patterns and len(found.values) > _MOST_PATTERNS:
            raise BadRequestError(
                f"{name}: {len(found.values)} patterns, at most {_MOST_PATTERNS} are allowed"
            )
        if tag.main and tag.level is not None:
            conditions.append(found.condition(tag.level, tag.keyword))
        elif tag.is_modality(level) and not modalities:
            modalities = found.values
        else:
            late.append(Late(tag, found))
    if values > _MOST_VALUES:
        raise BadRequestError(f"Query: {values} values, at most {_MOST_VALUES} are allowed")
    _check_late(archive, search, late)
    for name in search.metadata:
        if archive.names.metadata_number(name) is None:
            raise ParameterOutOfRangeError(f"MetadataQuery: {name[:64]!r} is no metadata")
    query = Query(
        level,
        tuple(conditions),
        modalities,
        search.labels,
        search.labels_constraint,
        search.metadata,
        search.ancestor,
        tuple(_order(archive, level, order) for order in search.order_by),
        min(search.since, _LARGEST),
        min(search.limit, _LARGEST),
    )
    requested = Requested.of(archive, level, search.requested, search.form)
    if archive.settings.storage_access_on_find is StorageAccessOnFind.NEVER:
        requested = replace(requested, filed=())
    settings = archive.settings
    cap = settings.limit_find_instances if level == Level.INSTANCE else settings.limit_find_results
    cap = cap if search.capped else 0
    return Plan(query, tuple(late), requested, cap)


def _is_exact(archive: Archive, search: Search, tag: SearchTag) -> bool:
    """``CaseSensitivePN`` speaks of names; who asks for case himself means every tag."""
    if search.case_sensitive is not None:
        return search.case_sensitive
    return archive.settings.case_sensitive_pn if tag.vr == "PN" else search.exact_texts


def _check_bounds(search: Search) -> None:
    if search.since < 0:
        raise ParameterOutOfRangeError("Since: a number from 0 is needed")
    if search.limit < 0:
        raise ParameterOutOfRangeError("Limit: a number from 0 is needed")
    if search.labels_constraint not in ("All", "Any", "None"):
        raise ParameterOutOfRangeError("LabelsConstraint: All, Any or None is needed")
    for name, some in (
        ("Query", search.tags),
        ("MetadataQuery", search.metadata),
        ("Labels", search.labels),
        ("OrderBy", search.order_by),
    ):
        if len(some) > _MOST_CONDITIONS:
            raise BadRequestError(f"{name}: at most {_MOST_CONDITIONS} members are allowed")
    if search.ancestor is not None and search.ancestor[0] >= search.level:
        word = search.ancestor[0].word
        raise ParameterOutOfRangeError(
            f"Parent{word}: no {search.level.word.lower()} is below a {word.lower()}"
        )


def _check_late(archive: Archive, search: Search, late: Sequence[Late]) -> None:
    filed = [one.tag.asked for one in late if not one.tag.computed]
    if filed and archive.settings.storage_access_on_find is not StorageAccessOnFind.ALWAYS:
        raise BadRequestError(
            f"Query: {filed[0]} is not in the index, and StorageAccessOnFind forbids to look into "
            "the files; ExtraMainDicomTags can bring it into the index"
        )
    if late and search.since:
        raise BadRequestError(
            f"Since: can't be used together with {late[0].tag.asked}, which is not in the index"
        )


def _order(archive: Archive, level: Level, order: Order) -> OrderBy:
    if order.kind == "Metadata":
        if archive.names.metadata_number(order.key) is None:
            raise ParameterOutOfRangeError(f"OrderBy: {order.key[:64]!r} is no metadata")
        return OrderBy(
            "Metadata", order.key, order.descending, numeric=order.key in _NUMERIC_METADATA
        )
    if order.kind != "DicomTag":
        raise ParameterOutOfRangeError("OrderBy: the Type is DicomTag or Metadata")
    tag = search_tag(archive, level, order.key)
    if not tag.main:
        raise BadRequestError(
            f"OrderBy: {order.key[:64]} is no main tag of a {level.word.lower()} or above it"
        )
    return OrderBy("DicomTag", tag.keyword, order.descending, tag.level, tag.vr in _NUMBERS)
