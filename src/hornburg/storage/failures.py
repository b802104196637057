"""What a failure of the operating system means for a stored file."""

from __future__ import annotations

import errno

from hornburg.errors import (
    AlreadyExistsError,
    CorruptedError,
    DatabaseError,
    HornburgError,
    StorageFullError,
)

__all__ = ["missing", "read_failure", "too_short", "write_failure"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def missing() -> HornburgError:
    """The index knows a file that is not there."""
    return CorruptedError("The file of an attachment is missing in the storage")


def too_short() -> HornburgError:
    """The index knows more bytes than there are."""
    return CorruptedError("The file of an attachment is shorter than the index says")


def read_failure(error: OSError) -> HornburgError:
    """A file can't be read."""
    if error.errno == errno.ENOENT:
        return missing()
    return DatabaseError(f"The storage can't be read: {error.strerror}")


def write_failure(error: OSError) -> HornburgError:
    """A file can't be written."""
    if error.errno in _FULL:
        return StorageFullError("No room is left on the disk of the storage")
    if error.errno == errno.EEXIST:
        return AlreadyExistsError("A file with this identifier is already in the storage")
    return DatabaseError(f"The storage can't be written: {error.strerror}")
