"""Data sets that we write: equal to pydicom's, in every transfer syntax and character set."""

import contextlib
import io
import warnings
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag

from hornburg.dicom.charset_encode import encode_text
from hornburg.dicom.charsets import charset_of
from hornburg.dicom.elements import Elements, Value, decode, elements_of, encode
from hornburg.dicom.elements_json import UnknownElementError, elements_of_json
from hornburg.dicom.encode import EncodeError
from hornburg.dicom.errors import DicomFormatError
from hornburg.errors import BadParameterTypeError, BadRequestError

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
SYNTAXES = (IMPLICIT, EXPLICIT, BIG, DEFLATED)
CHARSET, NAME, COMMENTS = 0x00080005, 0x00100010, 0x00104000

LETTERS = st.sampled_from("ABCxyz 0123.-^é")
TEXTS = {
    "PN": (NAME,),
    "LO": (0x00100020, 0x00081030),
    "SH": (0x00080050,),
    "UI": (0x0020000D,),
    "DA": (0x00080020,),
    "CS": (0x00080061,),
    "IS": (0x00201206,),
    "LT": (COMMENTS,),
    "AE": (0x00080054,),
    "UT": (0x00081190,),
}
NUMBERS = {"US": 0x00280010, "UL": 0x00041200, "SS": 0x00189219, "FD": 0x00189073, "FL": 0x00180060}


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> Elements:
    """Data sets with the usual VRs and sequences."""
    made: Elements = {}
    for vr, tags in TEXTS.items():
        for tag in tags:
            if draw(st.booleans()):
                alphabet = (
                    LETTERS if vr in ("PN", "LO", "SH", "LT") else st.sampled_from("0123456789")
                )
                text = draw(st.text(alphabet, max_size=12)).strip()
                made[tag] = Value(vr, text)
    if draw(st.booleans()):
        made[0x00280010] = Value("US", str(draw(st.integers(0, 65535))))
        made[0x00189219] = Value("SS", str(draw(st.integers(-32768, 32767))))
        made[0x00080006] = Value("SQ", ())
    if draw(st.booleans()):
        made[0x00189073] = Value("FD", repr(draw(st.floats(allow_nan=False, allow_infinity=False))))
        made[0x00280009] = Value("AT", "0018,1063\\0010,0010")
        made[0x00282000] = Value("OB", draw(st.binary(max_size=4)) or b"\0\0")
        made[0x00281201] = Value("OW", draw(st.binary(min_size=4, max_size=4)))
    if depth and draw(st.booleans()):
        items = draw(st.lists(elements(depth - 1), max_size=2))
        made[0x00081110] = Value("SQ", tuple(items))
    return made


def theirs(made: Elements, big: bool, top: bool = True) -> Dataset:
    """The same data set in pydicom."""
    dataset = Dataset()
    if top:
        dataset.SpecificCharacterSet = "ISO_IR 100"
    for tag, (vr, content) in made.items():
        if isinstance(content, tuple):
            dataset.add_new(tag, vr, [theirs(item, big, False) for item in content])
        elif isinstance(content, bytes):
            if vr == "OW" and big:
                # pydicom takes words in the order of the file, we take them little endian.
                content = content[1::-1] + content[3:1:-1]
            dataset.add_new(tag, vr, content + b"\0" * (len(content) & 1))
        elif vr in ("US", "SS"):
            dataset.add_new(tag, vr, int(content))
        elif vr == "FD":
            dataset.add_new(tag, vr, float(content))
        elif vr == "AT":
            dataset.add_new(
                tag, vr, [Tag(int(one.replace(",", ""), 16)) for one in content.split("\\")]
            )
        else:
            dataset.add_new(tag, vr, content)
    return dataset


