"""The one road of finds, whoever asks: REST, C-FIND, QIDO.

The index narrows down as far as it can. What only files can tell is read from the file of the
first instance of each resource that is left, in batches, so that memory stays bounded; and no
find opens more than :data:`MOST_FILES`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from hornburg.archive.headers import representative, texts_at
from hornburg.archive.parts import Archive
from hornburg.archive.read import examine
from hornburg.archive.requested import Kin, Requested
from hornburg.archive.search import Late, Plan, Search, plan_of
from hornburg.archive.touched import answered, asked
from hornburg.dicom.levels import Level
from hornburg.dicom.reader import DicomFile
from hornburg.errors import BadRequestError, CorruptedError
from hornburg.index.base import Attachment, Line, Query, Reader, Resource
from hornburg.settings import StorageAccessOnFind

__all__ = [
    "MOST_FILES",
    "Found",
    "Lines",
    "Look",
    "complete",
    "count",
    "find",
    "find_batches",
    "find_ids",
]

T = TypeVar("T")
Look = Callable[[DicomFile, Resource], bool]
"""Looks into the file that speaks for a resource: whether it matches. It runs on a thread."""


@dataclass(frozen=True, slots=True)
class Lines(Generic[T]):
    """How answers are made of what the index has of a resource and of those above it.

    ``form`` makes the answers of a page, inside the index. ``top`` is the highest level that it
    wants to see, and ``metadata`` the name of one of the resource's, if any.
    """

    top: Level
    form: Callable[[Kin, Sequence[Line]], Sequence[T]]
    metadata: str = ""


log = logging.getLogger("hornburg.archive")

#: Files that one find may open: some minutes of work.
MOST_FILES = 100_000

#: Resources that are in memory at once.
_PAGE = 5000
_BATCH = 200
#: Answers that the index gives alone, and that are made at once.
_LINES = 500


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was found; ``truncated`` tells that LimitFindResults or LimitFindInstances left some out."""

    answers: list[T]
    truncated: bool


async def find(archive: Archive, search: Search, form: Callable[[Reader, Resource], T]) -> Found[T]:
    """The resources that match, each as ``form`` makes it, which runs inside the index.

    Raises:
        BadRequestError: an argument that makes no sense; the message names it.
    """
    plan = plan_of(archive, search)
    asked(search.tags)
    if plan.late or plan.requested.filed:
        return await _find_with_files(archive, plan, form)

    def work(reader: Reader) -> list[T]:
        kin = Kin(reader)
        answers: list[T] = []
        for page in _pages(reader, replace(plan.query, limit=plan.room)):
            if plan.requested:
                kin.forget()
                plan.requested.prepare(kin, page)
                for resource in page:
                    plan.requested.from_index(kin, resource)
            answers += [form(reader, resource) for resource in page]
        return answers

    # To make a series ready may take a look at all of its instances.
    quick = plan.is_point and not plan.requested and search.level != Level.SERIES
    run = archive.index.look if quick else archive.index.read
    return _found(plan, await run(work))


async def find_batches(
    archive: Archive,
    search: Search,
    lines: Lines[T],
    form: Callable[[Kin, Resource], T],
    look: Look | None = None,
    *,
    selective: bool = False,
) -> AsyncGenerator[Found[T], None]:
    """The same batch by batch, so that the first answers can go before the last are there.

    What matches is settled when the search begins; resources that vanish meanwhile are left out.

    Args:
        archive: where to look.
        search: what for; its ``requested`` tags are left to ``form`` and ``look``.
        lines: makes answers where the index alone says all.
        form: makes an answer of a resource where files are looked at, inside the index; resources
            of a batch share the kin.
        look: is shown the file of each resource, if it can be read, before ``form``.
        selective: whether ``look`` may say no.

    Raises:
        BadRequestError: an argument that makes no sense; the message names it.
    """
    plan = plan_of(archive, replace(search, requested=()))
    asked(search.tags)
    if plan.late or look is not None:
        pages = _pages_with_files(archive, plan, form, look, selective)
    else:
        pages = _pages_of_index(archive, plan, lines)
    sent = 0
    async for answers in pages:
        sent += len(answers)
        answered(len(answers))
        if plan.cap and sent > plan.cap:
            answered(plan.cap - sent)
            yield Found(answers[: len(answers) - (sent - plan.cap)], True)
            return
        yield Found(answers, False)


async def find_ids(archive: Archive, search: Search) -> Found[str]:
    """The public identifiers of what matches. Raises as :func:`find`."""
    plan = plan_of(archive, replace(search, requested=()))
    asked(search.tags)
    if plan.late:
        return await _find_with_files(archive, plan, lambda _reader, resource: resource.public_id)
    run = archive.index.look if plan.is_point else archive.index.read
    query = replace(plan.query, limit=plan.room)
    return _found(plan, await run(lambda reader: reader.find_ids(query)))


