"""The archive as somebody may see it: narrowed by what the policy grants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from hornburg.archive.parts import Archive
from hornburg.dicom.levels import Level
from hornburg.errors import UnknownResourceError
from hornburg.index.base import Bounds, Query, Reader, Scope
from hornburg.index.scoped import ScopedIndex
from hornburg.security.policy import EVERYTHING, Access, Narrow
from hornburg.security.principals import Permission

__all__ = ["is_narrowed", "narrowed", "seen_by"]


def seen_by(archive: Archive, access: Access, permission: Permission) -> Archive:
    """The archive for what needs a permission: the same one when that is granted for everything,
    else one in which nothing else exists.

    Raises:
        ForbiddenError: the permission is not granted at all.
    """
    scope = access.scope(permission)
    if scope is EVERYTHING:
        return archive
    return replace(archive, index=ScopedIndex(archive.index, _bounds(scope)))


def is_narrowed(archive: Archive) -> bool:
    """Whether this is a part of the archive: sums have to be counted then."""
    return isinstance(archive.index, ScopedIndex)


@lru_cache(maxsize=1024)
def _bounds(scope: tuple[Narrow, ...]) -> Scope:
    return tuple(Bounds(one.labels, one.patients, one.studies) for one in scope)


async def narrowed(
    archive: Archive, resources: Iterable[tuple[Level, str]]
) -> list[tuple[Level, str]]:
    """Resources for a job, which works with the whole archive later: a patient of which only some
    studies are seen becomes these studies.

    Args:
        archive: as :func:`seen_by` gave it to who asks.
        resources: their levels and public identifiers.

    Raises:
        UnknownResourceError: one of them isn't seen.
    """
    wanted = list(resources)
    if not is_narrowed(archive):
        return wanted
    return await archive.index.read(lambda reader: _narrowed(reader, wanted))


def _narrowed(reader: Reader, resources: list[tuple[Level, str]]) -> list[tuple[Level, str]]:
    found: list[tuple[Level, str]] = []
    for level, public_id in resources:
        if not reader.within(level, (public_id,), None):
            raise UnknownResourceError(f"There is no {level.word.lower()} {public_id[:64]!r}")
        if level is Level.PATIENT:
            query = Query(Level.STUDY, ancestor=(level, public_id))
            found += [(Level.STUDY, study) for study in reader.find_ids(query)]
        else:
            found.append((level, public_id))
    return found
