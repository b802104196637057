"""The processes in which codecs run: what they may, and what becomes of a hostile image."""

import asyncio
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from tests.dicom.files import shipped
from tests.dicom.test_transcode import EXPLICIT, IMPLICIT, RLE_FRAME, encapsulated
from tests.rest.conftest import settings_of

from hornburg.archive.codec_process import CodecProcess, Job
from hornburg.archive.transcoding import Transcoder, TranscodingError, TranscodingLimits
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.transcode import transcode
from hornburg.errors import UnavailableError

RLE = "1.2.840.10008.1.2.5"
IMAGE = shipped("MR_small.dcm")


class Made:
    """Makes transcoders, and closes them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2)
        self._made: list[Transcoder] = []

    def __call__(self, **limits: float) -> Transcoder:
        bounds = TranscodingLimits(**{"processes": 1, **limits})  # type: ignore[arg-type]
        self._made.append(Transcoder(self._threads, bounds))
        return self._made[-1]

    async def close(self) -> None:
        for transcoder in self._made:
            await transcoder.close()
        self._threads.shutdown()


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Made]:
    made = Made()
    yield made
    await made.close()


def process(transcoder: Transcoder) -> CodecProcess:
    (one,) = (*transcoder._idle, *transcoder._busy)
    return one


def pid(transcoder: Transcoder) -> int:
    running = process(transcoder)._process
    assert running is not None
    return running.pid


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_the_answer_is_that_of_the_function(make: Made) -> None:
    transcoder = make()
    there = await transcoder.transcode(IMAGE, RLE)
    assert there == transcode(IMAGE, RLE)
    assert await transcoder.transcode(there, EXPLICIT) == transcode(there, EXPLICIT)
    assert process(transcoder).jobs == 2


async def test_what_needs_no_codec_needs_no_process(make: Made) -> None:
    transcoder = make()
    assert await transcoder.transcode(IMAGE, IMPLICIT) == transcode(IMAGE, IMPLICIT)
    assert await transcoder.transcode(IMAGE, EXPLICIT) == IMAGE
    assert transcoder._idle == []


async def test_refusals_keep_the_process(make: Made) -> None:
    transcoder = make()
    with pytest.raises(TranscodingError, match="Cannot transcode to"):
        await transcoder.transcode(IMAGE, "foo")
    with pytest.raises(DicomFormatError):
        await transcoder.transcode(b"no DICOM at all", RLE)
    await transcoder.transcode(IMAGE, RLE)
    before = pid(transcoder)
    broken = encapsulated(RLE, RLE_FRAME[:100])
    with pytest.raises(TranscodingError, match="decode"):
        await transcoder.transcode(broken, EXPLICIT)
    await transcoder.transcode(IMAGE, RLE)
    assert pid(transcoder) == before


async def test_a_crash_ends_one_image_only(make: Made) -> None:
    transcoder = make()
    await transcoder.transcode(IMAGE, RLE)
    number = pid(transcoder)
    os.kill(number, signal.SIGSTOP)
    task = asyncio.ensure_future(transcoder.transcode(IMAGE, RLE))
    await until(lambda: process(transcoder).jobs == 2)
    os.kill(number, signal.SIGSEGV)
    os.kill(number, signal.SIGCONT)
    with pytest.raises(TranscodingError, match="breaks the codec"):
        await task
    assert await transcoder.transcode(IMAGE, RLE) == transcode(IMAGE, RLE)
    assert pid(transcoder) != number


async def test_a_process_that_died_while_idle(make: Made) -> None:
    transcoder = make()
    await transcoder.transcode(IMAGE, RLE)
    dead = process(transcoder)
    os.kill(pid(transcoder), signal.SIGKILL)
    await until(lambda: not dead.alive)
    assert await transcoder.transcode(IMAGE, RLE) == transcode(IMAGE, RLE)


async def test_time_is_bounded(make: Made) -> None:
    transcoder = make(seconds=1)
    await transcoder.transcode(IMAGE, RLE)
    number = pid(transcoder)
    os.kill(number, signal.SIGSTOP)
    with pytest.raises(TranscodingError, match="longer than 1 s"):
        await transcoder.transcode(IMAGE, RLE)
    await until(lambda: not Path(f"/proc/{number}").exists())
    assert await transcoder.transcode(IMAGE, RLE) == transcode(IMAGE, RLE)


async def test_memory_is_bounded(make: Made) -> None:
    """16384x32000 pixels out of 8 MB of RLE: announced truly, and more than may be taken."""
    rows, columns = struct.pack("<H", 16384), struct.pack("<H", 32000)
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * (16384 * 32000 // 128)
    image = encapsulated(RLE, frame, t00280010=("US", rows), t00280011=("US", columns))
    transcoder = make(memory=900 << 20)
    with pytest.raises(TranscodingError):
        await transcoder.transcode(image, EXPLICIT)
    assert await transcoder.transcode(IMAGE, RLE) == transcode(IMAGE, RLE)


async def test_what_a_process_has(make: Made) -> None:
    """No socket of the server, no secret of its environment, no core."""
    os.environ["HORNBURG__SECRET"] = "x"
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.set_inheritable(True)
        transcoder = make()
        await transcoder.transcode(IMAGE, RLE)
        folder = Path(f"/proc/{pid(transcoder)}")
        sockets = [link for link in (folder / "fd").iterdir() if "socket" in os.readlink(link)]
        assert len(sockets) == 1
    del os.environ["HORNBURG__SECRET"]
    assert b"SECRET" not in (folder / "environ").read_bytes()
    limits = (folder / "limits").read_text()
    rows = {row[:25].strip(): row[25:].split()[:2] for row in limits.splitlines()}
    assert rows["Max core file size"] == ["0", "0"]
    assert int(rows["Max address space"][0]) < 5 << 30
    assert int(rows["Max open files"][1]) == 64
    assert int(rows["Max cpu time"][0]) < 60
    assert int(rows["Max file size"][0]) < 2 << 20


async def test_cancelled(make: Made) -> None:
    transcoder = make()
    await transcoder.transcode(IMAGE, RLE)
    number = pid(transcoder)
    os.kill(number, signal.SIGSTOP)
    task = asyncio.ensure_future(transcoder.transcode(IMAGE, RLE))
    await until(lambda: process(transcoder).jobs == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await transcoder.transcode(IMAGE, RLE) == transcode(IMAGE, RLE)
    assert transcoder._used == transcoder._waiting == 0
    assert pid(transcoder) != number


async def test_the_queue_is_bounded(make: Made) -> None:
    transcoder = make(waiting=2, capacity=1)
    await transcoder.transcode(IMAGE, RLE)
    number = pid(transcoder)
    os.kill(number, signal.SIGSTOP)
    first = asyncio.ensure_future(transcoder.transcode(IMAGE, RLE))
    second = asyncio.ensure_future(transcoder.transcode(IMAGE, RLE))
    await until(lambda: transcoder._waiting == 2)
    with pytest.raises(UnavailableError, match="2 images"):
        await transcoder.transcode(IMAGE, RLE)
    os.kill(number, signal.SIGCONT)
    assert await first == await second == transcode(IMAGE, RLE)
    assert transcoder._used == transcoder._waiting == 0


async def test_a_process_is_replaced_after_its_share(make: Made) -> None:
    transcoder = make(images=1)
    await transcoder.transcode(IMAGE, RLE)
    assert transcoder._idle == []


async def test_a_process_with_nothing_to_do_ends(make: Made) -> None:
    transcoder = make(idle=0.01)
    await transcoder.transcode(IMAGE, RLE)
    number = pid(transcoder)
    await until(lambda: not Path(f"/proc/{number}").exists())
    assert transcoder._idle == []


async def test_closing_calls_off(make: Made) -> None:
    transcoder = make()
    await transcoder.transcode(IMAGE, RLE)
    number = pid(transcoder)
    os.kill(number, signal.SIGSTOP)
    tasks = [asyncio.ensure_future(transcoder.transcode(IMAGE, RLE)) for _ in range(2)]
    await until(lambda: process(transcoder).jobs == 2)
    await until(lambda: transcoder._waiting == 2)
    await transcoder.close()
    first, second = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(first, TranscodingError)
    assert isinstance(second, UnavailableError)
    assert not Path(f"/proc/{number}").exists()
    with pytest.raises(UnavailableError):
        await transcoder.transcode(IMAGE, RLE)


async def test_several_at_the_same_time(make: Made) -> None:
    transcoder = make(processes=2)
    names = ("CT_small.dcm", "MR_small_RLE.dcm", "JPEG-LL.dcm", "SC_rgb_jpeg_gdcm.dcm")
    files = [shipped(name) for name in names]
    target = "1.2.840.10008.1.2.4.80"
    there = await asyncio.gather(*(transcoder.transcode(file, target) for file in files))
    assert there == [transcode(file, target) for file in files]


async def test_answers_are_kept(make: Made) -> None:
    transcoder = make(kept=16 << 20)
    first = await transcoder.transcode(IMAGE, RLE, key="a")
    assert await transcoder.transcode(b"", RLE, key="a") is first
    assert process(transcoder).jobs == 1
    assert await transcoder.transcode(IMAGE, RLE, key="b") is not first
    assert await transcoder.transcode(IMAGE, RLE) is not first
    assert await transcoder.transcode(IMAGE, IMPLICIT, key="a") == transcode(IMAGE, IMPLICIT)


async def test_a_new_instance_is_not_kept(make: Made) -> None:
    transcoder = make()
    image, lossy = shipped("color-px.dcm"), "1.2.840.10008.1.2.4.50"
    one, other = [await transcoder.transcode(image, lossy, key="a") for _ in range(2)]
    assert one != other


async def test_a_large_image_gets_its_turn(make: Made) -> None:
    """It waits until nothing else is under way, and what came later waits for it."""
    large, small = shipped("color-px.dcm"), shipped("MR_small.dcm")
    transcoder = make(processes=2, capacity=200_000)
    done: list[str] = []

    async def ask(image: bytes, name: str) -> None:
        await transcoder.transcode(image, RLE)
        done.append(name)

    await ask(small, "warm")
    number = pid(transcoder)
    os.kill(number, signal.SIGSTOP)
    tasks = []
    for count, (image, name) in enumerate(((small, "first"), (large, "large"), (small, "last"))):
        tasks.append(asyncio.ensure_future(ask(image, name)))
        await until(lambda count=count: transcoder._waiting == count + 1)  # type: ignore[misc]
    os.kill(number, signal.SIGCONT)
    await asyncio.gather(*tasks)
    assert done == ["warm", "first", "large", "last"]
    assert transcoder._used == 0


def test_bounds_of_the_configuration(tmp_path: Path) -> None:
    bounds = TranscodingLimits.of(
        settings_of(
            tmp_path,
            TranscoderThreadsCount=1000,
            TranscoderMemoryCapacity=3,
            TranscoderCacheSize=2,
            MaximumConcurrentDcmtkTranscoders=1,
        )
    )
    assert (bounds.processes, bounds.capacity, bounds.kept) == (1, 3 << 20, 2 << 20)
    many = TranscodingLimits.of(settings_of(tmp_path, TranscoderThreadsCount=1000))
    assert many.processes <= (os.cpu_count() or 1)


async def test_a_process_that_can_not_even_start(make: Made) -> None:
    transcoder = make(memory=30 << 20)
    with pytest.raises(TranscodingError, match="breaks the codec"):
        await transcoder.transcode(IMAGE, RLE)
    assert transcoder._used == transcoder._waiting == 0


def test_an_error_that_nobody_foresaw() -> None:
    """The process says so and ends."""
    one = CodecProcess(2 << 30)
    job = Job(IMAGE, RLE, 90, 1 << 20, 30)
    assert one.run(job) == transcode(IMAGE, RLE)
    with pytest.raises(TranscodingError, match="breaks the codec"):
        one.run(replace(job, target=None))  # type: ignore[arg-type]
    assert not one.alive
    one.close()
