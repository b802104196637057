"""Orthanc's JSON forms of a query or of a small data set, read into elements."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from hornburg.dicom.dictionary import DEFAULT, Dictionary
from hornburg.dicom.elements import Elements, Value
from hornburg.dicom.vrs import BINARY, resolve
from hornburg.errors import BadParameterTypeError, BadRequestError, Outside

__all__ = ["UnknownElementError", "elements_of_json"]

_DEEPEST = 16
_MOST_ELEMENTS = 50_000


class UnknownElementError(BadRequestError):
    """A name that is neither a keyword nor a tag."""

    outside = Outside(HTTPStatus.BAD_REQUEST, 27, "Unknown DICOM tag", 0xA900)


def elements_of_json(query: Mapping[str, Any], dictionary: Dictionary = DEFAULT) -> Elements:
    """The elements that a JSON object names.

    Keys are keywords or ``gggg,eeee``. A value is a text, a number, null (the empty value), a
    list of texts or numbers (several values), an object or a list of objects (the items of a
    sequence), or a data URI with base64 (bytes). Orthanc's full form (objects with ``Type`` and
    ``Value``) is understood too. Private tags find their VR by the private creator element of
    the same object.

    Raises:
        UnknownElementError: a name is no tag.
        BadParameterTypeError: a value has a form that its tag can't have.
    """
    return _Reader(dictionary).read(query, 0)


class _Reader:
    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._room = _MOST_ELEMENTS

    def read(self, query: Mapping[str, Any], depth: int) -> Elements:
        if depth > _DEEPEST:
            raise BadRequestError(f"Sequences are nested deeper than {_DEEPEST}")
        self._room -= len(query) + 1
        if self._room < 0:
            raise BadRequestError(f"More than {_MOST_ELEMENTS} elements")
        tags: dict[int, tuple[str, Any]] = {}
        for name, value in query.items():
            tag = self._dictionary.tag(name) if len(name) <= 256 else None
            if tag is None:
                raise UnknownElementError(
                    f"{name[:64]!r} is no DICOM tag: a keyword or gggg,eeee is needed"
                )
            tags[tag] = (name, _plain(value))
        elements: Elements = {}
        for tag, (name, value) in tags.items():
            vr = resolve(self._dictionary.vr(tag, _creator(tags, tag)), False)
            elements[tag] = self._value(name, vr, value, depth)
        return elements

    def _value(self, name: str, vr: str, value: Any, depth: int) -> Value:
        if isinstance(value, Mapping):
            value = [value]
        if isinstance(value, Sequence) and not isinstance(value, str):
            items = [item for item in value if isinstance(item, Mapping)]
            if items:
                if len(items) != len(value) or vr not in ("SQ", "UN"):
                    raise BadParameterTypeError(f"{name[:64]}: a {vr} can't have these items")
                return Value("SQ", tuple(self.read(item, depth + 1) for item in items))
            if vr == "SQ" and not value:
                return Value("SQ", ())
            value = "\\".join([_text(name, one) for one in value])
        text = _text(name, value)
        if vr == "SQ":
            if text:
                raise BadParameterTypeError(f"{name[:64]}: a sequence is a list of objects")
            return Value("SQ", ())
        if text.startswith("data:") and ";base64," in text[:256]:
            return Value(vr, _from_uri(name, text))
        if vr in BINARY and vr != "UN":
            if text:
                raise BadParameterTypeError(f"{name[:64]}: a {vr} is given as a data URI")
            return Value(vr)
        return Value(vr, text)


def _creator(tags: Mapping[int, tuple[str, Any]], tag: int) -> str:
    if not tag >> 16 & 1:
        return ""
    known = tags.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
    return known[1].strip() if known is not None and isinstance(known[1], str) else ""


def _plain(value: Any) -> Any:
    """The value of Orthanc's full form, ``{"Name": …, "Type": "String", "Value": …}``."""
    if isinstance(value, Mapping) and "Type" in value and "Value" in value:
        return value["Value"]
    return value


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.17g}" if isinstance(value, float) else str(value)
    raise BadParameterTypeError(f"{name[:64]}: a text, a number or a list is needed")


def _from_uri(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text.partition(";base64,")[2], validate=True)
    except binascii.Error:
        raise BadParameterTypeError(f"{name[:64]}: the data URI is no base64") from None
