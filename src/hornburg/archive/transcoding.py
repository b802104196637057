"""Changing the transfer syntax of instances, with the codecs outside of the server's process.

What needs no codec is done on a thread. What needs one goes to a process of its own, which is
started when it is wanted first, has limits on memory, time and what it may write, and is replaced
when an image breaks it or when it has served for long.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from hornburg.archive.cache import Cache
from hornburg.archive.codec_process import CodecProcess, Job, Scratch
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.transcode import Plan, TranscodingError, is_lossy, plan, without_codecs
from hornburg.errors import UnavailableError
from hornburg.settings import Settings

__all__ = ["Transcoder", "TranscodingError", "TranscodingLimits"]

T = TypeVar("T")

#: Heads and what a codec adds to pixels that can't be compressed.
_SLACK = 1 << 20


@dataclass(frozen=True, slots=True)
class TranscodingLimits:
    """Bounds of transcoding.

    Attributes:
        processes: of codecs, at the same time.
        memory: address space of such a process, in bytes. Python and the libraries take 600 MB of
            it; JPEG 2000 takes 4 to 8 times the size of a frame.
        capacity: bytes of images that are transcoded at the same time; a larger one goes alone.
        waiting: images that may be under way or wait; one more is refused.
        seconds: that an image may take, with one more for every ``speed`` bytes. The slowest
            codec does 10 MB/s.
        images: after which a process is replaced, for native libraries leak.
        idle: seconds after which a process that has nothing to do ends.
        kept: bytes of answers that are kept for who asks again.
    """

    processes: int = 2
    memory: int = 4 << 30
    capacity: int = 256 << 20
    waiting: int = 256
    seconds: int = 30
    speed: int = 4 << 20
    images: int = 1000
    idle: float = 300.0
    kept: int = 256 << 20

    @classmethod
    def of(cls, settings: Settings) -> TranscodingLimits:
        """What the configuration allows, and no more processes than there are cores."""
        processes = min(settings.transcoder_threads_count, os.cpu_count() or 1)
        if settings.maximum_concurrent_dcmtk_transcoders:
            processes = min(processes, settings.maximum_concurrent_dcmtk_transcoders)
        return cls(
            processes=processes,
            capacity=settings.transcoder_memory_capacity << 20,
            kept=settings.transcoder_cache_size << 20,
        )


class Transcoder:
    """Gives DICOM files in other transfer syntaxes.

    Args:
        threads: run what needs no codec.
        quality: of lossy compression, from 1 to 100 (``DicomLossyTranscodingQuality``).
        scratch: makes the files that large images are handed over in.
    """

    def __init__(
        self,
        threads: ThreadPoolExecutor,
        limits: TranscodingLimits | None = None,
        *,
        quality: int = 90,
        scratch: Scratch = tempfile.TemporaryFile,
    ) -> None:
        self._limits = limits = limits or TranscodingLimits()
        self._quality = quality
        self._threads = threads
        self._scratch = scratch
        # A thread for each process: it waits for the answer.
        self._waiters = ThreadPoolExecutor(limits.processes, "codecs")
        self._free = asyncio.Semaphore(limits.processes)
        self._turn = asyncio.Lock()
        self._room = asyncio.Condition()
        self._used = 0
        self._waiting = 0
        self._idle: list[CodecProcess] = []
        self._busy: set[CodecProcess] = set()
        self._closed = False
        self._kept = Cache(limits.kept)

    @property
    def limits(self) -> TranscodingLimits:
        """What it keeps to."""
        return self._limits

    async def transcode(
        self,
        content: Buffer,
        target: str,
        *,
        lossy_quality: int | None = None,
        key: str | None = None,
    ) -> bytes:
        """The same DICOM file in another transfer syntax.

        ``content`` is not needed any more when this returns, raises, or is cancelled.

        Args:
            lossy_quality: from 1 to 100; none is that of the configuration.
            key: a name that no other content ever has, such as the UUID of an attachment: who
                asks again under this name gets what was made before.

        Raises:
            TranscodingError: the image can't be written so, or it breaks a codec or a limit.
            DicomFormatError: the bytes are no DICOM file.
            UnavailableError: too many images wait already, or the server stops.
        """
        # What loses something is a new instance each time.
        name = (key, target) if key is not None and not is_lossy(target) else None
        made = self._kept.get(name) if name is not None else None
        if made is None:
            made = await self._make(content, target, lossy_quality)
            if name is not None:
                self._kept.put(name, made)
        return made

    async def _make(self, content: Buffer, target: str, lossy_quality: int | None) -> bytes:
        what = await self._work(without_codecs, content, target)
        if isinstance(what, bytes):
            return what
        quality = self._quality if lossy_quality is None else lossy_quality
        size = len(content) + what.size
        seconds = self._limits.seconds + size // self._limits.speed
        most = what.size + what.size // 4 + _SLACK
        job = Job(content, target, quality, most, seconds)
        async with self._place(size), self._process() as process:
            return await self._finish(process, job)

    async def plan(self, content: Buffer, target: str) -> Plan:
        """What that would take.

        Raises:
            TranscodingError: the file, or the target, isn't one that can be transcoded.
            DicomFormatError: the bytes are no DICOM file.
        """
        return await self._work(plan, content, target)

    async def close(self) -> None:
        """End all processes; what is under way is called off."""
        self._closed = True
        processes = [*self._idle, *self._busy]
        self._idle.clear()
        self._kept.clear()
        for process in processes:
            process.kill()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._waiters.shutdown)
        for process in processes:
            await loop.run_in_executor(None, process.close)

    async def _work(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run on a thread; when the caller is cancelled, the thread is done with its arguments."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await _settled(future)
            raise

    async def _finish(self, process: CodecProcess, job: Job) -> bytes:
        future = asyncio.get_running_loop().run_in_executor(self._waiters, process.run, job)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            process.kill()
            await _settled(future)
            raise

    @asynccontextmanager
    async def _place(self, size: int) -> AsyncIterator[None]:
        """Room for an image."""
        if self._waiting >= self._limits.waiting:
            raise UnavailableError(
                f"{self._waiting} images wait to be transcoded, which is the most allowed"
            )
        size = min(size, self._limits.capacity)
        self._waiting += 1
        try:
            # One after the other, so that a large image gets its turn among small ones.
            async with self._turn, self._room:
                await self._room.wait_for(
                    lambda: not self._used or self._used + size <= self._limits.capacity
                )
                self._used += size
            try:
                async with self._free:
                    self._refuse_if_closed()
                    yield
            finally:
                self._used -= size
                async with self._room:
                    self._room.notify_all()
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[CodecProcess]:
        process = self._an_idle_one() or CodecProcess(self._limits.memory, self._scratch)
        self._busy.add(process)
        try:
            yield process
        finally:
            self._busy.discard(process)
            if process.alive and process.jobs < self._limits.images and not self._closed:
                self._idle.append(process)
                loop = asyncio.get_running_loop()
                loop.call_later(self._limits.idle, self._retire, process, process.jobs)
            elif not self._closed:  # Else close() sees to it.
                self._waiters.submit(process.close)

    def _an_idle_one(self) -> CodecProcess | None:
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                return process
            # Something ended it in the meantime, such as a system that is short of memory.
            self._waiters.submit(process.close)
        return None

    def _retire(self, process: CodecProcess, jobs: int) -> None:
        """Let a process go that had nothing to do since then."""
        if process in self._idle and process.jobs == jobs:
            self._idle.remove(process)
            self._waiters.submit(process.close)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise UnavailableError("The server stops")


async def _settled(future: asyncio.Future[Any]) -> None:
    """Wait for the end of what can't be cancelled; its result is of no use."""
    await asyncio.wait((future,))
    if not future.cancelled():
        future.exception()
