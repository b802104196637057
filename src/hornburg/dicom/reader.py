"""Reading a DICOM file (PS3.10 section 7), in one pass and without a copy of its pixel data."""

from __future__ import annotations

from hornburg.dicom.buffer import Buffer
from hornburg.dicom.charsets import charset_of
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.dictionary import DEFAULT, Dictionary
from hornburg.dicom.inflate import inflate
from hornburg.dicom.limits import Limits
from hornburg.dicom.meta import read_meta
from hornburg.dicom.pixel_data import PixelData, pixel_data_of
from hornburg.dicom.scan import scan
from hornburg.dicom.syntax import Encoding, guess_encoding

__all__ = ["DicomFile", "read"]

_SOP_CLASS_UID = 0x00080016
_META_SOP_CLASS_UID = 0x00020002
_LIMITS = Limits()


class DicomFile:
    """A DICOM file that was read.

    ``header_end`` is the offset of the first byte that a reader of the header needn't have: that
    of the pixel data's value, or the size of the file. ``deflated`` tells that all offsets but
    those of ``meta`` are of the inflated data set, which is ``dataset.buffer``.
    """

    __slots__ = ("dataset", "deflated", "encoding", "meta", "size", "transfer_syntax")

    def __init__(
        self,
        meta: DataSet,
        dataset: DataSet,
        transfer_syntax: str,
        encoding: Encoding,
        size: int,
    ) -> None:
        self.meta = meta
        self.dataset = dataset
        self.transfer_syntax = transfer_syntax
        self.encoding = encoding
        self.deflated = encoding.deflated
        self.size = size

    @property
    def sop_class_uid(self) -> str:
        """SOP Class UID of the data set, or else of the meta header; empty when neither has it."""
        return self.dataset.text(_SOP_CLASS_UID) or self.meta.text(_META_SOP_CLASS_UID) or ""

    @property
    def pixel_data(self) -> PixelData | None:
        """Where the pixel data is."""
        return pixel_data_of(self.dataset, self.encoding.implicit)

    @property
    def header_end(self) -> int:
        """The size of what is needed to read the file again without its pixel data, in bytes."""
        pixels = self.pixel_data
        return self.size if pixels is None or self.deflated else pixels.value_offset

    def text(self, tag: int) -> str | None:
        """The value of an element of the data set, or of group 2, as Orthanc prints it."""
        return (self.meta if tag >> 16 == 2 else self.dataset).text(tag)


def read(
    buffer: Buffer,
    *,
    default_charset: str = "Latin1",
    dictionary: Dictionary = DEFAULT,
    limits: Limits = _LIMITS,
) -> DicomFile:
    """Read a DICOM file, with or without preamble and meta header.

    Args:
        buffer: the whole file. It must not change while the answer is used.
        default_charset: Orthanc's name of the encoding of texts when the file names none.

    Raises:
        DicomFormatError: it is no DICOM file, it is cut short, or it passes a limit.
    """
    size = len(buffer)
    meta_entries, start, transfer_syntax, has_head = read_meta(buffer, size)
    charset = charset_of("", default_charset)
    meta = DataSet(buffer, meta_entries, charset=charset, dictionary=dictionary)
    if transfer_syntax == "":
        transfer_syntax = meta.text(0x00020010) or ""
    encoding = guess_encoding(buffer, start, size, transfer_syntax, has_head)
    data: Buffer = buffer
    if encoding.deflated:
        data = inflate(buffer, start, limits)
        start, size = 0, len(data)
        encoding = guess_encoding(data, 0, size, encoding.transfer_syntax, True, inflated=True)
        encoding = encoding._replace(deflated=True)
    entries = scan(
        data,
        start,
        size,
        implicit=encoding.implicit,
        big=encoding.big,
        dictionary=dictionary,
        limits=limits,
    )
    dataset = DataSet(
        data,
        entries,
        charset=charset,
        dictionary=dictionary,
        big=encoding.big,
        default_charset=default_charset,
    )
    return DicomFile(meta, dataset, encoding.transfer_syntax, encoding, len(buffer))
