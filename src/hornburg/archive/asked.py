"""The filters of plug-ins for queries: those that come, and those that go out."""

from __future__ import annotations

import logging
from typing import Any

from hornburg.archive.parts import Archive
from hornburg.archive.remote import Target
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import CHARSET_TAG, Elements, decode, elements_of, encode
from hornburg.dicom.elements_json import elements_of_json
from hornburg.errors import HornburgError
from hornburg.hooks.errors import PluginFaultError
from hornburg.hooks.specs import FindRequest, QueryTags, RemoteEntity

__all__ = ["filtered", "filtered_outgoing"]

log = logging.getLogger("hornburg.plugins")

_LEVEL = 0x00080052

#: The form of what we encode for ourselves, because it keeps the VR of every element.
_EXPLICIT = "1.2.840.10008.1.2.1"


async def filtered(
    archive: Archive, hook: str, identifier: DataSet, remote: RemoteEntity, level: str = ""
) -> DataSet:
    """The identifier of a C-FIND that came, as plug-ins want it.

    Args:
        archive: whose plug-ins are asked.
        hook: ``filter_find`` or ``filter_worklist``.
        identifier: what came.
        remote: who asks.
        level: of a query that names none.

    Raises:
        PluginFaultError: a plug-in failed, refused, or made a query that makes no sense.
    """
    before = elements_of(identifier)
    after = await _ask(archive, hook, before, remote, level)
    if after is before:
        return identifier
    try:
        raw = encode(after, transfer_syntax=_EXPLICIT, charset=archive.runtime.default_encoding)
        return decode(
            raw,
            _EXPLICIT,
            default_charset=archive.runtime.default_encoding,
            dictionary=archive.dictionary,
        )
    except HornburgError as error:
        raise _no_query(hook, error) from None


async def filtered_outgoing(
    archive: Archive, query: Elements, target: Target, level: str
) -> Elements:
    """What a C-FIND that is about to be sent asks for, as plug-ins want it.

    Args:
        archive: whose plug-ins are asked.
        query: what is asked for.
        target: who will be asked.
        level: what it will be asked at; the query doesn't name it yet.

    Raises:
        PluginFaultError: as for :func:`filtered`.
    """
    if not archive.hooks.has("filter_outgoing_find"):
        return query
    modality = target.modality
    remote = RemoteEntity(modality.aet, target.local_aet, modality.host, target.name)
    return await _ask(archive, "filter_outgoing_find", query, remote, level)


async def _ask(
    archive: Archive, hook: str, before: Elements, remote: RemoteEntity, level: str
) -> Elements:
    value = before.get(_LEVEL)
    named = value.content.strip() if value is not None and isinstance(value.content, str) else ""
    shown = _shown(before)
    answer = await archive.hooks.change_query(hook, FindRequest(shown, level or named, remote))
    if answer is None:
        return before
    try:
        after = elements_of_json(answer, archive.dictionary)
    except (HornburgError, TypeError, AttributeError) as error:
        raise _no_query(hook, error) from None
    for tag, value in before.items():
        # What was left alone stays as it came; numbers are not shown, for one.
        name = _name(tag)
        if tag in after and name in answer and answer[name] == shown[name]:
            after[tag] = value
    if CHARSET_TAG in before:
        after.setdefault(CHARSET_TAG, before[CHARSET_TAG])
    return after


def _shown(elements: Elements) -> QueryTags:
    found: dict[str, Any] = {}
    for tag, (_, content) in elements.items():
        if isinstance(content, tuple):
            found[_name(tag)] = [_shown(item) for item in content]
        else:
            found[_name(tag)] = content if isinstance(content, str) else ""
    return found


def _name(tag: int) -> str:
    return f"{tag >> 16:04x},{tag & 0xFFFF:04x}"


def _no_query(hook: str, error: Exception) -> PluginFaultError:
    log.error("what %s made is no query: %s", hook, error)
    return PluginFaultError("A plug-in failed; the log of the server says how")
