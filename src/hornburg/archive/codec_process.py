"""One process of codecs, seen from the server. Everything here blocks: it belongs on a thread."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from hornburg.archive.codec_worker import MESSAGE
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.transcode import TranscodingError

__all__ = ["CodecProcess", "Job", "Scratch"]

Scratch = Callable[[], BinaryIO]
"""Makes a file without a name."""

_LOG = logging.getLogger(__name__)

#: What goes in and comes out stays in memory up to this size, in a scratch file beyond.
_IN_MEMORY = 64 << 20

#: The codecs get nothing of the server's environment but what Python needs to find them; their
#: own threads would only stand in each other's way.
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ", "VIRTUAL_ENV")
_SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, slots=True)
class Job:
    """One image. ``most`` is how many bytes may come out, ``seconds`` how long it may take."""

    content: Buffer
    target: str
    quality: int
    most: int
    seconds: int


class CodecProcess:
    """A process that takes one image after the other.

    Args:
        memory: address space that it may have, in bytes.
        scratch: where large images are put down for it.
    """

    def __init__(self, memory: int, scratch: Scratch = tempfile.TemporaryFile) -> None:
        self._memory = memory
        self._scratch = scratch
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._lock = threading.Lock()
        self._killed = False
        self.jobs = 0

    def run(self, job: Job) -> bytes:
        """Transcode one image. After an error of the process itself it is dead: :attr:`alive`.

        Raises:
            TranscodingError: the image is refused, or it broke the process or a limit.
        """
        channel = self._channel or self._start()
        self.jobs += 1
        large = max(len(job.content), job.most) > _IN_MEMORY
        with self._file(large) as source, self._file(large) as answer:
            with memoryview(job.content) as content:
                source.write(content)
            source.flush()
            message = {
                "target": job.target,
                "quality": job.quality,
                "most": job.most,
                "seconds": job.seconds,
            }
            reply = self._exchange(channel, json.dumps(message).encode(), job, source, answer)
            if "error" in reply:
                raise TranscodingError(str(reply["error"])[:500])
            return _contents(answer, job.most)

    @property
    def alive(self) -> bool:
        """Whether it can take one more image."""
        return self._process is not None and not self._killed and self._process.poll() is None

    def kill(self) -> None:
        """End it at once; ``run`` on another thread raises. May be called at any time."""
        with self._lock:
            self._killed = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def close(self) -> None:
        """End it and let go of what belongs to it, once ``run`` is done."""
        self.kill()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.wait()

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _SINGLE
        number = theirs.fileno()
        with self._lock, theirs:
            if self._killed:
                ours.close()
                raise TranscodingError("The transcoder stops")
            module = "hornburg.archive.codec_worker"
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-m", module, str(number), str(self._memory)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(number,),
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        self._channel = ours
        return ours

    def _file(self, large: bool) -> BinaryIO:
        if large:
            return self._scratch()
        if hasattr(os, "memfd_create"):
            return os.fdopen(os.memfd_create("transcoding"), "w+b")
        return tempfile.TemporaryFile()

    def _exchange(
        self, channel: socket.socket, message: bytes, job: Job, *files: BinaryIO
    ) -> dict[str, object]:
        channel.settimeout(job.seconds)
        try:
            socket.send_fds(channel, [message], [file.fileno() for file in files])
            raw = channel.recv(MESSAGE)
        except TimeoutError:
            self.kill()
            raise TranscodingError(f"The image takes longer than {job.seconds} s") from None
        except OSError:
            raw = b""
        try:
            reply = json.loads(raw)
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or "broken" in reply:
            raise self._broken(str(reply)[:80])
        return reply

    def _broken(self, reply: str) -> TranscodingError:
        """The process is gone, or says that it is broken, or talks nonsense."""
        process, was_killed = self._process, self._killed
        code: int | None = None
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(1)
        self.kill()
        if was_killed:
            return TranscodingError("The transcoding was called off")
        if code == -signal.SIGXCPU:
            return TranscodingError("The image takes more computing than a codec is allowed")
        _LOG.warning("A codec broke its process (%s, %s); another takes its place", code, reply)
        return TranscodingError("The image breaks the codec")


def _contents(file: BinaryIO, most: int) -> bytes:
    size = os.fstat(file.fileno()).st_size
    if size > most:
        raise TranscodingError("The transcoded image is larger than it can be")
    file.seek(0)
    return file.read(size)
