"""Specific Character Set: the examples of PS3.5 annexes H to K, and what can be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import python_encoding
from tests.dicom.files import dataset, element, file, item, shipped

from hornburg.dicom.charset_encode import encode_text
from hornburg.dicom.charsets import ORTHANC_ENCODINGS, charset_of
from hornburg.dicom.reader import read

NAME = 0x00100010


@pytest.mark.parametrize(
    ("terms", "raw", "text"),
    [
        ("", b"Doe^John", "Doe^John"),
        ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        ("ISO_IR 101", b"W\xb3a", "Wła"),
        ("ISO_IR 109", b"\xa1", "Ħ"),
        ("ISO_IR 110", b"\xa1", "Ą"),
        ("ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
        ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea", "قباني"),
        ("ISO_IR 138", b"\xf9\xf8\xe5\xef", "שרון"),
        ("ISO_IR 144", b"\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг"),
        ("ISO_IR 148", b"\xddzzet", "İzzet"),
        ("ISO_IR 166", b"\xa1\xd2", "กา"),
        ("ISO_IR 203", b"\xa4", "€"),
        ("ISO_IR 13", b"\xd4\xcf\xc0\xde", "ﾔﾏﾀﾞ"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東".encode(), "Wang^XiaoDong=王^小東"),
        ("GB18030", "王^小东".encode("gb18030"), "王^小东"),
        ("GBK", "王^小东".encode("gbk"), "王^小东"),
        # PS3.5 H.3.1, H.3.2
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J="
            b"\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        ),
        # PS3.5 I.2
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        # PS3.5 K.2
        (
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            "Zhang^XiaoDong=张^小东=",
        ),
        ("\\ISO 2022 IR 159", b"\x1b$(D0!\x1b(B", "丂"),
        ("ISO 2022 IR 100\\ISO 2022 IR 144", b"\xe9 \x1b-L\xb6", "é Ж"),
        # The active sets come back at a delimiter of names ...
        ("ISO 2022 IR 100\\ISO 2022 IR 144", b"\x1b-L\xb6^\xe9=\xe9", "Ж^é=é"),
        # ... but a backslash or a caret inside a character of two bytes is none.
        ("\\ISO 2022 IR 87", b"\x1b$B\x25\x5e\x30\x5c\x1b(B^a", "マ移^a"),
    ],
)
def test_examples(terms: str, raw: bytes, text: str) -> None:
    assert charset_of(terms).decode(raw, "PN") == text


def test_reset_at_the_end_of_a_value_and_a_line() -> None:
    charset = charset_of("ISO 2022 IR 100\\ISO 2022 IR 144")
    assert charset.decode(b"\x1b-L\xb6\\\xe9", "LO") == "Ж\\é"
    assert charset.decode(b"\x1b-L\xb6\r\n\xe9", "LT") == "Ж\r\né"
    assert charset.decode(b"\x1b-L\xb6^\xb6", "LO") == "Ж^Ж"


@pytest.mark.parametrize("name", ORTHANC_ENCODINGS)
def test_orthanc_names(name: str) -> None:
    text = charset_of("", name)
    assert text.decode(b"abc") == "abc"
    assert text.decode(b"\xe9\xff") != ""


@pytest.mark.parametrize("term", python_encoding)
def test_every_term_of_pydicom(term: str) -> None:
    """A letter outside ASCII, as pydicom's codec writes it, comes back."""
    codec = python_encoding[term]
    letter = next(
        char
        for char in "éĄĦŁΩאبЖşกﾔ亜가"
        if (term != "" and _encodes(char, codec)) or (term == "" and char == "é")
    )
    assert charset_of(term).decode(letter.encode(codec)) == letter


def _encodes(char: str, codec: str) -> bool:
    try:
        return len(char.encode(codec)) > 0
    except UnicodeEncodeError:
        return False


