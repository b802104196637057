"""The data set of a C-STORE on its way into a spool, with a head so that it is a DICOM file."""

from __future__ import annotations

from hornburg.archive.parts import Archive
from hornburg.archive.spool import Spool
from hornburg.net.inbox import Inbox, Message

__all__ = ["spool_message"]


async def spool_message(
    archive: Archive, inbox: Inbox, message: Message, spool: Spool, head: bytes
) -> None:
    """Write a data set as it arrives; what goes to the disk goes there on a thread.

    Raises:
        TooLargeError: it is over the limit of the spool.
        StorageFullError: no room for it.
        AssociationLostError: it never came to its end.
    """
    while parts := await inbox.parts(message):
        if head:
            parts.insert(0, head)
            head = b""
        part = parts[0] if len(parts) == 1 else b"".join(parts)
        if spool.would_block(len(part)):
            await archive.work(spool.write, part)
        else:
            spool.write(part)
    if head:
        spool.write(head)
