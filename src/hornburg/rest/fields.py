"""Members of a JSON body, each with its type; what is wrong is said with the member's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request

from hornburg.errors import (
    BadFileFormatError,
    BadJsonError,
    BadRequestError,
    ParameterOutOfRangeError,
)
from hornburg.rest.body import read_object

__all__ = ["Fields", "read_fields"]


class Fields:
    """The members of a JSON object, read one by one.

    The errors and their sentences are those of Orthanc's ``/tools/find`` and its neighbours.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def __contains__(self, name: str) -> bool:
        return name in self._body

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without a default it must be there."""
        value = self.get(name, default)
        if not isinstance(value, str):
            raise BadRequestError(f'Field "{name}" is missing, or should be a string')
        return value

    def number(self, name: str) -> int:
        """An integer from 0, which is what it is when missing."""
        value = self.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadRequestError(f'Field "{name}" should be an integer')
        if value < 0:
            raise ParameterOutOfRangeError(f'Field "{name}" should be a positive integer')
        return value

    def boolean(self, name: str, *, default: bool = False, numbers: bool = False) -> bool:
        """A Boolean; with ``numbers``, 0 and 1 too."""
        value = self.get(name, default)
        if isinstance(value, bool):
            return value
        if numbers and value in (0, 1) and isinstance(value, int):
            return bool(value)
        raise BadRequestError(f'Field "{name}" should be a Boolean')

    def form_flag(self, name: str) -> bool:
        """``Full`` or ``Short``."""
        value = self.get(name, False)
        if not isinstance(value, bool):
            raise BadFileFormatError(f"Boolean value expected in field: {name}")
        return value

    def texts(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of strings, none when missing."""
        value = self.get(name, None if required else [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadFileFormatError(f"List of strings expected in field: {name}")
        return tuple(value)

    def objects(self, name: str) -> tuple[Fields, ...]:
        """A list of objects, none when missing."""
        value = self.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise BadRequestError(f'Field "{name}" should be a list of JSON objects')
        return tuple(map(Fields, value))

    def mapping(self, name: str, kind: str, *, required: bool = False) -> Mapping[str, str]:
        """An object of strings; ``kind`` is what its members are, for errors."""
        value = self.get(name, None if required else {})
        if not isinstance(value, dict):
            raise BadRequestError(f'Field "{name}" is missing, or should be a JSON object')
        for key, text in value.items():
            if not isinstance(text, str):
                raise BadRequestError(f'{kind} "{key[:64]}" should be associated with a string')
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """A member as it is.

        Raises:
            BadRequestError: it is no JSON.
        """
        value = self._body.get(name, default)
        if not isinstance(value, msgspec.Raw):
            return value
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadRequestError(f'Field "{name}" is no JSON: {error}') from error


async def read_fields(request: Request[Any, Any, Any]) -> Fields:
    """The body of a request as members.

    Raises:
        BadRequestError: it is no JSON, or no object.
    """
    try:
        return Fields(await read_object(request))
    except BadJsonError as error:
        # To Orthanc it is all the same, and so it is to its clients.
        raise BadRequestError(f"The body must contain a JSON object; {error}") from error
