"""The reader against pydicom, over data sets made up and written by pydicom in every encoding."""

import io
import warnings

import msgspec
import pydicom
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from tests.dicom.comparison import compare

from hornburg.dicom import dicom_json
from hornburg.dicom.reader import read

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
SYNTAXES = st.sampled_from([EXPLICIT, IMPLICIT, BIG, DEFLATED])

# Letters that a character set has, by its term.
LETTERS = {
    "ISO_IR 100": "abcXYZ 0123é߯ñ",
    "ISO_IR 101": "abc ŁąĘž",
    "ISO_IR 109": "abc Ħĝ",
    "ISO_IR 110": "abc ĄĸŖ",
    "ISO_IR 126": "abc ΑΒγδ",
    "ISO_IR 127": "abc ابت",
    "ISO_IR 138": "abc אבג",
    "ISO_IR 144": "abc ЖЩя",
    "ISO_IR 148": "abc ğİş",
    "ISO_IR 166": "abc กขค",
    "ISO_IR 192": "abc é漢字😀",
    "GB18030": "abc 漢字é",
    "GBK": "abc 汉字",
    "ISO_IR 13": "abc ﾔﾏﾀﾞ",
    "ISO 2022 IR 6\\ISO 2022 IR 87": "abc 山田太郎",
    "ISO 2022 IR 13\\ISO 2022 IR 87": "abc ﾔﾏ山田",
    "ISO 2022 IR 6\\ISO 2022 IR 159": "abc 丂丄",
    "ISO 2022 IR 6\\ISO 2022 IR 149": "abc 김희중",
    "ISO 2022 IR 6\\ISO 2022 IR 58": "abc 王小东",
    "ISO 2022 IR 100\\ISO 2022 IR 144": "abc éЖ",
    "ISO 2022 IR 100\\ISO 2022 IR 126": "abc éΩ",
}


def number(minimum: int, maximum: int) -> st.SearchStrategy[object]:
    return st.lists(st.integers(minimum, maximum), max_size=4)


TAGS: dict[int, st.SearchStrategy[object]] = {
    0x00080008: st.lists(st.sampled_from(["ORIGINAL", "PRIMARY", "AXIAL", ""]), max_size=4),
    0x00080018: st.from_regex(r"[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8}){0,5}", fullmatch=True),
    0x00080020: st.sampled_from(["", "20200131", "19991231"]),
    0x00080030: st.sampled_from(["", "235959", "120000.123456"]),
    0x00080054: st.sampled_from(["", "ARCHIVE", "A B"]),
    0x00101010: st.sampled_from(["", "042Y", "006M"]),
    0x00180050: st.lists(st.sampled_from(["1.5", "-2", "1e3", "0.333333"]), max_size=1),
    0x00200032: st.lists(st.sampled_from(["1.5", "-2.25", "1e3"]), max_size=3),
    0x00200013: st.lists(st.sampled_from(["1", "-2", "2147483647"]), max_size=1),
    0x00280010: st.integers(0, 65535),
    0x00280106: st.integers(0, 32767),
    0x0018602C: st.floats(),
    0x00189073: st.floats(allow_nan=False),
    0x00189182: st.lists(st.floats(width=64, allow_nan=False), max_size=3),
    0x00186020: number(-(2**31), 2**31 - 1),
    0x00189219: number(-(2**15), 2**15 - 1),
    0x00081161: number(0, 2**32 - 1),
    0x00720082: number(-(2**63), 2**63 - 1),
    0x00720083: number(0, 2**64 - 1),
    0x00280009: st.lists(st.sampled_from([0x00181063, 0x00280008]), max_size=2),
    0x00420011: st.binary(max_size=30).map(lambda value: value + b"\0" * (len(value) % 2)),
    0x00080120: st.sampled_from(["", "http://example.org/a\\b"]),
}
NAMES = (0x00100010, 0x00081030, 0x00080050, 0x00104000, 0x00080081, 0x0040A160, 0x00080119)


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 1, charset: str = "") -> Dataset:
    made = Dataset()
    if not charset or draw(st.booleans()):
        charset = draw(st.sampled_from(sorted(LETTERS)))
        made.add_new(0x00080005, "CS", charset.split("\\"))
    for tag in draw(st.lists(st.sampled_from(sorted(TAGS)), max_size=6, unique=True)):
        made.add_new(tag, pydicom.datadict.dictionary_VR(tag).split(" ")[0], draw(TAGS[tag]))
    # pydicom writes two single-byte sets in one value as PS3.5 6.1.2.5.3 says, and forgets the
    # reset at a delimiter when it reads them.
    most = 1 if charset.startswith("ISO 2022 IR 100") else 3
    words = st.text(LETTERS[charset], max_size=12).map(str.strip)
    for tag in draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True)):
        vr = pydicom.datadict.dictionary_VR(tag)
        if vr == "PN":
            groups = draw(st.lists(words, min_size=1, max_size=most))
            made.add_new(
                tag, vr, "=".join(group.replace(" ", "^" if most > 1 else "") for group in groups)
            )
        elif vr in ("LO", "SH", "UC"):
            made.add_new(tag, vr, draw(st.lists(words, max_size=most)))
        else:
            made.add_new(tag, vr, draw(words))
    if draw(st.booleans()):
        block = made.private_block(0x0011, "HORNBURG TEST", create=True)
        block.add_new(0x01, "LO", draw(st.sampled_from(["", "private"])))
        block.add_new(0x02, "US", 7)
    if depth:
        for tag in draw(st.sets(st.sampled_from([0x00081140, 0x00400275, 0x0040A730]), max_size=2)):
            items = draw(st.lists(data_sets(depth - 1, charset), max_size=3))
            made.add_new(tag, "SQ", Sequence(items))
            made[tag].is_undefined_length = draw(st.booleans())
            for item in items:
                item.is_undefined_length_sequence_item = draw(st.booleans())
    return made


def written(made: Dataset, syntax: str) -> bytes:
    stream = io.BytesIO()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    made.save_as(
        stream,
        implicit_vr=syntax == IMPLICIT,
        little_endian=syntax != BIG,
        enforce_file_format=True,
    )
    return stream.getvalue()


@settings(max_examples=80, deadline=None)
@given(data_sets(), SYNTAXES)
def test_equals_pydicom(made: Dataset, syntax: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = written(made, syntax)
        ours = read(data)
        theirs = pydicom.dcmread(io.BytesIO(data))
        assert ours.transfer_syntax == syntax
        assert compare(theirs, ours.dataset) == []


@settings(max_examples=30, deadline=None)
@given(data_sets(), SYNTAXES)
def test_every_encoding_says_the_same(made: Dataset, syntax: str) -> None:
    """The DICOM JSON Model doesn't show how a data set was written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = msgspec.json.decode(dicom_json.encode(read(written(made, EXPLICIT))))
        other = msgspec.json.decode(dicom_json.encode(read(written(made, syntax))))
    if syntax == IMPLICIT:
        # PS3.5 6.2.2: the implicit form loses the VR of what no dictionary knows.
        plain, other = without_private(plain), without_private(other)
    assert plain == other


def without_private(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_private(part) for key, part in value.items() if key[:4] != "0011"}
    return [without_private(part) for part in value] if isinstance(value, list) else value
