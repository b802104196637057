"""DICOM data: character sets, dictionaries, codecs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from hornburg.settings.rows import Row
from hornburg.settings.sections import ENCODINGS_ALLOWED, freeze, read_dictionary, read_encoding
from hornburg.settings.values import BuiltinDecoder, DictionaryEntry

__all__ = ["DicomDataOptions", "TranscodingOptions"]


@dataclass(frozen=True, kw_only=True)
class DicomDataOptions:
    """How data sets are read."""

    default_encoding: Annotated[
        str,
        Row(
            "DefaultEncoding",
            "Character set of files that don't name one.",
            read=read_encoding,
            allowed=ENCODINGS_ALLOWED,
        ),
    ] = "Latin1"
    dictionary: Annotated[
        Mapping[str, DictionaryEntry],
        Row(
            "Dictionary",
            "Further tags that are known by name.",
            read=read_dictionary,
            allowed='an object { "gggg,eeee": [VR, name, minimum, maximum, creator] }',
        ),
    ] = field(default_factory=lambda: freeze({}))
    default_private_creator: Annotated[
        str,
        Row(
            "DefaultPrivateCreator",
            "Private creator that is assumed where a private tag is named without one.",
            supported=False,
        ),
    ] = ""
    external_dictionaries: Annotated[
        tuple[Path, ...] | None,
        Row(
            "ExternalDictionaries",
            "Dictionaries in DCMTK's format that replace the built-in one.",
            supported=False,
        ),
    ] = None
    load_private_dictionary: Annotated[
        bool,
        Row(
            "LoadPrivateDictionary",
            "Whether the built-in dictionary of private tags is used.",
            supported=False,
        ),
    ] = True
    locale: Annotated[
        str | None,
        Row("Locale", "Locale for comparing texts; null means the system's.", supported=False),
    ] = None
    dicom_parser_threads_count: Annotated[
        int,
        Row(
            "DicomParserThreadsCount",
            "Threads that parse whole data sets.",
            unit="threads",
            least=1,
            most=1024,
            supported=False,
        ),
    ] = 2
    dicom_parser_cache_size: Annotated[
        int,
        Row(
            "DicomParserCacheSize",
            "Memory for data sets that were parsed lately.",
            unit="MB",
            least=0,
            most=1 << 30,
            supported=False,
        ),
    ] = 256
    dicom_parser_memory_capacity: Annotated[
        int,
        Row(
            "DicomParserMemoryCapacity",
            "Memory for data sets that are parsed at the same time.",
            unit="MB",
            least=0,
            most=1 << 30,
            supported=False,
        ),
    ] = 256
    sequential_dicom_reader_threads_count: Annotated[
        int | None,
        Row(
            "SequentialDicomReaderThreadsCount",
            "Threads that read ahead when many instances are walked; null means a fitting number.",
            unit="threads",
            least=0,
            most=1024,
            supported=False,
        ),
    ] = None
    sequential_dicom_reader_window_size: Annotated[
        int,
        Row(
            "SequentialDicomReaderWindowSize",
            "Instances that are read ahead.",
            unit="instances",
            least=1,
            most=100_000,
            supported=False,
        ),
    ] = 4
    sequential_dicom_reader_window_capacity: Annotated[
        int,
        Row(
            "SequentialDicomReaderWindowCapacity",
            "Memory for instances that are read ahead.",
            unit="MB",
            least=0,
            most=1 << 30,
            supported=False,
        ),
    ] = 128


@dataclass(frozen=True, kw_only=True)
class TranscodingOptions:
    """Changing the transfer syntax."""

    ingest_transcoding: Annotated[
        str | None,
        Row(
            "IngestTranscoding",
            "Transfer syntax that arriving instances are changed to; null means none.",
        ),
    ] = None
    ingest_transcoding_of_uncompressed: Annotated[
        bool,
        Row(
            "IngestTranscodingOfUncompressed",
            "Whether IngestTranscoding holds for uncompressed instances.",
        ),
    ] = True
    ingest_transcoding_of_compressed: Annotated[
        bool,
        Row(
            "IngestTranscodingOfCompressed",
            "Whether IngestTranscoding holds for compressed instances.",
        ),
    ] = True
    builtin_decoder_transcoder_order: Annotated[
        BuiltinDecoder,
        Row(
            "BuiltinDecoderTranscoderOrder",
            "Whether our own decoder is tried before or after those of plug-ins.",
            supported=False,
        ),
    ] = BuiltinDecoder.AFTER
    dicom_lossy_transcoding_quality: Annotated[
        int,
        Row(
            "DicomLossyTranscodingQuality",
            "Quality of lossy compression.",
            unit="percent",
            least=1,
            most=100,
        ),
    ] = 90
    transcoder_threads_count: Annotated[
        int,
        Row(
            "TranscoderThreadsCount",
            "Transcodings at the same time.",
            unit="threads",
            least=1,
            most=1024,
        ),
    ] = 4
    transcoder_cache_size: Annotated[
        int,
        Row(
            "TranscoderCacheSize",
            "Memory for instances that were transcoded lately.",
            unit="MB",
            least=0,
            most=1 << 30,
        ),
    ] = 256
    transcoder_memory_capacity: Annotated[
        int,
        Row(
            "TranscoderMemoryCapacity",
            "Memory for instances that are transcoded at the same time.",
            unit="MB",
            least=0,
            most=1 << 30,
        ),
    ] = 256
    maximum_concurrent_dcmtk_transcoders: Annotated[
        int,
        Row(
            "MaximumConcurrentDcmtkTranscoders",
            "Most transcodings by the built-in codecs at the same time; 0 means no limit.",
            least=0,
            most=1024,
        ),
    ] = 0
