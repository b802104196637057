"""Revisions of metadata and attachments: who changes something says what it was before.

Source: Orthanc Book, faq/features, "Metadata & attachments", and option ``CheckRevisions``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hornburg.errors import RevisionError
from hornburg.index.base import Attachment

__all__ = ["Revision", "check"]


@dataclass(frozen=True, slots=True)
class Revision:
    """A state of a value: how often it was changed, and the MD5 of its bytes in lower-case hex."""

    number: int
    md5: str

    @classmethod
    def of_value(cls, number: int, content: bytes) -> Revision:
        """That of bytes in memory."""
        return cls(number, hashlib.md5(content, usedforsecurity=False).hexdigest())

    @classmethod
    def of_attachment(cls, attachment: Attachment) -> Revision:
        """That of an attachment.

        When no MD5 is kept (``StoreMD5ForAttachments``), the identifier of the file stands in for
        it: a file never changes under its identifier.
        """
        return cls(attachment.revision, attachment.md5 or attachment.uuid.replace("-", ""))


def check(current: Revision | None, expected: Revision | None, *, required: bool) -> None:
    """Refuse a change that is made on a state that is not the current one.

    Args:
        current: what is there; ``None`` is nothing, on which everything may be put.
        expected: what the client believes to be there; ``None`` when it doesn't say.
        required: whether it must say so (``CheckRevisions``).

    Raises:
        RevisionError: it is another state.
    """
    if current is None:
        return
    if expected is None:
        if required:
            raise RevisionError(
                "The revision of what is to be changed must be given in If-Match (CheckRevisions)"
            )
    elif current != expected:
        raise RevisionError(
            f"The current revision is {current.number}-{current.md5}, not the "
            f"{expected.number}-{expected.md5} that was given"
        )
