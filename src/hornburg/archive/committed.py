"""Removing what another application entity has taken over.

Source: Orthanc Book, users/storage-commitment, "Removing the instances".
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from hornburg.archive.commitments import Report, Status
from hornburg.archive.parts import Archive
from hornburg.archive.remote import Reference
from hornburg.archive.remove import discard
from hornburg.dicom.levels import Level
from hornburg.errors import HornburgError, Outside
from hornburg.index.base import Condition, Match, Query, Writer

__all__ = ["NotCommittedError", "remove_committed"]

#: Instances that go in one transaction.
_TOGETHER = 200


class NotCommittedError(HornburgError):
    """The other side did not take over all of it, or has not said so yet."""

    outside = Outside(HTTPStatus.INTERNAL_SERVER_ERROR, 6, "Bad sequence of calls")


async def remove_committed(archive: Archive, transaction_uid: str, report: Report) -> None:
    """Remove the instances that a successful report names; those that are gone already are no
    error.

    Raises:
        NotCommittedError: the report is no success.
        ForbiddenError: the archive is read-only.
    """
    if report.status is not Status.SUCCESS:
        raise NotCommittedError(
            "Cannot remove DICOM instances: the storage commitment "
            f"{transaction_uid[:64]} is {report.status.value}, not Success"
        )
    archive.refuse_if_read_only()
    for at in range(0, len(report.success), _TOGETHER):
        await _remove(archive, report.success[at : at + _TOGETHER])


async def _remove(archive: Archive, references: Sequence[Reference]) -> None:
    def write(writer: Writer) -> list[str]:
        uuids: list[str] = []
        for sop_class, sop_instance in references:
            condition = Condition(
                Level.INSTANCE, "SOPInstanceUID", Match.EQUAL, (sop_instance,), True
            )
            for found in writer.find(Query(Level.INSTANCE, (condition,))):
                if found.metadata.get("SopClassUid", sop_class) == sop_class:
                    deletion = writer.delete(Level.INSTANCE, found.public_id)
                    uuids += deletion.uuids if deletion is not None else ()
        return uuids

    await discard(archive, await archive.index.write(write))
