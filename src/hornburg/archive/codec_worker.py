"""The process in which native codecs run: ``python -m hornburg.archive.codec_worker FD MEMORY``.

It has one socket to the server and nothing else of it. For each message it gets two files, the
source and the place for the answer, and it says how it went. Whatever a hostile image makes of a
codec happens here, within the limits of this process.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import socket
import sys

from hornburg.errors import HornburgError

__all__ = ["MESSAGE", "main"]

MESSAGE = 4096
"""Bytes of a message at the most, either way."""

_FILES = 64
_LARGEST_SOURCE = 4 << 30
_BUFFERED = 1 << 20


def _limit(which: int, soft: int) -> None:
    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (soft if hard < 0 else min(soft, hard), hard))


def _confine(memory: int) -> None:
    """Limits of the whole life of the process."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    most = memory + _LARGEST_SOURCE
    resource.setrlimit(resource.RLIMIT_AS, (memory, most))


def _confine_job(memory: int, size: int, most: int, seconds: int) -> None:
    """Limits of one image: the source is mapped, so it comes on top of the memory."""
    _limit(resource.RLIMIT_AS, memory + size)
    _limit(resource.RLIMIT_FSIZE, most)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + 1)


def _transcode(source: int, answer: int, target: str, quality: int) -> None:
    from hornburg.dicom.reader import read
    from hornburg.dicom.transcode import pieces

    # Unmapped with the last value that points into it.
    content = mmap.mmap(source, 0, access=mmap.ACCESS_READ)
    with os.fdopen(answer, "wb", _BUFFERED, closefd=False) as out:
        for piece in pieces(read(content), target, lossy_quality=quality):
            out.write(piece)


def _answer(message: bytes, files: list[int], memory: int) -> dict[str, object]:
    """How it went: nothing, or ``error``, a sentence that may be shown (``broken`` is the kind of
    what nobody foresaw)."""
    job = json.loads(message)
    source, answer = files
    _confine_job(memory, os.fstat(source).st_size, job["most"], job["seconds"])
    try:
        _transcode(source, answer, job["target"], job["quality"])
    except HornburgError as error:
        return {"error": str(error)[:500]}
    except MemoryError:
        return {"error": "The image needs more memory than a codec is allowed"}
    except OSError as error:
        return {"error": f"The transcoded image can't be kept: {os.strerror(error.errno or 0)}"}
    return {}


def main() -> None:
    """Serve until the server closes the socket."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    memory = int(sys.argv[2])
    _confine(memory)
    # Loaded before the first image, and bounded as well.
    import hornburg.dicom.codecs.decode
    import hornburg.dicom.codecs.encode
    import hornburg.dicom.transcode  # noqa: F401

    while True:
        message, files, _, _ = socket.recv_fds(channel, MESSAGE, 2)
        if not message:
            return
        try:
            answer = _answer(message, files, memory)
        except BaseException as error:
            # Nobody knows what state a codec is in after that: the process ends.
            channel.sendall(json.dumps({"broken": type(error).__name__}).encode())
            raise
        finally:
            for file in files:
                os.close(file)
        channel.sendall(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