async def count(archive: Archive, search: Search) -> int:
    """How many match, whatever ``since`` and ``limit`` say. Raises as :func:`find`."""
    plan = plan_of(archive, replace(search, requested=(), order_by=(), since=0, limit=0))
    asked(search.tags)
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
        requested.prepare(kin, resources)
        for resource in resources:
            requested.from_index(kin, resource)
            candidates.append(_Candidate(resource, _file_of(reader, resource, requested.filed)))
        return candidates

    candidates = await archive.index.read(look)
    if requested.filed and archive.settings.storage_access_on_find is not StorageAccessOnFind.NEVER:
        await archive.work(_read_files, archive, candidates, (), requested)


def _found(plan: Plan, answers: list[T]) -> Found[T]:
    cut = bool(plan.cap) and len(answers) > plan.cap
    answered(plan.cap if cut else len(answers))
    return Found(answers[: plan.cap] if cut else answers, cut)


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
    archive: Archive, plan: Plan, form: Callable[[Reader, Resource], T]
) -> Found[T]:
    answers: list[T] = []
    async for page in _pages_with_files(archive, plan, lambda kin, one: form(kin.reader, one)):
        answers += page
    return _found(plan, answers)


async def _pages_of_index(
    archive: Archive, plan: Plan, lines: Lines[T]
) -> AsyncGenerator[list[T], None]:
    """Answers that the index gives alone: most searches end with the first page."""
    level = plan.query.level

    def page(ids: Sequence[str], reader: Reader) -> list[T]:
        found = reader.lines(level, ids, lines.top, lines.metadata)
        return list(lines.form(Kin(reader), found))

    def first(reader: Reader) -> tuple[list[T], list[str]]:
        ids = reader.find_ids(replace(plan.query, limit=plan.room))
        return page(ids[:_LINES], reader), ids[_LINES:]

    answers, left = await archive.index.read(first)
    yield answers
    for at in range(0, len(left), _LINES):
        yield await archive.index.read(partial(page, left[at : at + _LINES]))


async def _pages_with_files(
    archive: Archive,
    plan: Plan,
    form: Callable[[Kin, Resource], T],
    look: Look | None = None,
    selective: bool = False,
) -> AsyncGenerator[list[T], None]:
    room = plan.room
    # Without conditions on files the index alone says which resources are answers.
    late = bool(plan.late) or selective
    at_most = MOST_FILES + 1 if late else min(room or MOST_FILES + 1, MOST_FILES + 1)
    ids = await archive.index.read(
        lambda reader: reader.find_ids(replace(plan.query, limit=at_most))
    )
    if len(ids) > MOST_FILES:
        raise BadRequestError(
            f"Query: more than {MOST_FILES} files would have to be opened; narrow it with main "
            "tags, or set a Limit"
        )
    filed = tuple(one for one in plan.late if not one.tag.computed)
    needs_files = bool(filed or plan.requested.filed or look)
    given = 0
    for at in range(0, len(ids), _BATCH):
        batch = ids[at : at + _BATCH]
        candidates = await archive.index.read(partial(_gather, plan, batch, needs_files))
        if needs_files:
            work = partial(_read_files, archive, candidates, filed, plan.requested, look, selective)
            await archive.work(work)
        matching = [candidate.resource for candidate in candidates if candidate.matches]
        if room:
            matching = matching[: room - given]
        given += len(matching)
        yield await archive.index.read(partial(_formed, form, matching))
        if room and given >= room:
            return


def _formed(
    form: Callable[[Kin, Resource], T], resources: Sequence[Resource], reader: Reader
) -> list[T]:
    kin = Kin(reader)
    return [form(kin, resource) for resource in resources]


def _gather(plan: Plan, ids: Sequence[str], needs_files: bool, reader: Reader) -> list[_Candidate]:
    """Candidates as the index knows them; one may have gone since it was found."""
    kin = Kin(reader)
    computed = [one for one in plan.late if one.tag.computed]
    candidates = []
    level = plan.query.level
    kin.prepare(level, ids, [*(one.tag for one in computed), *plan.requested.indexed])
    for public_id in ids:
        resource = reader.resource(level, public_id)
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
    late: Sequence[Late],
    requested: Requested,
    look: Look | None = None,
    selective: bool = False,
) -> None:
    """Compare with the late conditions, and take the requested tags of what matches. Blocks."""
    for candidate in candidates:
        # What can't be read says nothing: it meets no condition, and has no tags to show.
        candidate.matches = not late and not selective
        if candidate.file is None:
            continue
        with _passing_over(candidate.file):
            work = partial(_look_into, late, requested, candidate.resource, look)
            candidate.matches = examine(archive, candidate.file, work)


@contextmanager
def _passing_over(attachment: Attachment) -> Iterator[None]:
    """One damaged file must not hide all the others from a search; the log has it."""
    try:
        yield
    except CorruptedError as error:
        log.error("the file %s is passed over in a search: %s", attachment.uuid, error)


def _look_into(
    late: Sequence[Late],
    requested: Requested,
    resource: Resource,
    look: Look | None,
    file: DicomFile,
) -> bool:
    matches = all(
        any(map(one.criterion.accepts, texts_at(file.dataset, one.tag.path))) for one in late
    )
    if matches and requested.filed:
        requested.from_file(file, resource)
    return matches and (look is None or look(file, resource))