@given(
    st.sampled_from(
        [*python_encoding, "\\ISO 2022 IR 87", "nonsense", "ISO 2022 IR 6\\ISO_IR 192"]
    ),
    st.lists(
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from(
                [b"\x1b$B", b"\x1b(B", b"\x1b$)C", b"\x1b-F", b"\x1b)I", b"\x1b", b"\\"]
            ),
        ),
        max_size=8,
    ),
    st.sampled_from(["PN", "LO", "LT"]),
)
def test_never_raises(terms: str, pieces: list[bytes], vr: str) -> None:
    assert isinstance(charset_of(terms).decode(b"".join(pieces), vr), str)


def test_bad_bytes_are_replaced() -> None:
    assert charset_of("ISO_IR 192").decode(b"a\xffb") == "a\ufffdb"
    assert charset_of("ISO_IR 192").decode(b"a\x1b$Bb") == "a\x1b$Bb"
    assert charset_of("\\ISO 2022 IR 149").decode(b"\x1b$)C\xb0") == "\ufffd"


def test_default_encoding() -> None:
    data = file(dataset((NAME, "PN", b"\xc6\xee")))
    assert read(data).text(NAME) == "Æî"
    assert read(data, default_charset="Cyrillic").text(NAME) == "Цю"
    assert read(data, default_charset="Windows1251").text(NAME) == "Жо"
    named = file(dataset((0x00080005, "CS", b"ISO_IR 100"), (NAME, "PN", b"\xc6\xee")))
    assert read(named, default_charset="Cyrillic").text(NAME) == "Æî"
    empty = file(dataset((0x00080005, "CS", b""), (NAME, "PN", b"\xc6\xee")))
    assert read(empty, default_charset="Cyrillic").text(NAME) == "Цю"


def test_items_inherit_or_name_their_own() -> None:
    """PS3.5 6.1.2.4: the character set of a data set holds for its items that name none."""
    inherits = item(element(0x00080104, "LO", "é".encode()))
    names = item(element(0x00080005, "CS", b"ISO_IR 144") + element(0x00080104, "LO", b"\xb6"))
    sequence = (0x00081140, "SQ", inherits + names)
    found = read(file(dataset((0x00080005, "CS", b"ISO_IR 192"), sequence)))
    assert [one.text(0x00080104) for one in found.dataset[0x00081140].items] == ["é", "Ж"]


def test_an_item_that_names_nothing_or_nonsense() -> None:
    empty = item(element(0x00080005, "CS", b"") + element(0x00080104, "LO", b"\xc6"))
    wrong = item(element(0x00080005, "CS", b"nonsense") + element(0x00080104, "LO", b"\xc6"))
    rows = [(0x00080005, "CS", b"ISO_IR 100"), (0x00081140, "SQ", empty + wrong)]
    found = read(file(dataset(*rows)), default_charset="Cyrillic")
    assert [one.text(0x00080104) for one in found.dataset[0x00081140].items] == ["Æ", "Ц"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chrH31.dcm", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("chrH32.dcm", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        ("chrI2.dcm", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("chrX1.dcm", "Wang^XiaoDong=王^小東="),
        ("chrRuss.dcm", "Люкceмбypг"),
        ("chrGreek.dcm", "Διονυσιος"),
    ],
)
def test_shipped_examples(name: str, text: str) -> None:
    assert read(shipped(name)).text(NAME) == text


@pytest.mark.parametrize("number", [100, 101, 109, 110, 126, 127, 138, 144, 148, 203])
def test_texts_in_one_part_of_iso_8859(number: int) -> None:
    charset = charset_of(f"ISO_IR {number}")
    for letter in map(chr, range(1, 0x3000)):
        raw = encode_text(f"a{letter}", charset)
        assert len(raw) == 2
        # What the part lacks becomes a question mark, and nothing else becomes ASCII.
        assert charset.decode(raw) in (f"a{letter}", "a?")
        assert (raw == b"a?") == (letter == "?" or charset.decode(raw) != f"a{letter}")
