"""The arguments that many routes of resources share: the form of tags, requested tags, contents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from litestar import Request

from hornburg.archive.parts import Archive
from hornburg.archive.requested import Requested
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form
from hornburg.errors import BadParameterTypeError, ParameterOutOfRangeError
from hornburg.rest.requests import flag
from hornburg.rest.resource_json import USUAL, ResourceWriter, contents_of

__all__ = ["View", "is_expanded_list", "number_of", "view_of"]

Asked = Request[Any, Any, Any]

#: Beyond all that an index can hold.
_LARGEST = 10**18


@dataclass(frozen=True, slots=True)
class View:
    """How resources are shown. ``requested`` are names of tags."""

    form: Form = "simplify"
    requested: tuple[str, ...] = ()
    contents: frozenset[str] = USUAL

    def writer(self, archive: Archive) -> ResourceWriter:
        """What writes them."""
        return ResourceWriter(archive, self.form, self.contents)

    def tags(self, archive: Archive, level: Level) -> Requested:
        """The tags that are shown besides.

        Raises:
            BadRequestError: one of them is unknown.
        """
        return Requested.of(archive, level, self.requested, self.form)


_USUAL_VIEW = View()


def view_of(request: Asked) -> View:
    """Read ``full``, ``short``, ``requested-tags`` and ``response-content``.

    Raises:
        ParameterOutOfRangeError: ``response-content`` names something unknown.
    """
    if not request.scope["query_string"]:
        return _USUAL_VIEW
    # Of both, Orthanc takes "short".
    form: Form = (
        "short" if flag(request, "short") else "full" if flag(request, "full") else "simplify"
    )
    contents = _listed(request, "response-content")
    return View(
        form,
        _listed(request, "requested-tags") or _listed(request, "requestedTags"),
        contents_of(contents) if contents else USUAL,
    )


def _listed(request: Asked, name: str) -> tuple[str, ...]:
    text = request.query_params.get(name)
    return tuple(part.strip() for part in text.split(";") if part.strip()) if text else ()


def number_of(request: Asked, name: str) -> int | None:
    """An argument that is a number from 0; none when it is not there.

    Raises:
        BadParameterTypeError: it is no integer.
        ParameterOutOfRangeError: it is below 0.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,64}", text):
        raise BadParameterTypeError(f"{name}: {text[:64]!r} is no integer")
    if text.startswith("-") and int(text):
        raise ParameterOutOfRangeError(f"{name}: a number from 0 is needed")
    return min(int(text), _LARGEST)


def is_expanded_list(request: Asked) -> bool:
    """Whether a list shows whole resources: ``expand``, or ``response-content``, which wins."""
    return flag(request, "expand") or bool(_listed(request, "response-content"))
