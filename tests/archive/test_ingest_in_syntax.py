"""``IngestTranscoding`` on the one road in."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from tests.rest.conftest import settings_of

from hornburg.archive import ingest
from hornburg.archive.origin import Origin
from hornburg.archive.read import dicom_of, opened
from hornburg.archive.spool import Spool
from hornburg.errors import HornburgError
from hornburg.server import open_archive

RLE = "1.2.840.10008.1.2.5"


async def test_what_arrives_is_kept_in_the_wanted_syntax(tmp_path: Path) -> None:
    original = Path(get_testdata_file("CT_small.dcm"))
    settings = settings_of(tmp_path, IngestTranscoding=RLE)
    async with open_archive(settings) as archive:
        for expected in (ingest.Status.SUCCESS, ingest.Status.ALREADY_STORED):
            with Spool(archive.storage) as spool:
                spool.write(original.read_bytes())
                received = await ingest.store(archive, spool, Origin("RestApi"))
            assert received.status is expected
        attachment = await dicom_of(archive, received.public_ids[3])
        with opened(archive, attachment) as content:
            kept = tmp_path / "kept.dcm"
            kept.write_bytes(bytes(content))
    file = dcmread(kept)
    assert file.file_meta.TransferSyntaxUID == RLE
    assert (file.pixel_array == dcmread(original).pixel_array).all()


async def test_a_syntax_that_nothing_can_be_changed_to_stops_the_start(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, IngestTranscoding="1.2.840.10008.1.2.4.100")
    with pytest.raises(HornburgError, match="IngestTranscoding"):
        async with open_archive(settings):
            pass
