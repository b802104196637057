"""Jobs and their outputs as Orthanc shows them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from litestar.response.base import ASGIResponse

from hornburg.archive.parts import Archive
from hornburg.jobs.entry import Status
from hornburg.jobs.errors import NoSuchOutputError
from hornburg.jobs.job import Output
from hornburg.rest.disposition import disposition, harmless
from hornburg.rest.files import Answer, StreamAnswer

__all__ = ["output_answer", "status_json"]

#: Bytes of an output that are read together.
_PIECE = 256 << 10


def status_json(status: Status) -> dict[str, Any]:
    """A job as ``/jobs/{id}`` shows it.

    ``CompletionTime`` and ``EstimatedTimeOfArrival`` are there when they are known, ``UserData``
    when there is any. Times are UTC with microseconds; ``Progress`` is in percent.
    """
    failed = status.failed
    answer = {
        "Content": status.content,
        "CreationTime": _stamp(status.created),
        "EffectiveRuntime": round(status.runtime, 3),
        "ErrorCode": 0 if failed is None else failed.code,
        "ErrorDescription": "Success" if failed is None else failed.sentence,
        "ErrorDetails": "" if failed is None else failed.details,
        "ID": status.id,
        "Priority": status.priority,
        "Progress": round(status.progress * 100),
        "State": status.state.value,
        "Timestamp": _stamp(status.seen),
        "Type": status.type,
    }
    if status.completed is not None:
        answer["CompletionTime"] = _stamp(status.completed)
    if status.remaining is not None:
        answer["EstimatedTimeOfArrival"] = _stamp(status.seen + status.remaining)
    if status.user_data is not None:
        answer["UserData"] = status.user_data
    return answer


def _stamp(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y%m%dT%H%M%S.%f")
    except (ValueError, OverflowError, OSError):
        # Hardly begun, it would take until after the year 9999.
        return "99991231T235959.999999"


async def output_answer(archive: Archive, output: Output) -> ASGIResponse:
    """An output as a file.

    Raises:
        NoSuchOutputError: the file is gone.
    """
    mime, shown = harmless(output.mime)
    headers = [
        (b"content-type", mime.encode("latin-1", "replace")),
        (b"content-disposition", disposition(output.name, shown=shown).encode()),
    ]
    if isinstance(output.content, bytes):
        return Answer(output.content, headers)
    try:
        file = await archive.work(_open, output.content)
    except FileNotFoundError as error:
        raise NoSuchOutputError("The output of the job is gone") from error
    headers.append((b"content-length", b"%d" % os.fstat(file.fileno()).st_size))
    first = await archive.work(file.read, _PIECE)
    return StreamAnswer(first, _rest(archive, file), headers)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


async def _rest(archive: Archive, file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := await archive.work(file.read, _PIECE):
            yield piece
