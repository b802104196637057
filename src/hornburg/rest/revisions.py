"""Revisions in HTTP: ``ETag``, ``If-Match``, ``If-None-Match`` (RFC 9110, 8.8.3 and 13.1).

An entity tag is ``"<revision>-<MD5>"``, as in Orthanc.
"""

from __future__ import annotations

import re
from typing import Any

from litestar import Request

from hornburg.archive.revisions import Revision
from hornburg.errors import ParameterOutOfRangeError

__all__ = ["etag", "expected_revision", "is_unchanged"]

_REVISION = re.compile(r'(?:"(\d{1,18})-([0-9a-f]{32})"|(\d{1,18})-([0-9a-f]{32}))', re.ASCII)

#: RFC 9110 8.8.3: etagc = %x21 / %x23-7E / obs-text; and our own form without quotes.
_ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"|\d{1,18}-[0-9a-f]{32}'
_LIST = re.compile(rf"\s*(?:{_ENTITY_TAG})(?:\s*,\s*(?:{_ENTITY_TAG}))*\s*", re.ASCII)
_TAG = re.compile(_ENTITY_TAG, re.ASCII)


def etag(revision: Revision) -> str:
    """The entity tag of a revision."""
    return f'"{revision.number}-{revision.md5}"'


def expected_revision(request: Request[Any, Any, Any]) -> Revision | None:
    """What the client believes to change (``If-Match``), ``None`` when it doesn't say.

    Raises:
        ParameterOutOfRangeError: the header holds anything but one entity tag of ours.
    """
    value = request.headers.get("if-match")
    if value is None:
        return None
    found = _REVISION.fullmatch(value.strip())
    if found is None:
        raise ParameterOutOfRangeError(
            'The "If-Match" HTTP header should contain the ETag (revision followed by MD5 hash), '
            f"but found: {value[:80]}"
        )
    return Revision(int(found[1] or found[3]), found[2] or found[4])


def is_unchanged(request: Request[Any, Any, Any], tag: str) -> bool:
    """Whether the client has this state already (``If-None-Match``).

    Entity tags are compared weakly (RFC 9110, 13.1.2).

    Raises:
        ParameterOutOfRangeError: the header holds no entity tags.
    """
    value = request.headers.get("if-none-match")
    if value is None:
        return False
    if value.strip() == "*":
        return True
    if len(value) > 4096 or _LIST.fullmatch(value) is None:
        raise ParameterOutOfRangeError(
            'The "If-None-Match" HTTP header should contain the ETag (revision followed by MD5 '
            f"hash), but found: {value[:80]}"
        )
    ours = tag.strip('"')
    return any(found.removeprefix("W/").strip('"') == ours for found in _TAG.findall(value))
