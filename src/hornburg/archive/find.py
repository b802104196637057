"""The one road of finds, whoever asks: REST, C-FIND, QIDO.

The index narrows down as far as it can. What only files can tell is read from the file of the
first instance of each resource that is left, in batches, so that memory stays bounded; and no
find opens more than :data:`MOST_FILES`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Generic, TypeVar

from hornburg.archive.headers import representative, texts_at
from hornburg.archive.matching import Criterion, criterion
from hornburg.archive.parts import Archive
from hornburg.archive.read import examine
from hornburg.archive.requested import Kin, Requested
from hornburg.archive.search_tags import SearchTag, search_tag
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form
from hornburg.dicom.reader import DicomFile
from hornburg.errors import BadRequestError, CorruptedError, ParameterOutOfRangeError
from hornburg.index.base import Attachment, Condition, Match, OrderBy, Query, Reader, Resource
from hornburg.settings import StorageAccessOnFind

__all__ = ["MOST_FILES", "Found", "Order", "Search", "complete", "count", "find", "find_ids"]

T = TypeVar("T")
log = logging.getLogger("hornburg.archive")

#: Files that one find may open: some minutes of work.
MOST_FILES = 100_000

#: Conditions, labels and sort keys in one search: what a form on a screen could ever hold.
_MOST_CONDITIONS = 200
#: Values in one search, such as the UIDs of a list.
_MOST_VALUES = 50_000

#: Resources that are in memory at once.
_PAGE = 5000
_BATCH = 200

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
    dates or times; nothing matches everything. ``case_sensitive`` none leaves it to
    ``CaseSensitivePN``. ``limit`` 0 is no limit but that of the configuration. ``requested`` tags
    come in ``form``.
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


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was found; ``truncated`` tells that LimitFindResults or LimitFindInstances left some out."""

    answers: list[T]
    truncated: bool


@dataclass(frozen=True, slots=True)
class _Late:
    """A condition that the index can't look at."""

    tag: SearchTag
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class _Plan:
    query: Query
    late: tuple[_Late, ...]
    requested: Requested
    cap: int

    @property
    def needs_files(self) -> bool:
        return any(not one.tag.computed for one in self.late)

    @property
    def room(self) -> int:
        """How many answers are wanted, 0 for all; one more where it shows that there were more."""
        if self.cap and (not self.query.limit or self.query.limit > self.cap):
            return self.cap + 1
        return self.query.limit

    def found(self, answers: list[T]) -> Found[T]:
        cut = bool(self.cap) and len(answers) > self.cap
        return Found(answers[: self.cap] if cut else answers, cut)

    @property
    def is_point(self) -> bool:
        """Whether the index answers at once, so that no thread need be asked."""
        points = _POINTS[self.query.level]
        return any(
            condition.match is Match.EQUAL and condition.name in points
            for condition in self.query.conditions
        )


async def find(archive: Archive, search: Search, form: Callable[[Reader, Resource], T]) -> Found[T]:
    """The resources that match, each as ``form`` makes it; ``form`` is called off the event loop.

    Raises:
        BadRequestError: an argument that makes no sense; the message names it.
    """
    plan = _plan(archive, search)
    if plan.late or plan.requested.filed:
        return await _find_with_files(archive, plan, form)

    def work(reader: Reader) -> list[T]:
        kin = Kin(reader)
        answers: list[T] = []
        for page in _pages(reader, replace(plan.query, limit=plan.room)):
            if plan.requested:
                kin.forget()
                for resource in page:
                    plan.requested.from_index(kin, resource)
            answers += [form(reader, resource) for resource in page]
        return answers

    # To make a series ready may take a look at all of its instances.
    quick = plan.is_point and not plan.requested and search.level != Level.SERIES
    run = archive.index.look if quick else archive.index.read
    return plan.found(await run(work))


async def find_ids(archive: Archive, search: Search) -> Found[str]:
    """The public identifiers of what matches. Raises as :func:`find`."""
    plan = _plan(archive, replace(search, requested=()))
    if plan.late:
        return await _find_with_files(archive, plan, lambda _reader, resource: resource.public_id)
    run = archive.index.look if plan.is_point else archive.index.read
    query = replace(plan.query, limit=plan.room)
    return plan.found(await run(lambda reader: reader.find_ids(query)))


async def count(archive: Archive, search: Search) -> int:
    """How many match, whatever ``since`` and ``limit`` say. Raises as :func:`find`."""
    plan = _plan(archive, replace(search, requested=(), order_by=(), since=0, limit=0))
    if plan.late:
        plan = replace(plan, cap=0)
        found = await _find_with_files(archive, plan, lambda _reader, _resource: None)
        return len(found.answers)
    return await archive.index.read(lambda reader: reader.count(plan.query))


async def complete(archive: Archive, resources: Sequence[Resource], requested: Requested) -> None:
    """Fill in the requested tags of resources of one level that are at hand already."""
    if not requested:
        return

    def look(reader: Reader) -> list[_Candidate]:
        kin = Kin(reader)
        candidates = []
        for resource in resources:
            requested.from_index(kin, resource)
            candidates.append(_Candidate(resource, _file_of(reader, resource, requested.filed)))
        return candidates

    candidates = await archive.index.read(look)
    if requested.filed and archive.settings.storage_access_on_find is not StorageAccessOnFind.NEVER:
        await archive.work(_read_files, archive, candidates, (), requested)


