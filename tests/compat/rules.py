"""What is made equal before answers are compared, each with its reason.

A rule takes parsed JSON and answers it without what may differ. The rules of :data:`ALWAYS` hold
for every answer; a table names the others step by step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pydicom.datadict import keyword_dict

__all__ = [
    "ALWAYS",
    "Rule",
    "any_order",
    "dates",
    "names",
    "newer_fields",
    "only",
    "uuids",
    "without",
    "yen",
]

Rule = Callable[[Any], Any]

_DATE = re.compile(r"\d{8}T\d{6}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_TAG = re.compile(r"[0-9a-f]{4},[0-9a-f]{4}")
_FIELDS = {"Name", "Type", "Value", "PrivateCreator"}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")

#: Keywords that both dictionaries have; GE's private ones hide two of the standard.
_PUBLIC = keyword_dict.keys() - {"TableSpeed", "TemporalResolution", "Status", "ZoomFactor"}

#: Since 1.11 and 1.12: labels, protection, paging backwards, and more metadata.
_NEWER = {
    "ErrorPayload",
    "First",
    "HttpHost",
    "IsProtected",
    "Labels",
    "MainDicomTagsSignature",
    "PixelDataVR",
}


def dates(value: Any) -> Any:
    """Times of arrival: the servers got the data one after the other."""
    return _texts(value, lambda text: _DATE.sub("<date>", text) if len(text) == 15 else text)


def uuids(value: Any) -> Any:
    """Names of files are random."""
    return _texts(value, lambda text: _UUID.sub("<uuid>", text))


def newer_fields(value: Any) -> Any:
    """What Orthanc has since 1.11 and Debian's 1.10 has not; lists of names and objects alike."""
    if isinstance(value, dict):
        return {key: newer_fields(item) for key, item in value.items() if key not in _NEWER}
    if isinstance(value, list):
        return [newer_fields(item) for item in value if not _is_newer(item)]
    return value


def any_order(value: Any) -> Any:
    """Orthanc does not say in which order it lists these."""
    if not isinstance(value, list):
        return value
    return sorted(value, key=lambda item: json.dumps(item, sort_keys=True))


def names(value: Any) -> Any:
    """Names of tags: each server's dictionary has its own for private tags, and its own edition
    of the standard, which retires tags (``RETIRED_…``).

    Private tags lose their name; in the form ``simplify``, where it is the key, they go.
    """
    if isinstance(value, list):
        return [names(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        plain = key.removeprefix("RETIRED_")
        if _TAG.fullmatch(key) and isinstance(item, dict):
            kept[key] = _nameless(item) if int(key[3], 16) % 2 else _unretired(item)
        elif _TAG.fullmatch(key) or plain in _PUBLIC or key in _FIELDS or _ID.fullmatch(key):
            kept[plain] = names(item)
    return kept


def _nameless(tag: dict[str, Any]) -> dict[str, Any]:
    return {key: names(item) for key, item in tag.items() if key != "Name"}


def _unretired(tag: dict[str, Any]) -> dict[str, Any]:
    name = str(tag.get("Name", "")).removeprefix("RETIRED_")
    return {key: names(item) for key, item in tag.items()} | {"Name": name}


def without(*names: str) -> Rule:
    """Leave out fields; the table says why."""

    def rule(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rule(item) for key, item in value.items() if key not in names}
        return [rule(item) for item in value] if isinstance(value, list) else value

    return rule


def only(*names: str) -> Rule:
    """Compare these fields of an object alone; the table says why."""

    def rule(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if key in names}
        return [rule(item) for item in value] if isinstance(value, list) else value

    return rule


def yen(value: Any) -> Any:
    """1.10 turns the backslash between values into the yen sign of ISO-IR 13."""
    return _texts(value, lambda text: text.replace("¥", "\\"))


ALWAYS: tuple[Rule, ...] = (newer_fields, dates, uuids)


def _is_newer(item: Any) -> bool:
    return isinstance(item, str) and item in _NEWER


def _texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _texts(item, change) for key, item in value.items()}
    return [_texts(item, change) for item in value] if isinstance(value, list) else value
