"""How answers to a C-FIND are written: in which character set, and whatever their values are."""

from __future__ import annotations

from dataclasses import dataclass

from hornburg.dicom.charset_encode import encode_text
from hornburg.dicom.charsets import ORTHANC_ENCODINGS, Charset, charset_of
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, Value, encode
from hornburg.dicom.encode import EncodeError, value_bytes

__all__ = ["AnswerForm"]

_CHARSET = 0x00080005
_UNICODE = "ISO_IR 192"
#: It comes back in every answer.
_LONGEST_CHARSET = 128


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The character set of answers: that of the query, or else ``DefaultEncoding``, as Orthanc.

    An answer that it can't hold goes in UTF-8, and says so; Orthanc drops characters.
    """

    charset: Charset
    term: str

    @classmethod
    def of(cls, identifier: DataSet, default: str) -> AnswerForm:
        """The form of the answers to a query.

        Args:
            identifier: the query.
            default: Orthanc's name of the encoding where the query names none that is known.
        """
        asked = (identifier.text(_CHARSET) or "").strip()
        if 0 < len(asked) <= _LONGEST_CHARSET:
            # A term that nobody knows gives what an empty one does.
            known = charset_of(asked, "Utf8").codec != charset_of("", "Utf8").codec
            if known or asked.upper() == _UNICODE:
                return cls(charset_of(asked, default), asked)
        term = ORTHANC_ENCODINGS.get(default, "ISO_IR 100")
        return cls(charset_of(term), term)

    def encoded(self, elements: Elements, transfer_syntax: str, instead: Elements) -> bytes:
        """The bytes of an answer.

        ``instead`` has what is written in place of values that their VR can't hold: one of a
        careless file mustn't hide the answer.
        """
        term = self.term if _fits(elements, self.charset) else _UNICODE
        elements[_CHARSET] = Value("CS", term)
        try:
            return encode(elements, transfer_syntax=transfer_syntax)
        except EncodeError:
            sound = {tag: value for tag, value in elements.items() if _is_sound(value)}
            return encode({**instead, **sound}, transfer_syntax=transfer_syntax)


def _fits(elements: Elements, charset: Charset) -> bool:
    for _vr, content in elements.values():
        if isinstance(content, str):
            if not content.isascii() and charset.decode(encode_text(content, charset)) != content:
                return False
        elif isinstance(content, tuple) and not all(_fits(item, charset) for item in content):
            return False
    return True


def _is_sound(value: Value) -> bool:
    if isinstance(value.content, tuple):
        return all(_is_sound(one) for item in value.content for one in item.values())
    try:
        value_bytes(value.vr, value.content, charset_of(_UNICODE))
    except EncodeError:
        return False
    return True
