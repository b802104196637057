"""What the routes that talk to other application entities have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.params import PathParameter

from hornburg.archive.jobs.tools import Tools
from hornburg.archive.remote import Target
from hornburg.archive.targets import target_of
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements
from hornburg.dicom.elements_json import elements_of_json
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form, encode
from hornburg.errors import BadFileFormatError, BadParameterTypeError, ParameterOutOfRangeError
from hornburg.rest.body import read_body
from hornburg.rest.fields import Fields
from hornburg.rest.requests import archive_of, commitments_of, flag, modalities_of, remote_of
from hornburg.settings import Modality

__all__ = [
    "MOST_JSON",
    "ModalityName",
    "boolean",
    "elements_field",
    "form_argument",
    "json_of_answers",
    "level_word",
    "members_of_body",
    "number_in_path",
    "object_body",
    "parsed",
    "target_for",
    "texts_of",
    "timeout_field",
    "tools_of",
    "whole",
    "word",
]

Asked = Request[Any, Any, Any]

#: 100,000 identifiers of 44 characters fit.
MOST_JSON = 8 << 20

#: Seconds: a day, as in the configuration.
_LONGEST_TIMEOUT = 86_400

ModalityName = Annotated[str, PathParameter(description="Symbolic name of the modality")]


def tools_of(request: Asked) -> Tools:
    """What jobs work with."""
    return Tools(
        archive_of(request),
        remote_of(request),
        commitments_of(request),
        modalities_of(request).all,
    )


def target_for(
    request: Asked, name: str, fields: Fields, modality: Modality | None = None
) -> Target:
    """A modality by its name, as ``LocalAet`` and ``Timeout`` of the body have it called.

    Raises:
        InexistentItemError: there is no such modality.
        BadFileFormatError: a member of the body makes no sense.
    """
    return target_of(
        archive_of(request).settings,
        name,
        modality or modalities_of(request).get(name),
        local_aet=word(fields, "LocalAet", ""),
        timeout=whole(fields, "Timeout", most=_LONGEST_TIMEOUT),
    )


def timeout_field(target: Target, fields: Fields) -> Target:
    """The same target with the ``Timeout`` of the body, if there is one."""
    timeout = whole(fields, "Timeout", most=_LONGEST_TIMEOUT)
    return replace(target, timeout=timeout) if timeout else target


# -- bodies; the errors are those of Orthanc's routes of this family --------------------------


def parsed(content: bytes) -> Any:
    """JSON as a string, a list of strings, or an object whose members are :class:`msgspec.Raw`.

    Other values are refused before they take memory.

    Raises:
        BadFileFormatError: it is no JSON, or none of these.
    """
    first = content.lstrip()[:1]
    if not first:
        raise BadFileFormatError("Cannot parse the JSON body: it is empty")
    try:
        if first == b"{":
            return msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        if first == b"[":
            return msgspec.json.decode(content, type=list[str])
        return msgspec.json.decode(content, type=str)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadFileFormatError(f"Cannot parse the JSON body: {error}") from None


async def members_of_body(request: Asked) -> dict[str, msgspec.Raw]:
    """The members of the body, which is a JSON object.

    Raises:
        BadFileFormatError: it is something else.
    """
    return _members(await read_body(request, MOST_JSON))


def _members(content: bytes) -> dict[str, msgspec.Raw]:
    body = parsed(content)
    if not isinstance(body, dict):
        raise BadFileFormatError("Must provide a JSON object")
    return body


async def object_body(request: Asked, *, optional: bool = False) -> Fields:
    """The same, to be read one by one; with ``optional`` the body may be missing, or be an empty
    list, as some clients send it."""
    content = await read_body(request, MOST_JSON)
    if optional and content.strip() in (b"", b"[]"):
        return Fields({})
    return Fields(_members(content))


def word(fields: Fields, name: str, default: str | None = None) -> str:
    """A member that is a string; without a default it must be there."""
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise BadFileFormatError(f"String value expected in field: {name}")
    return value


def whole(fields: Fields, name: str, default: int = 0, *, most: int) -> int:
    """A member that is an integer from 0."""
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadFileFormatError(f"Integer value expected in field: {name}")
    if not 0 <= value <= most:
        raise BadFileFormatError(f"Unsigned integer up to {most} expected in field: {name}")
    return value


def boolean(fields: Fields, name: str, default: bool = False) -> bool:
    """A member that is true or false."""
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise BadFileFormatError(f"Boolean value expected in field: {name}")
    return value


def texts_of(value: Any, sentence: str) -> list[str]:
    """A list of strings.

    Raises:
        BadFileFormatError: with the sentence; it is something else.
    """
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadFileFormatError(sentence)
    return value


def level_word(fields: Fields) -> Level:
    """``Level``, in any case, singular or plural; IMAGE is an instance (PS3.4 C.6.1.1)."""
    if "Level" not in fields:
        raise BadFileFormatError("The JSON body must contain the field Level")
    text = word(fields, "Level")
    try:
        lower = text.lower()
        return Level.from_word("instance" if lower in ("image", "images") else lower)
    except ValueError:
        raise ParameterOutOfRangeError(
            f"Level: {text[:64]!r} is none of Patient, Study, Series, Instance"
        ) from None


def elements_field(request: Asked, fields: Fields, name: str = "Query") -> Elements:
    """A member that is a query; empty when it isn't there.

    Raises:
        BadFileFormatError: it is no object.
        BadRequestError: it names what is no tag, or a value that can't be.
    """
    value = fields.get(name, {})
    if not isinstance(value, Mapping):
        raise BadFileFormatError(f"The field {name} must contain a JSON object")
    return elements_of_json(value, archive_of(request).dictionary)


# -- answers ----------------------------------------------------------------------------------


def form_argument(request: Asked) -> Form:
    """``?simplify`` and ``?short``; the full form when there is neither."""
    if flag(request, "simplify"):
        return "simplify"
    return "short" if flag(request, "short") else "full"


def json_of_answers(answers: list[DataSet] | tuple[DataSet, ...], form: Form) -> bytes:
    """Answers of other application entities as a JSON array."""
    return b"[" + b",".join(encode(answer, form, max_length=0) for answer in answers) + b"]"


def number_in_path(text: str) -> int:
    """A number that is a part of a path.

    Raises:
        BadParameterTypeError: it is none.
    """
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise BadParameterTypeError(f"{text[:64]!r} is no number")
    return int(text)
