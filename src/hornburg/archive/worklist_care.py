"""Worklists that are done go: when their study is stable, or when they are old.

Source: Orthanc Book, plugins/worklists-plugin-new: ``DeleteWorklistsOnStableStudy``,
``DeleteWorklistsDelay``, ``HousekeepingInterval``. Only what REST created is removed; files of
other programs are theirs.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from hornburg.archive.parts import Archive
from hornburg.archive.requested import decode_tags
from hornburg.archive.worklists import Worklist, Worklists
from hornburg.dicom.levels import Level
from hornburg.errors import HornburgError, UnknownResourceError
from hornburg.index.base import Condition, Match, Query

__all__ = ["care_for", "tidy"]

log = logging.getLogger("hornburg.worklists")

_HOUR = 3600


async def care_for(archive: Archive, worklists: Worklists) -> None:
    """Tidy up every ``HousekeepingInterval`` seconds, until it is cancelled."""
    while True:
        await asyncio.sleep(worklists.settings.interval)
        try:
            await tidy(archive, worklists)
        except HornburgError as error:
            log.error("the worklists can't be tidied up: %s", error)


async def tidy(archive: Archive, worklists: Worklists) -> int:
    """Remove the worklists that are done; answers how many those were."""
    settings = worklists.settings
    ours = await archive.work(lambda: [one for one in worklists.all() if one.ours])
    done: dict[str, str] = {}
    if settings.delete_on_stable_study:
        stable = await _stable_studies(archive, ours)
        done.update((one.id, "its study is stable") for one in ours if one.study_uid in stable)
    if settings.own_folder and settings.delay:
        oldest = archive.clock() - settings.delay * _HOUR
        done.update((one.id, "of its age") for one in ours if one.created < oldest)
    for public_id, reason in done.items():
        with suppress(UnknownResourceError):  # Somebody else was quicker.
            await archive.work(worklists.delete, public_id)
            log.info("worklist %s is removed because %s", public_id, reason)
    return len(done)


async def _stable_studies(archive: Archive, worklists: list[Worklist]) -> set[str]:
    """The StudyInstanceUIDs of the worklists whose study is there and stable."""
    uids = {one.study_uid for one in worklists} - {""}
    if not uids:
        return set()
    conditions = (Condition(Level.STUDY, "StudyInstanceUID", Match.LIST, tuple(sorted(uids))),)
    query = Query(Level.STUDY, conditions)
    found = await archive.index.read(lambda reader: reader.find(query))
    tags = (decode_tags(study.main_tags) for study in found if study.is_stable)
    return {one["StudyInstanceUID"] for one in tags if "StudyInstanceUID" in one}