def written(dataset: Dataset, syntax: str) -> bytes:
    file = DicomBytesIO()
    file.is_implicit_VR = syntax == IMPLICIT
    file.is_little_endian = syntax != BIG
    write_dataset(file, dataset)
    return file.getvalue()


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_bytes_are_those_of_pydicom(syntax: str, data: st.DataObject) -> None:
    made = data.draw(elements())
    ours = encode({**made, CHARSET: Value("CS", "ISO_IR 100")}, transfer_syntax=syntax)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = theirs(made, syntax == BIG)
        assert ours == written(dataset, syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
@settings(max_examples=60, deadline=None)
@given(made=elements())
def test_what_is_written_is_read_again(syntax: str, made: Elements) -> None:
    whole = {**made, CHARSET: Value("CS", "ISO_IR 100")}
    raw = encode(whole, transfer_syntax=syntax)
    assert len(raw) % 2 == 0
    again = elements_of(decode(raw, syntax))
    assert encode(again) == encode(whole)


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ("ISO_IR 100", "Buc^Jérôme"),
        ("ISO_IR 101", "Wałęsa"),
        ("ISO_IR 126", "Διονυσιος"),
        ("ISO_IR 138", "שרון^דבורה"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 166", "กา"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東="),
        ("GB18030", "Wang^XiaoDong=王^小东="),
        ("GBK", "Wang^XiaoDong=王^小东="),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("\\ISO 2022 IR 58", "Zhang^XiaoDong=张^小东="),
        ("ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126", "é^Ж Ω=é"),
        ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "丂 山\\丂"),
    ],
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_texts_in_every_character_set_are_read_by_us_and_by_pydicom(
    terms: str, text: str, syntax: str
) -> None:
    raw = encode({CHARSET: Value("CS", terms), NAME: Value("PN", text)}, transfer_syntax=syntax)
    assert decode(raw, syntax).text(NAME) == text
    if terms == "\\ISO 2022 IR 58":
        return  # pydicom leaves the escape sequences in the text.
    implicit = encode({CHARSET: Value("CS", terms), NAME: Value("PN", text)})
    theirs = pydicom.dcmread(io.BytesIO(implicit), force=True)
    values = theirs.PatientName
    values = values if isinstance(values, pydicom.multival.MultiValue) else [values]
    # pydicom drops empty groups at the end of a name.
    assert "\\".join(map(str, values)) == text.rstrip("=")


@pytest.mark.parametrize(
    "terms",
    ["", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192", "GB18030", "ISO_IR 13", "nonsense",
     "\\ISO 2022 IR 87", "ISO 2022 IR 149", "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
     "ISO 2022 IR 6\\ISO 2022 IR 100\\ISO 2022 IR 58"],
)  # fmt: skip
@given(text=st.text(max_size=20), vr=st.sampled_from(("PN", "LO", "LT")))
def test_encoding_never_fails_and_replaces_what_is_lacking(terms: str, text: str, vr: str) -> None:
    charset = charset_of(terms, "Ascii")
    raw = encode_text(text, charset, vr)
    if "\x1b" in text:
        return
    decoded = charset.decode(raw, vr)
    assert len(decoded) == len(text)
    assert all(ours in (letter, "?") for ours, letter in zip(decoded, text, strict=True))
    if text.isascii():
        assert decoded == text


@pytest.mark.parametrize("terms", ["ISO_IR 192", "GB18030"])
@given(text=st.text(st.characters(codec="utf-8"), max_size=20))
def test_unicode_holds_everything(terms: str, text: str) -> None:
    charset = charset_of(terms)
    assert charset.decode(encode_text(text, charset)) == text


def test_a_character_set_is_added_only_where_a_text_needs_it() -> None:
    plain = decode(encode({NAME: Value("PN", "Doe")}))
    assert CHARSET not in plain
    accented = {0x00081110: Value("SQ", ({NAME: Value("PN", "Jérôme")},))}
    dataset = decode(encode(accented, charset="Utf8"))
    assert dataset.text(CHARSET) == "ISO_IR 192"
    assert dataset[0x00081110].item(0).text(NAME) == "Jérôme"


def test_an_item_may_have_a_character_set_of_its_own() -> None:
    item = {CHARSET: Value("CS", "ISO_IR 192"), NAME: Value("PN", "王")}
    made = {CHARSET: Value("CS", "ISO_IR 100"), 0x00081110: Value("SQ", (item,))}
    assert decode(encode(made))[0x00081110].item(0).text(NAME) == "王"


def test_group_lengths_are_left_out_and_uids_end_with_nul() -> None:
    made = {0x00080000: Value("UL", "12"), 0x0020000D: Value("UI", "1.2.3")}
    assert encode(made, transfer_syntax=EXPLICIT) == b"\x20\0\x0d\0UI\x06\0001.2.3\0"


