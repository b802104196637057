"""An instance to another application entity, without a job and without a place in the archive."""

from __future__ import annotations

from hornburg.archive.parts import Archive
from hornburg.archive.remote import Reference, Remote, RemoteError, Target
from hornburg.archive.spool import Spool
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.reader import read
from hornburg.dimse.status import Category, Service, category, sentence
from hornburg.errors import BadFileFormatError
from hornburg.security.redaction import shown

__all__ = ["refuse_failure", "send_straight"]

_SOP_INSTANCE_UID = 0x00080018

#: Below this size, parsing takes less than handing it to a thread.
_SMALL = 64 << 10


def refuse_failure(target: Target, sop_instance: str, status: int) -> None:
    """Look at the answer to the C-STORE of an instance.

    Raises:
        RemoteError: it is neither a success nor a warning.
    """
    if category(status) not in (Category.SUCCESS, Category.WARNING):
        raise RemoteError(
            f"C-STORE of {shown(sop_instance)} to {target.described}: {sentence(Service.STORAGE, status)}",
            status,
        )


async def send_straight(
    archive: Archive, remote: Remote, target: Target, content: Spool
) -> Reference:
    """C-STORE of a DICOM file.

    Raises:
        BadFileFormatError: it is none, or lacks what a C-STORE must say.
        RemoteError: the other side does not take it.
    """
    buffer = content.buffer()
    if content.size <= _SMALL:
        reference, syntax = _look(archive, buffer)
    else:
        reference, syntax = await archive.work(_look, archive, buffer)
    async with remote.sender(target, [(reference[0], syntax)]) as sender:
        refuse_failure(target, reference[1], await sender.store(buffer, *reference, syntax))
    return reference


def _look(archive: Archive, buffer: Buffer) -> tuple[Reference, str]:
    file = read(
        buffer,
        default_charset=archive.runtime.default_encoding,
        dictionary=archive.dictionary,
    )
    sop_instance = file.text(_SOP_INSTANCE_UID) or ""
    if not file.sop_class_uid or not sop_instance:
        raise BadFileFormatError("The DICOM file has no SOP class or no SOP instance UID")
    return (file.sop_class_uid, sop_instance), file.transfer_syntax
