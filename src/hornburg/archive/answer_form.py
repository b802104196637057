"""How answers to a C-FIND are written: in which character set, and whatever their values are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hornburg.dicom.charset_encode import encode_text
from hornburg.dicom.charsets import ORTHANC_ENCODINGS, Charset, charset_of
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import CHARSET_TAG, Elements, Value, encode
from hornburg.dicom.encode import EncodeError, value_bytes
from hornburg.dicom.prepared import Prepared

__all__ = ["AnswerForm", "AnswerWriter"]

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
        asked = (identifier.text(CHARSET_TAG) or "").strip()
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
        elements[CHARSET_TAG] = Value("CS", term)
        try:
            return encode(elements, transfer_syntax=transfer_syntax)
        except EncodeError:
            sound = {tag: value for tag, value in elements.items() if _is_sound(value)}
            return encode({**instead, **sound}, transfer_syntax=transfer_syntax)


class AnswerWriter:
    """Writes answers of texts that have all else in common: the same bytes as of
    :meth:`AnswerForm.encoded`, in a fraction of the time.

    Args:
        form: the form of the answers.
        template: an answer in which nothing has a value; what is written in place of texts that
            their VR can't hold.
        changing: tag and VR of the texts, in the order in which they will come.
        transfer_syntax: that of the answers.
    """

    __slots__ = ("_changing", "_fits", "_form", "_prepared", "_syntax", "_template")

    def __init__(
        self,
        form: AnswerForm,
        template: Elements,
        changing: Sequence[tuple[int, str]],
        transfer_syntax: str,
    ) -> None:
        self._form = form
        self._template = template
        self._changing = changing
        self._syntax = transfer_syntax
        self._fits = _fits(template, form.charset)
        self._prepared: dict[str, Prepared] = {}

    def encoded(self, texts: Sequence[str]) -> bytes:
        """The bytes of an answer.

        Raises:
            EncodeError: the template can't be written.
        """
        charset = self._form.charset
        fits = self._fits and (
            "".join(texts).isascii()
            or all(_text_fits(text, charset) for text in texts if not text.isascii())
        )
        try:
            return self._written_in(self._form.term if fits else _UNICODE).encoded(texts)
        except EncodeError:
            elements = dict(self._template)
            for (tag, vr), text in zip(self._changing, texts, strict=True):
                elements[tag] = Value(vr, text)
            return self._form.encoded(elements, self._syntax, self._template)

    def _written_in(self, term: str) -> Prepared:
        found = self._prepared.get(term)
        if found is None:
            found = self._prepared[term] = Prepared(
                self._template, self._changing, transfer_syntax=self._syntax, term=term
            )
        return found


def _text_fits(text: str, charset: Charset) -> bool:
    return text.isascii() or charset.decode(encode_text(text, charset)) == text


def _fits(elements: Elements, charset: Charset) -> bool:
    for _vr, content in elements.values():
        if isinstance(content, str):
            if not _text_fits(content, charset):
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
