"""``Content-Disposition``, and types that no browser may execute."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.rest.disposition import OCTETS, disposition, harmless

# RFC 6266 4.1 and RFC 8187 3.2.1, as far as we write it.
_FORM = re.compile(
    r"(inline|attachment); filename=\"[^\x00-\x1f\x7f\"\\/]+\""
    r"(; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+)?"
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.dcm", 'attachment; filename="a.dcm"'),
        ("a b.dcm", 'attachment; filename="a b.dcm"'),
        ("Müller.dcm", "attachment; filename=\"Muller.dcm\"; filename*=UTF-8''M%C3%BCller.dcm"),
        ("山田", "attachment; filename=\"file\"; filename*=UTF-8''%E5%B1%B1%E7%94%B0"),
        ('a"b', 'attachment; filename="a_b"'),
        ("a\r\nX: y", 'attachment; filename="a__X_ y"'),
        ("../../x", 'attachment; filename="_.._x"'),
        ("...", 'attachment; filename="file"'),
        ("50%41", "attachment; filename=\"50_41\"; filename*=UTF-8''50%2541"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert disposition(name) == expected


def test_shown() -> None:
    assert disposition("a.pdf", shown=True) == 'inline; filename="a.pdf"'


@given(st.text(max_size=300))
def test_any_name_is_one_well_formed_header(name: str) -> None:
    value = disposition(name)
    assert value.isascii()
    assert _FORM.fullmatch(value) is not None
    assert len(value) < 3000
    if "filename*" in value:
        told = unquote(value.split("UTF-8''")[1])
        assert not set(told) & set('/\\"\r\n')


@pytest.mark.parametrize(
    "mime",
    ["text/html", "TEXT/HTML; charset=x", "application/xhtml+xml", "image/svg+xml", "text/xml",
     "application/javascript", "text/css", "text/x-anything", "application/x-shockwave-flash",
     "multipart/related", "message/rfc822", "application/wasm", "application/x-java-applet"],
)  # fmt: skip
def test_what_a_browser_could_execute(mime: str) -> None:
    assert harmless(mime) == (OCTETS, False)


@pytest.mark.parametrize(
    ("mime", "expected"),
    [
        ("application/pdf", ("application/pdf", False)),
        ("image/png", ("image/png", True)),
        ("text/plain; charset=utf-8", ("text/plain; charset=utf-8", True)),
        ("application/zip", ("application/zip", False)),
        (None, (OCTETS, False)),
    ],
)
def test_what_stays(mime: str | None, expected: tuple[str, bool]) -> None:
    assert harmless(mime) == expected