# -- from the search to a query ---------------------------------------------------------------


def _plan(archive: Archive, search: Search) -> _Plan:
    _check_bounds(search)
    level = search.level
    conditions: list[Condition] = []
    modalities: tuple[str, ...] = ()
    late: list[_Late] = []
    values = 0
    for name, text in search.tags.items():
        tag = search_tag(archive, level, name)
        found = criterion(
            name, tag.vr, text, case_sensitive=_is_exact(archive, search, tag), tag=tag.digits
        )
        if found is None:
            continue
        values += len(found.values)
        if tag.main and tag.level is not None:
            conditions.append(found.condition(tag.level, tag.keyword))
        elif tag.is_modality(level) and not modalities:
            modalities = found.values
        else:
            late.append(_Late(tag, found))
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
    return _Plan(query, tuple(late), requested, cap)


def _is_exact(archive: Archive, search: Search, tag: SearchTag) -> bool:
    """``CaseSensitivePN`` speaks of names; who asks for case himself means every tag."""
    if search.case_sensitive is None:
        return archive.settings.case_sensitive_pn and tag.vr == "PN"
    return search.case_sensitive


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


def _check_late(archive: Archive, search: Search, late: Sequence[_Late]) -> None:
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


def _pages(reader: Reader, query: Query) -> Iterator[list[Resource]]:
    """What a query gives, page by page, so that few resources are in memory at once."""
    since, left = query.since, query.limit
    while True:
        size = min(_PAGE, left) if left else _PAGE
        page = reader.find(replace(query, since=since, limit=size))
        yield page
        since += size
        left = left - size if left else 0
        if len(page) < size or (query.limit and left <= 0):
            return


# -- what only the files can tell -------------------------------------------------------------


@dataclass(slots=True)
class _Candidate:
    resource: Resource
    file: Attachment | None
    matches: bool = True


def _file_of(reader: Reader, resource: Resource, filed: Sequence[object]) -> Attachment | None:
    if not filed:
        return None
    if resource.attachments:
        return resource.attachments[0]
    return representative(reader, resource.level, resource.public_id)


async def _find_with_files(
    archive: Archive, plan: _Plan, form: Callable[[Reader, Resource], T]
) -> Found[T]:
    room = plan.room
    # Without conditions on files the index alone says which resources are answers.
    at_most = MOST_FILES + 1 if plan.late else min(room or MOST_FILES + 1, MOST_FILES + 1)
    ids = await archive.index.read(
        lambda reader: reader.find_ids(replace(plan.query, limit=at_most))
    )
    if len(ids) > MOST_FILES:
        raise BadRequestError(
            f"Query: more than {MOST_FILES} files would have to be opened; narrow it with main "
            "tags, or set a Limit"
        )
    filed = tuple(one for one in plan.late if not one.tag.computed)
    answers: list[T] = []
    for at in range(0, len(ids), _BATCH):
        batch = ids[at : at + _BATCH]
        candidates = await archive.index.read(partial(_gather, plan, batch))
        if filed or plan.requested.filed:
            await archive.work(_read_files, archive, candidates, filed, plan.requested)
        matching = [candidate.resource for candidate in candidates if candidate.matches]
        answers += await archive.index.read(partial(_formed, form, matching))
        if room and len(answers) >= room:
            return plan.found(answers[:room])
    return plan.found(answers)


def _formed(
    form: Callable[[Reader, Resource], T], resources: Sequence[Resource], reader: Reader
) -> list[T]:
    return [form(reader, resource) for resource in resources]


def _gather(plan: _Plan, ids: Sequence[str], reader: Reader) -> list[_Candidate]:
    """Candidates as the index knows them; one may have gone since it was found."""
    kin = Kin(reader)
    needs_files = plan.needs_files or bool(plan.requested.filed)
    computed = [one for one in plan.late if one.tag.computed]
    candidates = []
    for public_id in ids:
        resource = reader.resource(plan.query.level, public_id)
        if resource is None:
            continue
        values = [(one.criterion, kin.computed(resource, one.tag)) for one in computed]
        if not all(value is not None and wanted.accepts(value) for wanted, value in values):
            continue
        if plan.requested:
            plan.requested.from_index(kin, resource)
        candidates.append(_Candidate(resource, _file_of(reader, resource, (1,) * needs_files)))
    return candidates


def _read_files(
    archive: Archive,
    candidates: Sequence[_Candidate],
    late: Sequence[_Late],
    requested: Requested,
) -> None:
    """Compare with the late conditions, and take the requested tags of what matches. Blocks."""
    for candidate in candidates:
        # What can't be read says nothing: it meets no condition, and has no tags to show.
        candidate.matches = not late
        if candidate.file is None:
            continue
        with _passing_over(candidate.file):
            work = partial(_look_into, late, requested, candidate.resource)
            candidate.matches = examine(archive, candidate.file, work)


@contextmanager
def _passing_over(attachment: Attachment) -> Iterator[None]:
    """One damaged file must not hide all the others from a search; the log has it."""
    try:
        yield
    except CorruptedError as error:
        log.error("the file %s is passed over in a search: %s", attachment.uuid, error)


def _look_into(
    late: Sequence[_Late], requested: Requested, resource: Resource, file: DicomFile
) -> bool:
    matches = all(
        any(map(one.criterion.accepts, texts_at(file.dataset, one.tag.path))) for one in late
    )
    if matches and requested.filed:
        requested.from_file(file, resource)
    return matches
