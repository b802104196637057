"""What is stored in place of what arrived."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.dicom.files import shipped
from tests.rest.conftest import settings_of

from hornburg.archive.ingest_transcoding import check_ingest_transcoding, transcoded_for_storage
from hornburg.archive.transcoding import Transcoder, TranscodingLimits
from hornburg.dicom.transcode import transcode
from hornburg.errors import ParameterOutOfRangeError

RLE, LITTLE, JPEG = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
PLAIN, COMPRESSED = shipped("MR_small.dcm"), shipped("MR_small_RLE.dcm")


@pytest_asyncio.fixture
async def transcoder() -> AsyncIterator[Transcoder]:
    with ThreadPoolExecutor(1) as threads:
        made = Transcoder(threads, TranscodingLimits(processes=1))
        yield made
        await made.close()


@pytest.mark.parametrize(
    ("options", "file", "expected"),
    [
        ({}, PLAIN, None),
        ({"IngestTranscoding": RLE}, PLAIN, RLE),
        ({"IngestTranscoding": LITTLE}, COMPRESSED, LITTLE),
        ({"IngestTranscoding": LITTLE}, PLAIN, None),
        ({"IngestTranscoding": RLE, "IngestTranscodingOfUncompressed": False}, PLAIN, None),
        ({"IngestTranscoding": LITTLE, "IngestTranscodingOfCompressed": False}, COMPRESSED, None),
        ({"IngestTranscoding": RLE}, shipped("rtplan.dcm"), None),
        ({"IngestTranscoding": JPEG}, PLAIN, None),
        ({"IngestTranscoding": RLE}, b"no DICOM", None),
    ],
)
async def test_what_is_stored(
    tmp_path: Path, transcoder: Transcoder, options: dict[str, Any], file: bytes, expected: str
) -> None:
    settings = settings_of(tmp_path, **options)
    found = await transcoded_for_storage(transcoder, settings, file)
    assert found == (transcode(file, expected) if expected else None)


def test_a_target_that_is_none(tmp_path: Path) -> None:
    check_ingest_transcoding(settings_of(tmp_path / "a"))
    check_ingest_transcoding(settings_of(tmp_path / "b", IngestTranscoding=RLE))
    with pytest.raises(ParameterOutOfRangeError, match="IngestTranscoding"):
        check_ingest_transcoding(settings_of(tmp_path / "c", IngestTranscoding="1.2.3"))
