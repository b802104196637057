"""Changing the transfer syntax of what arrives (``IngestTranscoding``)."""

from __future__ import annotations

import logging

from hornburg.archive.transcoding import Transcoder, TranscodingError
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.transcode import is_target
from hornburg.errors import ParameterOutOfRangeError, UnavailableError
from hornburg.settings import Settings

__all__ = ["check_ingest_transcoding", "transcoded_for_storage"]

_LOG = logging.getLogger(__name__)


def check_ingest_transcoding(settings: Settings) -> None:
    """Refuse to start with a transfer syntax that nothing can be changed to.

    Raises:
        ParameterOutOfRangeError: ``IngestTranscoding`` is no target.
    """
    syntax = settings.ingest_transcoding
    if syntax and not is_target(syntax):
        raise ParameterOutOfRangeError(
            f"IngestTranscoding: {syntax[:64]!r} is no transfer syntax that images can be changed to"
        )


async def transcoded_for_storage(
    transcoder: Transcoder, settings: Settings, content: Buffer
) -> bytes | None:
    """What is to be stored in place of a file that arrived; none when it stays as it is.

    That is the case without ``IngestTranscoding``, for what has no pixels, by
    ``IngestTranscodingOfUncompressed`` and ``IngestTranscodingOfCompressed``, and when it can't be
    transcoded: nothing is refused for that. With a lossy target the answer is a new instance.
    """
    target = settings.ingest_transcoding
    if not target:
        return None
    try:
        what = await transcoder.plan(content, target)
        wanted = (
            settings.ingest_transcoding_of_compressed
            if what.compressed
            else settings.ingest_transcoding_of_uncompressed
        )
        if what.same or not what.pixels or not wanted:
            return None
        return await transcoder.transcode(content, target)
    except DicomFormatError:
        return None  # The reader of the road in says what is wrong with it.
    except (TranscodingError, UnavailableError) as error:
        _LOG.warning("An instance is stored as it came, not as %s: %s", target, error)
        return None
