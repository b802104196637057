"""A stored file written to the server's own disk, and to nowhere but ``ExportDirectories``."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from hornburg.archive.parts import Archive
from hornburg.archive.read import dicom_of, opened
from hornburg.dicom.buffer import Buffer
from hornburg.errors import (
    AlreadyExistsError,
    BadRequestError,
    ForbiddenError,
    HornburgError,
    Outside,
    StorageFullError,
)
from hornburg.index.base import Attachment

__all__ = ["ExportFailedError", "export"]

#: PATH_MAX of Linux.
_LONGEST = 4096

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ExportFailedError(HornburgError):
    """The system did not let us write the file."""

    outside = Outside(HTTPStatus.INTERNAL_SERVER_ERROR, 14, "Cannot write to file")


async def export(archive: Archive, public_id: str, path: str) -> None:
    """Write the DICOM file of an instance to a new file.

    Args:
        archive: where it is; its settings say whether and where.
        public_id: the instance.
        path: absolute, or from the first of ``ExportDirectories``.

    Raises:
        ForbiddenError: exports are switched off, or the path leads out of the folders.
        BadRequestError: it is no path of a file.
        AlreadyExistsError: a file is there; nothing is written over.
        StorageFullError: no room on that disk.
        ExportFailedError: the folder isn't there, or may not be written.
        UnknownResourceError: no such instance.
    """
    settings = archive.settings
    if not settings.rest_api_write_to_file_system_enabled:
        raise ForbiddenError(
            "Writing to the file system is switched off (RestApiWriteToFileSystemEnabled)"
        )
    if not settings.export_directories:
        raise ForbiddenError("No folder may be written to (ExportDirectories is empty)")
    if not path or len(path) > _LONGEST or "\0" in path:
        raise BadRequestError(f"The body is the path of a file, of 1 to {_LONGEST} characters")
    attachment = await dicom_of(archive, public_id)
    await archive.work(_export, archive, attachment, path)


def _export(archive: Archive, attachment: Attachment, path: str) -> None:
    folder, steps = _place(archive.settings.export_directories, path)
    with opened(archive, attachment) as content:
        _write(folder, steps, content)


def _place(folders: Sequence[Path], path: str) -> tuple[Path, tuple[str, ...]]:
    """The allowed folder that a path is in, and the names from there to the file, with all
    symbolic links of its folder resolved."""
    wanted = folders[0] / path
    name = wanted.name
    if not name or path.endswith("/") or name == "..":
        raise BadRequestError("The body is the path of a file, and this one is that of a folder")
    real = Path(os.path.realpath(wanted.parent))
    for folder in folders:
        allowed = Path(os.path.realpath(folder))
        if real.is_relative_to(allowed):
            return allowed, (*real.relative_to(allowed).parts, name)
    raise ForbiddenError(
        "The path is outside of the folders that may be written (ExportDirectories)"
    )


def _write(folder: Path, steps: tuple[str, ...], content: Buffer) -> None:
    """Go down name by name and follow no link: what was resolved may have been replaced since."""
    handles: list[int] = []
    try:
        handles.append(os.open(folder, _DIRECTORY))
        for step in steps[:-1]:
            handles.append(os.open(step, _DIRECTORY, dir_fd=handles[-1]))
        _write_file(handles[-1], steps[-1], content)
    except OSError as error:
        raise _refusal(error) from None
    finally:
        for handle in handles:
            os.close(handle)


def _write_file(folder: int, name: str, content: Buffer) -> None:
    handle = os.open(name, _NEW_FILE, 0o600, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise


def _refusal(error: OSError) -> HornburgError:
    if error.errno == errno.EEXIST:
        return AlreadyExistsError("A file of that name is there already, and is not written over")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError("No room on the disk of that folder")
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return ForbiddenError("The path leads through a link or a file (ExportDirectories)")
    return ExportFailedError(f"The file can't be written: {error.strerror or 'no reason given'}")
