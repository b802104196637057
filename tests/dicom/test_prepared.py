"""Data sets that are encoded in part beforehand are those that are encoded whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.dicom.elements import Elements, Value, encode
from hornburg.dicom.encode import EncodeError
from hornburg.dicom.prepared import Prepared

SYNTAXES = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.70",
)
CHARSETS = ("ISO_IR 100", "ISO_IR 192", "ISO 2022 IR 6\\ISO 2022 IR 87", "nonsense", "")
VRS = ("PN", "LO", "UI", "CS", "DA", "IS", "UT", "US", "FD", "AT", "UN", "OB", "xs", "ox")
TEXTS = st.one_of(
    st.just(""),
    st.text(max_size=12),
    st.text("0123456789", min_size=1, max_size=5),
    st.just("0010,0010"),
    st.just("long" * 20_000),
)
FIXED: Elements = {
    0x00080052: Value("CS", "STUDY"),
    0x00100010: Value("PN", "Møller"),
    0x00400100: Value("SQ", ({0x00100020: Value("LO", "ä")},)),
    0x7FE00010: Value("OB", b"\1\2"),
}
TAGS = (0x00080001, 0x00080005 + 1, 0x00100010, 0x00100020, 0x00400100, 0x7FE00011)


@given(
    changing=st.lists(
        st.tuples(st.sampled_from(TAGS), st.sampled_from(VRS)), unique_by=lambda one: one[0]
    ),
    texts=st.lists(TEXTS, min_size=len(TAGS), max_size=len(TAGS)),
    syntax=st.sampled_from(SYNTAXES),
    term=st.sampled_from(CHARSETS),
)
def test_the_same_bytes(
    changing: list[tuple[int, str]], texts: list[str], syntax: str, term: str
) -> None:
    texts = texts[: len(changing)]
    whole: Elements = {**FIXED, 0x00080005: Value("CS", term)}
    for (tag, vr), text in zip(changing, texts, strict=True):
        whole[tag] = Value(vr, text)
    prepared = Prepared(FIXED, changing, transfer_syntax=syntax, term=term)
    try:
        expected = encode(whole, transfer_syntax=syntax)
    except EncodeError:
        with pytest.raises(EncodeError, match=r"\w"):
            prepared.encoded(texts)
        return
    assert prepared.encoded(texts) == expected


def test_what_is_fixed_is_looked_at_at_once() -> None:
    with pytest.raises(EncodeError, match="number"):
        Prepared(
            {0x00280010: Value("US", "many")}, [], transfer_syntax=SYNTAXES[0], term="ISO_IR 100"
        )