def test_a_value_too_long_for_its_vr_becomes_unknown() -> None:
    raw = encode({COMMENTS: Value("LT", "x" * 70_000)}, transfer_syntax=EXPLICIT)
    assert raw[4:6] == b"UN"
    assert decode(raw, EXPLICIT)[COMMENTS].length == 70_000


@pytest.mark.parametrize(
    "made",
    [
        {0x00280010: Value("US", "x")},
        {0x00280010: Value("US", "70000")},
        {0x00280010: Value("US", "-1")},
        {0x00189073: Value("FL", "1e300")},
        {0x00280009: Value("AT", "x")},
        {0x00282000: Value("OB", "text")},
        {0x00081110: Value("SQ", "text")},
        {0x00100010: Value("PN", ({},))},
        {0xFFFEE000: Value("UN", b"")},
    ],
)
def test_values_that_a_vr_cant_hold_are_refused(made: Elements) -> None:
    with pytest.raises(EncodeError):
        encode(made)


def test_nesting_is_bounded() -> None:
    made: Elements = {}
    for _ in range(40):
        made = {0x00081110: Value("SQ", (made,))}
    with pytest.raises(EncodeError, match="deeper"):
        encode(made)


@given(raw=st.binary(max_size=200), syntax=st.sampled_from(SYNTAXES))
def test_hostile_bytes_are_read_or_refused(raw: bytes, syntax: str) -> None:
    with contextlib.suppress(DicomFormatError, EncodeError):
        elements_of(decode(raw, syntax))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"PatientID": "x"}, {0x00100020: Value("LO", "x")}),
        ({"0010,0020": "x", "0010-0010": None}, {0x00100020: Value("LO", "x"), NAME: Value("PN")}),
        ({"00100020": 12}, {0x00100020: Value("LO", "12")}),
        ({"ModalitiesInStudy": ["CT", "MR"]}, {0x00080061: Value("CS", "CT\\MR")}),
        (
            {"0008,1110": [{"ReferencedSOPInstanceUID": "1.2"}, {}]},
            {0x00081110: Value("SQ", ({0x00081155: Value("UI", "1.2")}, {}))},
        ),
        ({"ReferencedStudySequence": {}}, {0x00081110: Value("SQ", ({},))}),
        ({"ReferencedStudySequence": ""}, {0x00081110: Value("SQ", ())}),
        ({"ReferencedStudySequence": []}, {0x00081110: Value("SQ", ())}),
        ({"7fe0,0010": "data:;base64,AAE="}, {0x7FE00010: Value("OW", b"\0\1")}),
        (
            {"0010,0010": {"Name": "PatientName", "Type": "String", "Value": "Doe"}},
            {NAME: Value("PN", "Doe")},
        ),
        (
            {"0019,0010": "SIEMENS MR HEADER", "0019,100c": "50"},
            {0x00190010: Value("LO", "SIEMENS MR HEADER"), 0x0019100C: Value("IS", "50")},
        ),
        ({"0019,1010": "x"}, {0x00191010: Value("UN", "x")}),
    ],
)
def test_queries_in_json(query: dict[str, Any], expected: Elements) -> None:
    assert elements_of_json(query) == expected


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"Nonsense": "x"}, UnknownElementError),
        ({"x" * 10_000: "x"}, UnknownElementError),
        ({"PatientID": True}, BadParameterTypeError),
        ({"PatientID": [{}]}, BadParameterTypeError),
        ({"ReferencedStudySequence": "x"}, BadParameterTypeError),
        ({"ReferencedStudySequence": [{}, "x"]}, BadParameterTypeError),
        ({"7fe0,0010": "x"}, BadParameterTypeError),
        ({"7fe0,0010": "data:;base64,x"}, BadParameterTypeError),
    ],
)
def test_queries_in_json_that_are_refused(query: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        elements_of_json(query)


def test_nesting_in_json_is_bounded() -> None:
    query: dict[str, Any] = {}
    for _ in range(30):
        query = {"ReferencedStudySequence": [query]}
    with pytest.raises(BadRequestError, match="deeper"):
        elements_of_json(query)
